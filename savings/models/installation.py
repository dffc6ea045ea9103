"""The installation as a whole: which history this database holds, and what it was set up with. One row."""

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
        row, _ = self.get_or_create(pk=Installation.ONLY)
        if not row.epoch:
            # Of two processes at once, the first one's counts for both.
            self.filter(pk=row.pk, epoch="").update(epoch=new_epoch())
            row.refresh_from_db()
        return row

    def touch(self) -> None:
        """Mark that something everybody may be shown has changed: all cached pages are keyed by `version`."""
        self.filter(pk=1).update(version=F("version") + 1)


class Installation(models.Model):
    """Facts about this database as a whole, in a single row."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    # The settings that every amount and every day in this database depends on. Empty until there is money.
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="")
    # Names the history in this database. Counters go back when a backup is restored; this is then drawn again
    # (`manage.py restored`), and nothing that Redis or a browser remembers of the lost history fits it.
    # Empty only until the row is read, if the previous release made it.
    epoch = models.CharField(max_length=32, blank=True, default=new_epoch, db_default="")
    # Bumped in the transaction of any change to what everybody is shown: products and their rates.
    version = models.BigIntegerField(default=0, db_default=0)

    objects = InstallationManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_once")]

    def __str__(self) -> str:
        return "This installation"


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
