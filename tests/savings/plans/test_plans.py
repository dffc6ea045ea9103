"""Opening, renaming, extending and closing plans."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.utils import timezone

from savings import plans, references
from savings.exceptions import ReferenceTaken, Refused
from savings.models import Plan, Product
from tests.factories import make_plan, make_product, make_transaction, make_user

pytestmark = pytest.mark.django_db


def in_days(days: int) -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=days)


def test_a_plan_copies_the_terms_of_its_product() -> None:
    product = make_product(Product.Kind.TARGET, rate_bps=1000)
    plan = make_plan(product=product, target_kobo=500_000_00, days=200)
    assert (plan.rate_bps, plan.penalty_bps, plan.account.rate_bps) == (1000, 100, 1000)
    assert plan.account.balance_kobo == 0
    assert plan.account.accrues_until == in_days(200).toordinal()


def test_later_changes_of_the_product_do_not_change_the_plan() -> None:
    product = make_product(Product.Kind.TARGET, rate_bps=1000)
    plan = make_plan(product=product)
    product.rates.update(rate_bps=1)
    Product.objects.filter(pk=product.pk).update(penalty_bps=9_000)
    plan.refresh_from_db()
    assert (plan.rate_bps, plan.penalty_bps) == (1000, 100)


def test_the_rate_with_the_longest_minimum_within_the_term_applies() -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=1000)
    product.rates.create(from_days=180, rate_bps=1200)
    product.rates.create(from_days=365, rate_bps=1350)
    rates = [make_plan(product=product, days=days).rate_bps for days in (179, 180, 364, 365)]
    assert rates == [1000, 1200, 1200, 1350]


def test_a_form_sent_twice_opens_one_plan() -> None:
    user, product = make_user(), make_product()
    reference = references.mint(references.PLAN_PREFIX)
    first = plans.open_plan(user, product, reference=reference, name="Rent")
    again = plans.open_plan(user, product, reference=reference, name="Rent")
    assert first.pk == again.pk
    assert Plan.objects.count() == 1


@pytest.mark.parametrize("changed", [{"name": "School"}, {"target_kobo": 20_000_00}])
def test_a_reused_reference_with_other_details_is_refused(changed: dict[str, Any]) -> None:
    user, product = make_user(), make_product()
    reference = references.mint(references.PLAN_PREFIX)
    details: dict[str, Any] = {"reference": reference, "name": "Rent", "target_kobo": 10_000_00}
    plans.open_plan(user, product, **details)
    with pytest.raises(ReferenceTaken):
        plans.open_plan(user, product, **details | changed)
    with pytest.raises(ReferenceTaken):
        plans.open_plan(user, make_product(), **details)


def test_a_term_beyond_the_calendar_ends_with_the_last_date() -> None:
    product = make_product(Product.Kind.LOCKED, max_term_days=10_000_000)
    plan = make_plan(product=product, days=60)
    plans.extend(plan, timezone.localdate() + datetime.timedelta(days=90))
    with pytest.raises(Refused, match="to 31 December 9999"):
        make_plan(product=product, days=1)


def test_a_name_is_unique_among_open_plans_regardless_of_case() -> None:
    plan = make_plan(name="Rent 2027")
    with pytest.raises(Refused, match="already have a plan called rent 2027") as refused:
        make_plan(plan.user, name="  rent   2027 ")
    assert refused.value.field == "name"
    plans.close(plan)
    assert make_plan(plan.user, name="Rent 2027").name == "Rent 2027"
    assert make_plan(name="Rent 2027").name == "Rent 2027"


@pytest.mark.parametrize("name", ["", "   ", "\u200b\u202e", "x" * 61])
def test_an_empty_invisible_or_too_long_name_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        make_plan(name=name)
    assert refused.value.field == "name"


@pytest.mark.parametrize("days", [-1, 0, 29, 1096])
def test_a_day_outside_the_terms_is_refused(days: int) -> None:
    with pytest.raises(Refused, match="Choose a day from") as refused:
        make_plan(product=make_product(Product.Kind.LOCKED), days=days)
    assert refused.value.field == "matures_on"


@pytest.mark.parametrize("target_kobo", [None, 1, 9_999_99, 10**15])
def test_a_target_outside_the_terms_is_refused(target_kobo: int | None) -> None:
    with pytest.raises(Refused) as refused:
        make_plan(product=make_product(Product.Kind.TARGET), target_kobo=target_kobo)
    assert refused.value.field == "target_kobo"


def test_a_product_no_longer_offered_opens_no_plan() -> None:
    with pytest.raises(Refused, match="no longer available"):
        make_plan(product=make_product(is_offered=False))


def test_maturity_moves_later_and_never_earlier() -> None:
    plan = make_plan(product=make_product(Product.Kind.LOCKED), days=100)
    with pytest.raises(Refused, match="but not bring it forward"):
        plans.extend(plan, in_days(99))
    with pytest.raises(Refused, match="The latest day"):
        plans.extend(plan, in_days(5000))
    plans.extend(plan, in_days(200))
    plan.refresh_from_db()
    assert plan.matures_on == in_days(200)
    assert plan.account.accrues_until == in_days(200).toordinal()


def test_a_plan_without_an_end_cannot_be_extended() -> None:
    with pytest.raises(Refused, match="no end"):
        plans.extend(make_plan(), in_days(50))


def test_a_plan_closes_only_when_it_is_empty() -> None:
    plan = make_plan(holding_kobo=500_00)
    with pytest.raises(Refused, match="Move its money to your stash first"):
        plans.close(plan)
    plans.move_from_plan(plan.user, plan, amount_kobo=500_00, reference=references.new("plan_to_stash"))
    plans.close(plan)
    closed_at = plan.closed_at
    plans.close(plan)
    assert plan.closed_at == closed_at is not None


def test_a_plan_with_a_pending_payment_cannot_be_closed() -> None:
    plan = make_plan()
    make_transaction("top_up", 1, user=plan.user, plan=plan)
    with pytest.raises(Refused, match="on its way"):
        plans.close(plan)


def test_every_change_increments_the_version_of_the_owner() -> None:
    plan = make_plan()
    plan.user.refresh_from_db()
    before = plan.user.version
    plans.rename(plan, "School fees")
    plans.close(plan)
    plan.user.refresh_from_db()
    assert plan.user.version >= before + 2
