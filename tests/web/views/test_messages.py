"""Messages: the mails to a user, and the development mailbox."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import mails, outbox, tasks
from savings.models import OutboxRow, User
from tests.factories import make_plan, make_user, pay_in

pytestmark = pytest.mark.django_db


def receipt_for(user: User) -> OutboxRow:
    row = mails.top_up_received(pay_in(user, 5_000_00))
    assert row is not None
    return row


def reset_for(user: User) -> OutboxRow:
    link = "https://asusu.example/accounts/password/reset/key/3-abc/"
    row = mails.account_mail(user, user.email, "Reset your password", f"Open {link} now.", secret=link)
    assert row is not None
    return row


def listed(page: bytes) -> list[str]:
    return re.findall(r'class="cover" href="/messages/(\d+)/"', page.decode())


def test_a_message_says_what_why_when_and_that_it_was_sent(saver_client: Client, saver: User) -> None:
    row = receipt_for(saver)
    outbox.deliver(row.pk, tasks.HANDLERS)
    page = saver_client.get("/messages/").content.decode()
    assert "₦5,000.00 received" in page
    assert "Sent " not in page
    detail = saver_client.get(f"/messages/{row.pk}/").content.decode()
    assert "Sent " in detail
    assert "Because you topped up." in detail
    assert "Your money has arrived." in detail
    assert saver.email in detail
    assert row.transaction is not None
    assert f'href="/transactions/{row.transaction.reference}/"' in detail


def test_a_message_that_is_not_written_yet_has_a_name(saver_client: Client, saver: User) -> None:
    row = receipt_for(saver)
    page = saver_client.get(f"/messages/{row.pk}/").content.decode()
    assert "Money received" in page
    assert "On its way" in page


def test_a_message_that_failed_says_when_it_is_tried_again(saver_client: Client, saver: User) -> None:
    row = receipt_for(saver)
    tomorrow = timezone.localtime() + datetime.timedelta(days=1)
    OutboxRow.objects.filter(pk=row.pk).update(error="SMTPServerDisconnected: gone", due_at=tomorrow)
    page = saver_client.get("/messages/").content.decode()
    assert f"Next try: {tomorrow.day} " in page
    assert "SMTP" not in page


def test_a_message_that_was_given_up_says_so(saver_client: Client, saver: User) -> None:
    row = receipt_for(saver)
    OutboxRow.objects.filter(pk=row.pk).update(dead_at=timezone.now(), due_at=None)
    assert "Couldn’t be sent" in saver_client.get("/messages/").content.decode()


def repeats_on(page: Any) -> list[list[int]]:
    """The number of folded messages after each message, for each day."""
    return [[len(repeats) for _, repeats in found] for _, _, found in page.context["days"]]


def test_messages_are_grouped_by_day_and_name_their_plan(saver_client: Client, saver: User) -> None:
    row = mails.top_up_received(pay_in(saver, 5_000_00, plan=make_plan(saver, name="Rainy day")))
    assert row is not None
    OutboxRow.objects.filter(pk=row.pk).update(created_at=row.created_at - datetime.timedelta(days=1))
    receipt_for(saver)
    page = saver_client.get("/messages/")
    headings = [heading for heading, _, _ in page.context["days"]]
    assert [heading.split(",")[0] for heading in headings] == ["Today", "Yesterday"]
    assert "Rainy day" in page.text


def test_repeats_of_one_day_are_folded_unless_one_was_not_sent(saver_client: Client, saver: User) -> None:
    rows = [reset_for(saver) for _ in range(4)]
    OutboxRow.objects.update(done_at=timezone.now(), due_at=None)
    page = saver_client.get("/messages/")
    assert repeats_on(page) == [[3]]
    assert "3 more like this that day" in " ".join(page.text.split())
    OutboxRow.objects.filter(pk=rows[2].pk).update(done_at=None, dead_at=timezone.now())
    assert repeats_on(saver_client.get("/messages/")) == [[0, 0, 1]]


def test_the_sign_ins_of_a_day_are_one_row(saver_client: Client, saver: User) -> None:
    for number in range(3):
        name = {"dedupe_key": f"device-{number}", "subject": "A new device signed in", "text": "Hello"}
        OutboxRow.objects.create(kind="new_device", user=saver, **name)
        receipt_for(saver)
    OutboxRow.objects.update(done_at=timezone.now(), due_at=None)
    page = saver_client.get("/messages/")
    assert repeats_on(page) == [[0, 3, 0, 0]]
    assert "<b>3 new sign-ins</b>" in page.text
    assert page.text.count("A new device signed in") == 3


def test_messages_are_filtered_by_kind(saver_client: Client, saver: User) -> None:
    receipt_for(saver)
    reset_for(saver)

    def kinds(query: str) -> list[str]:
        days = saver_client.get(f"/messages/{query}").context["days"]
        return [message.kind for _, _, found in days for message, _ in found]

    assert kinds("?kind=money") == ["top_up_received"]
    # A filtered list does not mark the others as seen.
    assert "newest-message" not in saver_client.cookies
    assert kinds("?kind=security") == ["account"]
    assert kinds("?kind=x") == kinds("") == ["account", "top_up_received"]
    assert "No messages of this kind" in saver_client.get("/messages/?kind=circles").text


def test_a_message_is_new_until_this_browser_has_shown_it(saver_client: Client, saver: User) -> None:
    def new_ones() -> list[bool]:
        page = saver_client.get("/messages/")
        return [message.is_new for _, _, found in page.context["days"] for message, _ in found]

    old = receipt_for(saver)
    OutboxRow.objects.filter(pk=old.pk).update(created_at=timezone.now() - datetime.timedelta(days=1))
    receipt_for(saver)
    assert new_ones() == [True, False]
    assert new_ones() == [False, False]
    receipt_for(saver)
    assert new_ones() == [True, False, False]
    # Another user's, or one that somebody made up.
    for value in (f"{saver.pk + 1}-{10**9}", f"{saver.pk}-x", "1"):
        saver_client.cookies["newest-message"] = value
        assert new_ones()[-1:] == [False]
        saver_client.cookies["newest-message"] = value
        assert new_ones()[0]


def test_messages_about_security_are_marked(saver_client: Client, saver: User) -> None:
    receipt_for(saver)
    assert "<b>Security</b> ·" not in saver_client.get("/messages/").text
    reset_for(saver)
    assert "<b>Security</b> ·" in saver_client.get("/messages/").text


def test_a_visitor_finds_no_message_of_anybody_else(saver_client: Client) -> None:
    row = receipt_for(make_user())
    assert saver_client.get(f"/messages/{row.pk}/").status_code == 404
    assert listed(saver_client.get("/messages/").content) == []
    assert Client().get(f"/messages/{row.pk}/").status_code == 302


def test_rows_that_are_no_mail_are_not_messages(saver_client: Client, saver: User) -> None:
    row = outbox.add("export", dedupe_key="export:1", user=saver)
    assert row is not None
    assert saver_client.get(f"/messages/{row.pk}/").status_code == 404
    assert listed(saver_client.get("/messages/").content) == []


def test_a_session_alone_shows_no_reset_link(saver_client: Client, saver: User, settings: Settings) -> None:
    settings.SHOWS_MAILBOX = False
    row = reset_for(saver)
    page = saver_client.get(f"/messages/{row.pk}/").content.decode()
    assert "[removed after sending]" in page
    assert "3-abc" not in page


def test_a_mail_is_text_and_never_markup(saver_client: Client, saver: User) -> None:
    row = mails.account_mail(
        saver, saver.email, "<b>Hi</b>", "<script>alert(1)</script> https://asusu.example/x/"
    )
    assert row is not None
    page = saver_client.get(f"/messages/{row.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "<b>Hi" not in page
    assert '<a href="https://asusu.example/x/" rel="nofollow">' in page


def test_pages_walk_to_the_end(saver_client: Client, saver: User) -> None:
    made = [str(receipt_for(saver).pk) for _ in range(30)][::-1]
    first = saver_client.get("/messages/")
    second = saver_client.get(f"/messages/{first.context['page'].older}", headers={"HX-Request": "true"})
    assert [*listed(first.content), *listed(second.content)] == made
    assert second.content.decode().strip().startswith("<section")
    assert saver_client.get("/messages/?before=x").status_code == 404


def test_nobody_wrote_yet(saver_client: Client) -> None:
    assert "No messages yet" in saver_client.get("/messages/").content.decode()


def test_the_page_costs_the_same_for_one_row_and_for_many(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    saver_client.get("/messages/")
    movement = pay_in(saver, 100)
    for rows in (1, 1_000):
        OutboxRow.objects.bulk_create(
            OutboxRow(kind="top_up_received", dedupe_key=f"{rows}:{n}", user=saver, transaction=movement)
            for n in range(rows)
        )
        with django_assert_num_queries(2):
            saver_client.get("/messages/")


def test_the_mailbox_of_development_shows_a_newcomer_their_code(settings: Settings) -> None:
    settings.SHOWS_MAILBOX = True
    mails.account_mail(None, "new@example.com", "Your code", "Your code is 4711.", secret="4711")
    page = Client().get("/messages/mailbox/").content.decode()
    assert "new@example.com" in page
    assert "4711" in page


def test_there_is_no_mailbox_outside_of_development(saver_client: Client, settings: Settings) -> None:
    settings.SHOWS_MAILBOX = False
    assert saver_client.get("/messages/mailbox/").status_code == 404
    assert Client().get("/messages/mailbox/").status_code == 404
