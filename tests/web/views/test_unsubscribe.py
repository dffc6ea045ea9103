"""Unsubscribing by the link in a mail, signed in or not, by a user or by their mail program."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from savings import mails
from savings.models import OutboxRow, User
from tests.factories import make_user

pytestmark = pytest.mark.django_db

KINDS = [
    ("autosave_tomorrow", "wants_autosave_notices"),
    ("goal_reached", "wants_goal_reached"),
    ("rank_changed", "wants_rank_changes"),
    ("weekly_digest", "wants_weekly_digest"),
]


def path(user: User, kind: str) -> str:
    return "/" + mails.switch_url(user.pk, kind).split("/", 3)[3]


@pytest.mark.parametrize(("kind", "switch"), KINDS)
def test_a_look_at_the_page_switches_nothing_off_and_its_button_does(
    client: Client, saver: User, kind: str, switch: str
) -> None:
    page = client.get(path(saver, kind))
    assert "Stop these emails" in page.text
    assert saver.email not in page.text
    saver.refresh_from_db()
    assert getattr(saver, switch) is True
    assert "Emails stopped" in client.post(path(saver, kind)).text
    version = saver.version
    saver.refresh_from_db()
    assert [getattr(saver, name) for _, name in KINDS] == [name != switch for _, name in KINDS]
    assert saver.version > version


def test_a_mail_program_posts_without_cookie_or_token_of_a_form(saver: User) -> None:
    outside = Client(enforce_csrf_checks=True)
    for _ in range(2):
        response = outside.post(path(saver, "rank_changed"), {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 200
    assert not User.objects.get(pk=saver.pk).wants_rank_changes


def test_a_mail_program_that_drops_the_final_slash_is_heard(saver: User) -> None:
    outside = Client(enforce_csrf_checks=True)
    bare = path(saver, "rank_changed").rstrip("/")
    assert outside.post(bare, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not User.objects.get(pk=saver.pk).wants_rank_changes
    assert outside.get(bare).status_code == 301


def test_waiting_mails_are_no_longer_sent(client: Client, saver: User) -> None:
    for number, kind in enumerate(["rank_changed", "weekly_digest", "rank_changed"]):
        row = OutboxRow.objects.create(kind=kind, dedupe_key=str(number), user=saver)
    OutboxRow.objects.filter(pk=row.pk).update(done_at=timezone.now(), due_at=None)
    OutboxRow.objects.create(kind="rank_changed", dedupe_key="other", user=make_user())
    client.post(path(saver, "rank_changed"))
    left = OutboxRow.objects.filter(user=saver).values_list("dedupe_key", flat=True)
    assert sorted(left) == ["1", "2"]
    assert OutboxRow.objects.filter(dedupe_key="other").exists()


@pytest.mark.parametrize("spoil", ["other person", "other kind", "no signature", "rubbish"])
def test_an_address_that_is_not_ours_leads_nowhere(client: Client, saver: User, spoil: str) -> None:
    mine, other = path(saver, "rank_changed"), make_user()
    spoilt = {
        "other person": mine.replace(f"/{saver.pk}-", f"/{other.pk}-"),
        "other kind": mine.replace("rank_changed", "weekly_digest"),
        "no signature": re.sub(r":[^/]+/", "/", mine),
        "rubbish": "/messages/unsubscribe/%00%E2%80%AE:x/",
    }[spoil]
    assert client.get(spoilt).status_code == 404
    assert client.post(spoilt).status_code == 404
    assert User.objects.filter(wants_rank_changes=True, wants_weekly_digest=True).count() == 2


def test_a_kind_that_cannot_be_switched_off_has_no_address(client: Client, saver: User) -> None:
    assert client.get(path(saver, "new_device")).status_code == 404


def test_the_address_of_somebody_who_is_not_there_any_more_leads_nowhere(client: Client, saver: User) -> None:
    address = path(saver, "rank_changed")
    saver.delete()
    assert client.get(address).status_code == 404


def test_the_page_costs_one_query(
    client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        client.get(path(saver, "rank_changed"))
