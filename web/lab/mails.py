"""Experiment: a mail sent while the user waits, or written to the outbox for a worker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

from django.conf import settings
from django.core.mail import EmailMessage, mailers

from savings import mails, tracing
from savings.models import User
from web.lab.measure import Headline, Rows, Way, compare

# The typical time of a remote mail server for the handshake, TLS and one mail.
SMTP_SECONDS = 0.3
_ROUNDS = 5
SUBJECT = "A mail from the lab"
TEXT = "Hello,\n\nSomeone, most likely you, pressed a button in the lab. No money was moved.\n"


def inline(user: User) -> Rows:
    message = EmailMessage(SUBJECT, mails.with_operator(TEXT), to=[user.email])
    with tracing.follower.sending_mail():
        time.sleep(SMTP_SECONDS)  # simulates the remote mail server
        mailers["default"].send_messages([message])
    return [(user.email, message.subject, message.body)]


def queued(user: User) -> Rows:
    row = mails.account_mail(user, user.email, SUBJECT, TEXT)
    return [(row.to, row.subject, row.text)] if row else []


WAYS = [
    Way("Sent inline", "The page waits until the mail server has accepted the mail.", inline),
    Way(
        "Queued",
        "The request writes an outbox row and queues a task. A worker talks to the mail server.",
        queued,
    ),
]


def headlines() -> Iterator[Headline]:
    """Measure both ways for a user of the lab. Only where no mail leaves the site."""
    if not settings.SHOWS_MAILBOX:
        return
    user = User.objects.create_user(f"lab-{uuid.uuid4()}@example.com", name="Lab", is_active=False)
    try:
        found = compare(WAYS, user, rounds=_ROUNDS)
    finally:
        user.delete()
    slow, quick = found.outcomes
    yield Headline("mail, the user waits inline : queued", slow.times_text)
    yield Headline(f"mail, inline ({SMTP_SECONDS * 1000:.0f} ms of them are simulated)", slow.time_text)
    yield Headline("mail, queued", quick.time_text)
