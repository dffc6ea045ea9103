"""The pages of circles: list and directory, one circle, start, join, leave, and the settings of members and owners."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import leaderboards
from savings.models import Circle, Membership, Product, User
from tests.factories import join_circle, make_plan, make_product, make_user, pay_in, start_circle
from tests.web.form_filling import filled_in

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def mine(saver: User) -> Membership:
    """The saver's membership in a circle of their own."""
    return start_circle(saver, name="December in Enugu", nickname="Ada").memberships.get()


def start_data(client: Client, **changes: Any) -> dict[str, Any]:
    day = timezone.localdate() + datetime.timedelta(days=60)
    values = {
        "product": make_product().pk,
        "name": "December in Enugu",
        "goal": "6,000,000",
        "matures_on": day.isoformat(),
    }
    return filled_in(client, "/circles/start/", **values | changes)


def text(client: Client, url: str, **extra: Any) -> str:
    return client.get(url, **extra).content.decode()


def test_starting_a_circle_leads_to_its_page_with_the_invite_link(saver_client: Client, saver: User) -> None:
    response = saver_client.post(
        "/circles/start/", start_data(saver_client, description="Rice & <b>rest</b>")
    )
    circle = Circle.objects.get()
    assert response["Location"] == f"/circles/{circle.slug}/"
    assert (circle.owner, circle.goal_kobo) == (saver, 6_000_000_00)
    page = text(saver_client, f"/circles/{circle.slug}/")
    assert f"/circles/join/{circle.invite_code}/" in page
    assert "Rice &amp; &lt;b&gt;rest&lt;/b&gt;" in page


@time_machine.travel("2026-11-30T12:00:00Z", tick=False)
def test_the_form_says_what_each_member_would_save(saver_client: Client) -> None:
    ajax = {"HX-Request": "true"}
    sent = {"goal": "1,200,000", "matures_on": "2027-05-30"}
    part = saver_client.post("/circles/start/preview/", sent, headers=ajax)
    assert part.context["ahead"].each[0] == ("With 5 members", "₦48,000 a month")
    assert part.context["ahead"].payments == "In 5 payments, 30 Dec to 30 Apr"
    assert 'With 5 members: <span class="money">₦48,000 a month</span> each' in part.text
    soon = saver_client.post("/circles/start/preview/", sent | {"matures_on": "2026-12-20"}, headers=ajax)
    assert soon.context["ahead"].each[0] == ("With 5 members", "₦240,000")
    assert soon.context["ahead"].payments == "In one payment, 30 Nov"
    assert "<html" not in part.text
    for incomplete in ({"goal": "1,200,000"}, sent | {"goal": "much"}, sent | {"matures_on": "9999-12-31"}):
        assert saver_client.post("/circles/start/preview/", incomplete, headers=ajax).context["ahead"] is None
    assert saver_client.post("/circles/start/preview/", sent)["Location"] == "/circles/start/"


