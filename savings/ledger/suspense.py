"""Suspense: money that arrived for a payment in review is credited to its owner, or to another person."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.transaction import atomic
from django.utils import timezone

from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.ledger import messages
from savings.ledger.accounts import house_account, stash_account
from savings.ledger.going_back import close_review, left_in_suspense
from savings.ledger.people import check_people, check_reason, check_takes_money
from savings.ledger.posting import lock_user
from savings.ledger.transactions import open_transaction, settle
from savings.ledger.value_days import provider_value_day
from savings.models import Account, Entry, ManualPosting, Plan, Transaction, User

Kind = Transaction.Kind
Status = Transaction.Status


def release(
    reviewed: Transaction,
    *,
    reference: str,
    asked_by: User,
    approved_by: User,
    reason: str,
    amount_kobo: int | None = None,
    plan: Plan | None = None,
) -> Transaction:
    """Credit money in suspense to the user who made the payment, and return the transaction that carries it.

    See `allocate`. Raises Refused also when the payment has no user.
    """
    if reviewed.user is None:
        raise Refused(messages.OWNER_UNKNOWN, field="user")
    return allocate(
        reviewed,
        reviewed.user,
        reference=reference,
        asked_by=asked_by,
        approved_by=approved_by,
        reason=reason,
        amount_kobo=amount_kobo,
        plan=plan,
    )


def allocate(
    reviewed: Transaction,
    user: User,
    *,
    reference: str,
    asked_by: User,
    approved_by: User,
    reason: str,
    amount_kobo: int | None = None,
    plan: Plan | None = None,
) -> Transaction:
    """Credit money in suspense to a person's plan or stash, and return the transaction that carries it.

    The payment in review keeps its amount and its user; the credit is a transaction of its own, part of it. It is for
    all that is left in suspense unless `amount_kobo` says less, and earns from the day on which the money arrived, at
    most a week back. With nothing left, the review is closed. A repeat with the same reference returns the first
    transaction. Raises Refused unless two people of the staff ask and approve, for more than is left, and for a plan
    or a closed account that takes no money; ReferenceTaken when the reference belongs to other details; BadAmount for
    an amount out of range.
    """
    details = {"asked_by": asked_by, "approved_by": approved_by, "reason": reason.strip()}
    check_reason(reason)
    with atomic():
        # In ascending id, so that two of these cannot deadlock.
        for user_id in sorted({user.pk, reviewed.user_id or user.pk}):
            lock_user(user_id)
        now = Transaction.objects.select_for_update().get(pk=reviewed.pk)
        earlier = Transaction.objects.filter(reference=reference, part_of=now).first()
        if earlier is not None:
            return _same(earlier, user, amount_kobo or earlier.amount_kobo, plan, details)
        check_people(asked_by, approved_by)
        check_takes_money(user.pk)
        given = _credit(now, user, plan, reference=reference, amount_kobo=_checked_amount(now, amount_kobo))
        ManualPosting.objects.create(transaction=given, **details)
        close_review(now.pk)
    return given


def _credit(
    reviewed: Transaction, user: User, plan: Plan | None, *, reference: str, amount_kobo: int
) -> Transaction:
    """Move money of a payment out of suspense, and return the transaction that carries it."""
    given, _ = open_transaction(
        reference=reference,
        kind=Kind.TOP_UP if plan else Kind.STASH_DEPOSIT,
        user=user,
        plan=plan,
        amount_kobo=amount_kobo,
        part_of=reviewed,
    )
    arrived = Entry.objects.get(transaction=reviewed, code=Entry.Code.SUSPENSE)
    settle(
        given,
        debit=house_account(Account.Kind.SUSPENSE),
        credit=plan_taking(plan, user, amount_kobo).account if plan else stash_account(user),
        value_on=provider_value_day(arrived.value_day, plan),
    )
    return given


def _same(
    earlier: Transaction, user: User, amount_kobo: int, plan: Plan | None, details: dict[str, Any]
) -> Transaction:
    """Return a credit that is repeated with its details, and raise ReferenceTaken otherwise."""
    is_same = (earlier.user, earlier.amount_kobo, earlier.plan) == (user, amount_kobo, plan)
    if not is_same or not ManualPosting.objects.filter(transaction=earlier, **details).exists():
        raise ReferenceTaken(SENT_OTHERWISE)
    return earlier


def _checked_amount(reviewed: Transaction, amount_kobo: int | None) -> int:
    """Return the amount to credit, all that is left if None. Raises Refused where there is not so much."""
    left_kobo = left_in_suspense(reviewed.pk)
    if reviewed.status != Status.REVIEW or left_kobo <= 0:
        raise Refused(messages.NOT_IN_SUSPENSE)
    if amount_kobo is not None and amount_kobo > left_kobo:
        raise Refused(messages.only_left(left_kobo), field="amount_kobo")
    return left_kobo if amount_kobo is None else amount_kobo


def plan_taking(plan: Plan, user: User, amount_kobo: int) -> Plan:
    """Return the present row of a plan. Raises Refused when it is another person's or cannot take the amount."""
    now = Plan.objects.select_related("account").get(pk=plan.pk)
    is_over = now.is_matured(timezone.localdate()) and now.at_maturity == Plan.AtMaturity.STASH
    if now.user_id != user.pk:
        raise Refused(messages.OTHER_OWNER, field="plan")
    if now.is_closed or is_over:
        raise Refused(messages.PLAN_OVER, field="plan")
    if (now.account.balance_kobo or 0) + amount_kobo > settings.PLAN_MAX_KOBO:
        raise Refused(messages.plan_full(settings.PLAN_MAX_KOBO), field="amount_kobo")
    return now
