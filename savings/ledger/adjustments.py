"""Goodwill: money that staff give to a person, or take back from what was given by mistake."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, Sum
from django.db.transaction import atomic

from savings.exceptions import SENT_OTHERWISE, NotEnoughMoney, ReferenceTaken, Refused
from savings.ledger import messages
from savings.ledger.accounts import balance_kobo, house_account, stash_account
from savings.ledger.people import check_people, check_reason, check_takes_money, is_posted_by
from savings.ledger.posting import lock_user
from savings.ledger.suspense import plan_taking
from savings.ledger.transactions import open_transaction, settle
from savings.models import Account, Entry, ManualPosting, Plan, Transaction, User


def goodwill_kobo(user: User | None) -> int:
    """Return the goodwill that a person was given and that was not taken back, in kobo. None stands for nobody."""
    goodwill = house_account(Account.Kind.GOODWILL)
    sums = Entry.objects.filter(transaction__user=user).aggregate(
        given=Sum("amount_kobo", filter=Q(debit_account=goodwill), default=0),
        taken=Sum("amount_kobo", filter=Q(credit_account=goodwill), default=0),
    )
    return int(sums["given"] - sums["taken"])


def adjust(
    user: User,
    *,
    amount_kobo: int,
    gives: bool,
    reference: str,
    asked_by: User,
    approved_by: User,
    reason: str,
    plan: Plan | None = None,
) -> Transaction:
    """Give kobo of goodwill to a person's stash or plan, or take them back, and return the transaction.

    It counts from today. No more is taken back than was given to this person as goodwill (`goodwill_kobo`): an account
    that a provider, a bank or an authority confirms is never touched. A repeat with the same reference returns the
    first transaction. Raises Refused unless two different people of the staff ask and approve, for a plan that is
    another person's or takes no money, for a closed account, and for more than was given; NotEnoughMoney when the place
    holds less; ReferenceTaken when the reference belongs to other details; BadAmount for an amount out of range.
    """
    details: dict[str, Any] = {"asked_by": asked_by, "approved_by": approved_by, "reason": reason.strip()}
    check_reason(reason)
    goodwill = house_account(Account.Kind.GOODWILL)
    with atomic():
        lock_user(user)
        place = Account.objects.select_related("plan").get(plan=plan) if plan else stash_account(user)
        debit, credit = (goodwill, place) if gives else (place, goodwill)
        movement, opened = open_transaction(
            reference=reference,
            kind=Transaction.Kind.ADJUSTMENT,
            user=user,
            plan=plan,
            amount_kobo=amount_kobo,
        )
        if not opened:
            if not movement.entries.filter(debit_account=debit).exists() or not is_posted_by(
                movement, details
            ):
                raise ReferenceTaken(SENT_OTHERWISE)
            return movement
        check_people(asked_by, approved_by)
        if gives:
            check_takes_money(user.pk)
        if gives and plan:
            plan_taking(plan, user, amount_kobo)
        elif not gives:
            _check_taking(user, place, amount_kobo)
        settle(movement, debit=debit, credit=credit)
        ManualPosting.objects.create(transaction=movement, **details)
    return movement


def _check_taking(user: User, place: Account, amount_kobo: int) -> None:
    """Raise Refused or NotEnoughMoney when so much goodwill cannot be taken back from a place."""
    if place.user_id != user.pk:
        raise Refused(messages.OTHER_OWNER, field="plan")
    if place.plan and place.plan.is_closed:
        raise Refused(messages.PLAN_EMPTY, field="plan")
    given_kobo = goodwill_kobo(user)
    if amount_kobo > given_kobo:
        raise Refused(messages.only_goodwill(max(0, given_kobo)), field="amount_kobo")
    there_kobo = balance_kobo(place)
    if amount_kobo > there_kobo:
        raise NotEnoughMoney(messages.holds_less(place_name(place), there_kobo))


def place_name(account: Account) -> str:
    """Return the name of a saver's account in a sentence: that of its plan, or of its kind."""
    return account.plan.name if account.plan else Account.Kind(account.kind).label