def test_the_same_form_sent_twice_starts_one_circle(saver_client: Client) -> None:
    data = start_data(saver_client)
    assert (
        saver_client.post("/circles/start/", data)["Location"]
        == saver_client.post("/circles/start/", data)["Location"]
    )
    assert Circle.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"name": ""}, "name", "Give the circle a name."),
        ({"name": "\u200b"}, "name", "Give the circle a name."),
        ({"name": "x" * 61}, "name", "at most 60"),
        ({"description": "x" * 301}, "description", "at most 300"),
        ({"goal": ""}, "goal", "Enter a goal."),
        ({"goal": "0"}, "goal", "above zero"),
        ({"goal": "much"}, "goal", "in figures"),
        ({"matures_on": ""}, "matures_on", "Choose a day."),
        ({"matures_on": "2020-01-01"}, "matures_on", "in the future"),
        ({"joining": "nobody"}, "joining", "valid choice"),
        ({"product": "999999"}, "product", "Choose one of these plan types."),
        ({"nickname": ""}, "nickname", "Enter a nickname"),
        ({"nickname": "x" * 200}, "nickname", "at most 30"),
        ({"nickname": "ada@example.com"}, "nickname", "not an email address"),
        ({"nickname": "A\u200bda"}, "nickname", "invisible characters"),
    ],
)
def test_bad_input_is_named_beside_its_field_and_stays_as_typed(
    saver_client: Client, changes: dict[str, str], field: str, sentence: str
) -> None:
    data = start_data(saver_client, **changes)
    response = saver_client.post("/circles/start/", data, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert sentence in " ".join(response.context["form"].errors[field])
    assert response.context["form"]["goal"].value() == data["goal"]
    assert "<html" not in response.content.decode()
    assert not Circle.objects.exists()


def test_an_invite_link_leads_in(saver_client: Client, saver: User) -> None:
    circle = start_circle(name="Rent")
    url = f"/circles/join/{circle.invite_code}/"
    data = filled_in(saver_client, url, nickname="<i>Ada</i>")
    assert data["nickname"] == "<i>Ada</i>"
    for _ in "twice":
        assert saver_client.post(url, data)["Location"] == f"/circles/{circle.slug}/"
    assert saver.memberships.count() == 1
    page = text(saver_client, f"/circles/{circle.slug}/members/")
    assert "&lt;i&gt;Ada&lt;/i&gt;" in page
    assert "<i>Ada" not in page
    assert saver_client.get(url)["Location"] == f"/circles/{circle.slug}/"


def test_a_revoked_invite_says_so_and_names_no_circle(saver_client: Client, mine: Membership) -> None:
    url = f"/circles/join/{mine.circle.invite_code}/"
    saver_client.post(f"/circles/{mine.circle.slug}/rotate-code/")
    response = signed_in(make_user()).get(url)
    assert response.status_code == 404
    assert "no longer valid" in response.content.decode()
    assert "December" not in response.content.decode()
    assert signed_in(make_user()).post(url, {"nickname": "Bola"}).status_code == 404


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"joining": Circle.Joining.CLOSED}, "takes no new members"),
        ({"member_limit": 1}, "is full"),
        ({"starts_on": datetime.date(2020, 1, 1), "ends_on": datetime.date(2020, 2, 1)}, "has ended"),
    ],
)
def test_a_circle_that_lets_nobody_in_says_why(
    saver_client: Client, fields: dict[str, Any], sentence: str
) -> None:
    circle = start_circle()
    url = f"/circles/join/{circle.invite_code}/"
    data = filled_in(saver_client, url)
    Circle.objects.filter(pk=circle.pk).update(**fields)
    response = saver_client.post(url, data)
    assert response.status_code == 422
    assert sentence in response.content.decode()


def test_joining_twice_and_a_taken_nickname_are_refused(saver_client: Client, mine: Membership) -> None:
    other = make_user()
    url = f"/circles/join/{mine.circle.invite_code}/"
    data = filled_in(signed_in(other), url, nickname="ada")
    response = signed_in(other).post(url, data)
    assert (response.status_code, list(response.context["form"].errors)) == (422, ["nickname"])
    join_circle(mine.circle, other)
    assert "already" in signed_in(other).post(url, data | {"nickname": "B"}).content.decode()


def test_a_target_plan_asks_for_a_goal_of_one_s_own(saver_client: Client, saver: User) -> None:
    circle = start_circle(product=make_product(Product.Kind.TARGET), target_kobo=50_000_00)
    url = f"/circles/join/{circle.invite_code}/"
    data = filled_in(saver_client, url)
    assert saver_client.post(url, data).status_code == 422
    saver_client.post(url, data | {"target": "300,000"})
    assert saver.memberships.get().plan.target_kobo == 300_000_00


def test_an_open_circle_is_in_the_directory_and_joined_from_there(saver_client: Client, saver: User) -> None:
    circle = start_circle(name="Lagos runners", joining=Circle.Joining.OPEN)
    start_circle(name="Secret society")
    page = text(saver_client, "/circles/")
    assert "Lagos runners" in page
    assert "Secret society" not in page
    assert "What happened" not in text(saver_client, f"/circles/{circle.slug}/")
    saver_client.post(
        f"/circles/{circle.slug}/join/", filled_in(saver_client, f"/circles/{circle.slug}/join/")
    )
    assert saver.memberships.get().circle == circle
    assert "What happened" in text(saver_client, f"/circles/{circle.slug}/")


