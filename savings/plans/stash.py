"""The stash: moving money between it and plans. Paying into it by card is in `savings.payments.checkout`."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from savings import ledger, money, references
from savings.exceptions import SENT_OTHERWISE, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import Account, Plan, Transaction, User
from savings.plans import plans, terms


def move_to_plan(user: User, plan: Plan, *, amount_kobo: int, reference: str) -> Transaction:
    """Move kobo from the stash into one of the user's plans, and return the transaction; once per reference.

    Raises Refused for a plan that takes no money, BadAmount for more than it may hold, NotEnoughMoney when the stash
    holds less.
    """
    ledger.check_amount(amount_kobo)
    with transaction.atomic():
        movement, opened = ledger.open_transaction(
            reference=reference,
            kind=Transaction.Kind.STASH_TO_PLAN,
            user=user,
            plan=plan,
            amount_kobo=amount_kobo,
        )
        if opened:
            now = plans.lock_plan(plan)
            plans.check_takes(now, amount_kobo)
            _settle(movement, debit=ledger.stash_account(user), credit=now.account)
    return movement


def move_from_plan(user: User, plan: Plan, *, amount_kobo: int, reference: str) -> Transaction:
    """Take kobo out of one of the user's plans, and return the transaction; once per reference.

    An early-exit penalty comes out of that sum as a transaction of its own; the rest arrives in the stash. Raises
    Refused while the plan is locked or when it is closed, NotEnoughMoney when it holds less.
    """
    ledger.check_amount(amount_kobo)
    with transaction.atomic():
        now = plans.lock_plan(plan)
        earlier = _earlier(user, now, reference, amount_kobo)
        if earlier is not None:
            return earlier
        if now.is_closed:
            raise Refused("This plan is closed: there is nothing in it.")
        penalty_kobo = terms.exit_penalty_kobo(now, amount_kobo, timezone.localdate())
        movement, _ = ledger.open_transaction(
            reference=reference,
            kind=Transaction.Kind.PLAN_TO_STASH,
            user=user,
            plan=now,
            amount_kobo=amount_kobo - penalty_kobo,
        )
        _settle(movement, debit=now.account, credit=ledger.stash_account(user))
        if penalty_kobo:
            _charge_penalty(movement, penalty_kobo, user=user, plan=now)
    return movement


def _earlier(user: User, plan: Plan, reference: str, amount_kobo: int) -> Transaction | None:
    """Return what the same request did before, if anything. Raises ReferenceTaken when it asked for something else.

    What it cost is read from its penalty, since the plan may cost something else by now.
    """
    movement = Transaction.objects.filter(reference=reference).first()
    if movement is None:
        return None
    penalty = Transaction.objects.filter(reference=_penalty_reference(movement)).first()
    found = (movement.kind, movement.user_id, movement.plan_id)
    asked_kobo = movement.amount_kobo + (penalty.amount_kobo if penalty else 0)
    if (*found, asked_kobo) != (Transaction.Kind.PLAN_TO_STASH, user.pk, plan.pk, amount_kobo):
        raise ReferenceTaken(SENT_OTHERWISE)
    return movement


def _penalty_reference(movement: Transaction) -> str:
    """Return the reference of what a movement out of a plan cost: its own, as a penalty."""
    return references.with_prefix(movement.reference, Transaction.Kind.PENALTY)


def _charge_penalty(movement: Transaction, penalty_kobo: int, *, user: User, plan: Plan) -> None:
    penalty, _ = ledger.open_transaction(
        reference=_penalty_reference(movement),
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
