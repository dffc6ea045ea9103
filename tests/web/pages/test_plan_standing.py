"""The words about where a plan stands: the line of its page, its card, the order and the list's totals."""

from __future__ import annotations

import datetime
import re
from html import unescape

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import plans
from savings.models import Plan, Product, User
from tests.factories import fill, make_plan, make_product, make_user, pay_in
from tests.web.form_filling import filled_in
from web.pages.plans import detail

pytestmark = pytest.mark.django_db

NOON = "2026-11-29T12:00:00Z"
TARGET = Product.Kind.TARGET


def days(count: int) -> datetime.timedelta:
    return datetime.timedelta(days=count)


def aged(user: User, *, since: int, until: int | None, target_kobo: int, holding_kobo: int) -> Plan:
    """Return a plan that was opened so many days ago, with a payment of that day."""
    with time_machine.travel(timezone.now() - days(since)):
        product = make_product() if until is None else make_product(TARGET)
        term = since + (until or 0)
        return make_plan(user, product, days=term, target_kobo=target_kobo, holding_kobo=holding_kobo)


def line_of(plan: Plan) -> tuple[str, str, str]:
    found = Plan.objects.with_balance().select_related("user")
    line = detail(plans.with_milestones(found).get(pk=plan.pk))["line"]
    return line.text, line.action, line.url


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    ("age", "naira", "words"),
    [
        ((358, 7), (750_000, 694_000), ("₦56,000 to go in 7 days.", "56,000")),
        ((364, 1), (750_000, 749_000), ("₦1,000 to go in 1 day.", "1,000")),
        (
            (100, 265),
            (120_000, 20_000),
            ("Behind by 40 days: ₦12,500 a month for 8 months gets you there.", "12,500"),
        ),
        ((10, 70), (100_000, 20_000), ("₦80,000 to go. ₦8,900 a week for 9 weeks gets you there.", "8,900")),
    ],
)
def test_a_goal_with_a_date_names_the_sum_that_gets_there(
    saver: User, age: tuple[int, int], naira: tuple[int, int], words: tuple[str, str]
) -> None:
    (since, until), (target, holding), (text, amount) = age, naira, words
    plan = aged(saver, since=since, until=until, target_kobo=target * 100, holding_kobo=holding * 100)
    query = f"?amount={amount.replace(',', '%2C')}"
    assert line_of(plan) == (text, f"Top up ₦{amount}", f"/plans/{plan.pk}/top-up/{query}")


@time_machine.travel(NOON, tick=False)
def test_a_goal_without_a_date_is_projected_at_its_own_pace(saver: User) -> None:
    plan = aged(saver, since=60, until=None, target_kobo=200_000_00, holding_kobo=38_500_00)
    text, action, _ = line_of(plan)
    assert text == "₦161,500 to go. At your pace of ₦19,200 a month, you’d get there around August 2027."
    assert action == "Top up ₦19,200"
    with time_machine.travel(timezone.now() + days(100)):
        # Nothing was paid for 90 days: no pace, and no promise.
        assert line_of(plan)[:2] == ("₦161,500 to go.", "Top up")


@time_machine.travel(NOON, tick=False)
def test_a_new_plan_asks_for_its_first_payment(saver: User) -> None:
    plan = make_plan(saver, make_product(TARGET), target_kobo=95_000_00, days=70)
    assert line_of(plan)[:2] == (
        "₦95,000 to go by 7 February 2027: ₦9,500 a week for 10 weeks gets you there.",
        "Top up ₦9,500",
    )


@time_machine.travel(NOON, tick=False)
def test_a_plan_with_more_than_its_goal_has_reached_it(client: Client, saver: User) -> None:
    plan = make_plan(saver, make_product(TARGET), target_kobo=100_000_00, holding_kobo=105_000_00, days=213)
    text = "You did it 7 months early. Your money stays safe here until 30 June 2027."
    assert line_of(plan) == (text, "Set a higher goal", f"/plans/{plan.pk}/edit/")
    client.force_login(saver)
    assert "Goal reached" in client.get(f"/plans/{plan.pk}/").text
    assert "Goal reached" in client.get("/plans/").text


def test_the_payment_that_reaches_a_milestone_says_so_in_its_toast(client: Client, saver: User) -> None:
    plan = make_plan(saver, target_kobo=100_000_00, name="School fees")
    pay_in(saver, 200_000_00)
    client.force_login(saver)
    said = []
    for amount in ("10,000", "40,000", "55,000"):
        data = filled_in(client, f"/plans/{plan.pk}/top-up/", amount=amount, source="stash")
        page = client.post(f"/plans/{plan.pk}/top-up/", data, follow=True)
        said.append([str(message).partition("\n")[2] for message in page.context["messages"]])
    assert said == [[""], ["Halfway to School fees."], ["You reached your goal for School fees."]]


