"""The stash: moves between the stash and plans. Card payments into it are in `savings.payments.checkout`."""

from __future__ import annotations

from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger, money, references
from savings.exceptions import SENT_OTHERWISE, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import Account, Plan, Transaction, User
from savings.plans import plans, terms


def move_to_plan(user: User, plan: Plan, *, amount_kobo: int, reference: str) -> Transaction:
    """Move an amount in kobo from the stash into one of the user's plans, and return the transaction.

    A repeat with the same reference returns the first transaction. Raises Refused for a plan that is closed or
    matured, BadAmount for an amount out of range or above the plan's limit, NotEnoughMoney when the stash holds less,
    and ReferenceTaken when the reference belongs to another transaction.
    """
    ledger.check_amount(amount_kobo)
    with atomic():
        transaction, opened = ledger.open_transaction(
            reference=reference,
            kind=Transaction.Kind.STASH_TO_PLAN,
            user=user,
            plan=plan,
            amount_kobo=amount_kobo,
        )
        if opened:
            now = plans.lock_plan(plan)
            plans.check_can_receive(now, amount_kobo)
            _settle(transaction, debit=ledger.stash_account(user), credit=now.account)
    return transaction


def move_from_plan(user: User, plan: Plan, *, amount_kobo: int, reference: str) -> Transaction:
    """Take an amount in kobo out of one of the user's plans, and return the transaction that credits the stash.

    An early-exit penalty is deducted from the amount as a transaction of its own; the rest goes to the stash. A repeat
    with the same reference returns the first transaction. Raises Refused for a plan that is locked or closed or needs
    notice, BadAmount for an amount out of range, NotEnoughMoney when the plan holds less, and ReferenceTaken when the
    reference belongs to another request.
    """
    ledger.check_amount(amount_kobo)
    with atomic():
        now = plans.lock_plan(plan)
        earlier = _find_earlier(user, now, reference, amount_kobo)
        if earlier is not None:
            return earlier
        if terms.needs_notice(now, timezone.localdate()):
            raise Refused(
                f"This plan needs {terms.format_notice(now.notice_hours)}. Give notice, and the money moves to "
                "your stash after it."
            )
        return take_out(user, now, amount_kobo=amount_kobo, reference=reference)


def take_out(user: User, locked_plan: Plan, *, amount_kobo: int, reference: str) -> Transaction:
    """Move an amount (kobo) as `move_from_plan` does, from a plan that the caller has locked, without a notice."""
    if locked_plan.is_closed:
        raise Refused("This plan is closed: there is nothing in it.")
    penalty_kobo = terms.exit_penalty_kobo(locked_plan, amount_kobo, timezone.localdate())
    transaction, _ = ledger.open_transaction(
        reference=reference,
        kind=Transaction.Kind.PLAN_TO_STASH,
        user=user,
        plan=locked_plan,
        amount_kobo=amount_kobo - penalty_kobo,
    )
    _settle(transaction, debit=locked_plan.account, credit=ledger.stash_account(user))
    if penalty_kobo:
        _charge_penalty(transaction, penalty_kobo, user=user, plan=locked_plan)
    return transaction


def _find_earlier(user: User, plan: Plan, reference: str, amount_kobo: int) -> Transaction | None:
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


def _charge_penalty(transaction: Transaction, penalty_kobo: int, *, user: User, plan: Plan) -> None:
    penalty, _ = ledger.open_transaction(
        reference=_penalty_reference(transaction),
        kind=Transaction.Kind.PENALTY,
        user=user,
        plan=plan,
        amount_kobo=penalty_kobo,
        part_of=transaction,
    )
    _settle(penalty, debit=plan.account, credit=ledger.house_account(Account.Kind.PENALTY_INCOME))


def _settle(transaction: Transaction, *, debit: Account, credit: Account) -> None:
    try:
        ledger.settle(transaction, debit=debit, credit=credit)
    except NotEnoughMoney:
        balance = money.naira(ledger.balance_kobo(debit))
        place = "Your stash" if debit.kind == Account.Kind.STASH else "This plan"
        raise NotEnoughMoney(f"{place} holds {balance}. Enter that or less.") from None
