"""Prepares the dashboard of a saver without transactions: one welcome card with a single next step."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse

from savings.dashboard import Holdings, Saving
from web.messages import dashboard as messages
from web.pages.plan_start import PURPOSES


def welcome(holdings: Holdings) -> dict[str, Any]:
    """Return the context of the welcome card: suggestions before the first plan, and then its first payment."""
    newest: Saving | None = next(iter(holdings.plans), None)
    start = reverse("plans:start")
    suggestions = [(purpose.name, f"{start}?for={key}", key) for key, purpose in PURPOSES.items()]
    return {
        "plan": newest,
        "suggestions": [] if newest else [*suggestions, (messages.OTHER_PURPOSE, start, "plus")],
        "steps": [
            (messages.NAME_IT, newest is not None),
            (messages.pay_in(settings.TOP_UP_MIN_KOBO), False),
            (messages.WATCH_IT_GROW, False),
        ],
    }