@time_machine.travel(NOON, tick=False)
def test_plans_without_a_goal_and_finished_ones_have_a_line(saver: User) -> None:
    locked = make_plan(saver, make_product(Product.Kind.LOCKED), days=55)
    assert line_of(locked)[0] == "55 days to go, until 23 January 2027."
    free = make_plan(saver)
    assert line_of(free)[1:] == ("Set a goal", f"/plans/{free.pk}/edit/")
    plans.close(free)
    assert line_of(free)[0] == "This plan is closed. Its history and receipts stay here."
    with time_machine.travel(timezone.now() + days(56)):
        assert line_of(locked)[0] == "Matured on 23 January 2027. Its money went to your stash."


@time_machine.travel(NOON, tick=False)
def test_the_list_begins_with_what_needs_the_saver(client: Client, saver: User) -> None:
    behind = aged(saver, since=100, until=265, target_kobo=120_000_00, holding_kobo=20_000_00)
    due = aged(saver, since=358, until=7, target_kobo=750_000_00, holding_kobo=694_000_00)
    going = aged(saver, since=10, until=70, target_kobo=100_000_00, holding_kobo=20_000_00)
    closed = make_plan(saver, holding_kobo=500_00)
    plans.move_from_plan(saver, closed, amount_kobo=500_00, reference="PTS000000000000001")
    plans.close(closed)
    client.force_login(saver)
    page = client.get("/plans/")
    assert [(key, [card.plan.pk for card in cards]) for key, _, cards in page.context["groups"]] == [
        ("needs", [due.pk, behind.pk]),
        ("going", [going.pk]),
    ]
    # The first group has what to do about each plan; the others are on their way.
    todo = re.findall(r'<a class="btn btn-s above" href="(.*?)">(.*?)</a>', unescape(page.text))
    assert todo == [
        (f"/plans/{due.pk}/top-up/?amount=56%2C000", "Top up ₦56,000"),
        (f"/plans/{behind.pk}/top-up/?amount=12%2C500", "Top up ₦12,500"),
    ]
    assert [(row.plan.pk, row.moved_out) for row in page.context["finished"]] == [(closed.pk, "₦500.00")]
    figures = [(total.figure, total.note) for total in page.context["totals"]]
    assert figures == [
        ("₦734,000.00", "in 3 plans"),
        ("+\u202f₦20,000.00", "₦0 in the 30 days before"),
        ("₦108,500.00", "1 of 3 goals with a date is on track"),
    ]
    home = client.get("/dashboard/").context
    assert [card.plan.pk for card in home["cards"]] == [due.pk, behind.pk, going.pk]
    assert [(name, line.action) for name, line in home["deeds"]] == [(due.name, "Top up ₦56,000")]


@time_machine.travel(NOON, tick=False)
def test_one_plan_with_a_goal_and_a_date_is_named(client: Client, saver: User) -> None:
    plan = aged(saver, since=10, until=70, target_kobo=100_000_00, holding_kobo=20_000_00)
    client.force_login(saver)
    assert client.get("/plans/").context["totals"][2].note == f"{plan.name} is on track"
    behind = aged(make_user(), since=100, until=265, target_kobo=120_000_00, holding_kobo=20_000_00)
    client.force_login(behind.user)
    assert client.get("/plans/").context["totals"][2].note == f"{behind.name} needs you"


def test_home_has_no_card_of_a_plan_that_has_ended_and_is_empty(client: Client, saver: User) -> None:
    flexible = make_plan(saver, holding_kobo=500_00)
    make_plan(saver, make_product(Product.Kind.LOCKED), days=30)
    with time_machine.travel(timezone.now() + days(31)):
        client.force_login(saver)
        cards = client.get("/dashboard/").context["cards"]
    assert [card.plan.pk for card in cards] == [flexible.pk]


@time_machine.travel(NOON, tick=False)
def test_growth_is_payments_less_what_left(client: Client, saver: User) -> None:
    plan = aged(saver, since=45, until=None, target_kobo=900_000_00, holding_kobo=50_000_00)
    pay_in(saver, 30_000_00, plan=plan)
    plans.move_from_plan(saver, plan, amount_kobo=10_000_00, reference="PTS000000000000002")
    client.force_login(saver)
    growth = client.get("/plans/").context["totals"][1]
    assert (growth.figure, growth.note) == ("+\u202f₦20,000.00", "+\u202f₦50,000 in the 30 days before")


def test_the_list_costs_the_same_for_one_finished_plan_and_for_many(
    client: Client, saver: User, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.KEEPS_PAGES = False
    product = make_product()
    client.force_login(saver)
    make_plan(saver, product, holding_kobo=100_00)
    plans.close(make_plan(saver, product))
    client.get("/plans/")
    for _ in range(2):
        with django_assert_num_queries(4):
            client.get("/plans/")
        for _ in range(10):
            make_plan(saver, product, holding_kobo=100_00)
            plans.close(make_plan(saver, product))


def test_a_goal_without_a_date_costs_one_query_more(
    client: Client, saver: User, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.KEEPS_PAGES = False
    plan = make_plan(saver, target_kobo=900_000_00, holding_kobo=100_00)
    client.force_login(saver)
    client.get("/plans/")
    for _ in range(2):
        with django_assert_num_queries(8):
            client.get(f"/plans/{plan.pk}/")
        fill(saver, 100, plan=plan)