def test_a_newcomer_sees_the_summary_of_an_open_circle_and_none_of_its_members(
    saver_client: Client, saver: User
) -> None:
    circle = start_circle(name="Lagos runners", joining=Circle.Joining.OPEN)
    join_circle(circle, nickname="Halima", saved_kobo=7_00)
    join_circle(circle, nickname="Chidi", saved_kobo=4_00)
    for path in ("", "join/"):
        page = text(saver_client, f"/circles/{circle.slug}/{path}")
        assert "Lagos runners" in page
        assert "Halima" not in page
        assert "₦7" not in page
    Circle.objects.update(settled_at=timezone.now(), final_kobo=11_00)
    Membership.objects.filter(nickname="Halima").update(final_rank=1)
    assert "Halima" not in text(saver_client, f"/circles/{circle.slug}/")


@pytest.mark.parametrize(
    ("joining", "is_told"), [(Circle.Joining.OPEN, True), (Circle.Joining.INVITATION, False)]
)
def test_people_read_who_will_see_their_nickname_where_they_choose_it(
    saver_client: Client, *, joining: str, is_told: bool
) -> None:
    circle = start_circle(joining=joining)
    page = " ".join(text(saver_client, f"/circles/join/{circle.invite_code}/").split())
    assert "Only members of this circle see your nickname" in page
    assert ("Everyone with an account sees the circle’s total, and can join." in page) == is_told


def test_the_directory_is_searched_and_walked_in_pages(saver_client: Client) -> None:
    product = make_product()
    for number in range(14):
        start_circle(product=product, name=f"Group {number:02}", joining=Circle.Joining.OPEN)
    first = saver_client.get("/circles/")
    assert len(first.context["listed"]) == 12
    second = saver_client.get(f"/circles/{first.context['page'].older}", headers={"HX-Request": "true"})
    assert [card.circle.name for card in second.context["listed"]] == ["Group 01", "Group 00"]
    assert "<html" not in second.content.decode()
    found = saver_client.get("/circles/", {"q": " group 0 7"}).context["listed"]
    assert not found
    assert [card.circle.name for card in saver_client.get("/circles/", {"q": "UP 07"}).context["listed"]] == [
        "Group 07"
    ]


def test_leaving_needs_an_empty_plan(saver_client: Client, saver: User) -> None:
    circle = start_circle()
    membership = join_circle(circle, saver, saved_kobo=10_00)
    assert (
        "Move it to your stash first"
        in saver_client.post(f"/circles/{circle.slug}/leave/", follow=True).content.decode()
    )
    membership.refresh_from_db()
    assert membership.left_at is None


def test_a_former_member_cannot_see_the_circle(saver_client: Client, saver: User) -> None:
    circle = start_circle()
    join_circle(circle, saver)
    assert saver_client.post(f"/circles/{circle.slug}/leave/")["Location"] == "/circles/"
    assert saver_client.get(f"/circles/{circle.slug}/").status_code == 404
    assert saver_client.get(f"/circles/{circle.slug}/leaderboard/").status_code == 404


def test_a_member_chooses_how_to_appear(saver_client: Client, mine: Membership) -> None:
    url = f"/circles/{mine.circle.slug}/appearance/"
    saver_client.post(url, {"nickname": "Queen", "on_board": "on"})
    mine.refresh_from_db()
    assert (mine.nickname, mine.hides_amount, mine.on_board) == ("Queen", True, True)
    saver_client.post(url, {"nickname": "Queen", "shows_amount": "on"})
    mine.refresh_from_db()
    assert (mine.hides_amount, mine.on_board) == (False, False)


def test_a_nickname_of_somebody_else_stays_typed_and_changes_nothing(
    saver_client: Client, mine: Membership
) -> None:
    join_circle(mine.circle, nickname="Bola")
    response = saver_client.post(f"/circles/{mine.circle.slug}/appearance/", {"nickname": "BOLA"})
    assert response.status_code == 422
    assert response.context["form"]["nickname"].value() == "BOLA"
    mine.refresh_from_db()
    assert mine.nickname == "Ada"


@pytest.mark.parametrize(
    ("nickname", "sentence"),
    [
        ("", "Enter a nickname."),
        ("x" * 200, "Use at most 30 characters."),
        ("ada@example.com", "Use a name, not an email address."),
        ("A\u200bda", "invisible characters"),
        ("OWNER", "is already called OWNER."),
    ],
)
@pytest.mark.parametrize("page", ["join", "appearance"])
def test_a_nickname_that_is_none_is_named_beside_its_field_and_stays_typed(
    saver_client: Client, saver: User, page: str, nickname: str, sentence: str
) -> None:
    circle = start_circle(nickname="Owner")
    url = f"/circles/join/{circle.invite_code}/"
    if page == "appearance":
        join_circle(circle, saver, nickname="Ada")
        url = f"/circles/{circle.slug}/appearance/"
    data = filled_in(saver_client, url) | {"nickname": nickname}
    response = saver_client.post(url, data, headers={"HX-Request": "true"})
    assert (response.status_code, response.context["form"]["nickname"].value()) == (422, nickname)
    assert sentence in " ".join(response.context["form"].errors["nickname"])
    assert saver.memberships.filter(nickname="Ada").count() == (page == "appearance")


