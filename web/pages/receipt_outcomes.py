"""The head of a receipt: how a transaction ended, in plain words, and what its saver can do next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from savings import money
from savings.exceptions import Refused
from savings.models import Account, Entry, Payment, Plan, Transaction
from savings.plans import check_accepts_money
from web.pages.payments import what_arrived

Kind, Status = Transaction.Kind, Transaction.Status
_SAVED = {Kind.TOP_UP, Kind.STASH_TO_PLAN, Kind.STASH_DEPOSIT}
_NOTHING_LEFT = "No money left your account."
_FAILED = {
    "failed": f"Your bank declined this payment. {_NOTHING_LEFT}",
    "refused": f"The payment provider refused this payment. {_NOTHING_LEFT}",
    "reversed": "This payment was reversed, so the money goes back to you.",
}
# The provider's messages that say no more than the sentence does.
_SAYS_NOTHING = {"", "declined", "failed"}
_ABANDONED = {
    "page_lost": "The payment page did not reach us. No money has moved.",
    "never_sent": "We couldn’t reach the payment provider. No money has moved.",
}
_SAFE_MEANWHILE = "We’re checking it with the payment provider. It’s safe meanwhile."
_REVIEW = {
    "foreign_currency": "The payment came in another currency. We’re checking it with the payment provider.",
    "same_payment": "The payment provider reports this payment twice. We’re checking it with them.",
}
_NO_ANSWER = "The payment provider hasn’t told us yet what became of this payment. We’re asking them."


class Link(NamedTuple):
    """A next step: its words and its URL."""

    words: str
    url: str


class Progress(NamedTuple):
    """How full a plan was after the payment: percent as text, its target, and what was left to go.

    `reaches_goal` is whether this payment reached the goal.
    """

    percent: str
    target: str
    # Empty once the goal is reached.
    to_go: str
    reaches_goal: bool


class Outcome(NamedTuple):
    """How a transaction ended. `sum` is the headline where it is not the amount of the transaction."""

    title: str
    text: str = ""
    sum: str = ""
    links: tuple[Link, ...] = ()
    progress: Progress | None = None
    needs_help: bool = False


def outcome(movement: Transaction, payment: Payment | None, entries: Iterable[Entry]) -> Outcome:
    """Return the head of a receipt. Costs a query only for the balance of the stash after a payment has failed."""
    if movement.status == Status.SUCCESS and movement.kind in _SAVED:
        return _saved(movement, payment, entries)
    if payment is not None and movement.status in {Status.FAILED, Status.ABANDONED}:
        return _failed(movement, payment)
    if payment is not None and movement.status == Status.REVIEW:
        return _in_review(movement, payment, entries)
    return Outcome(movement.get_kind_display())


def _saved(movement: Transaction, payment: Payment | None, entries: Iterable[Entry]) -> Outcome:
    plan, amount = movement.plan, money.short(movement.amount_kobo)
    if plan is None:
        meant_for = payment.meant_for if payment else None
        why = (
            f"{meant_for} can’t take more money, so we put it in your stash."
            if meant_for
            else "in your stash"
        )
        links: tuple[Link, ...] = (
            Link("See your stash", reverse("stash:home")),
            Link("Add more", reverse("stash:fund")),
        )
        return Outcome(f"{amount} saved", why, links=links)
    links = (Link("See the plan", reverse("plans:detail", args=[plan.pk])),)
    if _accepts_money(plan):
        links += (Link("Top up again", reverse("plans:top_up", args=[plan.pk])),)
    return Outcome(f"{amount} saved", f"in {plan.name}", links=links, progress=_progress(plan, entries))


def _progress(plan: Plan, entries: Iterable[Entry]) -> Progress | None:
    """Return the progress right after the payment; later ones do not change a receipt."""
    into_plan = [entry for entry in entries if entry.credit_account.plan_id == plan.pk]
    after_kobo = into_plan[-1].credit_balance_kobo if into_plan else None
    if not plan.target_kobo or after_kobo is None:
        return None
    left_kobo = max(0, plan.target_kobo - after_kobo)
    return Progress(
        str(min(100, after_kobo * 100 // plan.target_kobo)),
        money.short(plan.target_kobo),
        f"{money.short(left_kobo)} to go" if left_kobo else "",
        reaches_goal=after_kobo - into_plan[-1].amount_kobo < plan.target_kobo <= after_kobo,
    )


def _failed(movement: Transaction, payment: Payment) -> Outcome:
    if movement.status == Status.ABANDONED:
        left = f"You left before paying {money.short(movement.amount_kobo)}. No money has moved."
        text = _ABANDONED.get(movement.failure_code, left)
        return Outcome("Payment not finished", text, links=_next_steps(movement), needs_help=True)
    text = _FAILED.get(movement.failure_code, _FAILED["failed"])
    reason = payment.provider_message.strip().rstrip(".")
    if reason.lower() not in _SAYS_NOTHING:
        text = f"{text} The reason given: {reason}."
    return Outcome("Payment failed", text, links=_next_steps(movement), needs_help=True)


def _in_review(movement: Transaction, payment: Payment, entries: Iterable[Entry]) -> Outcome:
    title = "We’re checking this payment"
    arrived_kobo = sum(entry.amount_kobo for entry in entries if entry.code == Entry.Code.SUSPENSE)
    if not arrived_kobo:
        return Outcome(title, _REVIEW.get(payment.review_reason, _NO_ANSWER), needs_help=True)
    text = f"{what_arrived(movement.amount_kobo, arrived_kobo)} {_SAFE_MEANWHILE}"
    if payment.review_reason == "channel":
        text = f"{text} We don’t accept this kind of card or payment."
    return Outcome(title, text, money.naira(arrived_kobo), needs_help=True)


def _next_steps(movement: Transaction) -> tuple[Link, ...]:
    """Return the ways to pay the same amount again: each form that they open has a reference of its own."""
    plan, query = movement.plan, {"amount": money.figures(movement.amount_kobo)}
    if plan is None or not _accepts_money(plan):
        words = "Add it to your stash" if plan else "Try again"
        return (Link(words, f"{reverse('stash:fund')}?{urlencode(query)}"),)
    url = reverse("plans:top_up", args=[plan.pk])
    again = Link("Try again", f"{url}?{urlencode(query)}")
    if _stash_kobo(movement.user_id) < movement.amount_kobo:
        return (again,)
    return again, Link("Pay from your stash", f"{url}?{urlencode(query | {'from': 'stash'})}")


def _stash_kobo(user_id: int | None) -> int:
    found = Account.objects.filter(user=user_id, kind=Account.Kind.STASH).values_list(
        "balance_kobo", flat=True
    )
    return found.first() or 0


def _accepts_money(plan: Plan) -> bool:
    try:
        check_accepts_money(plan, timezone.localdate())
    except Refused:
        return False
    return True
