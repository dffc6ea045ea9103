"""The installation as a whole: the epoch of this database and its fixed settings. One row."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.signals import post_delete, post_save


def new_epoch() -> str:
    """Return a new random epoch: the name of the history that a database holds from now on."""
    return secrets.token_hex(8)


class InstallationManager(models.Manager["Installation"]):
    def the_row(self) -> Installation:
        """Return the single row. Creates it where it is missing, and gives it an epoch where that is empty."""
        row, _ = self.get_or_create(pk=Installation.ONLY)
        if not row.epoch:
            # Of two processes at the same time the first one wins.
            self.filter(pk=row.pk, epoch="").update(epoch=new_epoch())
            row.refresh_from_db()
        return row

    def touch(self) -> None:
        """Increment the version, part of the cache key of every page, after a change that all users may see."""
        self.filter(pk=1).update(version=F("version") + 1)


class Installation(models.Model):
    """Facts about this database as a whole, in a single row."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    # The settings on which every amount and every day in this database depends. Empty until there is money.
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="")
    # Names the history in this database. Version counters go back when a backup is restored; `manage.py restored` then
    # sets a new epoch, so that nothing in Redis or a browser from the lost history matches it. Empty only until the
    # row is read, if the previous release created it.
    epoch = models.CharField(max_length=32, blank=True, default=new_epoch, db_default="")
    # Incremented in the transaction of any change that all users see: products and their rates.
    version = models.BigIntegerField(default=0, db_default=0)

    objects = InstallationManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_once")]

    def __str__(self) -> str:
        return "This installation"


class ShownToAllQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Rows that all users may see. Changes of several rows increment the installation's version, as saving one does."""

    def update(self, **changes: Any) -> int:
        with transaction.atomic(using=self.db):
            changed = super().update(**changes)
            Installation.objects.touch()
        return changed

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Row]:
        with transaction.atomic(using=self.db):
            created = super().bulk_create(objs, *args, **kwargs)
            Installation.objects.touch()
        return created


def _shown_to_all_changed(**_: Any) -> None:
    Installation.objects.touch()


def shown_to_all[Model: type[models.Model]](model: Model) -> Model:
    """Class decorator: each change of a row of this model increments the installation's version, in its transaction."""
    for signal in (post_save, post_delete):
        signal.connect(_shown_to_all_changed, sender=model, dispatch_uid=f"shown_to_all:{model.__name__}")
    return model
