"""Sending mails: each try sends the same mail, and the effects of a failing mail server."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Sequence
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import mails, outbox, tasks
from savings.mails import sending
from savings.models import OutboxRow, User
from tests import smtp_sink
from tests.factories import make_user, make_welcome, pay_in

pytestmark = pytest.mark.django_db


class Backend(BaseEmailBackend):
    """A mailer that fails on demand and stores the messages it gets."""

    fails_to_send = False
    fails_to_close = False
    seen: list[EmailMessage] = []

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.seen.extend(email_messages)
        if self.fails_to_send:
            raise ConnectionResetError("gone")
        return len(email_messages)

    def close(self) -> None:
        if self.fails_to_close:
            raise TimeoutError("no goodbye")


@pytest.fixture
def backend(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> type[Backend]:
    settings.MAILERS = {"default": {"BACKEND": f"{__name__}.Backend"}}
    monkeypatch.setattr(Backend, "seen", [])
    return Backend


def test_each_try_sends_the_same_mail(backend: type[Backend], monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user(name="Ada")
    row = mails.welcome(user)
    assert row is not None
    monkeypatch.setattr(backend, "fails_to_send", True)
    assert not outbox.deliver(row.pk, tasks.HANDLERS)
    User.objects.update(name="Somebody Else", email="else@example.com")
    OutboxRow.objects.update(due_at=timezone.now())
    monkeypatch.setattr(backend, "fails_to_send", False)
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    first, second = (message.message().as_bytes() for message in backend.seen)
    assert re.sub(rb"={15}\d+==", b"", first) == re.sub(rb"={15}\d+==", b"", second)
    assert sending.message_id(row).encode() in first


def test_two_mails_have_two_message_ids() -> None:
    assert len({sending.message_id(row) for row in (make_welcome(), make_welcome())}) == 2


def test_an_error_while_closing_does_not_fail_a_sent_mail(
    backend: type[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "fails_to_close", True)
    row = make_welcome()
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    assert len(backend.seen) == 1


def smtp(settings: Settings, port: int, **options: Any) -> None:
    options = {"host": "127.0.0.1", "port": port, "timeout": 0.5} | options
    backend = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}


def test_a_mail_server_that_never_answers_costs_its_timeout_and_no_mail(settings: Settings) -> None:
    row = make_welcome()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        smtp(settings, silent.getsockname()[1])
        began = time.monotonic()
        assert not outbox.deliver(row.pk, tasks.HANDLERS)
    assert time.monotonic() - began < 3
    row.refresh_from_db()
    assert row.error.endswith("timed out")
    assert row.due_at is not None


def test_a_mail_without_recipients_does_not_count_as_sent(settings: Settings) -> None:
    row = mails.account_mail(None, "", "Code", "Your code is 4711.")
    assert row is not None
    with smtp_sink.running() as sink:
        smtp(settings, sink.port)
        assert not outbox.deliver(row.pk, tasks.HANDLERS)
    row.refresh_from_db()
    assert row.error == "ValueError: the mail has no recipient"


def test_a_mail_arrives_with_both_texts_and_its_headers(settings: Settings) -> None:
    user = make_user(name="Adaeze")
    row = mails.top_up_received(pay_in(user, 5_000_00))
    assert row is not None
    with smtp_sink.running() as sink:
        smtp(settings, sink.port)
        assert outbox.deliver(row.pk, tasks.HANDLERS)
    (message,) = sink.mails
    assert message["Message-ID"] == sending.message_id(row)
    assert message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
