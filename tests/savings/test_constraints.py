"""Identifying the violated constraint."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction

from savings.circles import nicknames
from savings.exceptions import Refused
from savings.models import Membership, User
from savings.models.constraints import is_violation_of
from tests.factories import join_circle, make_plan, make_user, start_circle

pytestmark = pytest.mark.django_db


def two_members() -> tuple[Membership, Membership]:
    circle = start_circle()
    return join_circle(circle, nickname="Ada"), join_circle(circle)


def same_nickname() -> None:
    _, second = two_members()
    Membership.objects.filter(pk=second.pk).update(nickname="ADA")


def too_much() -> None:
    first, _ = two_members()
    Membership.objects.filter(pk=first.pk).update(saved_kobo=2**60)


def twice_in_a_circle() -> None:
    first, _ = two_members()
    Membership.objects.create(
        circle=first.circle, user=first.user, plan=make_plan(first.user), nickname="nickname_once_per_circle"
    )


def no_nickname() -> None:
    first, _ = two_members()
    Membership.objects.filter(pk=first.pk).update(nickname=None)


BROKEN: dict[str, Callable[[], None]] = {
    "nickname_once_per_circle": same_nickname,
    "membership_sum_exact_in_redis": too_much,
    "membership_once_per_circle": twice_in_a_circle,
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_error_is_attributed_to_the_violated_constraint_only(name: str) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        BROKEN[name]()
    assert [other for other in BROKEN if is_violation_of(caught.value, other)] == [name]


@pytest.mark.parametrize("broken", [too_much, twice_in_a_circle, no_nickname])
def test_only_a_taken_nickname_is_reported_as_taken(broken: Callable[[], None]) -> None:
    with pytest.raises(IntegrityError), nicknames.refusing_taken_nickname():
        broken()
    with pytest.raises(Refused, match="just taken"), nicknames.refusing_taken_nickname():
        same_nickname()


def test_other_errors_are_attributed_to_none_of_the_constraints() -> None:
    user = make_user()
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        User.objects.create(email=user.email, name="nickname")
    assert not any(is_violation_of(caught.value, name) for name in BROKEN)
