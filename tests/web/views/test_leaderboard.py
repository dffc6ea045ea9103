"""The leaderboard page: ranks, ties, the reader's row, the gap to the next rank, pages, search, polling and cost."""

from __future__ import annotations

import datetime
import json
import re
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from savings import circles, leaderboards
from savings.models import BoardDay, Circle, Membership, User
from tests.factories import join_circle, make_member, make_user, pay_in, start_circle

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def mine(saver: User) -> Membership:
    """The saver's membership in a circle without savings. Its board comes from SQL until a test builds it."""
    return start_circle(saver, nickname="Ada").memberships.get()


def url(circle: Circle) -> str:
    return f"/circles/{circle.slug}/leaderboard/"


def page(client: Client, circle: Circle, query: str = "", **extra: Any) -> str:
    return client.get(url(circle) + query, **extra).content.decode()


def ranks(response: Any) -> list[tuple[str, str]]:
    shown = [*response.context["podium"], *response.context["rows"], *response.context["around"]]
    return [(row.rank, row.name) for row in shown]


def test_an_empty_board_says_what_to_do(saver_client: Client, mine: Membership) -> None:
    shown = page(saver_client, mine.circle)
    assert "Nobody is ranked yet" in shown
    assert "Not ranked yet" in shown


def test_equal_sums_share_a_place_and_the_next_one_is_left_out(
    saver_client: Client, mine: Membership
) -> None:
    for name, saved_kobo in (("A", 300_00), ("B", 200_00), ("C", 200_00), ("D", 100_00)):
        join_circle(mine.circle, nickname=name, saved_kobo=saved_kobo)
    response = saver_client.get(url(mine.circle))
    assert ranks(response) == [("1", "A"), ("2=", "B"), ("2=", "C"), ("4", "D")]


def test_my_place_names_the_exact_sum_to_the_next_one(
    saver_client: Client, mine: Membership, saver: User
) -> None:
    join_circle(mine.circle, nickname="Ifeoma", saved_kobo=221_500_00)
    join_circle(mine.circle, nickname="Sadiq", saved_kobo=204_000_00)
    pay_in(saver, 210_000_00, plan=mine.plan)
    my_rank = saver_client.get(url(mine.circle)).context["my_rank"]
    assert (my_rank["ordinal"], my_rank["gap"], my_rank["next_ordinal"]) == ("2nd", "₦11,500.00", "1st")
    assert (my_rank["below"]["name"], my_rank["track"]) == ("Sadiq", 34)
    assert f"/plans/{mine.plan_id}/top-up/?amount=11500" in page(saver_client, mine.circle)


def test_the_leader_sees_that_they_lead(saver_client: Client, mine: Membership, saver: User) -> None:
    pay_in(saver, 1_00, plan=mine.plan)
    assert "Nobody has saved more" in page(saver_client, mine.circle)


@pytest.mark.parametrize("source", ["Redis", "SQL"])
def test_far_down_my_row_comes_with_five_neighbours_on_each_side(
    saver_client: Client, mine: Membership, saver: User, source: str
) -> None:
    for number in range(40):
        make_member(mine.circle, saved_kobo=(100 - number) * 100_00)
    pay_in(saver, 65 * 100_00 + 1, plan=mine.plan)
    if source == "Redis":
        leaderboards.rebuild_board(mine.circle_id)
    around = saver_client.get(url(mine.circle)).context["around"]
    assert [row.rank for row in around] == [str(rank) for rank in range(31, 42)]
    assert [row.is_mine for row in around].index(True) == 5


def test_the_whole_board_is_walked_in_pages(saver_client: Client, mine: Membership) -> None:
    for number in range(30):
        make_member(mine.circle, saved_kobo=(100 - number) * 100_00)
    first = saver_client.get(url(mine.circle))
    assert first.context["next_from"] == 25
    assert first.context["range_text"] == "Ranks 1 to 25 of 30"
    second = saver_client.get(url(mine.circle) + "?by=saved&from=25")
    assert [row.rank for row in second.context["rows"]] == ["26", "27", "28", "29", "30"]
    assert not second.context["podium"]
    assert "Nobody is ranked this far down" in page(saver_client, mine.circle, "?from=99999999")


def test_a_tie_is_marked_across_pages(saver_client: Client, mine: Membership) -> None:
    for _ in range(27):
        make_member(mine.circle, saved_kobo=100_00)
    for query in ("", "?from=25"):
        assert {rank for rank, _ in ranks(saver_client.get(url(mine.circle) + query))} == {"1="}


@pytest.mark.parametrize(
    "query", ["?from=-1", "?from=x", "?from=1.5", "?from=" + "9" * 9, "?by=name", "?by="]
)
def test_places_and_orders_that_do_not_exist_are_not_found(
    saver_client: Client, mine: Membership, query: str
) -> None:
    assert saver_client.get(url(mine.circle) + query).status_code == 404


