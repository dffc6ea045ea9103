"""Plans and circles keep the terms they started with when staff change the product."""

from __future__ import annotations

import datetime
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import ProtectedError
from django.test import Client
from django.utils import timezone

from savings import circles, plans, references
from savings.exceptions import Refused
from savings.models import Circle, Plan, Product, User
from savings.models.plans import EarlyExit
from tests.factories import join_circle, make_circle, make_plan, make_product, make_user, start_circle

pytestmark = pytest.mark.django_db


def in_days(days: int) -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=days)


def change_everything(product: Product) -> None:
    """Change all that staff can change of a product: terms, rates, name, and whether it is offered."""
    product.rates.all().delete()
    Product.objects.filter(pk=product.pk).update(
        kind=Product.Kind.TARGET,
        name="Something else",
        description="Something else",
        min_term_days=2000,
        max_term_days=2001,
        min_target_kobo=10**12,
        early_exit=EarlyExit.BLOCKED,
        penalty_bps=9_000,
        notice_hours=99,
        interest_paid="maturity",
        is_offered=False,
    )


def test_a_plan_can_be_extended_to_the_longest_term_it_started_with() -> None:
    plan = make_plan(product=make_product(Product.Kind.LOCKED), days=100)
    change_everything(plan.product)
    plans.extend(plan, in_days(1095))
    with pytest.raises(Refused, match="latest day"):
        plans.extend(plan, in_days(1096))


def test_a_shorter_term_of_the_product_does_not_change_a_running_plan() -> None:
    plan = make_plan(product=make_product(Product.Kind.LOCKED), days=800)
    Product.objects.update(max_term_days=60)
    plans.extend(plan, in_days(900))


def test_a_plan_shows_the_product_name_it_was_opened_with(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, make_product(name="Rainy days"), name="Roof")
    change_everything(plan.product)
    for url in ("/plans/", f"/plans/{plan.pk}/", "/dashboard/", f"/plans/{plan.pk}/top-up/"):
        page = saver_client.get(url).content.decode()
        assert "Something else" not in page
    assert "Rainy days" in saver_client.get(f"/plans/{plan.pk}/").content.decode()


def test_new_members_of_a_running_circle_get_the_terms_it_started_with() -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=900)
    product.rates.create(from_days=80, rate_bps=1_100)
    circle = start_circle(product=product, days=90)
    change_everything(product)
    plan = join_circle(circle, target_kobo=20_000_00).plan
    copied = ("product_name", "product_kind", "early_exit", "penalty_bps", "notice_hours", "interest_paid")
    owners = Plan.objects.exclude(pk=plan.pk).get()
    assert [getattr(plan, name) for name in copied] == [getattr(owners, name) for name in copied]
    assert (plan.rate_bps, plan.account.rate_bps, plan.max_term_days) == (1_100, 1_100, 1095)


def test_a_late_member_gets_the_circle_s_rate_for_the_remaining_term() -> None:
    product = make_product(rate_bps=900)
    circle = start_circle(product=product)
    product.rates.update(rate_bps=1)
    assert join_circle(circle).plan.rate_bps == 900


def test_the_page_of_an_open_circle_shows_its_own_terms(saver_client: Client) -> None:
    circle = start_circle(
        product=make_product(name="Rainy days", description="As you like", rate_bps=700), joining="open"
    )
    change_everything(circle.product)
    for url, terms in (
        (f"/circles/{circle.slug}/", "As you like"),
        (f"/circles/{circle.slug}/join/", "Rainy days · 7%"),
    ):
        page = saver_client.get(url).content.decode()
        assert "Rainy days" in page
        assert terms in page
        assert "Something else" not in page


def test_a_product_without_a_rate_opens_no_plan_at_zero_percent(saver_client: Client) -> None:
    product = make_product(name="Rainy days")
    product.rates.all().delete()
    with pytest.raises(Refused, match="has no rate"):
        make_plan(product=product)
    with pytest.raises(Refused, match="has no rate"):
        start_circle(product=product)
    for url in ("/plans/start/", "/circles/start/"):
        assert "Rainy days" not in saver_client.get(url).content.decode()


def test_a_repeated_form_returns_its_plan_after_the_product_was_withdrawn() -> None:
    user, product = make_user(), make_product()
    reference = references.mint(references.PLAN_PREFIX)
    plan = plans.open_plan(user, product, reference=reference, name="Rent")
    change_everything(product)
    assert plans.open_plan(user, product, reference=reference, name="Rent") == plan


@pytest.mark.parametrize("make", [make_plan, make_circle])
def test_a_product_in_use_cannot_be_deleted(make: type) -> None:
    product = make(product=make_product()).product
    with pytest.raises(ProtectedError):
        product.delete()
    assert product.rates.exists()


def insert(table: str, values: dict[str, Any]) -> None:
    """Insert a row as the previous release does, without the columns of the copied terms."""
    columns, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO savings_{table} ({columns}) VALUES ({marks})", [*values.values()])


def test_rows_of_the_previous_release_get_their_terms_from_the_trigger() -> None:
    user, product = make_user(), make_product(Product.Kind.LOCKED, rate_bps=900, name="Locked up")
    product.rates.create(from_days=365, rate_bps=1_200)
    day, now = connection.ops.adapt_datefield_value, connection.ops.adapt_datetimefield_value(timezone.now())
    plan: dict[str, Any] = {
        "reference": "PLN1",
        "user_id": user.pk,
        "product_id": product.pk,
        "name": "Old",
        "rate_bps": 900,
    }
    plan |= {"early_exit": "blocked", "penalty_bps": 0, "notice_hours": 0, "interest_paid": "monthly"}
    dates = {"started_on": day(in_days(0)), "matures_on": day(in_days(99)), "created_at": now}
    insert("plan", plan | dates | {"at_maturity": "stash"})
    circle: dict[str, Any] = {
        "slug": "old",
        "name": "Old",
        "description": "",
        "product_id": product.pk,
        "goal_kobo": 1,
    }
    circle |= {"starts_on": day(in_days(0)), "ends_on": day(in_days(99)), "owner_id": user.pk}
    insert("circle", circle | {"joining": "open", "invite_code": "old", "created_at": now})

    stored_plan = Plan.objects.get()
    assert (stored_plan.product_name, stored_plan.product_kind, stored_plan.max_term_days) == (
        "Locked up",
        "locked",
        1095,
    )
    stored_circle = Circle.objects.get()
    assert stored_circle.rates == [[0, 900], [365, 1_200]]
    assert (stored_circle.early_exit, stored_circle.min_term_days, stored_circle.product_description) == (
        "blocked",
        30,
        "For tests",
    )
    assert circles.join(make_user(), stored_circle, reference="CIR1", nickname="New").plan.rate_bps == 900


def test_the_migration_copies_the_product_s_terms_to_plans_and_circles() -> None:
    circle = start_circle(product=make_product(Product.Kind.LOCKED, rate_bps=900))
    without_rates = start_circle(product=make_product(rate_bps=700))
    without_rates.product.rates.all().delete()
    nothing = {"product_name": "", "product_kind": "", "min_term_days": None, "max_term_days": None}
    Plan.objects.update(**nothing)
    Circle.objects.update(**nothing, rates=[], early_exit="free", min_target_kobo=0)
    import_module("savings.migrations.0030_terms_of_running_plans").fill(apps, None)
    circle.refresh_from_db()
    assert (circle.rates, circle.early_exit, circle.max_term_days) == ([[0, 900]], "blocked", 1095)
    assert circle.memberships.get().plan.product_name == circle.product.name
    without_rates.refresh_from_db()
    assert without_rates.rates == [[0, 700]]
