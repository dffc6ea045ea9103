"""The sentences about an early exit, for products, circles and plans."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from savings.models import Circle, Product, User
from savings.models.plans import EarlyExit, InterestPaid
from tests.factories import make_plan, make_product, start_circle
from web.pages.plan_terms import exit_sentences

pytestmark = pytest.mark.django_db

FORFEIT = {"early_exit": EarlyExit.FORFEIT, "interest_paid": InterestPaid.AT_MATURITY}
SAID: list[tuple[str, dict[str, Any], str]] = [
    (
        Product.Kind.FLEXIBLE,
        {},
        "You can move money to your stash at any time. Taking money out costs nothing.",
    ),
    (Product.Kind.FLEXIBLE, {"notice_hours": 24}, "Taking money out costs nothing."),
    (Product.Kind.LOCKED, {}, "You can’t take money out before the end."),
    (
        Product.Kind.TARGET,
        {},
        "Leaving before the end costs 1% of what you take out.",
    ),
    (Product.Kind.TARGET, {"penalty_bps": 0}, "Taking money out before the end costs nothing."),
    (
        Product.Kind.LOCKED,
        FORFEIT,
        "If you take money out before the end, you lose the interest on what you take.",
    ),
    (Product.Kind.LOCKED, {"early_exit": EarlyExit.FREE}, "Taking money out before the end costs nothing."),
]


@pytest.mark.parametrize(("kind", "fields", "said"), SAID)
def test_each_early_exit_has_its_sentence(kind: str, fields: dict[str, Any], said: str) -> None:
    assert exit_sentences(make_product(kind, **fields)) == [said]


@pytest.mark.parametrize(("kind", "fields", "said"), SAID)
def test_it_is_read_before_a_plan_starts_before_money_goes_in_and_before_joining(
    saver_client: Client, saver: User, kind: str, fields: dict[str, Any], said: str
) -> None:
    product = make_product(kind, **fields)
    plan = make_plan(saver, product, days=90)
    circle = start_circle(product=product, joining=Circle.Joining.OPEN, target_kobo=50_000_00)
    day = timezone.localdate() + datetime.timedelta(days=90)
    dated = said.replace("the end", f"the end ({day:%-d %b %Y})")
    assert said in saver_client.get("/plans/start/").text
    assert said in saver_client.get("/circles/start/").text
    assert dated in saver_client.get(f"/plans/{plan.pk}/top-up/").text
    assert dated in saver_client.get(f"/circles/{circle.slug}/join/").text


def test_nothing_is_said_of_a_plan_that_has_matured() -> None:
    plan = make_plan(product=make_product(Product.Kind.LOCKED), days=30)
    assert exit_sentences(plan, plan.matures_on) != []
    with time_machine.travel(timezone.now() + datetime.timedelta(days=30)):
        assert exit_sentences(plan, plan.matures_on) == []