def test_a_member_is_found_by_nickname(saver_client: Client, mine: Membership) -> None:
    join_circle(mine.circle, nickname="Halima Sani", saved_kobo=5_00)
    for typed in ("halima sani", " HALIMA "):
        found = saver_client.get(url(mine.circle), {"q": typed}).context["found"]
        assert [row.name for row in found["rows"]] == ["Halima Sani"]
    assert (
        "Nobody here is called “&lt;b&gt;”"
        in saver_client.get(url(mine.circle), {"q": "<b>"}).content.decode()
    )
    assert saver_client.get(url(mine.circle), {"q": "Ada"}).context["found"]["rows"] == []


def test_an_open_circle_finds_whole_nicknames_only(saver_client: Client, saver: User) -> None:
    circle = start_circle(joining=Circle.Joining.OPEN)
    join_circle(circle, saver)
    join_circle(circle, nickname="Halima Sani", saved_kobo=5_00)
    assert saver_client.get(url(circle), {"q": "halima"}).context["found"]["member"] is None
    assert saver_client.get(url(circle), {"q": "halima SANI"}).context["found"]["rows"]


def test_a_hidden_sum_leaves_a_rounded_bar_and_the_place(saver_client: Client, mine: Membership) -> None:
    join_circle(mine.circle, nickname="A", saved_kobo=1_000_000_00)
    join_circle(mine.circle, nickname="Landlord", saved_kobo=776_543_00, shown={"hides_amount": True})
    row = saver_client.get(url(mine.circle)).context["podium"][1]
    assert (row.rank, row.name, row.amount, row.percent) == ("2", "Landlord", "", 75)
    assert "776,543" not in page(saver_client, mine.circle)


def test_the_gap_to_a_hidden_sum_is_not_told(saver_client: Client, mine: Membership, saver: User) -> None:
    join_circle(mine.circle, nickname="Landlord", saved_kobo=777_123_00, shown={"hides_amount": True})
    pay_in(saver, 500_000_00, plan=mine.plan)
    my_rank = saver_client.get(url(mine.circle)).context["my_rank"]
    assert (my_rank["gap"], my_rank["track"]) == ("", None)
    shown = page(saver_client, mine.circle)
    assert "hides their amount" in shown
    assert "277,123" not in shown
    # The reader's bar is not relative to the hidden amount either: its length would reveal it.
    assert saver_client.get(url(mine.circle)).context["podium"][1].percent == 100


def test_a_member_who_hides_their_amount_still_sees_it(
    saver_client: Client, mine: Membership, saver: User
) -> None:
    pay_in(saver, 500_00, plan=mine.plan)
    circles.change_appearance(mine, nickname="Ada", hides_amount=True, on_board=True)
    assert "₦500" in page(saver_client, mine.circle)


def test_leaving_the_board_removes_the_rank_and_keeps_the_membership(
    saver_client: Client, mine: Membership, saver: User
) -> None:
    pay_in(saver, 500_00, plan=mine.plan)
    circles.change_appearance(mine, nickname="Ada", hides_amount=False, on_board=False)
    response = saver_client.get(url(mine.circle))
    assert response.context["board"].size == 0
    assert response.context["mine"]


def test_the_orders_by_own_goal_and_by_month(saver_client: Client, mine: Membership) -> None:
    last_month = timezone.now() - datetime.timedelta(days=40)
    with time_machine.travel(last_month):
        make_member(mine.circle, nickname="Early", saved_kobo=900_00, target_kobo=90_000_00)
    make_member(mine.circle, nickname="Late", saved_kobo=500_00, target_kobo=10_000_00)
    leaderboards.rebuild_board(mine.circle_id)
    assert [name for _, name in ranks(saver_client.get(url(mine.circle)))] == ["Early", "Late"]
    by_share = saver_client.get(url(mine.circle) + "?by=share")
    assert [(row.name, row.amount) for row in by_share.context["podium"]] == [
        ("Late", "5.0\u00a0%"),
        ("Early", "1.0\u00a0%"),
    ]
    assert ranks(saver_client.get(url(mine.circle) + "?by=month")) == [("1", "Late")]