def test_the_owner_changes_the_circle(saver_client: Client, mine: Membership) -> None:
    url = f"/circles/{mine.circle.slug}/edit/"
    assert saver_client.post(url, {"name": "", "goal": "5", "joining": "closed"}).status_code == 422
    data = {"name": "January", "description": "Later", "goal": "2,500,000", "joining": "closed"}
    saver_client.post(url, data)
    mine.circle.refresh_from_db()
    assert (mine.circle.name, mine.circle.joining) == ("January", Circle.Joining.CLOSED)
    assert mine.circle.goal_kobo == 2_500_000_00


@pytest.mark.parametrize(
    ("goal", "sentence"),
    [("", "Enter a goal."), ("0", "above zero"), ("much", "in figures"), ("9" * 20, "too large")],
)
def test_a_goal_that_is_none_is_named_beside_its_field(
    saver_client: Client, mine: Membership, goal: str, sentence: str
) -> None:
    url = f"/circles/{mine.circle.slug}/edit/"
    data = {"name": "January", "joining": "closed", "goal": goal}
    response = saver_client.post(url, data, headers={"HX-Request": "true"})
    assert (response.status_code, response.context["form"]["goal"].value()) == (422, goal)
    assert sentence in " ".join(response.context["form"].errors["goal"])
    assert "The end date can’t change" in response.content.decode()


def test_progress_follows_a_new_goal_and_every_plan_keeps_its_day(saver_client: Client, saver: User) -> None:
    circle = start_circle(saver, make_product(Product.Kind.LOCKED), goal_kobo=1_000_00)
    member = join_circle(circle, saved_kobo=500_00)
    assert saver_client.get(f"/circles/{circle.slug}/").context["card"].percent == 50
    data = {"name": circle.name, "joining": circle.joining, "goal": "2,000", "matures_on": "2030-01-01"}
    saver_client.post(f"/circles/{circle.slug}/edit/", data)
    assert saver_client.get(f"/circles/{circle.slug}/").context["card"].percent == 25
    member.plan.refresh_from_db()
    assert member.plan.matures_on == circle.ends_on


def test_the_owner_removes_and_hands_over(saver_client: Client, mine: Membership) -> None:
    empty, heir = join_circle(mine.circle, nickname="Empty"), join_circle(mine.circle, nickname="Heir")
    members = f"/circles/{mine.circle.slug}/members/"
    saver_client.post(f"{members}{empty.pk}/remove/")
    assert "Empty" not in text(saver_client, members).split("toasts")[-1].split('id="listing"')[1]
    saver_client.post(f"{members}{heir.pk}/hand-over/")
    mine.circle.refresh_from_db()
    assert mine.circle.owner == heir.user
    assert saver_client.get(f"{members}{heir.pk}/").status_code == 404


def test_the_owner_can_neither_be_removed_nor_leave(saver_client: Client, mine: Membership) -> None:
    slug = mine.circle.slug
    removed = saver_client.post(f"/circles/{slug}/members/{mine.pk}/remove/", follow=True)
    assert "You can’t remove the owner" in removed.content.decode()
    assert "Hand it over" in saver_client.post(f"/circles/{slug}/leave/", follow=True).content.decode()
    assert Membership.objects.current().filter(pk=mine.pk).exists()


@pytest.mark.parametrize(
    "verb", ["edit/", "rotate-code/", "members/{}/", "members/{}/remove/", "members/{}/hand-over/"]
)
def test_the_owner_s_tools_are_not_there_for_members(saver_client: Client, saver: User, verb: str) -> None:
    circle = start_circle()
    join_circle(circle, saver)
    owner = circle.memberships.get(user=circle.owner)
    assert saver_client.post(f"/circles/{circle.slug}/{verb.format(owner.pk)}").status_code == 404


