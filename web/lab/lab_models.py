"""The models of the lab's own tables for the lesson of N+1 queries. No other code of the site sees them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.db import models

# A registry of their own: migrations, permissions, the admin and the page cache do not know these models.
_registry = Apps([AppConfig("web.lab", import_module("web.lab"))])


class _LabModel(models.Model):
    """A model whose table the lab makes itself."""

    class Meta:
        abstract = True
        apps = _registry
        app_label = "lab"
        managed = False


class LabPlan(_LabModel):
    """A plan, with as much of it as the lesson needs."""

    name = models.CharField(max_length=80)

    # What the relations below add; mypy's plugin looks only into Django's own registry.
    transactions: Any
    account: Any

    objects: models.Manager[LabPlan] = models.Manager()

    class Meta(_LabModel.Meta):
        db_table = "lab_plans"

    def __str__(self) -> str:
        return self.name


class LabAccount(_LabModel):
    """The account of a plan: a one-to-one relation."""

    plan = models.OneToOneField(LabPlan, on_delete=models.PROTECT, related_name="account")
    balance_kobo = models.BigIntegerField()

    objects: models.Manager[LabAccount] = models.Manager()

    class Meta(_LabModel.Meta):
        db_table = "lab_accounts"

    def __str__(self) -> str:
        return f"account {self.pk}"


class LabTransaction(_LabModel):
    """A transaction of a plan: the foreign key of the article."""

    reference = models.CharField(max_length=40)
    plan = models.ForeignKey(LabPlan, on_delete=models.PROTECT, related_name="transactions")

    objects: models.Manager[LabTransaction] = models.Manager()

    class Meta(_LabModel.Meta):
        db_table = "lab_movements"

    def __str__(self) -> str:
        return self.reference


class LabSharedTransaction(_LabModel):
    """A transaction among those whose rows share so many plans; 0 if each has a plan of its own."""

    sharing = models.IntegerField()
    reference = models.CharField(max_length=40)
    plan = models.ForeignKey(LabPlan, on_delete=models.PROTECT, related_name="+")

    objects: models.Manager[LabSharedTransaction] = models.Manager()

    class Meta(_LabModel.Meta):
        db_table = "lab_shared_movements"

    def __str__(self) -> str:
        return self.reference


class LabSaver(_LabModel):
    """A saver, who may be in many circles."""

    name = models.CharField(max_length=80)

    objects: models.Manager[LabSaver] = models.Manager()

    class Meta(_LabModel.Meta):
        db_table = "lab_savers"

    def __str__(self) -> str:
        return self.name


class LabCircle(_LabModel):
    """A circle with many savers: a many-to-many relation."""

    name = models.CharField(max_length=80)
    members = models.ManyToManyField(LabSaver, related_name="circles", db_table="lab_circle_members")

    objects: models.Manager[LabCircle] = models.Manager()

    class Meta(_LabModel.Meta):
        db_table = "lab_circles"

    def __str__(self) -> str:
        return self.name
