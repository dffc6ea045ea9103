"""The auto-save rules of the demo: one that has run for months, one that found too little, and one set up lately."""

from __future__ import annotations

import datetime
import random
from functools import partial

from django.utils import timezone

from savings import autosave, references
from savings.demo import cast
from savings.demo.mishaps import ADA, BOLA
from savings.demo.story import Story
from savings.models import AutosaveRule, Plan, SavedCard, User
from savings.models.autosave import Source

Every = AutosaveRule.Every
_SINCE = (-4, 6)


def add(story: Story, chance: random.Random) -> None:
    """Add the rules to the story, and the worker that carries them out."""
    weekly = autosave.Terms(2_500_00, Every.WEEK, Source.STASH, weekday=2)
    # More than Bola ever keeps in the stash.
    too_much = autosave.Terms(250_000_00, Every.MONTH, Source.STASH, month_day=28)
    missing = autosave.Terms(None, Every.MONTH, Source.STASH, month_day=31)
    for email, plan, day, terms in (
        (ADA, "Rainy day", _SINCE, weekly),
        (BOLA, "Mum's 60th", _SINCE, too_much),
        (ADA, "Rent", (-1, 27), missing),
    ):
        story.add(story.on(day, chance), partial(_set_up, email, plan, terms))
    story.add(story.now - datetime.timedelta(hours=4), _set_up_from_card)
    day_on = cast.date(story.today, _SINCE)
    while day_on <= story.today:
        for hour in (7, 19):
            at = timezone.make_aware(datetime.datetime.combine(day_on, datetime.time(hour, 1)))
            story.add(at, lambda: autosave.carry_out_due(timezone.now()))
        day_on += datetime.timedelta(days=1)


def _set_up(email: str, plan_name: str, terms: autosave.Terms) -> None:
    """Set up a rule for a user's open plan whose name begins so."""
    plan = Plan.objects.open().get(user__email=email, name__startswith=plan_name)
    autosave.create_rule(plan.user, plan, terms, reference=references.mint(references.AUTOSAVE_PREFIX))


def _set_up_from_card() -> None:
    """Set up a rule that fills Ada's stash from the card that is the default. Its first date is after the story."""
    user = User.objects.get(email=ADA)
    card = SavedCard.objects.current().filter(user=user)[0]
    terms = autosave.Terms(10_000_00, Every.WEEK, Source.CARD, card=card, weekday=4)
    autosave.create_rule(user, None, terms, reference=references.mint(references.AUTOSAVE_PREFIX))
