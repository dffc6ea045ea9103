"""The mishaps of the demo, and the payments that are not settled at its end."""

from __future__ import annotations

import datetime
import random
from functools import partial

from django.utils import timezone

from savings import payments, references
from savings.demo import cast
from savings.demo.story import Kind, Story, two_of_staff
from savings.models import Plan, Transaction

ADA, BOLA, CHIDI = (saver.email for saver in cast.SAVERS)


def add(story: Story, chance: random.Random) -> None:
    """Add the mishaps to the story."""
    mishaps_by_day = {
        (-5, 11): partial(_pay_twice, story, "School fees", 50_000),
        (-4, 25): partial(_fill_mailbox, story, BOLA),
        (-3, 10): partial(_fill_mailbox, story, ""),
        (-1, 7): partial(_pay_with_unknown_reference, story, "SHOP-7781", 12_500),
        (-1, 21): partial(_never_answer, story, 40_000),
    }
    for day, mishap in mishaps_by_day.items():
        story.add(story.on(day, chance), mishap)
    acts_by_minutes_ago = {
        36 * 60: partial(_pay_less, story, 30_000),
        70: partial(_pay, story, ADA, "Rainy day", 5_000),
        35: partial(_pay_while_provider_is_away, story, BOLA, "Mum's 60th", 10_000),
        4: partial(_pay_while_provider_is_away, story, ADA, "Toyota Corolla", 25_000),
    }
    for minutes, act in acts_by_minutes_ago.items():
        story.add(story.now - datetime.timedelta(minutes=minutes), act)


def _plan(name: str) -> Plan:
    return Plan.objects.get(name=name)


def _pay(story: Story, email: str, name: str, naira: int) -> None:
    reference = story.start_payment(email, _plan(name), naira)
    story.soon(partial(story.settle, reference), minutes=2)


def _pay_twice(story: Story, name: str, naira: int) -> None:
    """A saver pays twice. The next day staff give the second payment back, which takes the provider two days."""
    first, second = (story.start_payment(BOLA, _plan(name), naira) for _ in range(2))
    story.soon(partial(story.settle, first), minutes=1)
    story.soon(partial(story.settle, second), minutes=3)
    story.soon(partial(_request_refund, second), minutes=26 * 60)

    def make_refund() -> None:
        story.provider.make_refund(second)
        story.deliver_event("refund.processed", second)

    story.soon(make_refund, minutes=74 * 60)


def _request_refund(reference: str) -> None:
    """Give a whole payment back."""
    movement = Transaction.objects.get(reference=reference)
    asked_by, approved_by = two_of_staff()
    payments.request_refund(
        movement,
        amount_kobo=movement.amount_kobo,
        asked_by=asked_by,
        approved_by=approved_by,
        reason="The saver paid twice.",
        reference=references.new(Kind.REFUND),
    )
    payments.sweep_refunds(timezone.now())


def _fill_mailbox(story: Story, email: str) -> None:
    story.full_mailbox = email


def _pay_less(story: Story, naira: int) -> None:
    """Half of the requested amount is paid. It stays in suspense for staff to check."""
    reference = story.start_payment(ADA, None, naira)
    story.soon(partial(story.settle, reference, amount_kobo=naira * 50), minutes=2)


def _pay_with_unknown_reference(story: Story, reference: str, naira: int) -> None:
    """A payment comes in with a reference that is not ours."""
    story.provider.add_payment(reference, naira * 100)
    story.settle(reference)


def _never_answer(story: Story, naira: int) -> None:
    """The outcome of a payment stays unknown, because the bank never answers."""
    reference = story.start_payment(CHIDI, None, naira)
    story.provider.set_status(reference, "ongoing", "Waiting for the bank")
    for days in range(3):
        story.schedule_night(timezone.localdate() + datetime.timedelta(days=days))


def _pay_while_provider_is_away(story: Story, email: str, name: str, naira: int) -> None:
    """Start a payment while the provider is away. It can be completed at the simulator that runs with the site."""
    story.provider.is_away = True
    story.start_payment(email, _plan(name), naira)
    story.provider.is_away = False
