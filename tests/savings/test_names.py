"""Unique names: the same result on every database, also when two requests use a name at the same time."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from savings import circles, plans, typed_text
from savings.circles import nicknames
from savings.exceptions import Refused
from savings.models import Circle, Membership, Plan, User, keys
from tests.factories import join_circle, make_plan, make_user, start_circle

pytestmark = pytest.mark.django_db

# Each second name is the first in another spelling.
SAME = [
    ("Ẹgbẹ́ Ọjà", "E\u0323gbe\u0323\u0301 O\u0323ja\u0300"),
    ("Straße", "STRASSE"),
    ("Kemi", "\u212aemi"),
    ("Rent", "ＲＥＮＴ"),
    ("Rent", "re\u00adnt"),
    ("İnci", "i\u0307nci"),
    ("Œuvre", "œuvre"),
]
DIFFERENT = [("Inci", "İnci"), ("Ọjà", "Oja"), ("ısı", "isi")]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_plan_name_in_another_spelling_is_taken(one: str, other: str) -> None:
    user = make_user()
    make_plan(user, name=one)
    renamed = make_plan(user, name="Something else")
    with pytest.raises(Refused, match="already have a plan") as refused:
        make_plan(user, name=other)
    assert refused.value.field == "name"
    with pytest.raises(Refused, match="already have a plan"):
        plans.rename(renamed, other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_plan_names_that_differ_are_both_allowed(one: str, other: str) -> None:
    user = make_user()
    make_plan(user, name=one)
    renamed = make_plan(user, name="Something else")
    plans.rename(renamed, other)
    plans.rename(renamed, "Something else")
    assert make_plan(user, name=other).name == other


@pytest.mark.parametrize(("one", "other"), [pair for pair in SAME if "\u00ad" not in pair[1]])
def test_a_nickname_in_another_spelling_is_taken(one: str, other: str) -> None:
    circle = start_circle()
    join_circle(circle, nickname=one)
    mine = join_circle(circle, nickname="Somebody")
    with pytest.raises(Refused, match="already called") as refused:
        join_circle(circle, nickname=other)
    assert refused.value.field == "nickname"
    with pytest.raises(Refused, match="already called"):
        circles.change_appearance(mine, nickname=other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_nicknames_that_differ_are_both_allowed(one: str, other: str) -> None:
    circle = start_circle()
    join_circle(circle, nickname=one)
    mine = join_circle(circle, nickname="Somebody")
    circles.change_appearance(mine, nickname=other)
    assert mine.nickname == other


def test_the_case_of_an_own_name_can_be_changed() -> None:
    plan = make_plan(name="rent")
    plans.rename(plan, "Rent")
    mine = start_circle(nickname="ada").memberships.get()
    circles.change_appearance(mine, nickname="Ada")
    assert (plan.name, mine.nickname) == ("Rent", "Ada")


@pytest.mark.parametrize("name", ["\u200b", "\u3164\u2800", "\ufeff \u202e", "\u0301", "\x00", "\ud800"])
def test_an_invisible_name_is_refused_everywhere(name: str) -> None:
    circle, plan = start_circle(), make_plan()
    with pytest.raises(Refused):
        plans.rename(plan, name)
    with pytest.raises(Refused):
        circles.edit_circle(circle, name=name)
    with pytest.raises(Refused):
        nicknames.cleaned_nickname(name)


def test_the_second_of_two_concurrent_plan_names_gets_the_same_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other request commits between the check and the insert."""
    user = make_user()
    make_plan(user, name="Rent")
    renamed = make_plan(user, name="Car")
    monkeypatch.setattr(keys, "is_name_taken", lambda *_: False)
    for act in (lambda: make_plan(user, name="RENT"), lambda: plans.rename(renamed, "RENT")):
        with pytest.raises(Refused, match="You already have a plan called RENT") as refused:
            act()
        assert refused.value.field == "name"
    assert user.plans.count() == 2


