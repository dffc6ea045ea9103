"""Pages of an ended circle: the gold cowrie, the final ranks, and no more top-ups."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from savings import circles, leaderboards, plans, references
from savings.models import Circle, Membership, Product, User
from tests.factories import join_circle, make_product, start_circle
from web.pages import leaderboards as board_pages

pytestmark = pytest.mark.django_db

GOLD = 'class="shell on"'


@pytest.fixture
def ended(saver: User, saver_client: Client) -> Iterator[Circle]:
    """A circle in which the saver came first, seen on the day after its end; nothing has matured yet."""
    circle = start_circle(product=make_product(Product.Kind.LOCKED), days=40, name="Rent")
    join_circle(circle, saver, nickname="Ada", saved_kobo=500_00)
    join_circle(circle, nickname="Bola", saved_kobo=300_00)
    join_circle(circle, nickname="Chidi", saved_kobo=300_00)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=41), tick=False):
        circles.end_due_circles(timezone.localdate())
        # The session of forty days ago has expired.
        saver_client.force_login(saver)
        yield circle


def shown(client: Client, url: str, **extra: Any) -> str:
    return client.get(url, **extra).content.decode()


def board_url(circle: Circle) -> str:
    return f"/circles/{circle.slug}/leaderboard/"


def test_equal_ranks_are_on_the_podium_together_or_in_the_list() -> None:
    def size(*ranks: int) -> int:
        rows: Any = [SimpleNamespace(plinth=rank) for rank in ranks]
        return board_pages.podium_size(rows)

    assert [size(1, 2, 3, 3, 5), size(1, 2, 2, 4), size(1, 2, 2, 2), size(1, 1, 1, 1), size(1), size()] == [
        *(2, 3, 1, 0, 1, 0)
    ]


@pytest.mark.parametrize("source", ["redis", "sql"])
def test_the_final_board_has_the_fixed_places_and_offers_no_payment(
    saver_client: Client, ended: Circle, source: str
) -> None:
    if source == "redis":
        leaderboards.rebuild_board(ended.pk)
    response = saver_client.get(board_url(ended))
    page = response.content.decode()
    assert [(row.rank, row.name) for row in response.context["podium"]] == [
        ("1", "Ada"),
        ("2=", "Bola"),
        ("2=", "Chidi"),
    ]
    assert ("Final board" in page, "Your final rank" in page, "ended" in page) == (True, True, True)
    assert GOLD in page
    assert "top-up" not in page
    assert "this week" not in page


@pytest.mark.parametrize("source", ["redis", "sql"])
def test_leaving_after_the_end_leaves_a_gap_in_the_ranks(
    ended: Circle,
    saver: User,
    source: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    plans.mature_due_plans(timezone.localdate())
    if source == "redis":
        leaderboards.rebuild_board(ended.pk)
    first = saver.memberships.get()
    other = Client()
    other.force_login(ended.memberships.get(nickname="Bola").user)
    with django_capture_on_commit_callbacks(execute=True):
        circles.leave(first)
    response = other.get(board_url(ended))
    assert [(row.rank, row.name) for row in response.context["podium"]] == [("2=", "Bola"), ("2=", "Chidi")]
    assert response.context["my_rank"]["ordinal"] == "joint 2nd"
    assert not response.context["my_rank"]["leads"]
    assert "came first" not in shown(other, f"/circles/{ended.slug}/").split('id="feed"')[0]


def test_the_badge_is_on_the_circle_its_activity_my_cards_and_my_plan(
    saver_client: Client, ended: Circle, saver: User
) -> None:
    circle_page = shown(saver_client, f"/circles/{ended.slug}/")
    above, _, feed = circle_page.partition('id="feed"')
    assert ("You came first" in above, GOLD in above) == (True, True)
    # The head of the page says it once.
    assert ("The circle</bdi> ended" in feed, "came first" in feed, GOLD in feed) == (True, False, True)
    mine = saver.memberships.get()
    for url in ("/circles/", "/plans/", f"/plans/{mine.plan_id}/"):
        page = shown(saver_client, url)
        assert GOLD in page, url
        assert "1st place" in page, url


def test_the_second_place_sees_the_winner_and_no_gold_cowrie(ended: Circle) -> None:
    client, bola = Client(), ended.memberships.get(nickname="Bola")
    client.force_login(bola.user)
    assert "</bdi> came first. You came joint 2nd." in shown(client, f"/circles/{ended.slug}/")
    for url in ("/circles/", "/plans/", f"/plans/{bola.plan_id}/"):
        page = shown(client, url)
        assert ("2nd place" in page, GOLD in page) == (True, False), url


def test_many_who_share_the_first_place_are_not_all_read_out(saver_client: Client, saver: User) -> None:
    circle = start_circle(days=40)
    for name in ("A", "B", "C", "D", "E"):
        join_circle(circle, nickname=name, saved_kobo=100_00)
    join_circle(circle, saver, nickname="Last", saved_kobo=50_00)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=41)):
        circles.end_due_circles(timezone.localdate())
        saver_client.force_login(saver)
        assert ">A, B, C and others</bdi> came first. You came 6th." in shown(
            saver_client, f"/circles/{circle.slug}/"
        )


def test_a_winner_who_leaves_the_board_is_not_named_to_others(ended: Circle, saver: User) -> None:
    circles.change_appearance(saver.memberships.get(), nickname="Ada", hides_amount=False, on_board=False)
    other = Client()
    other.force_login(ended.memberships.get(nickname="Bola").user)
    page = shown(other, f"/circles/{ended.slug}/")
    assert "came first" not in page
    assert [row.rank for row in other.get(board_url(ended)).context["podium"]] == ["2=", "2="]


def test_a_plan_whose_saver_has_left_names_the_circle_without_leading_there(
    saver_client: Client, ended: Circle, saver: User
) -> None:
    plans.mature_due_plans(timezone.localdate())
    mine = saver.memberships.get()
    circles.leave(mine)
    page = shown(saver_client, f"/plans/{mine.plan_id}/")
    assert "1st place" in page
    assert board_url(ended) not in page


def test_the_owner_leaves_an_ended_circle_and_has_no_tools_any_more(ended: Circle) -> None:
    owner = Client()
    owner.force_login(ended.owner)
    url, mine = f"/circles/{ended.slug}/", ended.memberships.get(user=ended.owner)
    assert "The circle has ended, so nobody needs to run it." in shown(owner, url)
    assert "</a> without handing it over." in shown(owner, f"{url}members/{mine.pk}/")
    left = owner.post(f"{url}leave/", follow=True)
    assert "You’ve left Rent." in left.content.decode()
    for gone in ("", "edit/", "members/", f"members/{mine.pk}/"):
        assert owner.get(url + gone).status_code == 404, gone


def test_the_others_see_no_owner_in_a_circle_whose_owner_has_left(client: Client, ended: Circle) -> None:
    members = f"/circles/{ended.slug}/members/"
    assert ">Owner<" in shown(client, members)
    circles.leave(ended.memberships.get(user=ended.owner))
    page = shown(client, members)
    assert ("Bola" in page, ">Owner<" in page) == (True, False)
    assert client.get(f"/circles/{ended.slug}/").status_code == 200


def test_members_with_one_rank_are_in_the_order_of_the_board(ended: Circle) -> None:
    bola, chidi = (ended.memberships.get(nickname=nickname) for nickname in ("Bola", "Chidi"))
    # Chidi joined later, and reached the same amount first.
    ended.memberships.filter(pk=chidi.pk).update(reached_at=bola.reached_at - datetime.timedelta(days=1))
    client = Client()
    client.force_login(bola.user)
    board = client.get(board_url(ended)).context["podium"]
    members = client.get(f"/circles/{ended.slug}/members/").context
    listed = [row["nickname"] for row in members["page"].rows if row["rank"]]
    assert listed == [row.name for row in board] == ["Ada", "Chidi", "Bola"]
    assert members["count_text"] == f"Ended {date_format(ended.ends_on, 'j M Y')} · ₦1,100 together"


def test_the_form_of_an_ended_circle_keeps_its_goal(ended: Circle) -> None:
    client = Client()
    client.force_login(ended.owner)
    data = {"name": "Rent", "joining": "invitation", "goal": "5"}
    response = client.post(f"/circles/{ended.slug}/edit/", data)
    assert response.status_code == 422
    assert "its goal can’t change" in " ".join(response.context["form"].errors["goal"])


def test_pages_of_an_ended_circle_cost_the_same_for_few_members_and_for_many(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    settings.KEEPS_PAGES = False
    circle = start_circle(days=40)
    mine = join_circle(circle, saver, saved_kobo=10_00)
    costs = {"/circles/": 4, f"/circles/{circle.slug}/": 5, "/plans/": 3}
    for number in (1, 30):
        for _ in range(number):
            join_circle(circle, saved_kobo=10_00)
        with time_machine.travel(timezone.now() + datetime.timedelta(days=41)):
            Circle.objects.update(settled_at=None, final_kobo=None, told_until=None)
            circles.end_due_circles(timezone.localdate())
            saver_client.force_login(saver)
            shown(saver_client, f"/circles/{circle.slug}/")
            for url, queries in costs.items():
                with django_assert_num_queries(queries):
                    shown(saver_client, url)
    assert Membership.objects.get(pk=mine.pk).final_rank == 1


def test_money_taken_out_in_the_first_hour_does_not_change_what_is_shown(
    saver_client: Client, saver: User, ended: Circle
) -> None:
    mine = saver.memberships.get()
    plans.move_from_plan(saver, mine.plan, amount_kobo=450_00, reference=references.new("plan_to_stash"))
    response = saver_client.get(board_url(ended))
    assert [row.amount for row in response.context["podium"]] == ["₦500", "₦300", "₦300"]
