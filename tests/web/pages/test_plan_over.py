"""What the page of a finished plan leads with: the sum that went to the stash."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from savings import ledger, plans
from savings.models import Product, User
from savings.models.plans import InterestPaid
from tests.factories import make_plan, make_product, pay_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("paid", InterestPaid)
def test_a_matured_plan_shows_what_went_to_the_stash(client: Client, saver: User, paid: InterestPaid) -> None:
    with time_machine.travel("2026-04-01T09:00:00Z", tick=False) as clock:
        product = make_product(Product.Kind.LOCKED, rate_bps=1000, interest_paid=paid)
        plan = make_plan(saver, product, holding_kobo=100_000_00, days=30)
        clock.shift(datetime.timedelta(days=35))
        plans.mature_due_plans(timezone.localdate())
        client.force_login(saver)
        page = client.get(f"/plans/{plan.pk}/")
    assert page.context["paid_out"].sum_kobo == ledger.balance_kobo(ledger.stash_account(saver))
    for text in ("Paid to your stash", "₦100,739<small>.72</small>", "Its money went to your stash."):
        assert text in page.text
    for text in ("Interest not paid yet", ">Change</a>", "6 May 2026</th>"):
        assert text not in page.text
    if paid == InterestPaid.AT_MATURITY:
        assert "+\u202f₦739.72" in page.text
    assert "Interest to stash" in page.text
    # With the sign that it has in Activity.
    [interest] = [row for row in page.context["rows"] if row.what == "Interest to stash"]
    assert (interest.amount[0], interest.amount_class, interest.is_in) == ("+", "b up", True)


def test_the_interest_of_a_matured_plan_ends_in_what_was_paid(client: Client, saver: User) -> None:
    with time_machine.travel("2026-04-01T09:00:00Z", tick=False) as clock:
        product = make_product(Product.Kind.LOCKED, rate_bps=1000, interest_paid=InterestPaid.AT_MATURITY)
        plan = make_plan(saver, product, holding_kobo=100_000_00, days=30)
        clock.shift(datetime.timedelta(days=35))
        plans.mature_due_plans(timezone.localdate())
        client.force_login(saver)
        page = client.get(f"/plans/{plan.pk}/interest/")
    assert page.context["lead"] == ("Interest paid, after tax", "₦739.72")
    assert [amount for _, amount in page.context["lines"]] == ["₦821.91", "−\u202f₦82.19"]


def test_a_plan_that_never_held_money_shows_no_sum(client: Client, saver: User) -> None:
    plan = make_plan(saver)
    plans.close(plan)
    client.force_login(saver)
    page = client.get(f"/plans/{plan.pk}/")
    assert page.context["paid_out"] is None
    assert "Paid to your stash" not in page.text


@pytest.mark.parametrize(
    ("target_kobo", "words", "is_reached"),
    [
        (100_000_00, "You reached your goal of ₦100,000.", True),
        (150_000_00, "You saved 66% of your goal of ₦150,000.", False),
    ],
)
def test_a_matured_plan_says_what_became_of_its_goal(
    client: Client, saver: User, target_kobo: int, words: str, *, is_reached: bool
) -> None:
    with time_machine.travel("2026-04-01T09:00:00Z", tick=False) as clock:
        plan = make_plan(saver, make_product(Product.Kind.TARGET), days=30, target_kobo=target_kobo)
        pay_in(saver, 100_000_00, plan=plan)
        plans.record_goals([plan.account.pk])
        clock.shift(datetime.timedelta(days=35))
        plans.mature_due_plans(timezone.localdate())
        client.force_login(saver)
        page = client.get(f"/plans/{plan.pk}/")
    assert words in page.text
    assert page.context["paid_out"].is_reached is is_reached