def test_the_second_of_two_concurrent_nicknames_gets_an_error_at_the_field(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    circle = start_circle(nickname="Ada")
    mine = join_circle(circle, nickname="Bola")
    monkeypatch.setattr(keys, "is_name_taken", lambda *_: False)
    for act in (
        lambda: join_circle(circle, nickname="ADA"),
        lambda: circles.change_appearance(mine, nickname="ADA"),
    ):
        with pytest.raises(Refused, match="just taken") as refused:
            act()
        assert refused.value.field == "nickname"


def test_the_database_refuses_a_second_row_with_the_same_key() -> None:
    plan = make_plan(name="Straße")
    other = make_plan(plan.user, name="Other")
    with pytest.raises(IntegrityError), transaction.atomic():
        Plan.objects.filter(pk=other.pk).update(name="STRASSE")


def test_every_way_of_writing_a_name_updates_its_keys() -> None:
    plan, member = make_plan(name="Rent"), start_circle(nickname="Ọlá").memberships.get()
    plan.name = "Car"
    plan.save(update_fields=["name"])
    Membership.objects.filter(pk=member.pk).update(nickname="Bọ́lá")
    plan.refresh_from_db()
    member.refresh_from_db()
    assert plan.name_key == "car"
    assert (member.nickname_key, member.nickname_search) == (typed_text.key("bọ́lá"), "bola")


def test_a_name_written_by_the_previous_release_is_taken_too() -> None:
    """During a deploy the previous release inserts rows without the key, and renames without updating it."""
    user = make_user()
    inserted, renamed = make_plan(user, name="Rent"), make_plan(user, name="Car")
    Plan.objects.filter(pk=inserted.pk).update(name_key=None)
    Plan.objects.filter(pk=renamed.pk).update(name="Bicycle", name_key="car")
    with pytest.raises(Refused, match="already have"):
        make_plan(user, name="RENT")
    assert make_plan(user, name="Car").name == "Car"
    assert {plan.name: plan.name_key for plan in user.plans.all()} == {
        "Rent": "rent",
        "Bicycle": "bicycle",
        "Car": "car",
    }


def test_a_plan_in_a_circle_is_numbered_by_the_same_key() -> None:
    user = make_user()
    make_plan(user, name="STRASSE")
    mine = join_circle(start_circle(name="Straße"), user)
    assert mine.plan.name == "Straße (2)"


def test_a_user_with_a_plan_of_the_same_longest_name_can_join_a_circle() -> None:
    user = make_user()
    make_plan(user, name="x" * 60)
    assert join_circle(start_circle(name="x" * 60), user).plan.name == "x" * 56 + " (2)"


@pytest.mark.parametrize(
    "typed", ["egbe", "Ẹgbẹ́", "E\u0323GBE\u0323\u0301", " oja ", "ẸGBẸ́ ỌJÀ\u200b", "ｅｇｂｅ"]
)
def test_the_directory_is_searched_without_case_or_tone_marks(typed: str) -> None:
    circle = start_circle(name="Ẹgbẹ́ Ọjà", joining=Circle.Joining.OPEN)
    start_circle(name="Other", joining=Circle.Joining.OPEN)
    assert list(circles.directory(typed)) == [circle]


@pytest.mark.parametrize("typed", ["100%", "_", "\\", "%"])
def test_wildcards_in_a_search_are_literal(typed: str) -> None:
    start_circle(name="Other", joining=Circle.Joining.OPEN)
    assert not circles.directory(typed).exists()


@pytest.mark.parametrize("among_few", [True, False])
def test_a_member_is_found_by_a_nickname_without_its_tone_marks(*, among_few: bool) -> None:
    circle = start_circle(nickname="Owner")
    member, plain = join_circle(circle, nickname="Bọ́lá"), join_circle(circle, nickname="Bola")
    assert circles.find_member(circle.pk, "bola", among_few=among_few) == plain
    assert circles.find_member(circle.pk, "BỌ́LÁ", among_few=among_few) == member
    circles.leave(plain)
    assert circles.find_member(circle.pk, "bola", among_few=among_few) == member
    assert circles.find_member(circle.pk, "\u200b", among_few=among_few) is None


def test_a_prefix_without_tone_marks_finds_a_member_among_few() -> None:
    circle = start_circle()
    member = join_circle(circle, nickname="Ẹgbẹ́ni")
    assert circles.find_member(circle.pk, "egb", among_few=True) == member
    assert circles.find_member(circle.pk, "egb", among_few=False) is None


def test_a_pasted_email_address_matches_the_stored_one() -> None:
    user = User.objects.create_user(" Ada@Example.com\u200b", name="Ada")
    assert user.email == "ada@example.com"
    assert User.objects.get_by_natural_key("ＡＤＡ@example.com") == user
