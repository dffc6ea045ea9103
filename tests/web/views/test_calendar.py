"""The calendar page and its feed: months, list, shortfall, hidden balances, and who may read the feed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from html import unescape

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings
from time_machine import Traveller

from savings import autosave, calendar
from savings.models import CalendarFeed, Plan, Product, User
from tests.autosaves import make_rule, make_rules
from tests.cards import make_card
from tests.factories import make_plan, make_product, make_user, pay_in
from tests.ics import read_calendar
from tests.withdrawals import make_payout
from web.pages import calendar as calendar_pages

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)
HOME, FEED = "/calendar/", "/calendar/feed/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Traveller]:
    """Ten in the morning of 20 December 2026, Nigerian time."""
    with time_machine.travel("2026-12-20T09:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def rent(saver: User) -> Plan:
    """A plan that ends on 5 January 2027."""
    product = make_product(Product.Kind.LOCKED, rate_bps=0, min_term_days=1)
    return make_plan(saver, product, holding_kobo=1_500_00, days=16, name="Rent & food")


def page(client: Client, query: str = "") -> str:
    response = client.get(HOME + query)
    assert response.status_code == 200
    return response.text


def first_day(saver: User) -> calendar_pages.Day:
    """Return the first day of the list."""
    _, days = calendar_pages.page(saver, month="", view="list")["groups"][0]
    day: calendar_pages.Day = days[0]
    return day


def test_the_month_shows_its_days_and_what_happens_on_them(saver_client: Client, rent: Plan) -> None:
    text = page(saver_client, "?month=2027-01")
    assert '<span class="md">January 2027</span><span class="sm">Jan 2027</span>' in text
    assert '<time datetime="2027-01-05"><span class="sr">Tuesday 5 January 2027<' in text
    assert f'href="/plans/{rent.pk}/">Rent &amp; food matures</a>' in text
    assert '<span class="money">₦1,500</span>' in text
    # A screen reader hears only of days on which something happens. The five weeks begin on 28 December.
    assert text.count("<h3>") == 1
    assert len(re.findall(r'<li class="free [a-z ]*" aria-hidden="true">', text)) == 34


def test_the_dots_of_a_phone_lead_to_the_days_below_them(saver_client: Client, rent: Plan) -> None:
    text = page(saver_client, "?month=2027-01")
    dots = text[text.index('<nav class="cal-dots"') : text.index('<div class="cal-week"')]
    assert re.findall(r'<a class="(.*)" href="(.*)" aria-label="(.*)"', dots) == [
        ("", "#d2027-01-05", "Tuesday 5 January 2027")
    ]
    assert dots.count("<span") == 34
    assert '<li class="" id="d2027-01-05">' in text


def test_an_empty_calendar_says_so(saver_client: Client) -> None:
    month = page(saver_client)
    assert "Nothing coming up in December 2026." in month
    assert 'class="cal' not in month.replace('class="cal-head"', "")
    assert '<a class="btn" href="/plans/start/">Start a plan</a>' in month
    assert "Nothing coming up in the next 60 days." in page(saver_client, "?view=list")


def test_a_month_without_dates_offers_an_auto_save_to_a_saver_with_plans(
    saver_client: Client, saver: User
) -> None:
    make_plan(saver)
    assert '<a class="btn" href="/auto-save/new/">Set up an auto-save</a>' in page(saver_client)


def test_the_list_has_only_days_with_events(saver_client: Client, rent: Plan) -> None:
    text = page(saver_client, "?view=list")
    assert "Next 60 days</h2>" in text
    assert text.count("<h3>") == 1
    assert "Rent &amp; food matures" in text


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("", "December 2026"),
        ("?month=", "December 2026"),
        ("?month=x", "December 2026"),
        ("?month=2026-13", "December 2026"),
        ("?month=2026-12", "December 2026"),
        # Nothing is coming in a month that is over.
        ("?month=2026-11", "December 2026"),
        ("?month=0000-01", "December 2026"),
        ("?month=2027-12", "December 2027"),
        ("?month=2028-01", "December 2027"),
        ("?month=9999-12", "December 2027"),
        ("?month=٢٠٢٧-٠١", "December 2026"),
    ],
)
def test_a_month_that_is_not_there_becomes_the_nearest(saver_client: Client, query: str, title: str) -> None:
    assert f'<span class="md">{title}</span>' in page(saver_client, query)


def test_the_months_lead_to_each_other_over_the_year_s_end_and_stop(saver_client: Client) -> None:
    first, second, last = (
        page(saver_client, f"?month={month}") for month in ("2026-12", "2027-01", "2027-12")
    )
    assert 'href="/calendar/?month=2027-01" rel="next"' in first
    assert 'rel="prev"' not in first
    assert 'href="/calendar/?month=2026-12" rel="prev"' in second
    assert 'href="/calendar/?month=2027-02" rel="next"' in second
    assert 'rel="next"' not in last


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Africa/Lagos"])
@pytest.mark.parametrize("month", ["2027-03", "2027-10", "2027-11", "2027-02"])
def test_a_month_in_which_clocks_change_has_each_day_once(
    saver: User, settings: Settings, zone: str, month: str
) -> None:
    settings.TIME_ZONE = zone
    days = [day.day for day in calendar_pages.page(saver, month=month, view="")["days"]]
    assert (days[0].weekday(), days[-1].weekday()) == (0, 6)
    assert days == [days[0] + number * DAY for number in range(len(days))]
    assert sum(f"{day:%Y-%m}" == month for day in days) >= 28


def test_the_weeks_of_a_month_are_whole(saver: User) -> None:
    days = calendar_pages.page(saver, month="", view="")["days"]
    assert (days[0].day, days[-1].day) == (datetime.date(2026, 11, 30), datetime.date(2027, 1, 3))
    assert [day.look for day in days[19:21]] == ["past", "now"]
    assert [day.look for day in (days[0], days[-1])] == ["past out", "out"]
    days = calendar_pages.page(saver, month="2027-02", view="")["days"]
    assert (days[0].day, days[-1].day) == (datetime.date(2027, 2, 1), datetime.date(2027, 2, 28))


def test_the_last_days_of_a_month_open_the_next_one(saver: User, clock: Traveller) -> None:
    clock.move_to("2026-11-30T09:00:00Z")
    shown = calendar_pages.page(saver, month="2026-11", view="")
    assert (shown["title"], shown["earlier"], shown["later"]) == ("December 2026", "", "2027-01")
    assert shown["days"][0].is_today


def test_the_sum_of_a_day_is_below_its_events(saver: User) -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=0, min_term_days=1)
    make_plan(saver, product, holding_kobo=1_000_00, days=16)
    single = first_day(saver)
    make_plan(saver, product, holding_kobo=250_50, days=16)
    make_plan(saver, product, holding_kobo=7_00, days=16, at_maturity=Plan.AtMaturity.ROLLOVER)
    several = first_day(saver)
    assert (single.sums, several.sums) == ([], [("To your stash in all", "₦1,250.50")])


def test_the_sum_of_the_stash_names_the_interest_in_it(saver: User) -> None:
    """A month shows the interest of a day as one sum, of which only a part goes to the stash."""
    product = make_product(rate_bps=1000)
    make_plan(
        saver, make_product(Product.Kind.LOCKED, rate_bps=0, min_term_days=1), holding_kobo=500_00, days=12
    )
    make_plan(saver, product, holding_kobo=100_000_00, interest_to=Plan.InterestTo.STASH)
    first = datetime.date(2027, 1, 1)

    def sums() -> list[tuple[str, str]]:
        days = calendar_pages.page(saver, month="2027-01", view="")["days"]
        return next(day.sums for day in days if day.day == first)

    [(name, alone)] = sums()
    assert name == "To your stash in all"
    make_plan(saver, product, holding_kobo=900_000_00)
    [(name, with_others)] = sums()
    assert name.startswith("To your stash in all, with ₦")
    assert with_others == alone


def test_a_busy_day_of_a_month_leads_to_the_list_of_all(saver: User) -> None:
    make_rules(saver, 7)
    by_day = {day.day: day for day in calendar_pages.page(saver, month="", view="")["days"]}
    day = by_day[datetime.date(2026, 12, 21)]
    *rows, more = day.rows
    assert (len(rows), more.title, more.url) == (4, "+3 more", "/calendar/?view=list#d2026-12-21")
    # The grid of a wide screen shows three.
    assert (day.more, day.more_url) == ("+4 more", more.url)
    assert day.sums == [("From your stash in all", "₦7,000")]
    assert len(first_day(saver).rows) == 7
    later = calendar_pages.page(saver, month="2027-03", view="")["days"][0]
    assert (later.rows[-1].title, later.rows[-1].url) == ("+3 more", "")
    assert later.more_url == "#d2027-03-01"


def test_the_list_is_divided_by_months(saver: User, rent: Plan) -> None:
    make_rule(make_plan(saver, make_product(rate_bps=0)), days=3)
    groups = calendar_pages.page(saver, month="", view="list")["groups"]
    assert [(name, [(one.day.day, one.times) for one in days]) for name, days in groups] == [
        ("December 2026", [(23, 0), (30, 0)]),
        ("January 2027", [(5, 0), (6, 4)]),
        ("February 2027", [(3, 3)]),
    ]


def test_the_list_folds_what_repeats_in_a_month(saver_client: Client, saver: User, rent: Plan) -> None:
    rule = make_rule(make_plan(saver, make_product(rate_bps=0), name="Rainy day"), days=2)
    groups = calendar_pages.page(saver, month="", view="list")["groups"]
    # On 5 January, a plan matures too. What repeats is where its first date is.
    assert [[one.day.day for one in days] for _, days in groups] == [[22, 29], [5, 12], [2]]
    repeats = [one for _, days in groups for one in days if one.times]
    assert [(one.times, one.note, one.amount) for one in repeats] == [
        (3, "12, 19 and 26 Jan · From your stash", "₦3,000"),
        (3, "2, 9 and 16 Feb · From your stash", "₦3,000"),
    ]
    text = page(saver_client, "?view=list")
    assert text.count(f'href="/auto-save/{rule.pk}/">Auto-save into Rainy day</a>') == 5
    # A month has each date.
    assert page(saver_client, "?month=2027-01").count('">Auto-save into Rainy day</a>') == 5


def test_interest_and_card_payments_have_sums_of_their_own(saver: User) -> None:
    make_plan(saver, make_product(rate_bps=1000), holding_kobo=100_000_00)
    make_rule(make_plan(saver, make_product(rate_bps=0)), days=3, source="card", card=make_card(saver))
    totals = calendar_pages.page(saver, month="", view="list")["totals"]
    assert [(name, look) for name, _, look in totals] == [
        ("Interest, after tax", "up"),
        ("From your cards", ""),
    ]


def test_a_month_has_the_interest_of_a_day_as_one() -> None:
    def event(uid: str, kind: calendar.Kind, kobo: int, *names: str) -> calendar.Event:
        day = datetime.date(2027, 1, 1)
        return calendar.Event(uid=uid, day=day, kind=kind, title=uid, amount_kobo=kobo, plan_names=names)

    into_plans = event("plans", calendar.Kind.INTEREST, 3_00, "Rent", "Car")
    to_stash = event("stash", calendar.Kind.INTEREST, 2_50, "Laptop")
    end = event("end", calendar.Kind.CIRCLE_END, 0)
    one, other = calendar.with_one_interest([into_plans, to_stash, end])
    assert (one.title, one.amount_kobo, other) == ("Interest on 3 plans", 5_50, end)
    assert calendar.with_one_interest([to_stash, end]) == [to_stash, end]


def test_days_with_interest_have_a_dot_of_their_own(saver: User, rent: Plan) -> None:
    make_plan(saver, make_product(rate_bps=1000), holding_kobo=100_000_00)
    days = calendar_pages.page(saver, month="2027-01", view="")["days"]
    assert [(day.day.day, day.dot) for day in days if day.rows][:2] == [(1, "gain"), (5, "")]


def test_signs_are_those_of_the_activity(saver: User, rent: Plan) -> None:
    make_rule(rent, days=3)
    card = make_card(saver)
    make_rule(make_plan(saver, make_product(rate_bps=0)), days=3, source="card", card=card)
    rows = first_day(saver).rows
    assert sorted((row.amount, row.is_in) for row in rows) == [("+\u202f₦1,000", True), ("₦1,000", False)]


def test_a_stash_that_will_be_short_is_said_first_with_what_to_do(saver_client: Client, saver: User) -> None:
    make_rule(make_plan(saver, make_product(rate_bps=0)), days=3)
    pay_in(saver, 400_49)
    text = page(saver_client, "?month=2027-03")
    assert "Your stash will be ₦599.51 short on 23 Dec." in text
    assert "Auto-saves of ₦1,000 are due that day. Add ₦600 to your stash before then." in text
    assert 'href="/stash/fund/?amount=600">Add ₦600</a>' in text
    assert 'value="600"' in saver_client.get("/stash/fund/?amount=600").text
    pay_in(saver, 2_000_00)
    assert "on 30 Dec" not in page(saver_client)
    assert "on 6 Jan 2027" in page(saver_client)


def test_a_skipped_date_is_struck_out_and_counts_for_nothing(saver_client: Client, saver: User) -> None:
    rule = make_rule(make_plan(saver, make_product(rate_bps=0)), days=3)
    autosave.skip_next(rule, timezone.localdate() + 3 * DAY)
    text = page(saver_client)
    assert '<li class="over">' in text
    assert f'href="/auto-save/{rule.pk}/">Auto-save into' in text
    assert "Skipped" in text
    assert "short on 30 Dec" in text


def test_fifty_rules_cost_as_many_queries_as_one(saver_client: Client, saver: User) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(saver_client)
        return len(queries)

    page(saver_client)
    make_rules(saver, 1)
    one = count()
    make_rules(saver, 49)
    assert count() == one


def test_the_dashboard_shows_the_next_autosave(saver_client: Client, saver: User) -> None:
    rule = make_rule(make_plan(saver, make_product(rate_bps=0), holding_kobo=5, name="Rent"), days=3)
    assert "Auto-save on 23 Dec<" in saver_client.get("/dashboard/").text
    autosave.pause_rule(rule)
    assert "Auto-save on" not in saver_client.get("/dashboard/").text


def test_a_withdrawal_leads_to_its_receipt(saver_client: Client, saver: User) -> None:
    payout = make_payout(saver)
    assert f'href="/transactions/{payout.transaction.reference}/">Withdrawal to your bank' in page(
        saver_client
    )


def test_another_user_sees_nothing_of_it(rent: Plan, client: Client) -> None:
    client.force_login(make_user())
    assert "Rent" not in page(client, "?view=list")


def test_hidden_balances_are_hidden_here_too(saver_client: Client, rent: Plan) -> None:
    saver_client.cookies["balances"] = "hidden"
    text = page(saver_client, "?view=list")
    assert "1,500" not in text
    assert "₦••••" in text


def test_the_dashboard_and_the_plans_lead_here(saver_client: Client, rent: Plan) -> None:
    assert '<a href="/calendar/">All dates</a>' in saver_client.get("/dashboard/").text
    assert 'href="/calendar/"' in saver_client.get("/plans/").text


# The feed


@pytest.fixture
def feed(saver: User) -> CalendarFeed:
    return calendar.start_feed(saver)


def url(feed: CalendarFeed) -> str:
    feed.refresh_from_db()
    return reverse("calendar:read_feed", args=[calendar.feed_token(feed)])


def test_a_saver_creates_a_feed_and_copies_its_url(
    saver_client: Client, saver: User, settings: Settings
) -> None:
    assert "Create the link" in saver_client.get(FEED).text
    for _ in range(2):
        assert saver_client.post(f"{FEED}start/").status_code == 302
    found = CalendarFeed.objects.get(user=saver)
    text = unescape(saver_client.get(FEED).text)
    assert f'data-copy="{settings.SITE_URL}{url(found)}"' in text
    assert f"{settings.SITE_URL}{url(found)}</code>" in text
    assert "Anyone with this link can read your dates" in text


def test_anybody_with_the_url_reads_the_feed_without_a_session(
    client: Client, feed: CalendarFeed, rent: Plan, settings: Settings
) -> None:
    response = client.get(url(feed))
    assert response.status_code == 200
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert response["Cache-Control"] == "private"
    assert not response.cookies
    read = read_calendar(response.content)
    assert read.vevent.summary.value == "Rent & food matures"
    assert read.vevent.url.value == f"{settings.SITE_URL}/plans/{rent.pk}/"
    assert read.vevent.dtstart.value == datetime.date(2027, 1, 5)


def test_the_feed_of_one_user_is_not_that_of_the_reader(saver_client: Client, rent: Plan) -> None:
    other = calendar.start_feed(make_user())
    assert b"VEVENT" not in saver_client.get(url(other)).content


def test_an_empty_feed_is_a_calendar(client: Client, feed: CalendarFeed) -> None:
    assert client.get(url(feed)).content.startswith(b"BEGIN:VCALENDAR\r\n")


def test_a_renewed_url_replaces_the_old_one(saver_client: Client, feed: CalendarFeed, client: Client) -> None:
    old = url(feed)
    form = {"token": calendar.feed_token(feed)}
    saver_client.post(f"{FEED}renew/", form)
    new = url(feed)
    # The same form sent again changes nothing.
    saver_client.post(f"{FEED}renew/", form)
    assert url(feed) == new
    assert client.get(old).status_code == 404
    assert client.get(new).status_code == 200


def test_the_page_of_the_feed_shows_the_dates_that_come_first(
    saver_client: Client, saver: User, rent: Plan
) -> None:
    text = unescape(saver_client.get(FEED).text)
    assert 'Rent & food matures<span class="sub">Tue 5 Jan</span>' in text
    assert "Where to paste the link" not in text
    assert "An example" not in text
    found = calendar.start_feed(saver)
    calendar.show_amounts(saver, shown=True)
    text = unescape(saver_client.get(FEED).text)
    assert "Rent & food matures: ₦1,500<" in text
    assert "Where to paste the link" in text
    assert found.user_id == saver.pk


def test_a_feed_that_is_turned_off_is_gone(saver_client: Client, feed: CalendarFeed, client: Client) -> None:
    old = url(feed)
    for _ in range(2):
        assert saver_client.post(f"{FEED}end/").status_code == 302
    assert client.get(old).status_code == 404
    assert "Create the link" in saver_client.get(FEED).text


def test_a_closed_account_has_no_feed(feed: CalendarFeed, client: Client) -> None:
    User.objects.filter(pk=feed.user_id).update(is_active=False)
    assert client.get(url(feed)).status_code == 404


def test_amounts_are_in_the_feed_only_if_its_owner_wants_them(
    saver_client: Client, feed: CalendarFeed, rent: Plan, client: Client
) -> None:
    assert b"1\\,500" not in client.get(url(feed)).content
    saver_client.post(f"{FEED}amounts/", {"shown": "1"})
    assert "₦1\\,500" in client.get(url(feed)).content.decode()
    saver_client.post(f"{FEED}amounts/", {"shown": "0"})
    assert b"1\\,500" not in client.get(url(feed)).content


def test_nobody_renews_the_feed_of_another_user(feed: CalendarFeed, client: Client) -> None:
    old = url(feed)
    client.force_login(make_user())
    client.post(f"{FEED}renew/", {"token": calendar.feed_token(feed)})
    client.post(f"{FEED}end/")
    assert url(feed) == old


@pytest.mark.parametrize("name", ["start", "renew", "end", "amounts"])
def test_the_forms_need_a_post(saver_client: Client, name: str) -> None:
    assert saver_client.get(f"{FEED}{name}/").status_code == 405


@pytest.mark.parametrize("token", ["x", "1-x", "1-x:y", "%00", "..", "é"])
def test_a_guessed_url_is_404(client: Client, feed: CalendarFeed, token: str) -> None:
    assert client.get(f"{FEED}{token}.ics").status_code == 404


def test_guessing_is_limited(client: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = True
    statuses = [client.get(f"{FEED}x{number}.ics").status_code for number in range(25)]
    assert statuses[0] == 404
    assert statuses[-1] == 429


def test_the_token_is_in_no_log_line_and_no_header(
    client: Client, saver: User, feed: CalendarFeed, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.DEBUG = True
    path = url(feed)
    token = calendar.feed_token(feed)
    caplog.set_level("DEBUG", logger="asusu.request")
    caplog.set_level("DEBUG", logger="django.request")
    found = client.get(path)
    calendar.end_feed(saver)
    gone = client.get(path)
    assert (found.status_code, gone.status_code) == (200, 404)
    for response in (found, gone):
        assert token not in str(response.headers)
    for said in (token, feed.nonce):
        assert said not in " ".join(record.getMessage() for record in caplog.records)
    assert any("calendar/feed/<str:token>.ics" in record.getMessage() for record in caplog.records)


def test_the_clock_of_the_feed_is_that_of_the_site(client: Client, feed: CalendarFeed, saver: User) -> None:
    make_payout(saver, send_at=timezone.now() + DAY)
    text = client.get(url(feed)).content.decode()
    assert "DTSTART;TZID=Africa/Lagos:20261221T100000" in text
    assert "BEGIN:VTIMEZONE" in text
