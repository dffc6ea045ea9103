"""Prepares the dashboard of a saver without transactions: one welcome card with a single next step."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from savings.dashboard import Holdings, Saving

# What a first plan may be for: the value of `?for=` on the page that starts a plan, and the name that it fills in.
PURPOSES = {
    "rent": "Rent",
    "school-fees": "School fees",
    "emergency": "Emergency",
    "car": "Car",
    "wedding": "Wedding",
}


def welcome(holdings: Holdings) -> dict[str, Any]:
    """Return the context of the welcome card: suggestions before the first plan, and then its first payment."""
    newest: Saving | None = next(iter(holdings.plans), None)
    start = reverse("plans:start")
    suggestions = [(name, f"{start}?for={purpose}") for purpose, name in PURPOSES.items()]
    return {
        "plan": newest,
        "suggestions": [] if newest else [*suggestions, ("Something else", start)],
        "steps": [
            ("Name it", newest is not None),
            ("Pay in", False),
            ("Watch it grow", False),
        ],
    }
