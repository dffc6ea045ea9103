"""Previews of a plan's interest, to the kobo."""

from __future__ import annotations

import datetime

import pytest

from savings import ledger
from savings.ledger import previews
from savings.models import Product
from tests.factories import make_product

TODAY = datetime.date(2026, 11, 24)


@pytest.mark.django_db
def test_the_preview_of_one_payment_equals_the_documented_example() -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=850)
    preview = ledger.preview_interest(
        product,
        matures_on=TODAY + datetime.timedelta(days=90),
        first_kobo=100_000_00,
        monthly_kobo=0,
        today=TODAY,
    )
    assert (preview.payments, preview.interest_kobo, preview.tax_kobo) == (1, 2095_89, 209_58)
    assert preview.total_kobo == 100_000_00 + 2095_89 - 209_58


@pytest.mark.django_db
def test_a_plan_without_an_end_is_previewed_for_a_year() -> None:
    preview = ledger.preview_interest(
        make_product(rate_bps=850), matures_on=None, first_kobo=100_00, monthly_kobo=0, today=TODAY
    )
    assert preview.ends_on == datetime.date(2027, 11, 24)
    assert preview.interest_kobo == 8_50


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
