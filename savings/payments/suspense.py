"""Credits money in suspense, and tells the saver by email."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from savings import ledger, mails, plans
from savings.models import Plan, Transaction, User


def release_from_suspense(
    reviewed: Transaction,
    *,
    reference: str,
    asked_by: User,
    approved_by: User,
    reason: str,
    to: User | None = None,
    amount_kobo: int | None = None,
    plan: Plan | None = None,
) -> Transaction:
    """Credit money in suspense to its payer, or to the user `to`, and queue the receipt's email in the same commit.

    See `ledger.allocate` for the amount in kobo, the repeats and the errors.
    """
    credit = ledger.release if to is None else partial(ledger.allocate, user=to)
    with transaction.atomic():
        credited = credit(
            reviewed,
            reference=reference,
            asked_by=asked_by,
            approved_by=approved_by,
            reason=reason,
            amount_kobo=amount_kobo,
            plan=plan,
        )
        if plan is not None:
            plans.record_goals([plan.account.pk])
        mails.top_up_received(credited)
    return credited
