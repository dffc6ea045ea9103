"""The migration that reconciles the two tables of addresses after one was changed without the other."""

from __future__ import annotations

import importlib

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps

from savings import users
from savings.models import User
from tests.factories import make_user

pytestmark = pytest.mark.django_db

migration = importlib.import_module("savings.migrations.0023_one_email_address")


def addresses(user: User) -> list[tuple[str, bool, bool]]:
    return list(EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary"))


def test_the_proven_address_wins_and_the_other_still_finds_the_person() -> None:
    user = make_user("proven@example.com")
    User.objects.filter(pk=user.pk).update(email="typed@example.com")
    migration.agree(apps, None)
    user.refresh_from_db()
    assert (user.email, user.version) == ("proven@example.com", 1)
    assert addresses(user) == [("proven@example.com", True, True)]
    assert users.users_with_email("typed@example.com") == [user.pk]


def test_a_proven_address_that_another_user_has_by_now_stays_theirs() -> None:
    user = make_user("was@example.com")
    User.objects.filter(pk=user.pk).update(email="typed@example.com")
    other = User.objects.create_user("was@example.com", name="Other")
    migration.agree(apps, None)
    user.refresh_from_db()
    other.refresh_from_db()
    assert (user.email, other.email) == ("typed@example.com", "was@example.com")
    assert addresses(user) == []


def test_unproven_addresses_are_deleted_and_consistent_ones_stay() -> None:
    user = make_user("ada@example.com")
    EmailAddress.objects.create(user=user, email="more@example.com")
    fine = make_user("fine@example.com")
    migration.agree(apps, None)
    assert addresses(user) == [("ada@example.com", True, True)]
    assert addresses(fine) == [("fine@example.com", True, True)]
    assert User.objects.get(pk=fine.pk).version == 0


def test_a_second_proven_address_does_not_outlive_the_first() -> None:
    user = make_user("ada@example.com")
    EmailAddress.objects.filter(user=user).update(primary=False)
    EmailAddress.objects.create(user=user, email="old@example.com", verified=True, primary=True)
    migration.agree(apps, None)
    assert addresses(user) == [("ada@example.com", True, True)]
