"""The stash: moves between the stash and plans. Card payments into it are in `savings.payments.checkout`."""

from __future__ import annotations

from typing import cast

from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger, references
from savings.exceptions import SENT_OTHERWISE, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import Account, AutosaveRun, Plan, Transaction, User
from savings.plans import goals, messages, plans, terms


def move_to_plan(
    user: User, plan: Plan, *, amount_kobo: int, reference: str, autosave_run: AutosaveRun | None = None
) -> Transaction:
    """Move an amount in kobo from the stash into one of the user's plans, and return the transaction.

    `autosave_run` is the date of the auto-save rule that moves it. A repeat with the same reference returns the first
    transaction. Raises Refused for a plan that is closed or matured and for a frozen user, BadAmount for an amount out
    of range or above the plan's limit, NotEnoughMoney when the stash holds less, and ReferenceTaken when the reference
    belongs to another transaction.
    """
    ledger.check_amount(amount_kobo)
    with atomic():
        transaction, opened = ledger.open_transaction(
            reference=reference,
            kind=Transaction.Kind.AUTOSAVE if autosave_run else Transaction.Kind.STASH_TO_PLAN,
            user=user,
            plan=plan,
            amount_kobo=amount_kobo,
            autosave_run=autosave_run,
        )
        if opened:
            ledger.check_not_frozen(user.pk)
            now = plans.lock_plan(plan)
            plans.check_can_receive(now, amount_kobo)
            _settle(transaction, debit=ledger.stash_account(user), credit=now.account)
            goals.record_goal(now, amount_kobo)
    return transaction


def move_from_plan(user: User, plan: Plan, *, amount_kobo: int, reference: str) -> Transaction:
    """Move an amount in kobo from one of the user's plans to the stash, and return the transaction.

    Only from a plan without a maturity or after it; before, `plans.carry_out_exit` does it, after a quote. A repeat
    with the same reference returns the first transaction. Raises Refused for a plan that is closed, has not matured or
    needs notice and for a frozen user, BadAmount for an amount out of range, NotEnoughMoney when the plan holds less,
    and ReferenceTaken when the reference belongs to another request.
    """
    ledger.check_amount(amount_kobo)
    with atomic():
        now = plans.lock_plan(plan)
        earlier = find_earlier(user, now, reference, amount_kobo)
        if earlier is not None:
            return earlier
        ledger.check_not_frozen(user.pk)
        if now.is_closed:
            raise Refused(messages.CLOSED_AND_EMPTY)
        terms.check_needs_no_notice(now, timezone.localdate())
        _check_not_early(now)
        transaction = open_exit(user, now, amount_kobo=amount_kobo, reference=reference)
        settle_exit(transaction)
    return transaction


def open_exit(user: User, plan: Plan, *, amount_kobo: int, reference: str) -> Transaction:
    """Open the move of an amount (kobo) from a plan to the stash. No money has moved yet."""
    transaction, _ = ledger.open_transaction(
        reference=reference,
        kind=Transaction.Kind.PLAN_TO_STASH,
        user=user,
        plan=plan,
        amount_kobo=amount_kobo,
    )
    return transaction


def settle_exit(transaction: Transaction) -> None:
    """Move the money of `open_exit` to the stash. Raises NotEnoughMoney when the plan holds less."""
    user, plan = cast("User", transaction.user), cast("Plan", transaction.plan)
    _settle(transaction, debit=plan.account, credit=ledger.stash_account(user))


def find_earlier(user: User, plan: Plan, reference: str, amount_kobo: int) -> Transaction | None:
    """Return the transaction of an earlier request with this reference, or None.

    Raises ReferenceTaken when that request differs. Its amount includes the penalty it was charged: the penalty of the
    plan may be different by now.
    """
    transaction = Transaction.objects.filter(reference=reference).first()
    if transaction is None:
        return None
    penalty = Transaction.objects.filter(reference=_penalty_reference(transaction)).first()
    stored = (transaction.kind, transaction.user_id, transaction.plan_id)
    requested_kobo = transaction.amount_kobo + (penalty.amount_kobo if penalty else 0)
    if (*stored, requested_kobo) != (Transaction.Kind.PLAN_TO_STASH, user.pk, plan.pk, amount_kobo):
        raise ReferenceTaken(SENT_OTHERWISE)
    return transaction


def _penalty_reference(transaction: Transaction) -> str:
    """Return the reference of the penalty of a plan_to_stash transaction: the same one with another prefix."""
    return references.with_prefix(transaction.reference, Transaction.Kind.PENALTY)


def charge_penalty(transaction: Transaction, penalty_kobo: int) -> None:
    """Charge the penalty of an early exit (kobo) to its plan, as a part of its move."""
    plan = cast("Plan", transaction.plan)
    penalty, _ = ledger.open_transaction(
        reference=_penalty_reference(transaction),
        kind=Transaction.Kind.PENALTY,
        user=transaction.user,
        plan=plan,
        amount_kobo=penalty_kobo,
        part_of=transaction,
    )
    _settle(penalty, debit=plan.account, credit=ledger.house_account(Account.Kind.PENALTY_INCOME))


def _check_not_early(plan: Plan) -> None:
    today = timezone.localdate()
    if terms.is_early(plan, today):
        # Raises for a plan that is locked.
        terms.exit_penalty_kobo(plan, 1, today)
        raise Refused(messages.QUOTE_FIRST)


def _settle(transaction: Transaction, *, debit: Account, credit: Account) -> None:
    try:
        ledger.settle(transaction, debit=debit, credit=credit)
    except NotEnoughMoney:
        has_less = messages.stash_has_less if debit.kind == Account.Kind.STASH else messages.plan_has_less
        raise NotEnoughMoney(has_less(ledger.balance_kobo(debit))) from None
