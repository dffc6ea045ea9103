"""Families: the parts of a transaction, which are opened and settled in its commit, and their references."""

from __future__ import annotations

import datetime

from savings.ledger.transactions import open_transaction, settle
from savings.models import Account, Plan, Transaction
from savings.models.ledger import CROCKFORD, REFERENCE_PREFIXES


def open_part(first: Transaction, kind: str, *, amount_kobo: int, plan: Plan | None = None) -> Transaction:
    """Open a part of a family, in a reference made from that of its first transaction."""
    # The first of a family may be of the same kind, and then has the reference itself.
    number = Transaction.objects.filter(part_of=first, kind=kind).count() + (first.kind == kind)
    prefix = REFERENCE_PREFIXES[Transaction.Kind(kind)]
    part, _ = open_transaction(
        reference=prefix + reference_after(first.reference, number)[len(prefix) :],
        kind=kind,
        user=first.user,
        plan=plan,
        amount_kobo=amount_kobo,
        part_of=first,
    )
    return part


def settle_part(
    first: Transaction,
    kind: str,
    *,
    debit: Account,
    credit: Account,
    amount_kobo: int,
    plan: Plan | None = None,
    value_on: datetime.date | None = None,
) -> Transaction:
    """Open and settle a part of a family."""
    part = open_part(first, kind, amount_kobo=amount_kobo, plan=plan)
    settle(part, debit=debit, credit=credit, value_on=value_on)
    return part


def reference_after(reference: str, steps: int) -> str:
    """Return a reference some steps after another one, so that a repeat finds the same references for a family."""
    carry, last = divmod(CROCKFORD.index(reference[-1]) + steps, len(CROCKFORD))
    second = (CROCKFORD.index(reference[-2]) + carry) % len(CROCKFORD)
    return reference[:-2] + CROCKFORD[second] + CROCKFORD[last]
