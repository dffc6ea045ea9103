"""The head of a receipt: how a transaction ended, in plain words, and what its saver can do next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from savings import money, payments
from savings.exceptions import Refused
from savings.ledger import Step
from savings.models import Account, Entry, Payment, Plan, Transaction
from savings.payments import CARD_FAILURES
from savings.plans import check_accepts_money, milestone
from web import date_formats
from web.messages import cards as card_messages
from web.messages import payments as messages
from web.messages import plans as plan_messages
from web.messages import transactions as transaction_messages

Kind, Status = Transaction.Kind, Transaction.Status
_SAVED = {Kind.TOP_UP, Kind.STASH_TO_PLAN, Kind.STASH_DEPOSIT, Kind.AUTOSAVE}
_ABOUT_PLAN: dict[str, Callable[[str], str]] = {
    Kind.INTEREST: transaction_messages.interest_on,
    Kind.TAX_WITHHELD: transaction_messages.tax_on_interest_of,
    Kind.PENALTY: transaction_messages.penalty_of,
}
# From so many days on, a check takes longer than usual.
_DAYS_OF_CHECK = 3
# The provider's messages that say no more than the sentence does.
_SAYS_NOTHING = {"", "declined", "failed"}


class Link(NamedTuple):
    """A next step: its words and its URL."""

    words: str
    url: str


class Progress(NamedTuple):
    """How full a plan was after the payment: percent as text, its target, and what was left to go.

    `milestone` says which quarter of the goal this payment reached; empty if none.
    """

    percent: str
    target: str
    # Empty once the goal is reached.
    to_go: str
    milestone: str


class Outcome(NamedTuple):
    """How a transaction ended.

    `sum` is the headline where it is not the amount of the transaction. The links of what `is_quiet` ask for nothing.
    """

    title: str
    text: str = ""
    sum: str = ""
    links: tuple[Link, ...] = ()
    progress: Progress | None = None
    # Names and amounts.
    rows: tuple[tuple[str, str], ...] = ()
    needs_help: bool = False
    is_quiet: bool = False


def outcome(
    movement: Transaction, payment: Payment | None, entries: Iterable[Entry], *, steps: Sequence[Step] = ()
) -> Outcome:
    """Return the head of a receipt. Costs a query only for the balance of the stash after a payment has failed.

    A withdrawal on its way is where its `steps` are, and one that came back ended as the last of them says.
    """
    if movement.status == Status.SUCCESS and movement.kind in _SAVED:
        return _saved(movement, payment, entries)
    if movement.status == Status.SUCCESS and movement.kind == Kind.PLAN_TO_STASH:
        return _moved_to_stash(movement)
    if payment is not None and movement.status in {Status.FAILED, Status.ABANDONED}:
        return _failed(movement, payment)
    if payment is not None and movement.status == Status.REVIEW:
        return _in_review(movement, payment, entries)
    if payment is not None and movement.status == Status.PENDING:
        return Outcome(messages.waiting_for(movement.amount_kobo), _pending(movement, payment))
    return _withdrawal(movement, steps) if movement.kind == Kind.STASH_WITHDRAWAL else _other(movement)


def _withdrawal(movement: Transaction, steps: Sequence[Step]) -> Outcome:
    came_back = transaction_messages.WITHDRAWAL_CAME_BACK.get(movement.status, "")
    if came_back:
        return Outcome(came_back, steps[-1].note if steps else "")
    now = next((step.title for step in steps if step.state == "now"), "")
    return Outcome(_title(movement), now)


def _other(movement: Transaction) -> Outcome:
    withdrawal = movement.part_of if movement.kind == Kind.FEE else None
    if withdrawal is None:
        return Outcome(_title(movement))
    url = reverse("transactions:receipt", args=[withdrawal.reference])
    return Outcome(_title(movement), links=(Link(messages.SEE_WITHDRAWAL, url),), is_quiet=True)


def _title(movement: Transaction) -> str:
    """Return what a transaction is about that nobody asked for by itself; else the name of its kind."""
    if movement.kind == Kind.STASH_WITHDRAWAL:
        is_paid = movement.status == Status.SUCCESS
        title = transaction_messages.withdrawn if is_paid else transaction_messages.withdrawal_of
        return title(movement.amount_kobo)
    if movement.kind == Kind.FEE and movement.part_of:
        return transaction_messages.fee_for(movement.part_of.amount_kobo)
    about = _ABOUT_PLAN.get(movement.kind)
    return about(movement.plan.name) if about and movement.plan else movement.get_kind_display()


def _saved(movement: Transaction, payment: Payment | None, entries: Iterable[Entry]) -> Outcome:
    plan = movement.plan
    if plan is None:
        meant_for = payment.meant_for if payment else None
        why = messages.put_in_stash(str(meant_for)) if meant_for else ""
        links: tuple[Link, ...] = (
            Link(messages.SEE_STASH, reverse("stash:home")),
            Link(messages.ADD_MORE, reverse("stash:fund")),
        )
        return Outcome(messages.saved_in(movement.amount_kobo, ""), why, links=links)
    links = (Link(messages.SEE_PLAN, reverse("plans:detail", args=[plan.pk])),)
    if movement.kind != Kind.AUTOSAVE and _accepts_money(plan):
        links += (Link(messages.TOP_UP_AGAIN, reverse("plans:top_up", args=[plan.pk])),)
    title = messages.saved_in(movement.amount_kobo, plan.name)
    return Outcome(title, links=links, progress=_progress(plan, entries))


def _moved_to_stash(movement: Transaction) -> Outcome:
    why, plan = "", movement.plan
    links: tuple[Link, ...] = (Link(messages.SEE_STASH, reverse("stash:home")),)
    if plan is not None and plan.is_matured(timezone.localdate(movement.created_on)):
        why = messages.has_matured(plan.name)
        links += (Link(messages.START_PLAN, reverse("plans:start")),)
    return Outcome(messages.moved_to_stash(movement.amount_kobo), why, links=links)


def _progress(plan: Plan, entries: Iterable[Entry]) -> Progress | None:
    """Return the progress right after the payment; later ones do not change a receipt."""
    into_plan = [entry for entry in entries if entry.credit_account.plan_id == plan.pk]
    after_kobo = into_plan[-1].credit_balance_kobo if into_plan else None
    if not plan.target_kobo or after_kobo is None:
        return None
    left_kobo = max(0, plan.target_kobo - after_kobo)
    before_kobo = after_kobo - into_plan[-1].amount_kobo
    reached = milestone(plan.target_kobo, before_kobo=before_kobo, after_kobo=after_kobo)
    return Progress(
        str(min(100, after_kobo * 100 // plan.target_kobo)),
        money.short(plan.target_kobo),
        plan_messages.to_go(left_kobo) if left_kobo else "",
        milestone=messages.MILESTONES.get(reached, ""),
    )


def _failed(movement: Transaction, payment: Payment) -> Outcome:
    if movement.status == Status.ABANDONED:
        left = messages.left_without_paying(movement.amount_kobo)
        text = messages.ABANDONED.get(movement.failure_code, left)
        return _again_later(movement, messages.NOT_FINISHED_TITLE, text)
    if payment.saved_card_id is not None and movement.failure_code in CARD_FAILURES:
        text = messages.card_failed(CARD_FAILURES[movement.failure_code])
        return _again_later(movement, messages.FAILED_TITLE, text)
    text = messages.FAILURES.get(movement.failure_code, messages.FAILURES["failed"])
    reason = payment.provider_message.strip().rstrip(".")
    if reason.lower() not in _SAYS_NOTHING:
        text = messages.with_reason(text, reason)
    return _again_later(movement, messages.FAILED_TITLE, text)


def _again_later(movement: Transaction, title: str, text: str) -> Outcome:
    return Outcome(title, text, links=_next_steps(movement), needs_help=True)


def _pending(movement: Transaction, payment: Payment) -> str:
    if payment.saved_card_id is None:
        asked = payments.poll_times(movement.created_on)
        return messages.waiting_for_payment([date_formats.moment(at) for at in asked])
    return card_messages.APPROVE if payment.checkout_url else messages.WAITING_FOR_CARD


def _in_review(movement: Transaction, payment: Payment, entries: Iterable[Entry]) -> Outcome:
    title = messages.REVIEW_TITLE
    held = [entry for entry in entries if entry.code == Entry.Code.SUSPENSE]
    arrived_kobo = sum(entry.amount_kobo for entry in held)
    if not arrived_kobo:
        text = messages.REVIEWS.get(payment.review_reason, messages.NO_ANSWER)
        age = timezone.localdate() - timezone.localdate(movement.created_on)
        if age.days > _DAYS_OF_CHECK and settings.OPERATOR.contact:
            text = f"{text} {messages.LONG_CHECK}"
        return Outcome(title, text, needs_help=True)
    arrived = money.naira(arrived_kobo)
    rows = ((messages.ASKED_FOR, money.naira(movement.amount_kobo)), (messages.ARRIVED, arrived))
    text = messages.part_being_checked(movement.amount_kobo, arrived_kobo)
    return Outcome(title, text, arrived, rows=rows, needs_help=True)


def _next_steps(movement: Transaction) -> tuple[Link, ...]:
    """Return the ways to pay the same amount again: each form that they open has a reference of its own."""
    plan, query = movement.plan, {"amount": money.figures(movement.amount_kobo)}
    if plan is None or not _accepts_money(plan):
        words = messages.ADD_TO_STASH if plan else _again(movement)
        return (Link(words, f"{reverse('stash:fund')}?{urlencode(query)}"),)
    url = reverse("plans:top_up", args=[plan.pk])
    again = Link(_again(movement), f"{url}?{urlencode(query)}")
    if _stash_kobo(movement.user_id) < movement.amount_kobo:
        return (again,)
    return again, Link(messages.PAY_FROM_STASH, f"{url}?{urlencode(query | {'from': 'stash'})}")


def _again(movement: Transaction) -> str:
    """Return the words of a link to pay again: a card that a bank declined is not worth another try."""
    is_declined = movement.failure_code == "failed" or movement.failure_code in CARD_FAILURES
    return (
        messages.TRY_ANOTHER_CARD if movement.status == Status.FAILED and is_declined else messages.TRY_AGAIN
    )


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
