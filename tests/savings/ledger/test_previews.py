"""Previews of a plan's interest, to the kobo."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db.models import Sum
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django import DjangoAssertNumQueries

from savings import ledger, plans
from savings.ledger import previews
from savings.ledger.interest import divide, next_due, stretches
from savings.models import Account, Plan, Product, TaxRate
from savings.models.plans import InterestPaid
from tests.factories import make_plan, make_product, make_user

TODAY = datetime.date(2026, 11, 24)
LAGOS = ZoneInfo("Africa/Lagos")
AT_MATURITY = InterestPaid.AT_MATURITY


def previewed(
    product: Product,
    *,
    days: int | None = None,
    kobo: int = 100_000_00,
    monthly: int = 0,
    interest_to: str = Plan.InterestTo.PLAN,
) -> ledger.Preview:
    return ledger.preview_interest(
        product,
        matures_on=TODAY + datetime.timedelta(days=days) if days else None,
        first_kobo=kobo,
        monthly_kobo=monthly,
        today=TODAY,
        interest_to=interest_to,
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kobo", "rate_bps", "days", "gross", "tax"),
    [
        (100_000_00, 850, 90, 2_095_89, 209_58),
        (100_000_00, 1000, 91, 2_493_15, 249_31),
        (100_000_00, 1200, 365, 12_000_00, 1_200_00),
        (100_00, 1000, 365, 10_00, 1_00),
    ],
)
def test_a_preview_at_maturity_equals_the_documented_example(
    kobo: int, rate_bps: int, days: int, gross: int, tax: int
) -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=rate_bps, interest_paid=AT_MATURITY)
    preview = previewed(product, days=days, kobo=kobo)
    assert (preview.payments, preview.gross_kobo, preview.tax_kobo) == (1, gross, tax)
    assert preview.total_kobo == kobo + gross - tax
    assert preview.next_posting_on == preview.ends_on


def test_the_example_leaves_a_remainder_of_tax() -> None:
    interest = divide(100_000_00 * 850 * 90, tax_rate_bps=1000)
    assert (interest.gross_kobo, interest.tax_kobo, interest.net_kobo) == (2_095_89, 209_58, 1_886_31)
    assert (interest.remainder, interest.tax_remainder) == (150_000, 9_000)


@pytest.mark.django_db
def test_a_plan_without_an_end_is_previewed_for_a_year() -> None:
    preview = previewed(make_product(rate_bps=850))
    assert preview.ends_on == datetime.date(2027, 11, 24)
    assert preview.next_posting_on == datetime.date(2026, 12, 1)


@pytest.mark.django_db
def test_monthly_interest_earns_interest_in_the_plan_and_none_in_the_stash() -> None:
    product = make_product(rate_bps=850)
    into_the_stash = previewed(product, interest_to=Plan.InterestTo.STASH)
    assert (into_the_stash.gross_kobo, into_the_stash.tax_kobo) == (8_500_00, 850_00)
    # The audit's trial T17, from another day: previews said 7,650.00, and posting by month came to 7,924.05.
    assert previewed(product).net_kobo == 7_924_75


@pytest.mark.django_db
def test_a_plan_without_an_end_that_pays_at_maturity_has_no_day_of_posting() -> None:
    assert previewed(make_product(interest_paid=AT_MATURITY)).next_posting_on is None


@pytest.mark.django_db
def test_a_maturity_on_the_first_is_posted_once() -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=850)
    assert previewed(product, days=7).next_posting_on == datetime.date(2026, 12, 1)
    assert previewed(product, days=7).gross_kobo == 100_000_00 * 850 * 7 // 3_650_000


@pytest.mark.django_db
def test_tax_is_that_of_each_day_of_posting() -> None:
    TaxRate.objects.create(from_on=datetime.date(2026, 12, 2), rate_bps=0)
    preview = previewed(make_product(rate_bps=850))
    assert preview.tax_kobo == 100_000_00 * 850 * 7 // 3_650_000 // 10


@pytest.mark.django_db
def test_a_preview_reads_the_rates_of_tax_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    product = Product.objects.prefetch_related("rates").get(pk=make_product(Product.Kind.LOCKED).pk)
    with django_assert_num_queries(1):
        previewed(product, days=900, monthly=1_000_00)
    taxes = ledger.TaxRates.read()
    with django_assert_num_queries(0):
        ledger.preview_interest(
            product, matures_on=None, first_kobo=1, monthly_kobo=1, today=TODAY, taxes=taxes
        )


@pytest.mark.django_db
@pytest.mark.parametrize("interest_to", list(Plan.InterestTo))
def test_the_ledger_posts_what_was_previewed(interest_to: str) -> None:
    """The audit's trial T17: a year of 100,000.00 in a plan with monthly interest."""
    preview = previewed(make_product(rate_bps=850), interest_to=interest_to)
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False) as clock:
        plan = make_plan(make_user(), make_product(rate_bps=850), holding_kobo=100_000_00)
        Plan.objects.filter(pk=plan.pk).update(interest_to=interest_to)
        while (due_on := next_due(timezone.localdate(), preview.ends_on)) is not None:
            plan = Plan.objects.with_balance().get(pk=plan.pk)
            ahead = ledger.project_interest(plan, today=timezone.localdate(), taxes=ledger.TaxRates.read())
            clock.move_to(datetime.datetime.combine(due_on, datetime.time(1), tzinfo=LAGOS))
            assert plans.post_due_interest(due_on) == 1
            posting = plan.account.interest_postings.latest("period_end")
            assert ahead.next_posting_on == due_on
            assert ahead.next_posting is not None
            assert ahead.next_posting.gross_kobo == posting.gross_kobo
            assert ahead.next_posting.tax_kobo == posting.tax_kobo
        clock.move_to(datetime.datetime.combine(preview.ends_on, datetime.time(1), tzinfo=LAGOS))
        ledger.post_interest(plan, until=preview.ends_on)
        postings = plan.account.interest_postings.aggregate(gross=Sum("gross_kobo"), tax=Sum("tax_kobo"))
        assert postings == {"gross": preview.gross_kobo, "tax": preview.tax_kobo}
        both = Account.objects.filter(user=plan.user).aggregate(kobo=Sum("balance_kobo"))
        assert both["kobo"] == preview.total_kobo
        assert ledger.interest_proof(Account.objects.get(plan=plan)).is_right
        assert list(ledger.run_checks()) == []


