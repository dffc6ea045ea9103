"""Early exits in tests: a quote and the exit by it, as the pages do."""

from __future__ import annotations

from django.utils import timezone

from savings import plans, references
from savings.models import Plan, Transaction


def exit_early(plan: Plan, amount_kobo: int | None = None, *, reference: str = "") -> Transaction:
    """Take kobo (None: all) out of a plan before its maturity, and return the move to the stash."""
    quote = plans.quote_exit(plan, amount_kobo, on=timezone.localdate())
    token = plans.sign_quote(plan.user, quote)
    return plans.carry_out_exit(
        plan.user, plan, token, reference=reference or references.new(Transaction.Kind.PLAN_TO_STASH)
    )
