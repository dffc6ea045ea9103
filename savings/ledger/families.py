"""Parts of a refund or chargeback: transactions of its family that are opened and settled in its commit."""

from __future__ import annotations

import datetime

from savings.ledger.transactions import open_transaction, settle
from savings.models import Account, Plan, Transaction
from savings.models.ledger import CROCKFORD, REFERENCE_PREFIXES


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
    """Open and settle a part of a family, in a reference made from that of its first transaction."""
    number = Transaction.objects.filter(part_of=first, kind=kind).count()
    part, _ = open_transaction(
        reference=_part_reference(first.reference, kind, number),
        kind=kind,
        user=first.user,
        plan=plan,
        amount_kobo=amount_kobo,
        part_of=first,
    )
    settle(part, debit=debit, credit=credit, value_on=value_on)
    return part


def _part_reference(reference: str, kind: str, number: int) -> str:
    """Return the reference of a family's first transaction with the prefix of a kind, a few steps further."""
    body = reference[3:]
    carry, last = divmod(CROCKFORD.index(body[-1]) + number, len(CROCKFORD))
    second = CROCKFORD[(CROCKFORD.index(body[-2]) + carry) % len(CROCKFORD)]
    return REFERENCE_PREFIXES[Transaction.Kind(kind)] + body[:-2] + second + CROCKFORD[last]