def test_the_board_says_as_of_when_and_after_which_posting(
    saver_client: Client,
    mine: Membership,
    saver: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    leaderboards.rebuild_board(mine.circle_id)
    with django_capture_on_commit_callbacks(execute=True):
        movement = pay_in(saver, 500_00, plan=mine.plan)
    shown = page(saver_client, mine.circle)
    assert "As of" in shown
    assert movement.reference in shown


def test_htmx_gets_the_board_alone(saver_client: Client, mine: Membership) -> None:
    part = page(saver_client, mine.circle, headers=HTMX)
    assert part.lstrip().startswith('<div class="split" id="board"')
    assert "<html" not in part


def poll(client: Client, circle: Circle) -> tuple[str, dict[str, str]]:
    """Return the URL and headers of the page's poll."""
    found = re.search(r'hx-get="([^"]*)"\s+hx-headers="([^"]*)"\s+hx-trigger="every', page(client, circle))
    assert found
    return unescape(found[1]), HTMX | json.loads(unescape(found[2]))


def test_polling_costs_one_query_and_says_nothing_until_something_has_changed(
    saver_client: Client,
    mine: Membership,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    other = join_circle(mine.circle)
    leaderboards.rebuild_board(mine.circle_id)
    address, headers = poll(saver_client, mine.circle)
    with django_assert_num_queries(1):
        response = saver_client.get(address, headers=headers)
    assert (response.status_code, response.content) == (304, b"")
    assert response["ETag"] == headers["If-None-Match"]
    with django_capture_on_commit_callbacks(execute=True):
        pay_in(other.user, 500_00, plan=other.plan)
    response = saver_client.get(address, headers=headers)
    assert (response.status_code, response["ETag"] != headers["If-None-Match"]) == (200, True)
    assert other.nickname in response.content.decode()


def test_a_visitors_poll_finds_no_private_circle(saver_client: Client, mine: Membership) -> None:
    leaderboards.rebuild_board(mine.circle_id)
    address, headers = poll(saver_client, mine.circle)
    other_user = Client()
    other_user.force_login(make_user())
    assert other_user.get(address, headers=headers).status_code == 404


@pytest.mark.parametrize("joining", [Circle.Joining.OPEN, Circle.Joining.INVITATION])
@pytest.mark.parametrize(
    "page", ["leaderboard/", "leaderboard/?by=month&q=Halima", "leaderboard/?from=0", "members/"]
)
def test_a_board_is_for_members_even_of_an_open_circle(saver_client: Client, joining: str, page: str) -> None:
    circle = start_circle(joining=joining)
    member = join_circle(circle, nickname="Halima", saved_kobo=5_00)
    leaderboards.rebuild_board(circle.pk)
    inside = Client()
    inside.force_login(member.user)
    address = f"/circles/{circle.slug}/{page}"
    seen = inside.get(address, headers={"HX-Request": "true"})
    assert "Halima" in seen.content.decode()
    for headers in (
        {},
        {"HX-Request": "true"},
        {"HX-Request": "true", "If-None-Match": seen.get("ETag", '"x"')},
    ):
        assert saver_client.get(address, headers=headers).status_code == 404


def test_a_newcomer_sees_the_board_from_the_moment_they_join(saver_client: Client, saver: User) -> None:
    circle = start_circle(joining=Circle.Joining.OPEN)
    join_circle(circle, nickname="Halima", saved_kobo=5_00)
    assert saver_client.get(url(circle)).status_code == 404
    join_circle(circle, saver)
    assert "Halima" in page(saver_client, circle)


def test_a_removed_member_sees_the_board_no_more(saver_client: Client, saver: User) -> None:
    circle = start_circle()
    membership = join_circle(circle, saver)
    assert saver_client.get(url(circle)).status_code == 200
    circles.remove_member(circle, membership)
    assert saver_client.get(url(circle)).status_code == 404


@pytest.mark.parametrize("query", ["", "?by=month", "?q=Halima"])
def test_cached_ids_do_not_open_the_board_to_a_member_who_has_left(
    saver_client: Client, saver: User, settings: Settings, query: str
) -> None:
    settings.KEEPS_PAGES = False
    circle = start_circle(joining=Circle.Joining.OPEN)
    membership = join_circle(circle, saver)
    join_circle(circle, nickname="Halima", saved_kobo=5_00)
    leaderboards.rebuild_board(circle.pk)
    assert saver_client.get(url(circle) + query).status_code == 200
    # The version of the user stays, and with it the cached ids of the circle and of the membership.
    Membership.objects.filter(pk=membership.pk).update(left_at=timezone.now())
    for headers in ({}, HTMX):
        assert saver_client.get(url(circle) + query, headers=headers).status_code == 404


def test_the_board_of_a_single_member_has_no_neighbours(
    saver_client: Client, mine: Membership, saver: User
) -> None:
    pay_in(saver, 500_00, plan=mine.plan)
    leaderboards.rebuild_board(mine.circle_id)
    response = saver_client.get(url(mine.circle))
    assert ranks(response) == [("1", "Ada")]
    my_rank = response.context["my_rank"]
    assert (my_rank["ordinal"], my_rank["above"], my_rank["below"], my_rank["gap"]) == ("1st", None, None, "")


def test_a_warm_board_costs_two_queries_and_a_cold_one_at_most_five(
    mine: Membership,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    settings: Settings,
) -> None:
    settings.KEEPS_PAGES = False
    for members in (10, 40):
        while Membership.objects.filter(circle=mine.circle).count() < members:
            make_member(mine.circle, saved_kobo=100_00 * members)
        leaderboards.rebuild_board(mine.circle_id)
        fresh = Client()
        fresh.force_login(mine.user)
        with django_assert_max_num_queries(5):
            fresh.get(url(mine.circle))
        for _ in "twice":
            with django_assert_num_queries(2):
                fresh.get(url(mine.circle))


def keep_days(circle: Circle, *ranks_of_mine: int, mine: Membership) -> None:
    """Store boards of the last days, on which the member had these ranks with their current amount."""
    mine.refresh_from_db()
    Membership.objects.filter(pk=mine.pk).update(joined_at=timezone.now() - datetime.timedelta(days=50))
    today, saved_kobo = timezone.localdate(), mine.saved_kobo
    for ago, rank in enumerate(reversed(ranks_of_mine), 1):
        marks = [[1, saved_kobo + 100], [rank, saved_kobo]] if rank > 1 else [[1, saved_kobo]]
        day = today - datetime.timedelta(days=ago)
        BoardDay.objects.create(circle=circle, day=day, taken_at=timezone.now(), size=9, marks=marks)


def test_my_place_over_time_is_a_chart_with_its_numbers_and_mine_alone(
    saver_client: Client, mine: Membership, saver: User
) -> None:
    other = join_circle(mine.circle, saved_kobo=900_00)
    pay_in(saver, 500_00, plan=mine.plan)
    keep_days(mine.circle, 7, 5, mine=mine)
    leaderboards.rebuild_board(mine.circle_id)
    shown = page(saver_client, mine.circle)
    assert "Your rank over time" in shown
    assert re.search(r"From 7th on .* to 2nd on .*\.</desc>", shown)
    assert shown.count("data-chart") == 1
    theirs = Client()
    theirs.force_login(other.user)
    assert "7th" not in page(theirs, mine.circle)
    for query in ("?by=share", "?by=month"):
        assert "data-chart" not in page(saver_client, mine.circle, query)


def test_a_reader_without_a_rank_sees_no_chart(saver_client: Client) -> None:
    circle = start_circle(joining=Circle.Joining.OPEN)
    first = join_circle(circle, saved_kobo=100_00)
    keep_days(circle, 1, 1, mine=first)
    leaderboards.rebuild_board(circle.pk)
    assert "data-chart" not in page(saver_client, circle)
    owner = Client()
    owner.force_login(circle.owner)
    assert "data-chart" not in page(owner, circle)


def test_the_chart_keeps_the_page_within_its_queries(
    mine: Membership, saver: User, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    settings.KEEPS_PAGES = False
    client = Client()
    client.force_login(saver)
    pay_in(saver, 500_00, plan=mine.plan)
    for _ in range(3):
        make_member(mine.circle, saved_kobo=100_00)
    circle = mine.circle
    keep_days(circle, *range(30, 1, -1), mine=mine)
    # Without a board in Redis, SQL has enough to do, and the chart comes with a later request.
    with django_assert_num_queries(5):
        assert "data-chart" not in page(client, circle)
    leaderboards.rebuild_board(mine.circle_id)
    with django_assert_num_queries(4):
        assert "data-chart" in page(client, circle)
    pay_in(saver, 1_00, plan=mine.plan)
    with django_assert_num_queries(3):
        page(client, circle)
    for _ in range(2):
        with django_assert_num_queries(2):
            assert "data-chart" in page(client, circle)


def test_a_new_goal_shows_on_a_board_that_is_open(
    saver_client: Client,
    mine: Membership,
    saver: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    pay_in(saver, 500_00, plan=mine.plan)
    leaderboards.rebuild_board(mine.circle_id)
    address, headers = poll(saver_client, mine.circle)
    with django_capture_on_commit_callbacks(execute=True):
        circles.edit_circle(mine.circle, name="A", description="", joining="closed", goal_kobo=1_000_00)
    response = saver_client.get(address, headers=headers)
    assert (response.status_code, response.context["percent"]) == (200, 50)


def test_the_bar_of_somebody_who_hides_too_does_not_tell_the_highest_sum() -> None:
    circle = start_circle()
    mine, *_ = [
        make_member(circle, saved_kobo=kobo, hides_amount=True) for kobo in (50_00, 60_00, 70_00, 73_00)
    ]
    leaderboards.rebuild_board(circle.pk)
    client = Client()
    client.force_login(mine.user)
    page = client.get(f"/circles/{circle.slug}/leaderboard/").text
    assert re.findall(r'<progress[^>]* value="(\d+)"', page) == ["100"]
