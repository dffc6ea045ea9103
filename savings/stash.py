"""The stash: moving money between it and plans. Paying into it by card is in `savings.payments`."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from savings import ledger, money, references, terms
from savings.exceptions import NotEnoughMoney
from savings.models import Account, Plan, Transaction, User


def move_to_plan(user: User, plan: Plan, *, amount_kobo: int, reference: str) -> Transaction:
    """Move kobo from the stash into one of the user's plans, and return the transaction; once per reference.

    Raises Refused for a plan that takes no money, NotEnoughMoney when the stash holds less.
    """
    ledger.check_sum(amount_kobo)
    with transaction.atomic():
        movement, opened = ledger.open_transaction(
            reference=reference,
            kind=Transaction.Kind.STASH_TO_PLAN,
            user=user,
            plan=plan,
            amount_kobo=amount_kobo,
        )
        if opened:
            plan.refresh_from_db()
            terms.check_takes_money(plan, timezone.localdate())
            _settle(movement, debit=ledger.stash_account(user), credit=plan.account)
    return movement


def move_from_plan(user: User, plan: Plan, *, amount_kobo: int, reference: str) -> Transaction:
    """Take kobo out of one of the user's plans, and return the transaction; once per reference.

    An early-exit penalty comes out of that sum as a transaction of its own; the rest arrives in the stash. Raises
    Refused while the plan is locked, NotEnoughMoney when it holds less.
    """
    ledger.check_sum(amount_kobo)
    with transaction.atomic():
        earlier = Transaction.objects.filter(reference=reference, user=user, plan=plan).first()
        day = timezone.localdate(earlier.created_on if earlier else None)
        penalty_kobo = terms.exit_penalty_kobo(plan, amount_kobo, day)
        movement, opened = ledger.open_transaction(
            reference=reference,
            kind=Transaction.Kind.PLAN_TO_STASH,
            user=user,
            plan=plan,
            amount_kobo=amount_kobo - penalty_kobo,
        )
        if opened:
            _settle(movement, debit=plan.account, credit=ledger.stash_account(user))
            if penalty_kobo:
                _charge_penalty(user, plan, penalty_kobo)
    return movement


def _charge_penalty(user: User, plan: Plan, penalty_kobo: int) -> None:
    penalty, _ = ledger.open_transaction(
        reference=references.new(Transaction.Kind.PENALTY),
        kind=Transaction.Kind.PENALTY,
        user=user,
        plan=plan,
        amount_kobo=penalty_kobo,
    )
    _settle(penalty, debit=plan.account, credit=ledger.house_account(Account.Kind.PENALTY_INCOME))


def _settle(movement: Transaction, *, debit: Account, credit: Account) -> None:
    try:
        ledger.settle(movement, debit=debit, credit=credit)
    except NotEnoughMoney:
        held = money.naira(ledger.balance_kobo(debit))
        place = "Your stash" if debit.kind == Account.Kind.STASH else "This plan"
        raise NotEnoughMoney(f"{place} holds {held}. Enter that or less.") from None
