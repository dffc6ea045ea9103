"""The interest of all plans, calculated again day by day from the entries and rates, without the ledger's code."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator

from django.utils import timezone

from savings.models import Account, Entry, ForfeitedInterest, InterestPosting, Plan, RatePeriod, Transaction

_PER_KOBO = 365 * 10_000
_INTEREST = {Transaction.Kind.INTEREST, Transaction.Kind.INTEREST_CORRECTION}


def wrong() -> Iterator[str]:
    """Yield each plan whose interest, posted, forfeited and not yet posted, is not what its days have earned."""
    today = timezone.localdate().toordinal()
    changes: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    posted_kobo: dict[int, int] = defaultdict(int)
    kinds = dict(Account.objects.values_list("pk", "kind"))
    entries = Entry.objects.select_related("transaction").order_by("pk")
    for entry in entries:
        day = (entry.value_on or timezone.localdate(entry.posted_at)).toordinal()
        changes[entry.debit_account_id][day] -= entry.amount_kobo
        changes[entry.credit_account_id][day] += entry.amount_kobo
        movement = entry.transaction
        if movement.kind in _INTEREST and movement.plan_id and entry.code == Entry.Code.PRIMARY:
            is_paid = kinds[entry.debit_account_id] == Account.Kind.INTEREST_EXPENSE
            posted_kobo[movement.plan_id] += entry.amount_kobo if is_paid else -entry.amount_kobo
    rates: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for account_id, from_day, rate_bps in RatePeriod.objects.order_by("from_day").values_list(
        "account", "from_day", "rate_bps"
    ):
        rates[account_id].append((from_day, rate_bps))
    forfeited: dict[int, int] = defaultdict(int)
    for account_id, numerator in ForfeitedInterest.objects.values_list("account", "numerator"):
        forfeited[account_id] += numerator
    for account in Account.objects.filter(kind=Account.Kind.PLAN).select_related("plan").order_by("pk"):
        plan = account.plan
        assert plan is not None
        # A rate that changes tomorrow has brought the interest of today forward already.
        is_ahead = any(from_day == today + 1 for from_day, _ in rates[account.pk])
        earned = _earned(changes[account.pk], rates[account.pk], min(today + is_ahead, _ends(plan)))
        left = earned - posted_kobo[plan.pk] * _PER_KOBO - forfeited[account.pk]
        days = max(0, min(today, account.accrues_until) - account.accrued_to)
        stored = account.accrued_numerator + (account.balance_kobo or 0) * account.rate_bps * days
        if left != stored:
            yield f"plan {plan.pk} has {stored} of interest not posted, and its days earned {left}"
    gross = sum(InterestPosting.objects.values_list("gross_kobo", flat=True))
    paid = sum(
        entry.amount_kobo
        for entry in entries
        if entry.transaction.kind == Transaction.Kind.INTEREST and entry.transaction.plan_id
    )
    if gross != paid:
        yield f"{paid} of interest is in the entries, and {gross} in the postings"


def _ends(plan: Plan) -> int:
    """Return the first day on which a plan earns nothing any more."""
    if plan.matures_on is None or plan.at_maturity in Plan.RENEWING:
        return datetime.date.max.toordinal()
    return plan.matures_on.toordinal()


def _earned(changes: dict[int, int], rates: list[tuple[int, int]], until: int) -> int:
    """Return what the balances at the end of each day before `until` have earned: balance x rate, day by day."""
    if not changes:
        return 0
    earned = balance_kobo = 0
    for day in range(min(changes), max(until, max(changes) + 1)):
        balance_kobo += changes.get(day, 0)
        if day < until:
            rate_bps = 0
            for from_day, bps in rates:
                if from_day <= day:
                    rate_bps = bps
            earned += balance_kobo * rate_bps
    return earned
