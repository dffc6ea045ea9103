"""The pages of auto-save: setting up, changing, pausing, skipping and stopping a rule."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import autosave, plans
from savings.models import AutosaveRule, Plan, Product, User
from tests import cards, factories
from tests.autosave import AMOUNT, Every, fill_stash, live, make_rule, work
from tests.provider import Provider
from web.messages import autosave as messages

pytestmark = pytest.mark.django_db
Day = datetime.date
TODAY = Day(2026, 11, 30)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(
        datetime.datetime(2026, 11, 30, 9, tzinfo=datetime.UTC), tick=False
    ) as traveller:
        yield traveller


@pytest.fixture
def plan(saver: User) -> Plan:
    product = factories.make_product(Product.Kind.TARGET)
    return factories.make_plan(saver, product, target_kobo=100_000_00, name="Rent")


def fields(client: Client, address: str, **changes: Any) -> dict[str, Any]:
    """Return what a browser would send from the form as it is shown."""
    form = client.get(address).context["form"]
    sent = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in sent.items() if value not in {None, False}} | changes
    return {name: value for name, value in sent.items() if value is not None}


def setting_up(plan: Plan) -> str:
    return reverse("autosave:start", args=[plan.pk])


def test_a_saver_sets_up_a_rule_and_sees_it_on_the_plan(saver_client: Client, plan: Plan) -> None:
    sent = fields(
        saver_client, setting_up(plan), amount="20,000", every="month", month_day="31", source="stash"
    )
    response = saver_client.post(setting_up(plan), sent)
    rule = AutosaveRule.objects.get()
    assert response["Location"] == reverse("autosave:detail", args=[rule.pk])
    assert (rule.plan, rule.amount_kobo, rule.month_day, rule.source) == (plan, 20_000_00, 31, "stash")
    page = saver_client.get(response["Location"]).content.decode()
    assert "Thursday 31 December" in page
    on_plan = saver_client.get(reverse("plans:detail", args=[plan.pk])).content.decode()
    assert "on the last day of each month" in on_plan
    assert saver_client.get(reverse("autosave:index")).context["active"][0].rule == rule
    # The same form again is the same rule.
    saver_client.post(setting_up(plan), sent)
    assert AutosaveRule.objects.count() == 1


@pytest.mark.parametrize("first", ["", "10,000"])
def test_a_plan_is_started_with_an_auto_save(saver_client: Client, saver: User, first: str) -> None:
    product = factories.make_product()
    address = reverse("plans:start")
    sent = fields(
        saver_client, address, name="Bicycle", product=str(product.pk), monthly="15,000", first=first
    )
    response = saver_client.post(address, sent | {"autosaves": "on"})
    plan = Plan.objects.get(name="Bicycle")
    setting = f"{setting_up(plan)}?amount=15%2C000.00"
    assert response["Location"] == setting
    assert "Bicycle is ready. Now its auto-save." in saver_client.get(setting).text
    sent = fields(saver_client, setting, source="stash")
    assert sent["amount"] == "15,000"
    response = saver_client.post(setting_up(plan), sent)
    rule = AutosaveRule.objects.get()
    then = reverse("plans:top_up", args=[plan.pk]) if first else reverse("autosave:detail", args=[rule.pk])
    assert response["Location"] == then
    assert rule.amount_kobo == 15_000_00


def test_a_rule_from_a_saved_card_into_the_stash(
    saver_client: Client, saver: User, provider: Provider
) -> None:
    card = cards.save_card(provider, saver)
    address = reverse("autosave:start_stash")
    sent = fields(saver_client, address, amount="5000", every="week", weekday="0", source=str(card.pk))
    saver_client.post(address, sent)
    rule = AutosaveRule.objects.get()
    assert (rule.plan, rule.card, rule.weekday, rule.next_on) == (None, card, 0, Day(2026, 12, 7))
    assert messages.with_digits(str(card)) in saver_client.get(reverse("stash:home")).text


LARGE = {"amount": "100,000.01", "every": "week", "weekday": "2", "ends": "date", "until": "2027-02-03"}


def prove(client: Client, response: Any) -> str:
    """Return the URL to which a fresh sign-in leads."""
    assert response["Location"].startswith("/accounts/reauthenticate/?next=")
    return str(client.post(response["Location"], {"password": factories.PASSWORD})["Location"])


def test_a_large_amount_from_a_card_needs_a_fresh_sign_in_and_keeps_what_was_typed(
    saver_client: Client, saver: User
) -> None:
    card = cards.make_card(saver)
    address = reverse("autosave:start_stash")
    sent = fields(saver_client, address, **LARGE, source=str(card.pk))
    again = prove(saver_client, saver_client.post(address, sent))
    assert not AutosaveRule.objects.exists()
    kept = fields(saver_client, again)
    assert {name: str(kept[name]) for name in LARGE} == LARGE
    saver_client.post(address, kept)
    rule = AutosaveRule.objects.get()
    assert (rule.amount_kobo, rule.card, rule.until_on) == (100_000_01, card, Day(2027, 2, 3))


@pytest.mark.parametrize(
    "changes", [{"amount": "100,001"}, {"source": "other"}, {"amount": None, "fills": "on", "every": "month"}]
)
def test_a_change_of_a_large_amount_or_its_card_needs_a_fresh_sign_in(
    saver_client: Client, saver: User, changes: dict[str, Any]
) -> None:
    until = Day(2027, 11, 30)
    product = factories.make_product(Product.Kind.TARGET)
    plan = factories.make_plan(saver, product, target_kobo=900_000_00, matures_on=until)
    rule = make_rule(plan, amount_kobo=100_000_01, card=cards.make_card(saver))
    other = str(cards.make_card(saver).pk)
    changes = {name: other if value == "other" else value for name, value in changes.items()}
    address = reverse("autosave:edit", args=[rule.pk])
    again = prove(saver_client, saver_client.post(address, fields(saver_client, address, **changes)))
    kept = fields(saver_client, again)
    assert {name: kept.get(name) for name in changes} == changes | (
        {"fills": "on"} if "fills" in changes else {}
    )
    saver_client.post(address, kept)
    now = AutosaveRule.objects.get()
    assert (now.amount_kobo, now.card_id) != (rule.amount_kobo, rule.card_id)


def test_other_changes_and_small_amounts_need_no_fresh_sign_in(saver_client: Client, saver: User) -> None:
    rule = make_rule(factories.make_plan(saver), amount_kobo=100_000_01, card=cards.make_card(saver))
    address = reverse("autosave:edit", args=[rule.pk])
    for changes in ({"every": "week", "weekday": "3"}, {"amount": "100,000"}, {"source": "stash"}):
        response = saver_client.post(address, fields(saver_client, address, **changes))
        assert response["Location"] == reverse("autosave:detail", args=[rule.pk])


def test_a_card_that_may_not_be_charged_is_not_offered(saver_client: Client, saver: User) -> None:
    cards.make_card(saver, country="GB")
    cards.make_card(saver, trouble="disputed")
    chargeable = cards.make_card(saver)
    sources = saver_client.get(reverse("autosave:start_stash")).context["sources"]
    assert [source.value for source in sources] == [str(chargeable.pk)]


def test_the_stash_without_a_card_says_what_to_do(saver_client: Client) -> None:
    page = saver_client.get(reverse("autosave:start_stash")).content.decode()
    assert "Save one when you next pay by card." in page
    response = saver_client.post(reverse("autosave:start_stash"), {"amount": "5000", "every": "day"})
    assert response.status_code == 422


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": ""}, "amount"),
        ({"amount": "abc"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "50"}, "amount"),
        ({"amount": "99999999999999999999"}, "amount"),
        ({"every": "yearly"}, "every"),
        ({"every": None}, "every"),
        ({"every": "week", "weekday": "9"}, "weekday"),
        ({"every": "week", "weekday": "x\0"}, "weekday"),
        ({"every": "week", "weekday": ""}, "weekday"),
        ({"month_day": "0"}, "month_day"),
        ({"month_day": "32"}, "month_day"),
        ({"month_day": "1.5"}, "month_day"),
        ({"month_day": ""}, "month_day"),
        ({"every": "once", "on": ""}, "on"),
        ({"every": "once", "on": "30 Feb"}, "on"),
        ({"every": "once", "on": "2026-11-30"}, "on"),
        ({"every": "once", "on": "2028-01-01"}, "every"),
        ({"source": "bank"}, "source"),
        ({"source": "999999"}, "source"),
        ({"source": None}, "source"),
        ({"ends": "never mind"}, "ends"),
        ({"ends": "date", "until": ""}, "until"),
        ({"ends": "date", "until": "2026-12-01"}, "until"),
        ({"ends": "date", "until": "tomorrow"}, "until"),
    ],
)
def test_bad_input_is_named_beside_its_field_and_kept(
    saver_client: Client, plan: Plan, changes: dict[str, Any], field: str
) -> None:
    usual = {"amount": "20,000", "source": "stash"}
    sent = fields(saver_client, setting_up(plan), **usual | changes)
    response = saver_client.post(setting_up(plan), sent, headers=HTMX)
    assert response.status_code == 422
    form = response.context["form"]
    assert list(form.errors) == [field]
    assert form["amount"].value() == sent.get("amount")
    assert 'class="err"' in response.content.decode()
    assert not AutosaveRule.objects.exists()


def test_what_is_missing_needs_no_amount(saver_client: Client, plan: Plan) -> None:
    sent = fields(saver_client, setting_up(plan), fills="on", amount="", source="stash")
    saver_client.post(setting_up(plan), sent)
    rule = AutosaveRule.objects.get()
    assert rule.amount_kobo is None
    assert (
        "What your goal needs"
        in saver_client.get(reverse("autosave:detail", args=[rule.pk])).content.decode()
    )


def test_the_list_names_what_a_goal_needs(saver_client: Client, plan: Plan) -> None:
    make_rule(plan, amount_kobo=None, every=Every.MONTH, month_day=25)
    [row] = saver_client.get(reverse("autosave:index")).context["active"]
    count = int(row.payments_text.split()[0])
    assert count > 1
    assert 0 <= row.needed_kobo * count - 100_000_00 < 100_00 * count
    page = saver_client.get(reverse("autosave:index")).text
    assert f"What the goal\n          needs in {count} payments" in page
    assert f"{row.needed_kobo // 100:,}" in page


def test_a_plan_without_goal_and_date_cannot_save_what_is_missing(saver_client: Client, saver: User) -> None:
    plan = factories.make_plan(saver)
    form = saver_client.get(setting_up(plan)).context["form"]
    assert "fills" not in form.fields
    assert [key for key, _ in form.fields["ends"].choices] == ["never", "date"]


def test_the_preview_names_four_dates_and_when_the_goal_is_reached(saver_client: Client, plan: Plan) -> None:
    sent = fields(saver_client, setting_up(plan), amount="20000", month_day="25", source="stash")
    response = saver_client.post(reverse("autosave:preview", args=[plan.pk]), sent, headers=HTMX)
    text = response.content.decode()
    assert response.status_code == 200
    for day in ("25 Dec 2026", "25 Jan 2027", "25 Feb 2027", "25 Mar 2027"):
        assert day in text
    assert "You reach ₦100,000 in April 2027." in text
    assert "<form" not in text
    whole = saver_client.post(reverse("autosave:preview", args=[plan.pk]), sent)
    assert "25 Mar 2027" in whole.content.decode()
    assert not AutosaveRule.objects.exists()


def test_a_preview_of_unfinished_input_shows_no_errors(saver_client: Client, plan: Plan) -> None:
    address = reverse("autosave:preview", args=[plan.pk])
    response = saver_client.post(address, {"amount": "abc"}, headers=HTMX)
    assert (response.status_code, 'class="err"' in response.content.decode()) == (200, False)
    assert saver_client.get(address).status_code == 302


def test_changing_a_rule_shows_what_it_is(saver_client: Client, plan: Plan) -> None:
    rule = make_rule(plan, every=Every.WEEK, weekday=2, until_on=Day(2027, 3, 1))
    address = reverse("autosave:edit", args=[rule.pk])
    sent = fields(saver_client, address)
    assert (sent["every"], str(sent["weekday"]), sent["ends"]) == ("week", "2", "date")
    saver_client.post(address, sent | {"amount": "7,500", "weekday": "3", "ends": "goal", "until": ""})
    rule.refresh_from_db()
    assert (rule.amount_kobo, rule.weekday, rule.until_goal, rule.until_on) == (7_500_00, 3, True, None)


def test_a_form_that_is_filled_in_shows_its_dates_at_once(saver_client: Client, plan: Plan) -> None:
    rule = make_rule(plan, every=Every.WEEK, weekday=2)
    page = saver_client.get(reverse("autosave:edit", args=[rule.pk]))
    assert [day for day, _ in page.context["ahead"].dates][:2] == [Day(2026, 12, 2), Day(2026, 12, 9)]
    filled = saver_client.get(setting_up(plan) + "?amount=5000&every=month&month_day=25")
    assert "25 Dec 2026" in filled.text
    empty = saver_client.get(setting_up(plan))
    assert empty.context["dates"][:2] == [(Day(2026, 12, 25), 0), (Day(2027, 1, 25), 0)]
    assert 'class="err"' not in empty.text


def test_the_list_says_what_all_rules_save_in_a_month(saver_client: Client, plan: Plan) -> None:
    make_rule(plan)
    assert "From your stash into plans, about" not in saver_client.get("/auto-save/").text
    make_rule(plan, every=Every.MONTH)
    make_rule(plan, every=Every.ONCE, until_on=TODAY + datetime.timedelta(days=9))
    # 52 weeks of ₦5,000 are ₦21,666.66 a month.
    assert "₦26,700</strong>" in saver_client.get("/auto-save/").text


def test_what_cards_save_is_apart_from_what_moves_on_from_the_stash(saver_client: Client, plan: Plan) -> None:
    make_rule(plan, every=Every.MONTH)
    make_rule(user=plan.user, card=cards.make_card(plan.user), every=Every.MONTH)
    context = saver_client.get("/auto-save/").context
    assert (context["cards_kobo"], context["stash_kobo"]) == (5_000_00, 5_000_00)


def test_the_suggestion_that_was_typed_is_marked(saver_client: Client, saver: User) -> None:
    cards.make_card(saver)
    page = saver_client.get("/auto-save/stash/?amount=10000").text
    assert re.search(r'data-fill="10,000"\s+aria-current="true"', page)


def test_a_new_rule_begins_with_the_choice_of_its_target(saver_client: Client, plan: Plan) -> None:
    page = saver_client.get(reverse("autosave:choose")).text
    assert setting_up(plan) in page
    assert reverse("autosave:start_stash") in page


def test_the_dates_ahead_count_what_is_announced(saver_client: Client, plan: Plan) -> None:
    with time_machine.travel("2026-11-29T08:00:00Z", tick=False):
        rule = make_rule(plan, amount_kobo=None, every=Every.MONTH, month_day=30)
        work(Day(2026, 11, 29))
    run = rule.runs.get()
    assert (run.is_open, run.due_on) == (True, TODAY)
    query = {"every": "month", "month_day": "30", "fills": "on", "source": "stash"}
    detail = saver_client.get(reverse("autosave:detail", args=[rule.pk]))
    assert detail.context["after_next"][0] == (Day(2026, 12, 30), run.amount_kobo)
    pages = [saver_client.get(reverse("autosave:edit", args=[rule.pk]))]
    address = reverse("autosave:preview", args=[plan.pk]) + f"?rule={rule.pk}"
    sent = fields(saver_client, reverse("autosave:edit", args=[rule.pk])) | query
    pages.append(saver_client.post(address, sent, headers=HTMX))
    for page in pages:
        day, kobo = page.context["ahead"].dates[0]
        assert (day, kobo) == (Day(2026, 12, 30), run.amount_kobo)
    for rule_id in ("x", "9" * 30, "999999"):
        other = reverse("autosave:preview", args=[plan.pk]) + f"?rule={rule_id}"
        assert saver_client.post(other, sent, headers=HTMX).status_code == 200


def test_the_page_of_a_change_names_the_announced_date(saver_client: Client, plan: Plan) -> None:
    rule = make_rule(plan, every=Every.DAY)
    work(TODAY)
    page = saver_client.get(reverse("autosave:edit", args=[rule.pk])).content.decode()
    assert "is announced already" in page


def test_pausing_resuming_skipping_and_stopping(saver_client: Client, plan: Plan) -> None:
    rule = make_rule(plan, every=Every.DAY)
    page = reverse("autosave:detail", args=[rule.pk])

    def press(name: str, **sent: str) -> str:
        response = saver_client.post(reverse(f"autosave:{name}", args=[rule.pk]), sent, follow=True)
        assert response.redirect_chain[-1][0] == page
        return response.content.decode()

    assert "is skipped" in press("skip", day="2026-12-01")
    assert "Wednesday 2 December" in saver_client.get(page).content.decode()
    assert "Paused" in press("pause")
    assert "is on again" in press("resume")
    assert "stopped" in press("stop")
    assert "has ended" in press("resume")
    rule.refresh_from_db()
    assert rule.is_ended


@pytest.mark.parametrize("day", ["", "tomorrow", "2026-13-01", "9999999"])
def test_skipping_a_day_that_is_none_is_not_found(saver_client: Client, plan: Plan, day: str) -> None:
    rule = make_rule(plan)
    assert saver_client.post(reverse("autosave:skip", args=[rule.pk]), {"day": day}).status_code == 404


def test_skipping_another_day_than_the_next_is_refused(saver_client: Client, plan: Plan) -> None:
    rule = make_rule(plan)
    response = saver_client.post(reverse("autosave:skip", args=[rule.pk]), {"day": "2026-12-09"}, follow=True)
    assert "not the next date" in response.content.decode()


@pytest.mark.parametrize("name", ["detail", "edit", "pause", "resume", "skip", "stop"])
def test_another_users_rule_is_not_found(saver_client: Client, name: str) -> None:
    theirs = make_rule()
    address = reverse(f"autosave:{name}", args=[theirs.pk])
    assert saver_client.post(address, {"day": "2026-12-04"}).status_code == 404
    theirs.refresh_from_db()
    assert theirs.is_active


def test_another_users_plan_and_card_are_not_found(
    saver_client: Client, plan: Plan, provider: Provider
) -> None:
    theirs = factories.make_plan()
    assert saver_client.get(setting_up(theirs)).status_code == 404
    assert saver_client.post(reverse("autosave:preview", args=[theirs.pk])).status_code == 404
    card = cards.save_card(provider, theirs.user)
    sent = fields(saver_client, setting_up(plan), amount="5000", source=str(card.pk))
    assert saver_client.post(setting_up(plan), sent).status_code == 422


def test_the_history_says_what_became_of_each_date(saver_client: Client, plan: Plan) -> None:
    rule = make_rule(plan, every=Every.DAY)
    fill_stash(plan.user, AMOUNT)
    live(TODAY, Day(2026, 12, 2))
    page = saver_client.get(reverse("autosave:detail", args=[rule.pk])).content.decode()
    assert "There wasn’t enough in your stash." in page
    assert f"{reverse('stash:fund')}?amount=5%2C000.00" in page
    run = rule.runs.get(status="done")
    assert reverse("transactions:receipt", args=[run.transactions.get().reference]) in page
    receipt = saver_client.get(reverse("transactions:receipt", args=[run.transactions.get().reference]))
    assert receipt.status_code == 200


def test_a_rule_of_a_closed_plan_is_shown_as_not_running(saver_client: Client, saver: User) -> None:
    plan = factories.make_plan(saver)
    rule = make_rule(plan, every=Every.MONTH, month_day=20)
    plans.close(plan)
    page = saver_client.get(reverse("autosave:detail", args=[rule.pk])).content.decode()
    assert "The plan is closed." in page
    assert autosave.coming(saver, TODAY, Day(2027, 1, 1)) == []


@pytest.mark.parametrize("rules", [1, 30])
def test_the_plan_and_the_list_take_the_same_queries_for_any_number_of_rules(
    saver_client: Client, plan: Plan, rules: int, django_assert_num_queries: Any
) -> None:
    for _ in range(rules):
        make_rule(plan)
    saver_client.get(reverse("autosave:index"))
    with django_assert_num_queries(2):
        saver_client.get(reverse("autosave:index"))


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        (Product.Kind.FLEXIBLE, ""),
        (Product.Kind.LOCKED, " You can’t take money out before the end (18 Jun 2027)."),
    ],
)
def test_a_plan_names_the_month_of_its_goal_and_whether_its_money_is_locked(
    saver_client: Client, saver: User, kind: str, end: str
) -> None:
    plan = factories.make_plan(saver, factories.make_product(kind), target_kobo=100_000_00, days=200)
    url = reverse("plans:detail", args=[plan.pk])

    def said() -> str:
        return " ".join(saver_client.get(url).context["autosaves_lead_to"])

    assert said() == ""
    rule = make_rule(plan, amount_kobo=30_000_00, every=Every.MONTH, month_day=5)
    sentence = f"You reach ₦100,000 in March 2027.{end}"
    assert said() == sentence
    assert sentence in saver_client.get(url).text
    # A paused one saves nothing.
    autosave.pause_rule(rule)
    assert said() == ""


def test_a_plan_says_what_all_its_rules_lead_to_at_the_same_cost(
    saver_client: Client, plan: Plan, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    settings.KEEPS_PAGES = False
    url = reverse("plans:detail", args=[plan.pk])
    make_rule(plan, amount_kobo=10_000_00, every=Every.MONTH, month_day=5)
    saver_client.get(url)
    with django_assert_num_queries(5):
        assert "You reach ₦100,000 in September 2027." in saver_client.get(url).text
    for _ in range(9):
        make_rule(plan, amount_kobo=10_000_00, every=Every.MONTH, month_day=5)
    saver_client.get(url)
    with django_assert_num_queries(5):
        page = saver_client.get(url)
    # The list ends with four of them.
    assert len(page.context["autosaves"]) == 4
    assert "You reach ₦100,000 in December 2026." in page.text
