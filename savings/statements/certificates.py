"""Certificates of a year's interest and tax: what was posted and withheld in its days, by plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Max, Min
from django.db.models.functions import ExtractYear

from savings import ledger, money
from savings.models import InterestPosting, Plan, RatePeriod, Statement, Transaction, User
from savings.models.local_days import end_of, start_of
from savings.statements.formats import Certificate, CertificateLine


def years(user: User) -> list[int]:
    """Return the years in which interest of a user was posted or corrected, newest first, by the local day of that."""
    postings = InterestPosting.objects.filter(account__user=user, gross_kobo__gt=0)
    corrections = Transaction.objects.filter(user=user, kind=Transaction.Kind.INTEREST_CORRECTION)
    posted = postings.order_by().values_list(ExtractYear("posted_at"), flat=True)
    corrected = corrections.order_by().values_list(ExtractYear("settled_on"), flat=True)
    return sorted((year for year in posted.union(corrected) if year is not None), reverse=True)


def certificate_of(statement: Statement) -> Certificate:
    """Return the content of a certificate, up to the statement's cut-off. Five queries, however many plans there are.

    Reversals and corrections of the year count with their sign, whichever year they correct.
    """
    sums = _sums(statement)
    plans = Plan.objects.filter(pk__in=list(sums)).order_by("id").in_bulk()
    rates, tax_rates = _rates(statement, plans.values())
    lines = [
        CertificateLine(
            plan=plan.name,
            reference=plan.reference,
            rates=_percents(rates[plan.pk]),
            gross_kobo=sums[pk][0],
            tax_kobo=sums[pk][1],
        )
        for pk, plan in sorted(plans.items())
    ]
    return Certificate(email=statement.user.email, tax_rates=_percents(tax_rates), lines=lines)


def _sums(statement: Statement) -> dict[int, list[int]]:
    """Return the interest before tax and the tax (kobo) of each plan."""
    paid = ledger.paid_interest(
        statement.user_id, statement.since, statement.until, cutoff_entry_id=statement.cutoff_entry_id or 0
    )
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for one in paid:
        sums[one.plan_id][0] += one.gross_kobo
        sums[one.plan_id][1] += one.tax_kobo
    return sums


def _rates(statement: Statement, plans: Iterable[Plan]) -> tuple[dict[int, set[int]], set[int]]:
    """Return the rates at which each plan earned what was posted in the year, and the rates of tax."""
    posted = InterestPosting.objects.filter(
        account__plan__in=[plan.pk for plan in plans],
        gross_kobo__gt=0,
        posted_at__gte=start_of(statement.since),
        posted_at__lt=end_of(statement.until),
    )
    spans = {
        plan_id: (first, last)
        for plan_id, first, last in posted.order_by()
        .values_list("account__plan")
        .annotate(Min("period_start"), Max("period_end"))
    }
    rates: dict[int, set[int]] = defaultdict(set)
    periods = RatePeriod.objects.filter(account__plan__in=list(spans)).order_by("account", "-from_day")
    ends: dict[int, int] = {}
    for plan_id, from_day, rate_bps in periods.values_list("account__plan", "from_day", "rate_bps"):
        first, last = spans[plan_id]
        if rate_bps and from_day < last and ends.get(plan_id, last) > first:
            rates[plan_id].add(rate_bps)
        ends[plan_id] = from_day
    for plan in plans:
        # The release before rate periods opened it: it has one rate.
        if plan.pk in spans and plan.pk not in ends:
            rates[plan.pk].add(plan.rate_bps)
    return rates, set(posted.order_by().values_list("tax_rate_bps", flat=True).distinct())


def _percents(rates: set[int]) -> str:
    return ", ".join(money.percent(rate_bps) for rate_bps in sorted(rates))
