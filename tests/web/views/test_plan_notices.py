"""The pages of notices: giving notice, the notices of a plan, cancelling, and what other pages say about notice."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import ledger, plans, references
from savings.models import Notice, Plan, Product, User
from savings.models.plans import EarlyExit
from tests.factories import make_circle, make_member, make_plan, make_product, make_user, start_circle
from tests.web.form_filling import filled_in
from web.pages import plan_notices

pytestmark = pytest.mark.django_db

# 11:05 in Lagos.
START = datetime.datetime(2026, 11, 29, 10, 5, tzinfo=datetime.UTC)
SENTENCE = "Taking money out needs 24 hours’ notice, which you can cancel."


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def plan(clock: time_machine.Traveller, saver: User) -> Plan:
    return make_plan(saver, make_product(Product.Kind.EMERGENCY), holding_kobo=100_00, name="Rainy day")


@pytest.fixture
def browser(clock: time_machine.Traveller, client: Client, saver: User) -> Client:
    """The saver's browser, signed in at the time of the clock."""
    client.force_login(saver)
    return client


def give(plan: Plan, amount_kobo: int = 40_00) -> Notice:
    reference = references.mint(references.NOTICE_PREFIX)
    return plans.give_notice(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def with_term(saver: User, *, days: int, **terms: Any) -> Plan:
    values = {"min_term_days": 1, "max_term_days": 900, "notice_hours": 24}
    return make_plan(saver, make_product(**values | terms), days=days, holding_kobo=100_00)


def form_of(plan: Plan) -> str:
    return f"/plans/{plan.pk}/give-notice/"


def words(html: str) -> str:
    return " ".join(html.split())


def test_lists_of_plans_name_the_notice(browser: Client, plan: Plan) -> None:
    for url in ("/plans/", "/dashboard/", "/stash/"):
        assert "24\N{NO-BREAK SPACE}hours’\N{NO-BREAK SPACE}notice" in browser.get(url).text, url


def test_giving_notice_leads_to_the_plan_which_shows_it(browser: Client, plan: Plan) -> None:
    data = filled_in(browser, form_of(plan), amount="40")
    responses = [browser.post(form_of(plan), data) for _ in range(2)]
    assert [response["Location"] for response in responses] == [f"/plans/{plan.pk}/"] * 2
    notice = Notice.objects.get()
    assert (notice.user, notice.plan, notice.amount_kobo) == (plan.user, plan, 40_00)
    assert data["reference"].startswith(notice.reference)
    page = words(browser.get(f"/plans/{plan.pk}/").text)
    assert 'In about 24 hours, <time datetime="2026-11-30T11:05:00+01:00">30 Nov 2026, 11:05</time>' in page
    assert '<span class="sr"> the notice of ₦40.00</span>' in page


def test_the_form_says_when_the_money_moves(browser: Client, plan: Plan) -> None:
    give(plan)
    page = words(browser.get(form_of(plan)).text)
    assert 'Ready on <time datetime="2026-11-30T11:05:00+01:00">Monday 30 November, 11:05</time>' in page
    assert "₦40.00</span> of it on notice" in page
    assert ">Tomorrow, 11:05</time>" in page
    assert 'All that is left: <span class="money">₦60.00</span>' in page
    assert "Leaving early" not in page


@pytest.mark.parametrize(
    ("terms", "days", "closes"),
    [
        ({"early_exit": "penalty", "penalty_bps": 100}, 90, "If nothing is left, the plan then closes"),
        ({"early_exit": "free"}, 90, "If nothing is left, the plan then closes"),
        # It matures before the notice is due.
        ({"early_exit": "free"}, 1, ""),
    ],
)
def test_the_form_says_when_an_emptied_plan_closes(
    browser: Client, saver: User, terms: dict[str, Any], days: int, closes: str
) -> None:
    page = words(browser.get(form_of(with_term(saver, days=days, **terms))).text)
    assert ("If nothing is left, the plan then closes" in page) == bool(closes)


def test_a_plan_without_a_term_or_in_a_circle_does_not_close(
    browser: Client, saver: User, plan: Plan
) -> None:
    member = make_member(
        make_circle(product=make_product(min_term_days=1, max_term_days=900, notice_hours=24)), user=saver
    )
    for one in (plan, member.plan):
        assert "If nothing is left, the plan then closes" not in browser.get(form_of(one)).text


def test_all_of_it_is_one_button_and_takes_effect_once(browser: Client, plan: Plan) -> None:
    give(plan, 39_50)
    data = filled_in(browser, form_of(plan), amount="nonsense", all_of_it="60.50")
    for _ in range(2):
        assert browser.post(form_of(plan), data).status_code == 302
    assert plans.waiting_kobo(plan) == 100_00
    page = browser.get(form_of(plan)).text
    assert "All of the money in this plan is on notice." in page
    assert "All of it" not in page


def test_the_button_sends_the_free_amount_that_it_names(browser: Client, plan: Plan) -> None:
    assert 'name="all_of_it" value="100.00"' in browser.get(form_of(plan)).text


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"amount": ""}, "Enter an amount."),
        ({"amount": "0"}, "above zero"),
        ({"amount": "-5"}, "above zero"),
        ({"amount": "1e9"}, "in figures"),
        ({"amount": "12.345"}, "at most two digits"),
        ({"amount": "9" * 30}, "That amount is too large. Enter up to"),
        ({"amount": "100.01"}, "You can give notice of up to ₦100."),
        ({"all_of_it": "100.01"}, "You can give notice of up to ₦100."),
        ({"all_of_it": "everything"}, "in figures"),
        ({"all_of_it": ""}, "Enter an amount."),
        ({"amount": "1\x00"}, "in figures"),
    ],
)
def test_bad_input_is_named_beside_the_amount(
    browser: Client, plan: Plan, values: dict[str, str], sentence: str
) -> None:
    data = filled_in(browser, form_of(plan), **{"amount": "1", **values})
    response = browser.post(form_of(plan), data, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert sentence in " ".join(response.context["form"].errors["amount"])
    assert "<html" not in response.text
    assert not Notice.objects.exists()


@pytest.mark.parametrize("reference", ["", "x", "NTC01M85MW6EM6C1D15Q", "\x00"])
def test_a_form_with_another_reference_is_refused_and_gets_a_new_one(
    browser: Client, plan: Plan, reference: str
) -> None:
    data = filled_in(browser, form_of(plan), amount="40") | {"reference": reference}
    response = browser.post(form_of(plan), data)
    assert response.status_code == 422
    assert 'value="40"' in response.text
    assert not Notice.objects.exists()


def test_a_form_sent_again_with_another_amount_gets_a_new_reference(browser: Client, plan: Plan) -> None:
    data = filled_in(browser, form_of(plan), amount="40")
    browser.post(form_of(plan), data)
    response = browser.post(form_of(plan), data | {"amount": "30"})
    assert response.status_code == 422
    assert "already sent with other details" in response.text
    assert response.context["form"]["reference"].value() != data["reference"]
    assert plans.waiting_kobo(plan) == 40_00


def test_the_withdrawal_page_of_such_a_plan_leads_to_the_form(browser: Client, plan: Plan) -> None:
    assert browser.get(f"/plans/{plan.pk}/withdraw/")["Location"] == form_of(plan)
    page = browser.get(f"/plans/{plan.pk}/").text
    assert f'href="{form_of(plan)}"' in words(page)
    assert "Move to stash" not in page
    assert "<dt>Notice</dt><dd>24 hours</dd>" in page


def test_a_withdrawal_form_from_elsewhere_is_refused(browser: Client, plan: Plan) -> None:
    other = make_plan(plan.user, holding_kobo=100_00)
    data = filled_in(browser, f"/plans/{other.pk}/withdraw/", amount="40")
    response = browser.post(f"/plans/{plan.pk}/withdraw/", data)
    assert response.status_code == 422
    assert "needs 24 hours’ notice" in response.text
    assert ledger.balance_kobo(plan.account) == 100_00


def test_a_penalty_is_said_when_asking(browser: Client, saver: User) -> None:
    plan = with_term(saver, days=90, early_exit=EarlyExit.PENALTY, penalty_bps=100)
    assert "Leaving early costs 1%" in words(browser.get(form_of(plan)).text)
    ends_first = with_term(saver, days=1, early_exit=EarlyExit.PENALTY, penalty_bps=100)
    page = words(browser.get(form_of(ends_first)).text)
    assert "30 November 2026</time>, before a notice given now is due" in page
    assert "Leaving early" not in page


def test_a_notice_that_the_maturity_ends_says_so(browser: Client, saver: User) -> None:
    plan = with_term(saver, days=1)
    give(plan)
    page = words(browser.get(f"/plans/{plan.pk}/").text)
    assert 'Ends on <time datetime="2026-11-30">30 Nov 2026</time>, when the plan matures' in page
    assert "In about" not in page


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"notice_hours": 0}, "This plan needs no notice."),
        ({"early_exit": EarlyExit.BLOCKED}, "This plan is locked until"),
    ],
)
def test_a_plan_that_takes_no_notice_says_why(
    browser: Client, saver: User, terms: dict[str, Any], reason: str
) -> None:
    plan = with_term(saver, days=90, **terms)
    page = browser.get(form_of(plan))
    assert reason in page.text
    assert '<form class="card' not in page.text
    assert browser.post(form_of(plan), {"amount": "1"}).status_code == 422
    assert "<dt>Notice</dt>" not in browser.get(f"/plans/{plan.pk}/").text