@pytest.mark.parametrize(
    "verb", ["", "leaderboard/", "join/", "appearance/", "edit/", "members/", "leave/", "rotate-code/"]
)
def test_a_private_circle_is_404_for_another_user(saver_client: Client, verb: str) -> None:
    circle = start_circle()
    assert saver_client.post(f"/circles/{circle.slug}/{verb}").status_code == 404
    if verb not in {"leave/", "rotate-code/"}:
        assert saver_client.get(f"/circles/{circle.slug}/{verb}").status_code == 404


def test_no_page_shows_an_address_or_a_hidden_sum(saver_client: Client, saver: User) -> None:
    circle = start_circle(goal_kobo=100_000_00, joining=Circle.Joining.OPEN)
    join_circle(circle, saver, saved_kobo=1_000_00)
    secret = join_circle(circle, saved_kobo=54_321_00, shown={"hides_amount": True})
    here = f"/circles/{circle.slug}"
    board = f"{here}/leaderboard/"
    urls = [f"{here}/", f"{here}/members/", board, f"{board}?by=month", f"{board}?q={secret.nickname}"]
    for url in (*urls, f"{here}/appearance/", "/circles/", "/circles/?q=Circle", "/dashboard/"):
        for headers in ({}, {"HX-Request": "true"}):
            page = text(saver_client, url, headers=headers)
            assert "54,321" not in page
            assert "54321" not in page
            assert "55,321" not in page
            assert secret.user.email not in page
            assert circle.owner.email not in page


def test_the_activity_calls_the_reader_you_and_says_when_an_amount_is_hidden(
    saver_client: Client, saver: User, mine: Membership
) -> None:
    Membership.objects.filter(pk=mine.pk).update(hides_amount=True)
    pay_in(saver, 1_234_00, plan=mine.plan)
    other = make_user()
    join_circle(mine.circle, other)
    url = f"/circles/{mine.circle.slug}/"
    row = saver_client.get(url).context["page"].rows[1]
    assert (row.who, row.what, row.amount) == ("You", "saved", "₦1,234")
    page = text(signed_in(other), url)
    assert "amount hidden" in page
    assert "1,234" not in page


def test_a_card_shows_the_total_and_the_readers_part(saver_client: Client, saver: User) -> None:
    circle = start_circle(goal_kobo=100_000_00)
    join_circle(circle, saver, saved_kobo=1_000_00)
    join_circle(circle, saved_kobo=2_000_00)
    card = text(saver_client, "/circles/")
    assert re.search(r"fig-m\">\s*₦3,000\s*<", card)
    assert re.search(r"You: <span\s+class=\"money\">₦1,000<", card)


def test_ended_circles_are_listed_apart(saver_client: Client, mine: Membership) -> None:
    day = timezone.localdate()
    Circle.objects.filter(pk=mine.circle_id).update(starts_on=day - datetime.timedelta(days=9), ends_on=day)
    context = saver_client.get("/circles/").context
    assert ([card.circle for card in context["ended"]], context["running"]) == ([mine.circle], [])


def test_the_activity_is_walked_in_pages(saver_client: Client, saver: User, mine: Membership) -> None:
    for _ in range(12):
        pay_in(saver, 100_00, plan=mine.plan)
    first = saver_client.get(f"/circles/{mine.circle.slug}/")
    assert len(first.context["page"].rows) == 10
    rest = saver_client.get(
        f"/circles/{mine.circle.slug}/{first.context['page'].older}", headers={"HX-Request": "true"}
    )
    assert [row.what for row in rest.context["page"].rows] == ["saved", "saved", "started the circle"]
    assert "<html" not in rest.content.decode()


def test_the_pages_cost_the_same_for_one_member_and_for_many(
    saver_client: Client,
    mine: Membership,
    django_assert_num_queries: DjangoAssertNumQueries,
    settings: Settings,
) -> None:
    settings.KEEPS_PAGES = False
    slug = mine.circle.slug
    # One more of the list, for the ranks of which Redis has no board.
    costs = {"/circles/": 5, f"/circles/{slug}/": 5, f"/circles/{slug}/members/": 3}
    saver_client.get(f"/circles/{slug}/")
    for url, queries in costs.items():
        with django_assert_num_queries(queries):
            saver_client.get(url)
    for number in range(30):
        join_circle(mine.circle, saved_kobo=100_00 * number)
        start_circle(product=mine.circle.product, joining=Circle.Joining.OPEN)
    for url, queries in costs.items():
        with django_assert_num_queries(queries):
            saver_client.get(url)


