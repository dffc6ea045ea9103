"""Email addresses: invalid, taken and reserved ones are refused, and users are found by former ones."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.utils import timezone

from savings import users
from savings.exceptions import Refused
from savings.models import User
from tests.factories import make_user
from tests.savings.users.test_email_changes import A, B, C, address_of, undo

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user(A)


@pytest.mark.parametrize("email", ["", "no address", "a@b", "x" * 300 + "@example.com", "a\x00@example.com"])
def test_an_invalid_address_is_refused(ada: User, email: str) -> None:
    with pytest.raises(Refused, match="Enter an email address"):
        users.change_email(ada.pk, email)
    assert address_of(ada) == A


def test_another_persons_address_is_refused(ada: User) -> None:
    make_user(B)
    with pytest.raises(Refused, match="Someone else"):
        users.change_email(ada.pk, B)
    with pytest.raises(Refused, match="Someone else"):
        users.propose_email(ada.pk, B)


def test_a_former_address_is_reserved_while_its_owner_can_undo(ada: User) -> None:
    other = make_user()
    users.change_email(ada.pk, B)
    with pytest.raises(Refused, match="Someone else"):
        users.change_email(other.pk, A)
    assert users.clean_email(A, ada) == A
    with time_machine.travel(timezone.now() + datetime.timedelta(days=8)):
        users.change_email(other.pk, A)
    assert address_of(other) == A


def test_users_are_found_by_former_addresses(ada: User) -> None:
    users.change_email(ada.pk, B)
    users.propose_email(ada.pk, C)
    assert users.users_with_email(" A@example.com ") == [ada.pk]
    assert users.users_with_email(B) == [ada.pk]
    assert users.users_with_email(C) == []
    undo(A)
    assert users.users_with_email(B) == [ada.pk]