@pytest.mark.django_db
@pytest.mark.parametrize("interest_paid", list(InterestPaid))
def test_a_maturity_posts_what_was_projected(interest_paid: str) -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=1000, interest_paid=interest_paid)
    preview = previewed(product, days=91)
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False) as clock:
        plan = make_plan(make_user(), product, holding_kobo=100_000_00, days=91)
        for day in (datetime.date(2026, 12, 1), datetime.date(2027, 1, 1), datetime.date(2027, 2, 1)):
            clock.move_to(datetime.datetime.combine(day, datetime.time(1), tzinfo=LAGOS))
            plans.post_due_interest(day)
        clock.move_to(datetime.datetime.combine(preview.ends_on, datetime.time(1), tzinfo=LAGOS))
        plans.mature_due_plans(preview.ends_on)
        assert ledger.balance_kobo(ledger.stash_account(plan.user)) == preview.total_kobo


def posted_by_month(
    changes: dict[int, int], rate_bps: int, start: datetime.date, ends_on: datetime.date, *, compounds: bool
) -> tuple[int, int]:
    """Post month by month as the ledger does, from all changes so far, and return gross and tax."""
    changes, due_on = dict(changes), start
    numerator = tax_remainder = gross_kobo = tax_kobo = 0
    while due_on < ends_on:
        since, due_on = due_on, next_due(due_on, ends_on) or ends_on
        rates = [(start.toordinal(), rate_bps)]
        rows = stretches(changes, rates, since=since.toordinal(), until=due_on.toordinal())
        numerator += sum(row.numerator for row in rows)
        posted = divide(numerator, tax_rate_bps=1000, tax_remainder=tax_remainder)
        numerator, tax_remainder = posted.remainder, posted.tax_remainder
        gross_kobo, tax_kobo = gross_kobo + posted.gross_kobo, tax_kobo + posted.tax_kobo
        if compounds:
            changes[due_on.toordinal()] = changes.get(due_on.toordinal(), 0) + posted.net_kobo
    return gross_kobo, tax_kobo


class PreviewsEqualPostings(TestCase):
    """Previews of any plan equal what posting by month comes to."""

    @given(
        start=st.dates(datetime.date(2023, 12, 1), datetime.date(2028, 3, 31)),
        days=st.integers(1, 1500) | st.none(),
        rate_bps=st.integers(0, 2500),
        amounts=st.tuples(st.integers(0, 10**11), st.integers(0, 10**9)),
        interest_to=st.sampled_from(Plan.InterestTo),
    )
    def test_a_preview_equals_posting_by_month(
        self,
        start: datetime.date,
        days: int | None,
        rate_bps: int,
        amounts: tuple[int, int],
        interest_to: Plan.InterestTo,
    ) -> None:
        first_kobo, monthly_kobo = amounts
        product = make_product(Product.Kind.LOCKED, rate_bps=rate_bps)
        matures_on = start + datetime.timedelta(days=days) if days else None
        preview = ledger.preview_interest(
            product,
            matures_on=matures_on,
            first_kobo=first_kobo,
            monthly_kobo=monthly_kobo,
            today=start,
            interest_to=interest_to,
        )
        changes = {start.toordinal(): first_kobo}
        for day in previews.monthly_days(start, preview.ends_on):
            changes[day.toordinal()] = changes.get(day.toordinal(), 0) + monthly_kobo
        compounds = interest_to == Plan.InterestTo.PLAN
        posted = posted_by_month(changes, rate_bps, start, preview.ends_on, compounds=compounds)
        assert (preview.gross_kobo, preview.tax_kobo) == posted


def test_monthly_days_use_the_last_day_of_a_short_month() -> None:
    days = previews.monthly_days(datetime.date(2026, 12, 31), datetime.date(2027, 4, 30))
    assert [day.isoformat() for day in days] == ["2027-01-31", "2027-02-28", "2027-03-31"]


def test_the_suggested_payment_is_the_smallest_in_whole_naira_that_reaches_the_target() -> None:
    ends = datetime.date(2027, 11, 24)
    monthly = ledger.suggested_monthly_kobo(
        target_kobo=600_000_00, first_kobo=50_000_00, ends_on=ends, today=TODAY
    )
    times = len(previews.monthly_days(TODAY, ends))
    assert monthly * times >= 550_000_00 > (monthly - 1_00) * times
