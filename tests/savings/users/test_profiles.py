"""Profiles: names, the welcome after a confirmed address, and known devices."""

from __future__ import annotations

import pytest
from django.utils import timezone

from savings import users
from savings.exceptions import Refused
from savings.models import Account, Device, OutboxRow
from tests.factories import make_user

CHROME = "Chrome on Android"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada", "Ada"),
        ("  Ada \t  Obi\n", "Ada Obi"),
        ("O\u0300ba\u0301", "Òbá"),
        ("Ọmọ́wùnmí Adébáyọ̀", "Ọmọ́wùnmí Adébáyọ̀"),
        ("نور", "نور"),
        ("क्\u200dष", "क्\u200dष"),
        ("<b>Ada</b>", "<b>Ada</b>"),
        ("Ada 2", "Ada 2"),
        ("x" * 80, "x" * 80),
    ],
)
def test_a_name_is_stored_on_one_line_as_typed(typed: str, kept: str) -> None:
    assert users.clean_name(typed) == kept


@pytest.mark.parametrize(
    "typed", ["", " ", "!!!", "\u200d", "x" * 81, "A\u202eda", "A\u2069da", "A\x00da", "A\x1bda", "A\ufeffda"]
)
def test_a_name_with_hidden_characters_is_refused_on_its_field(typed: str) -> None:
    with pytest.raises(Refused) as refused:
        users.clean_name(typed)
    assert refused.value.field == "name"


@pytest.mark.django_db
def test_a_welcome_opens_the_stash_and_sends_a_mail_once() -> None:
    user = make_user()
    users.welcome(user)
    users.welcome(user)
    assert Account.objects.filter(user=user, kind=Account.Kind.STASH).count() == 1
    assert OutboxRow.objects.filter(user=user, kind="welcome").count() == 1


@pytest.mark.django_db
def test_the_second_device_sends_a_mail_and_the_first_does_not() -> None:
    user = make_user()
    users.recognise_device(user, None, label=CHROME, at=timezone.now())
    assert not OutboxRow.objects.exists()
    users.recognise_device(user, None, label=CHROME, at=timezone.now())
    assert OutboxRow.objects.get().kind == "new_device"


@pytest.mark.django_db
def test_a_known_device_keeps_its_token_and_shows_when_it_was_last_seen() -> None:
    user, before = make_user(), timezone.now()
    token = users.recognise_device(user, None, label=CHROME, at=before)
    after = timezone.now()
    assert users.recognise_device(user, token, label="Firefox on Android", at=after) == token
    device = Device.objects.get()
    assert (device.first_seen_at, device.last_seen_at) == (before, after)
    assert device.label == "Firefox on Android"


@pytest.mark.django_db
def test_the_token_is_not_stored_in_the_database() -> None:
    token = users.recognise_device(make_user(), None, label=CHROME, at=timezone.now())
    assert len(token) >= 43
    assert token not in Device.objects.get().token_hash


@pytest.mark.django_db
def test_only_ones_own_device_is_forgotten() -> None:
    user, stranger = make_user(), make_user()
    users.recognise_device(user, None, label=CHROME, at=timezone.now())
    device = Device.objects.get()
    assert not users.forget_device(stranger, device.pk)
    assert users.forget_device(user, device.pk)
    assert not Device.objects.exists()


@pytest.mark.django_db
def test_a_change_of_the_profile_changes_the_version() -> None:
    user = make_user()
    users.change_profile(user, name="Ada", wants_receipts=False, theme="dark")
    users.change_theme(user, "light")
    user.refresh_from_db()
    assert (user.name, user.wants_receipts, user.theme, user.version) == ("Ada", False, "light", 2)


@pytest.mark.django_db
def test_an_unknown_theme_changes_nothing() -> None:
    user = make_user()
    with pytest.raises(ValueError, match="pink"):
        users.change_theme(user, "pink")
    user.refresh_from_db()
    assert user.theme == ""
