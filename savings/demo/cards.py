"""The saved cards of the demo: one in daily use, and one that expires this month."""

from __future__ import annotations

import datetime
import random
from functools import partial

from django.utils import timezone

from savings import payments, references
from savings.demo import cast
from savings.demo.story import Kind, Story
from savings.models import SavedCard, User

_EMAIL = cast.ADA.email


def add(story: Story) -> None:
    """Add the payments with which the cards are saved, and a charge to one of them."""
    chance = random.Random("cards")  # noqa: S311 - the same story each time
    expires = f"{story.today:%m/%Y}"
    story.add(story.on((-6, 9), chance), partial(_pay_and_save, story, 15_000))
    story.add(
        story.on((-2, 12), chance),
        partial(_pay_and_save, story, 7_500, card="8820", brand="mastercard", expires=expires),
    )
    story.add(story.on((-1, 16), chance), partial(_charge, story, 10_000))
    story.add(story.now - datetime.timedelta(hours=5), partial(_announce, story))


def _pay_and_save(story: Story, naira: int, **card: str) -> None:
    """Pay into the stash, and save the card."""
    reference = story.start_payment(_EMAIL, None, naira, saves_card=True)
    story.provider.payments[reference] |= card
    story.soon(partial(story.settle, reference), minutes=2)


def _charge(story: Story, naira: int) -> None:
    """Pay into the stash with the saved card that is the default."""
    user = User.objects.get(email=_EMAIL)
    payments.charge_card(
        SavedCard.objects.current().filter(user=user)[0],
        plan=None,
        amount_kobo=naira * 100,
        reference=references.new(Kind.STASH_DEPOSIT),
        kind=Kind.STASH_DEPOSIT,
    )
    story.soon(story.send_mails, minutes=0.2)


def _announce(story: Story) -> None:
    payments.announce_expiring_cards(timezone.localdate())
    story.soon(story.send_mails, minutes=0.2)