def test_a_card_of_the_list_says_the_reader_s_rank_at_the_same_cost_for_one_circle_and_for_many(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def cards(count: int) -> list[str]:
        for _ in range(count):
            circle = start_circle()
            join_circle(circle, saver, saved_kobo=100_00)
            join_circle(circle, saved_kobo=250_00)
            leaderboards.rebuild_board(circle.pk, force=True)
        saver_client.get("/circles/")
        with django_assert_num_queries(4):
            page = saver_client.get("/circles/")
        assert " · 2nd place<" in page.text
        return [card.rank_now for card in page.context["running"]]

    assert cards(1) == ["2nd"]
    assert cards(9) == ["2nd"] * 10


def test_a_card_of_the_list_has_no_rank_without_a_place_on_the_board(
    saver_client: Client, saver: User
) -> None:
    circle = start_circle()
    join_circle(circle, saver, saved_kobo=100_00, shown={"on_board": False})
    page = saver_client.get("/circles/")
    assert [card.rank_now for card in page.context["running"]] == [""]
    assert "1st" not in page.text


@pytest.mark.parametrize(("hides", "gap"), [(False, True), (True, False)])
def test_the_page_says_the_reader_s_rank_and_the_gap_to_the_next(
    saver_client: Client, saver: User, *, hides: bool, gap: bool
) -> None:
    circle = start_circle()
    join_circle(circle, saver, saved_kobo=100_00)
    join_circle(circle, saved_kobo=250_00, shown={"hides_amount": hides})
    page = " ".join(strip_tags(text(saver_client, f"/circles/{circle.slug}/")).split())
    assert "2nd of 2" in page
    assert ("save ₦150 more to share 1st" in page) is gap


def test_a_newcomer_sees_what_to_do(saver_client: Client) -> None:
    make_plan()
    assert "You’re not in a circle yet" in text(saver_client, "/circles/")


def test_a_plan_of_a_circle_is_not_closed_from_its_own_page(saver_client: Client, mine: Membership) -> None:
    assert "Close this plan" not in text(saver_client, f"/plans/{mine.plan_id}/")
    response = saver_client.post(f"/plans/{mine.plan_id}/close/", follow=True)
    assert "leave the circle" in response.content.decode()
    mine.plan.refresh_from_db()
    assert not mine.plan.is_closed


def test_the_members_are_in_the_order_of_their_ranks(saver_client: Client, mine: Membership) -> None:
    join_circle(mine.circle, nickname="Musa", saved_kobo=5_000_00)
    join_circle(mine.circle, nickname="Bisi", saved_kobo=7_000_00)
    join_circle(mine.circle, nickname="Tola", saved_kobo=5_000_00)
    rows = saver_client.get(f"/circles/{mine.circle.slug}/members/").context["page"].rows
    assert [row["rank"] for row in rows] == ["1st", "joint 2nd", "joint 2nd", ""]
    assert [rows[0]["nickname"], rows[-1]["nickname"]] == ["Bisi", "Ada"]


def test_the_members_are_searched_by_nickname(saver_client: Client, mine: Membership) -> None:
    for nickname in ("Musa Ibrahim", "Bisi"):
        join_circle(mine.circle, nickname=nickname)
    members = f"/circles/{mine.circle.slug}/members/"
    page = text(saver_client, members)
    assert "3 members, ₦0 saved" in page
    # So few are found without a search.
    assert "Find a member" not in page
    found = text(saver_client, f"{members}?q=musa")
    assert ("Musa Ibrahim" in found, "Bisi" in found) == (True, False)
    assert "Nobody here is called “Tolu”" in text(saver_client, f"{members}?q=Tolu")


def test_the_plan_of_a_member_names_the_circle_and_their_rank_in_it(
    saver_client: Client, saver: User, mine: Membership
) -> None:
    plan = f"/plans/{mine.plan_id}/"
    page = " ".join(strip_tags(text(saver_client, plan)).split())
    assert "Part of this circle" in page
    pay_in(saver, 50_000_00, plan=mine.plan)
    join_circle(mine.circle, saved_kobo=90_000_00)
    page = " ".join(strip_tags(text(saver_client, plan)).split())
    assert "2nd of 2 in this circle" in page
