"""The sentences of the pages about cases and requests. Staff read them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from savings import money
from savings.models import Transaction
from web import date_formats

# What giving and taking back mean, by the value of the choice.
GOODWILL_PICKS = {
    "gives": "We pay it from our own money into the saver’s stash or plan.",
    "takes": "Only goodwill that was given by mistake. Never more than was given.",
}
INTEREST_PICKS = {
    "gives": "Too little was posted. Tax is withheld from what you type.",
    "takes": "Too much was posted. The tax on it is taken back too.",
}
ASSIGNED_TO_NOBODY = "Nobody works on this case now."
OPENED = "The case is open, and you work on it."
NOTE_WRITTEN = "Your note is stored."
SOLVED = "The case is solved."
REFUSED = "You refused the request. The person who asked sees your reason."
WITHDRAWN = "You took the request back. Nothing was posted."
NOT_SEEN = "Look at the preview first, then ask for approval."
ANOTHER_DECIDES_PAYOUT = "An approver decides about withdrawals. Your role doesn’t."
OWN_PAYOUT = "This is your own withdrawal. Somebody else has to decide it."
NOT_WAITING_PAYOUT = "This withdrawal does not wait for approval."
PAYOUT_IS_DECIDED = "Nothing is left to decide: the withdrawal has ended."
PROVIDER_AWAY = "The provider did not answer. Try again in a minute."

# What a request is made on, by its name in `StaffRequest.facts`.
_FACTS = {
    "status": "State",
    "in_suspense_kobo": "In suspense",
    "disputed": "Disputed",
    "gone_back": "Went back before",
    "owed_kobo": "Owed",
    "goodwill_kobo": "Goodwill so far",
    "posting": "Last interest posting",
    "corrections": "Corrections so far",
    "claimed_kobo": "Claimed",
    "dispute": "State of the dispute",
    "answer": "Our answer so far",
}


def assigned_to(name: str) -> str:
    return f"{name} works on this case now."


def asked(until: datetime.datetime) -> str:
    return f"You asked for it. Somebody else has to approve it by {date_formats.moment(until)}."


def done(action: str, reference: str) -> str:
    return f"{action}: done, as {reference}." if reference else f"{action}: done."


def void(why: str) -> str:
    return f"Nothing was posted: the request is void. {why}"


def expired(why: str) -> str:
    return f"Nothing was posted: the request has expired. {why}"


CONTESTED = "The dispute is contested. The worker sends the evidence within a minute."


def none_possible(actions: Iterable[str], why: str) -> str:
    """Return that none of some actions is possible, and why."""
    return f"{', '.join(action.removesuffix('…') for action in actions)}: {why}"


def payout_approved(reference: str) -> str:
    return f"Withdrawal {reference} is approved. The worker sends it when it is due."


def new_product(name: str) -> str:
    return f"New product: {name}"


def product_change(name: str, *, only_rates: bool) -> str:
    return f"{name}: new rates" if only_rates else f"{name}: new terms"


def fact(name: str, value: Any) -> tuple[str, str]:
    """Return the label and the text of a fact of a request."""
    label = _FACTS.get(name, name.replace("_", " ").capitalize())
    if name.endswith("_kobo"):
        return label, money.naira(value)
    if name == "status":
        return label, str(Transaction.Status(value).label)
    if isinstance(value, bool):
        return label, "Yes" if value else "No"
    if isinstance(value, list):
        return label, ", ".join(map(str, value)) or "Nothing"
    return label, str(value).replace("-", " ") if value not in (None, "") else "None"
