"""The Django app of the business rules."""

import datetime
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate

# The first rate of withholding tax applies from before any interest could have been posted.
_FIRST_DAY = datetime.date(2020, 1, 1)


class SavingsConfig(AppConfig):
    name = "savings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Connects the tasks to the signals of the outbox and the leaderboards.
        from savings import tasks  # noqa: F401, PLC0415

        post_migrate.connect(store_first_tax_rate, sender=self)


def store_first_tax_rate(sender: AppConfig, using: str, **_: Any) -> None:
    """Store the rate of withholding tax of a new installation. Later rates are rows that staff add."""
    rates = sender.get_model("TaxRate")._default_manager.using(using)
    if not rates.exists():
        rates.create(from_on=_FIRST_DAY, rate_bps=settings.WITHHOLDING_TAX_BPS)
