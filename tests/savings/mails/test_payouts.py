"""Emails about withdrawals and bank accounts, with and without fees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from pytest_django.fixtures import Settings

from savings import mails, outbox, payments, tasks
from savings.models import OutboxRow, Payout, Recipient
from savings.payments import undo_token
from tests.payouts import ask, make_saver
from web.payout_settings import fee_bands

pytestmark = pytest.mark.django_db

ABOUT_PAYOUTS = {
    "asked": (mails.payout_asked, "You’re withdrawing ₦50,000.00"),
    "sent": (mails.payout_sent, "₦50,000.00 has been paid to your bank account"),
    "returned": (mails.payout_returned, "Your withdrawal of ₦50,000.00 didn’t go through"),
    "came_back": (mails.payout_came_back, "₦50,000.00 came back to your stash"),
}


@pytest.fixture(autouse=True)
def _production(settings: Settings) -> None:
    settings.SHOWS_MAILBOX = False
    settings.SITE_URL = "https://asusu.example"


@pytest.fixture(params=[True, False], ids=["fees", "free"])
def payout(request: pytest.FixtureRequest, settings: Settings) -> Payout:
    """A withdrawal of ₦50,000, with fees of ₦76.87 or without."""
    if not request.param:
        settings.PAYOUTS = dataclasses.replace(settings.PAYOUTS, fees=fee_bands("*:0 duty-borne"))
    return ask(make_saver())


def texts(row: OutboxRow) -> tuple[str, str, str]:
    """Return subject, plain text and HTML of a mail."""
    if not row.done_at:
        assert outbox.deliver(row.pk, tasks.HANDLERS)
    message = mail.outbox[-1]
    assert isinstance(message, EmailMultiAlternatives)
    return str(message.subject), str(message.body), str(message.alternatives[0][0])


@pytest.mark.parametrize("kind", ABOUT_PAYOUTS)
def test_a_mail_about_a_withdrawal_has_its_figures(kind: str, payout: Payout) -> None:
    write, subject = ABOUT_PAYOUTS[kind]
    payout.provider_message = "Account is <closed>"
    write(payout)
    row = OutboxRow.objects.get(kind=f"payout_{kind}")
    said, *bodies = texts(row)
    assert said == subject
    fees_kobo = payments.fees_of(payout).total_kobo
    for body in bodies:
        for part in (str(payout.recipient), "ADA OBI", payout.transaction.reference, "₦50,000.00"):
            assert part in body
        assert ("Fee, VAT and stamp duty" in body) == ("₦76.87" in body) == bool(fees_kobo)
        assert ("From your stash" in body) == (bool(fees_kobo) and kind in {"asked", "sent"})
        assert ("fees are" in body) == (bool(fees_kobo) and kind in {"returned", "came_back"})
        assert f"/transactions/{payout.transaction.reference}/" in body
    if kind in {"returned", "came_back"}:
        assert "Account is <closed>" in bodies[0]
        assert "Account is &lt;closed&gt;" in bodies[1]


@pytest.mark.parametrize("write", [mails.payout_returned, mails.payout_came_back])
def test_without_a_reason_none_is_given(write: Callable[[Payout], OutboxRow | None], payout: Payout) -> None:
    payout.provider_message = ""
    row = write(payout)
    assert row is not None
    assert not [text for text in texts(row) if "reason" in text]


def test_the_mail_about_a_new_account_has_the_link_that_removes_it() -> None:
    recipient = Recipient.objects.get(user=make_saver())
    row = mails.recipient_added(recipient, undo_token(recipient))
    assert row is not None
    subject, *bodies = texts(row)
    assert subject == f"A bank account was added: {recipient}"
    for body in bodies:
        link = body.partition("https://asusu.example/stash/accounts/undo/")[2].split('"')[0].split()[0]
        assert payments.recipient_of_token(link.rstrip("/")) == recipient
        assert "ADA OBI" in body
