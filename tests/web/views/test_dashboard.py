"""The dashboard."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from savings import money, plans
from savings.calendar import Kind, coming_events
from savings.models import Product, TaxRate, Transaction, User
from tests.autosaves import make_rule
from tests.factories import (
    fill,
    join_circle,
    make_plan,
    make_product,
    make_transaction,
    make_user,
    pay_in,
    start_circle,
)
from tests.refunds import suspend
from web import date_formats

pytestmark = pytest.mark.django_db


def test_the_total_is_the_stash_and_every_open_plan(client: Client) -> None:
    user = make_user(name="Ada Okafor")
    make_plan(user, holding_kobo=1_250_400_00, name="Rent 2027")
    pay_in(user, 186_420_50)
    pay_in(make_user(), 999_00)
    client.force_login(user)
    page = client.get("/dashboard/").content.decode()
    assert "₦1,436,820<small>.50</small>" in page
    assert ", Ada" in page
    assert "Rent 2027" in page


def test_the_next_maturity_is_announced(client: Client) -> None:
    plan = make_plan(product=make_product(Product.Kind.LOCKED), holding_kobo=50_00, days=55)
    client.force_login(plan.user)
    page = client.get("/dashboard/").content.decode()
    assert "Next up" in page
    assert "Matures" in page


def test_a_period_is_a_fragment_for_htmx_and_a_page_without_it(client: Client) -> None:
    with time_machine.travel(timezone.now() - datetime.timedelta(days=100)):
        user = make_user()
        pay_in(user, 100_00)
    pay_in(user, 50_00)
    client.force_login(user)
    month = client.get("/dashboard/?period=1m", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in month
    assert "+\u202f₦50.00" in month
    year = client.get("/dashboard/?period=1y").content.decode()
    assert "<html" in year
    assert "+\u202f₦150.00" in year


def test_an_unknown_period_is_the_usual_one(client: Client) -> None:
    client.force_login(make_user())
    assert client.get("/dashboard/?period=forever").status_code == 200


def test_a_newcomer_sees_one_card_with_a_single_next_step(client: Client) -> None:
    user = make_user()
    client.force_login(user)
    page = client.get("/dashboard/").text
    assert "What are you saving for?" in page
    assert 'href="/plans/start/?for=rent"' in page
    assert "Top up" not in page
    assert "?period=" not in page
    assert "₦0" not in page
    plan = make_plan(user, name="Rent")
    page = client.get("/dashboard/").text
    assert "Rent is ready" in page
    assert f'href="/plans/{plan.pk}/top-up/"' in page
    assert "Done:" in page


def test_a_suggestion_fills_in_the_name_of_the_plan(saver_client: Client) -> None:
    assert 'value="School fees"' in saver_client.get("/plans/start/?for=school-fees").text
    assert saver_client.get("/plans/start/?for=<script>").context["form"]["name"].value() == ""


def test_the_chart_begins_with_the_account_and_the_first_money(client: Client) -> None:
    with time_machine.travel("2026-11-20T12:00:00Z", tick=False):
        user = make_user()
        client.force_login(user)
        pay_in(user, 100_00)
    with time_machine.travel("2026-11-29T12:00:00Z", tick=False):
        pay_in(user, 106_400_00)
        page = client.get("/dashboard/").text
        assert "+\u202f₦106,500.00" in page
        assert "since you started" in page
        assert "20 Nov 2026" in page
        assert "19 Nov 2026" not in page
        everything = client.get("/dashboard/?period=all").text
        assert "since you started" in everything


def test_a_payment_that_failed_brings_no_chart(client: Client) -> None:
    user = make_user()
    movement = make_transaction("stash_deposit", 100, user=user)
    Transaction.objects.filter(pk=movement.pk).update(status=Transaction.Status.FAILED)
    client.force_login(user)
    page = client.get("/dashboard/").text
    assert "Your chart starts with your first payment." in page
    assert "?period=" not in page


def test_the_page_costs_the_same_for_one_row_and_for_many(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user, product = make_user(), make_product()
    client.force_login(user)
    client.get("/dashboard/")
    for rows in (1, 1_000):
        for _ in range(min(rows, 30)):
            fill(user, rows // 30 + 1, plan=make_plan(user, product))
        with django_assert_num_queries(8):
            client.get("/dashboard/")


def test_the_latest_circle_shows_my_place_and_neighbours_but_no_hidden_sum(client: Client) -> None:
    user = make_user()
    client.force_login(user)
    circle = start_circle()
    join_circle(circle, user, nickname="Me", saved_kobo=500_00)
    join_circle(circle, nickname="Halima", saved_kobo=700_00)
    join_circle(circle, nickname="Landlord", saved_kobo=654_321_00, shown={"hides_amount": True})
    response = client.get("/dashboard/")
    shown = response.context["circle"]
    assert (shown["my_rank"]["ordinal"], shown["size"]) == ("3rd", 3)
    assert [(row.rank, row.name) for row in shown["rows"]] == [
        ("1", "Landlord"),
        ("2", "Halima"),
        ("3", "Me"),
    ]
    assert "654,321" not in response.content.decode()
    assert "₦200" in response.content.decode()


def test_payments_that_are_being_checked_come_first(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    suspend(make_user(), 9_00)
    assert "arrived" not in saver_client.get("/dashboard/").text
    reviewed = suspend(saver, 15_00)
    open_one = make_transaction("top_up", 20_00, user=saver, status="review")
    # One of them asks what arrived, for the rows too.
    with django_assert_num_queries(7):
        page = saver_client.get("/dashboard/").text
    assert "₦15 of ₦30 arrived. It’s safe while we check it." in page
    day = date_formats.day(timezone.localdate(), with_year=False)
    assert f"We’re checking your payment of ₦20 into your stash, made on {day}." in page
    assert "₦9.00" not in page
    assert page.index(open_one.reference) < page.index(reviewed.reference) < page.index('id="total"')
    for _ in range(5):
        make_transaction("top_up", 20_00, user=saver, status="review")
    with django_assert_num_queries(7):
        assert saver_client.get("/dashboard/").text.count("We’re checking your payment") == 3


def test_an_account_from_tomorrow_has_a_dashboard(client: Client) -> None:
    """After a clock was set back."""
    saver = make_user(date_joined=timezone.now() + datetime.timedelta(days=1))
    client.force_login(saver)
    assert client.get("/dashboard/").status_code == 200


def test_what_comes_next_is_what_the_calendar_has(saver_client: Client, saver: User) -> None:
    """An auto-save, the end of a notice and the next day of interest, in their order."""
    with time_machine.travel("2026-11-30T09:00:00Z", tick=False):
        fund = make_plan(
            saver, make_product(Product.Kind.EMERGENCY, notice_hours=24), holding_kobo=500_00, name="Fund"
        )
        plans.give_notice(saver, fund, amount_kobo=250_00, reference="NTC0000000000000001")
        make_rule(fund, days=0)
        page = saver_client.get("/dashboard/")
        [interest] = [
            event
            for event in coming_events(saver, datetime.date(2026, 11, 30), datetime.date(2026, 12, 1))
            if event.kind == Kind.INTEREST
        ]
    shown = page.context["upcoming"]
    # ₦500 at 8.5% for a day, which is 11 kobo, less 10% tax.
    assert interest.amount_kobo == 10
    assert shown == [
        ("repeat", "Fund", "Auto-save today", "₦1,000"),
        ("percent", "Fund", "Expected interest tomorrow", "₦0.10"),
        ("move", "Fund", "Moves to your stash tomorrow", "₦250"),
    ]


def test_the_coming_interest_of_all_plans_is_the_sum_of_the_calendar(
    saver_client: Client, saver: User
) -> None:
    """After tax, into plans and to the stash. A plan that earns until today alone counts, and an empty one does not."""
    with time_machine.travel("2026-11-10T09:00:00Z", tick=False):
        product = make_product(rate_bps=1000)
        off = make_plan(saver, product, holding_kobo=300_000_00)
        make_plan(saver, make_product(Product.Kind.LOCKED, rate_bps=1300), holding_kobo=200_000_07, days=91)
        plans.switch_interest(off, on=False)
    with time_machine.travel("2026-11-20T09:00:00Z", tick=False):
        for _ in range(12):
            make_plan(saver, product)
        join_circle(start_circle(product=product), saver, saved_kobo=100_000_03)
        saver_client.force_login(saver)
        saver_client.get("/dashboard/")
        TaxRate.objects.create(from_on=datetime.date(2026, 12, 1), rate_bps=750)
        shown = saver_client.get("/dashboard/").context["upcoming"]
        events = coming_events(saver, datetime.date(2026, 12, 1), datetime.date(2026, 12, 1))
    assert len(events) == 2
    expected_kobo = sum(event.amount_kobo or 0 for event in events)
    assert expected_kobo > 1_500_00
    assert shown[0] == ("percent", "3 plans", "Expected interest on 1 Dec", money.short(expected_kobo))
