"""The withdrawals of the demo: a history, one that failed, one that waits, and a bank account that is too new."""

from __future__ import annotations

import dataclasses
import datetime
import random
from functools import partial

from django.conf import settings
from django.test.utils import override_settings
from django.utils import timezone

from savings import payments
from savings.demo.mishaps import ADA, BOLA, CHIDI
from savings.demo.story import Story
from savings.models import Payout, Recipient, User

# The account numbers fit the names that the simulator has for them.
_ACCOUNTS = {ADA: ("058", "0020417788"), BOLA: ("057", "1004417761"), CHIDI: ("50211", "2009617754")}
_NEW_ACCOUNT = ("50211", "3000417739")
_DECLINED = "The beneficiary's bank declined the transfer"


def add(story: Story, chance: random.Random) -> None:
    """Add the withdrawals to the story."""
    for email, day in ((ADA, (-15, 3)), (BOLA, (-12, 4)), (CHIDI, (-9, 5))):
        story.add(story.on(day, chance), partial(_add_account, story, email, *_ACCOUNTS[email]))
    for email, day, naira in (
        (ADA, (-11, 15), 20_000),
        (BOLA, (-7, 24), 15_000),
        (ADA, (-5, 2), 35_000),
        (CHIDI, (-4, 12), 60_000),
        (ADA, (-1, 6), 8_000),
    ):
        story.add(story.on(day, chance), partial(_withdraw, story, email, naira))
    story.add(story.on((-2, 9), chance), partial(_withdraw, story, BOLA, 10_000, ends="failed"))
    three_hours_ago = story.now - datetime.timedelta(hours=3)
    story.add(three_hours_ago, partial(_add_account, story, ADA, *_NEW_ACCOUNT))
    story.add(story.now - datetime.timedelta(minutes=50), partial(_wait_for_approval, story, CHIDI, 45_000))
    story.add(story.now, _stop_asking)


def _add_account(story: Story, email: str, bank_code: str, account_number: str) -> None:
    user = User.objects.get(email=email)
    story.provider.transfers.names[account_number] = user.name.upper()
    found = payments.find_account(user, bank_code=bank_code, account_number=account_number)
    payments.add_recipient(user, found.token)
    story.soon(story.send_mails, minutes=0.2)


def _withdraw(story: Story, email: str, naira: int, *, ends: str = "success") -> None:
    """Withdraw; the provider needs some minutes, and tells of the end by an event."""
    payout = _ask(email, naira)
    reference = payout.transaction.reference
    story.soon(partial(_send, story), minutes=1)

    def end() -> None:
        story.provider.transfers.end(reference, ends, "" if ends == "success" else _DECLINED)
        story.deliver_event(f"transfer.{ends}", reference)

    story.soon(end, minutes=4)


def _wait_for_approval(story: Story, email: str, naira: int) -> None:
    """A withdrawal that staff have to approve first."""
    rules = dataclasses.replace(settings.PAYOUTS, approval_from_kobo=naira * 100)
    with override_settings(PAYOUTS=rules):
        _ask(email, naira)
    story.soon(story.send_mails, minutes=0.2)


def _ask(email: str, naira: int) -> Payout:
    user = User.objects.get(email=email)
    recipient = Recipient.objects.current().filter(user=user)[0]
    quote = payments.quote_payout(user, recipient, naira * 100)
    return payments.request_payout(user, payments.sign_payout(user, quote, session=""), session="")


def _send(story: Story) -> None:
    payments.sweep_payouts(timezone.now())
    story.send_mails()


def _stop_asking() -> None:
    """The simulator that runs with the site does not know these transfers, so nobody asks it about them."""
    Payout.objects.exclude(state__in=Payout.IN_FLIGHT).update(next_try_at=None)
