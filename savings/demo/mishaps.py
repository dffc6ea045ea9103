"""What goes wrong in the demo, and what is still under way at its end."""

from __future__ import annotations

import datetime
import random
from functools import partial

from django.utils import timezone

from savings import ledger, references
from savings.demo import cast
from savings.demo.story import Kind, Story
from savings.models import Plan, Transaction

ADA, BOLA, CHIDI = (saver.email for saver in cast.SAVERS)


def add(story: Story, chance: random.Random) -> None:
    """Put the mishaps into the story."""
    happens = {
        (-5, 11): partial(_pay_twice, story, "School fees", 50_000),
        (-4, 25): partial(_fill_mailbox, story, BOLA),
        (-3, 10): partial(_fill_mailbox, story, ""),
        (-2, 19): partial(_pay_less, story, 30_000),
        (-1, 7): partial(_bring_unknown_money, story, "SHOP-7781", 12_500),
        (-1, 21): partial(_never_answer, story, 40_000),
    }
    for day, mishap in happens.items():
        story.add(story.on(day, chance), mishap)
    minutes_ago = {
        70: partial(_pay, story, ADA, "Rainy day", 5_000),
        35: partial(_pay_into_silence, story, BOLA, "Mum's 60th", 10_000),
        4: partial(_pay_into_silence, story, ADA, "Toyota Corolla", 25_000),
    }
    for minutes, act in minutes_ago.items():
        story.add(story.now - datetime.timedelta(minutes=minutes), act)


def _plan(name: str) -> Plan:
    return Plan.objects.get(name=name)


def _pay(story: Story, email: str, name: str, naira: int) -> None:
    reference = story.ask_to_pay(email, _plan(name), naira)
    story.soon(partial(story.arrive, reference), minutes=2)


def _pay_twice(story: Story, name: str, naira: int) -> None:
    """Somebody pays once too often; the next day staff takes it back, and the provider says so."""
    first, second = (story.ask_to_pay(BOLA, _plan(name), naira) for _ in range(2))
    story.soon(partial(story.arrive, first), minutes=1)
    story.soon(partial(story.arrive, second), minutes=3)

    def take_back() -> None:
        movement = Transaction.objects.get(reference=second)
        ledger.reverse(movement, reference=references.new(Kind.REVERSAL))
        story.tell("refund.processed", second)

    story.soon(take_back, minutes=26 * 60)


def _fill_mailbox(story: Story, email: str) -> None:
    story.full_mailbox = email


def _pay_less(story: Story, naira: int) -> None:
    """Half of what was asked for arrives, and waits in suspense for somebody to look at it."""
    reference = story.ask_to_pay(ADA, None, naira)
    story.soon(partial(story.arrive, reference, amount_kobo=naira * 50), minutes=2)


def _bring_unknown_money(story: Story, reference: str, naira: int) -> None:
    """Money arrives under a reference that is not ours."""
    story.provider.know(reference, naira * 100)
    story.arrive(reference)


def _never_answer(story: Story, naira: int) -> None:
    """The bank never says what became of a payment."""
    reference = story.ask_to_pay(CHIDI, None, naira)
    story.provider.say(reference, "ongoing", "Waiting for the bank")
    for days in range(3):
        story.work_in_the_night(timezone.localdate() + datetime.timedelta(days=days))


def _pay_into_silence(story: Story, email: str, name: str, naira: int) -> None:
    """Ask to pay while the provider is away: it can be gone on with, at the one that runs beside the site."""
    story.provider.is_away = True
    story.ask_to_pay(email, _plan(name), naira)
    story.provider.is_away = False
