"""The treasury page: what the house holds and owes, what is left to remit, and the movements to ask for."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from savings import ledger, money
from savings.models import CoverageDay, StaffRequest
from web.messages import backoffice as messages

_MONTHS = 3


class Movement(NamedTuple):
    """A movement of the house's money that staff ask for: its name, when it is needed, and the URL of its form."""

    name: str
    when: str
    url: str


def treasury() -> dict[str, Any]:
    """Return the context of the page. The balances are those of the last stored day, so no entry is summed."""
    newest = CoverageDay.objects.order_by("-day_on").first()
    form_url = reverse("admin:ask", args=["treasury"])
    waiting = StaffRequest.objects.waiting().filter(action="treasury").order_by("pk")
    return {
        "coverage": newest,
        "covered": money.percent(newest.covered_bps) if newest and newest.covered_bps is not None else "",
        "surplus": money.naira(abs(newest.held_kobo - newest.owed_kobo)) if newest else "",
        "is_short": newest is not None and newest.held_kobo < newest.owed_kobo,
        "banks": [
            (name, settings_name, value)
            for name, settings_name, value in (
                (messages.SAVERS_BANK, "CUSTOMERS_BANK", settings.OPERATOR.customers_bank),
                (messages.OWN_BANK, "OWN_BANK", settings.OPERATOR.own_bank),
            )
        ],
        **_to_remit(),
        "movements": [
            (
                group,
                [
                    Movement(
                        ledger.Purpose(purpose).label,
                        messages.TREASURY_MOVEMENTS[purpose],
                        f"{form_url}?purpose={purpose}",
                    )
                    for purpose in purposes
                ],
            )
            for group, purposes in messages.TREASURY_GROUPS.items()
        ],
        "waiting": list(waiting),
    }


def _to_remit() -> dict[str, Any]:
    """Return what is left to remit: of the last months, of all before, and together."""
    months = _last_months()
    rows = [(month_on, ledger.left_to_remit(month_on)) for month_on in months]
    earlier = ledger.left_to_remit_before(months[-1])
    columns = zip(*(sums for _, sums in rows), earlier, strict=True)
    return {
        "months": rows,
        "earlier": earlier,
        "together": [(column[0][0], sum(kobo for _, kobo in column)) for column in columns],
    }


def _last_months() -> list[datetime.date]:
    """Return the first days of this month and of those before it, the newest first."""
    first = timezone.localdate().replace(day=1)
    months = [first]
    while len(months) < _MONTHS:
        first = (first - datetime.timedelta(days=1)).replace(day=1)
        months.append(first)
    return months
