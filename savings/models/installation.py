"""The installation as a whole: the one row that says which history this database holds."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.signals import post_delete, post_save


def new_epoch() -> str:
    """Return a random name for the history that a database holds from now on."""
    return secrets.token_hex(8)


class InstallationManager(models.Manager["Installation"]):
    def the_row(self) -> Installation:
        """Return the one row, and make it where it is missing."""
        return self.get_or_create(pk=1)[0]

    def touch(self) -> None:
        """Mark that something everybody may be shown has changed: all cached pages are keyed by `version`."""
        self.filter(pk=1).update(version=F("version") + 1)


class Installation(models.Model):
    """Facts about this database as a whole, in a single row."""

    # Names the history in this database. Counters go back when a backup is restored; this is then drawn again
    # (`manage.py restored`), and nothing that Redis or a browser remembers of the lost history fits it.
    epoch = models.CharField(max_length=32, default=new_epoch)
    # Bumped in the transaction of any change to what everybody is shown: products and their rates.
    version = models.BigIntegerField(default=0, db_default=0)

    objects = InstallationManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_single_row")]

    def __str__(self) -> str:
        return f"history {self.epoch}"


class ShownToAllQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Rows that everybody may be shown: changing several at once moves the version as saving one does."""

    def update(self, **changes: Any) -> int:
        with transaction.atomic(using=self.db):
            changed = super().update(**changes)
            Installation.objects.touch()
        return changed

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Row]:
        with transaction.atomic(using=self.db):
            made = super().bulk_create(objs, *args, **kwargs)
            Installation.objects.touch()
        return made


def _shown_to_all_changed(**_: Any) -> None:
    Installation.objects.touch()


def shown_to_all[Model: type[models.Model]](model: Model) -> Model:
    """Class decorator: each change of a row of this model moves the installation's version, in its transaction."""
    for signal in (post_save, post_delete):
        signal.connect(_shown_to_all_changed, sender=model, dispatch_uid=f"shown_to_all:{model.__name__}")
    return model
