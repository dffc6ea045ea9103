"""Transactions: opening, posting and settling them.

Customers' accounts are what the house owes, so a credit adds to them and a debit takes away from them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from django.db import IntegrityError
from django.db.models import Model
from django.db.transaction import atomic
from django.utils import timezone

from savings import installation
from savings.exceptions import SENT_OTHERWISE, NotEnoughMoney, ReferenceTaken
from savings.ledger import sql
from savings.ledger.posting import (
    Posting,
    apply_to_instance,
    change_columns,
    check_amount,
    lock_user,
    write_postings,
)
from savings.ledger.routes import ROUTES
from savings.models import Account, AutosaveRun, Entry, Plan, Transaction, User


def open_transaction(
    *,
    reference: str,
    kind: str,
    user: User | None,
    amount_kobo: int,
    plan: Plan | None = None,
    reverses: Transaction | None = None,
    refunds: Transaction | None = None,
    part_of: Transaction | None = None,
    autosave_run: AutosaveRun | None = None,
) -> tuple[Transaction, bool]:
    """Return the transaction with this reference, and whether this call opened it (pending; no money has moved).

    The reference is the idempotency key: a repeat with the same details returns the existing transaction. `part_of` is
    the first transaction of its family: the family is settled, and reversed, together. `refunds` is the payment that a
    refund or chargeback gives back, and `autosave_run` the date of an auto-save rule for which this is a try. Raises
    ReferenceTaken when the reference belongs to other details, BadAmount for an amount (kobo) out of range, and
    ImproperlyConfigured when the currency or time zone differs from what this database was used with.
    """
    check_amount(amount_kobo)
    rows: dict[str, Model | None] = {
        "user": user,
        "plan": plan,
        "reverses": reverses,
        "refunds": refunds,
        "part_of": part_of,
        "autosave_run": autosave_run,
    }
    with atomic():
        installation.confirm_settings()
        lock_user(user)
        transaction, opened = Transaction.objects.get_or_create(
            reference=reference, defaults=rows | {"kind": kind, "amount_kobo": amount_kobo}
        )
    is_other = any(
        getattr(transaction, f"{name}_id") != (row.pk if row else None) for name, row in rows.items()
    )
    if is_other or (transaction.kind, transaction.amount_kobo) != (kind, amount_kobo):
        raise ReferenceTaken(SENT_OTHERWISE)
    return transaction, opened


def change_status(
    transaction: Transaction, to: str, *, only_from: Iterable[str], failure_code: str = ""
) -> bool:
    """Move a transaction from one of the statuses `only_from` to another, and return whether this call moved it.

    False means that its status was a different one already; nothing has changed then. Raises ValueError for a status
    that needs a posting: `settle` and `reverse` set those.
    """
    only_from = list(only_from)
    if {to, *only_from} & {Transaction.Status.SUCCESS, Transaction.Status.REVERSED}:
        raise ValueError("A transaction becomes or stops being successful only together with its posting.")
    changes = {"status": to, "failure_code": failure_code}
    with atomic():
        lock_user(transaction.user_id)
        if not change_columns(transaction, changes, only_from=only_from):
            return False
    apply_to_instance(transaction, changes)
    return True


def post(
    transaction: Transaction,
    code: str,
    *,
    debit: Account,
    credit: Account,
    amount_kobo: int,
    value_on: datetime.date | None = None,
    also: Sequence[Posting] = (),
) -> bool:
    """Post a step of a transaction other than its primary one: move kobo from the debit to the credit account.

    `also` are further steps of the same event, such as the provider's fee. The money earns from `value_on` on, which is
    today unless given.
    Returns False, and changes nothing, when this step was posted before. Raises NotEnoughMoney when a customer's
    account would fall below zero (nothing has changed then), BadAmount for an amount out of range, and ValueError for
    the primary step, which `settle` posts.
    """
    if code == Entry.Code.PRIMARY:
        raise ValueError("The primary step is posted together with the success: use settle.")
    with atomic():
        lock_user(transaction.user_id)
        try:
            with atomic():
                step = Posting(code, debit, credit, amount_kobo)
                write_postings(transaction, [step, *also], now=timezone.now(), value_on=value_on)
        except (IntegrityError, NotEnoughMoney):
            # An existing entry for this step proves that the step was posted before. Any other error is real.
            if Entry.objects.filter(transaction=transaction, code=code).exists():
                return False
            raise
    return True


def settle(
    transaction: Transaction,
    *,
    debit: Account,
    credit: Account,
    only_from: Iterable[str] = (Transaction.Status.PENDING,),
    value_on: datetime.date | None = None,
    also: Sequence[Posting] = (),
) -> bool:
    """Mark a transaction successful and post its amount in one commit, and return whether this call did.

    `also` are further steps of the same event, such as the provider's fee. The money earns from `value_on` on, which is
    today unless given.
    False means that its status is none of `only_from` any more; nothing has changed then. Raises NotEnoughMoney when
    a customer's account would fall below zero, and ValueError for a route that this kind of transaction does not have.
    """
    route = (debit.kind, credit.kind)
    if transaction.kind != Transaction.Kind.REVERSAL and route not in ROUTES[transaction.kind]:
        raise ValueError(f"A {transaction.kind} does not go from {debit.kind} to {credit.kind}.")
    with atomic():
        lock_user(transaction.user_id)
        now = timezone.now()
        if not sql.mark_successful(transaction, now, only_from=only_from):
            return False
        primary = Posting(Entry.Code.PRIMARY, debit, credit, transaction.amount_kobo)
        write_postings(transaction, [primary, *also], now=now, value_on=value_on)
    apply_to_instance(
        transaction, {"status": Transaction.Status.SUCCESS, "failure_code": "", "settled_on": now}
    )
    return True