def test_cancelling_leads_back_to_the_plan(browser: Client, plan: Plan) -> None:
    notice = give(plan)
    path = f"/plans/{plan.pk}/notices/{notice.pk}/cancel/"
    for _ in range(2):
        assert browser.post(path)["Location"] == f"/plans/{plan.pk}/"
    notice.refresh_from_db()
    assert notice.status == Notice.Status.CANCELLED
    page = browser.get(f"/plans/{plan.pk}/").text
    assert "The notice of ₦40 is cancelled" in page
    assert 'id="notices"' not in page
    assert browser.get(path).status_code == 405


def test_a_notice_that_was_carried_out_cannot_be_cancelled(
    browser: Client, plan: Plan, clock: time_machine.Traveller
) -> None:
    notice = give(plan)
    clock.shift(datetime.timedelta(days=1))
    plans.carry_out_due_notices(timezone.now())
    browser.force_login(plan.user)
    response = browser.post(f"/plans/{plan.pk}/notices/{notice.pk}/cancel/")
    assert response.status_code == 422
    assert "This notice is done: the money is in your stash." in response.text


def test_another_user_s_notice_is_not_there(browser: Client, plan: Plan) -> None:
    mine = give(plan)
    other = make_plan(make_user(), plan.product, holding_kobo=100_00)
    theirs = give(other)
    for path in (
        f"/plans/{other.pk}/notices/{theirs.pk}/cancel/",
        f"/plans/{plan.pk}/notices/{theirs.pk}/cancel/",
        f"/plans/{other.pk}/notices/{mine.pk}/cancel/",
        f"/plans/{2**63}/notices/{mine.pk}/cancel/",
        f"/plans/{plan.pk}/notices/{mine.pk + 999}/cancel/",
        form_of(other),
    ):
        assert browser.post(path, {"amount": "1"}).status_code == 404, path
    assert browser.get(form_of(other)).status_code == 404
    assert Notice.objects.waiting().count() == 2


def test_the_pages_cost_the_same_for_one_notice_and_for_many(
    browser: Client, plan: Plan, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    settings.KEEPS_PAGES = False
    give(plan, 1_00)
    browser.get("/plans/")
    for _ in range(2):
        for path, queries in ((f"/plans/{plan.pk}/", 8), (form_of(plan), 4)):
            with django_assert_num_queries(queries):
                browser.get(path)
        for _ in range(9):
            if Notice.objects.count() < 10:
                give(plan, 1_00)


def test_a_cached_page_counts_down_and_shows_each_change(
    browser: Client, plan: Plan, clock: time_machine.Traveller
) -> None:
    path = f"/plans/{plan.pk}/"
    give(plan)
    assert "In about 24 hours" in browser.get(path).text
    give(plan, 30_00)
    assert browser.get(path).text.count("In about 24 hours") == 2
    tag = browser.get(path)["ETag"]
    assert browser.get(path, headers={"If-None-Match": tag}).status_code == 304
    clock.shift(datetime.timedelta(hours=1))
    page = browser.get(path, headers={"If-None-Match": tag})
    assert page.text.count("In about 23 hours") == 2
    plans.cancel_notice(Notice.objects.latest("pk"))
    assert browser.get(path).text.count("In about 23 hours") == 1
    clock.move_to(START + datetime.timedelta(days=1))
    plans.carry_out_due_notices(timezone.now())
    browser.force_login(plan.user)
    page = browser.get(path)
    assert "In about" not in page.text
    assert "₦60<small>.00" in page.text


@pytest.mark.parametrize(
    ("hours", "minutes", "text"),
    [
        (168, 0, "In about 7 days"),
        (48, 0, "In about 2 days"),
        (47, 59, "In about 2 days"),
        (24, 0, "In about 24 hours"),
        (1, 0, "In about an hour"),
        (0, 54, "In less than an hour"),
        (0, 55, "In about an hour"),
        (0, 0, "In less than an hour"),
        (-1, 0, "Due now"),
    ],
)
def test_the_remaining_time_is_the_same_all_through_the_clock_hour(
    clock: time_machine.Traveller, hours: int, minutes: int, text: str
) -> None:
    due_at = START + datetime.timedelta(hours=hours, minutes=minutes)
    said = []
    for minute in (0, 5, 59):
        clock.move_to(START.replace(minute=minute))
        said.append(plan_notices.remaining(due_at))
    assert set(said) == {text}


def test_notice_is_said_before_money_goes_in(browser: Client, plan: Plan) -> None:
    assert SENTENCE in browser.get("/plans/start/").text
    assert SENTENCE in browser.get(f"/plans/{plan.pk}/top-up/").text
    circle = start_circle(product=plan.product, joining="open")
    assert SENTENCE in browser.get(f"/circles/{circle.slug}/join/").text
    assert SENTENCE in browser.get("/circles/start/").text


def test_where_there_is_no_notice_none_is_said(browser: Client, saver: User) -> None:
    without, locked = make_product(), make_product(Product.Kind.LOCKED, notice_hours=24)
    circle = start_circle(product=without, joining="open")
    for path in (
        "/plans/start/",
        f"/plans/{make_plan(saver, without).pk}/top-up/",
        f"/plans/{make_plan(saver, locked).pk}/top-up/",
        f"/circles/{circle.slug}/join/",
    ):
        assert "notice" not in words(browser.get(path).text), path


def test_a_plan_with_an_end_needs_notice_before_it_only(saver: User) -> None:
    sentence = plan_notices.notice_sentence(with_term(saver, days=90))
    assert sentence == "Taking money out before maturity needs 24 hours’ notice, which you can cancel."
