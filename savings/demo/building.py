"""The demo: a year and a half in the lives of a few savers, lived through the real services on a clock of its own.

The same every time: the people, plans, sums and mishaps come from `cast` and from chance with a fixed seed, and their
days are counted from today, so that the dashboard looks alive whenever it is made. Only what the services themselves
leave to chance differs: references, ids at the provider.
"""

from __future__ import annotations

import datetime
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q
from django.test.utils import override_settings
from django.utils import timezone

from savings import payments
from savings.demo import cast, circles, mishaps, second_steps, statements
from savings.demo.story import Clock, Story, add_user
from savings.models import Product, User


def is_there() -> bool:
    """Tell whether any of the demo's people exist."""
    return User.objects.filter(email__in=cast.EMAILS).exists()


def build(clock: Clock, now: datetime.datetime) -> None:
    """Make the demo up to this moment, all of it or nothing. `clock` is the one that everything is read from."""
    with transaction.atomic():
        story = Story(clock, now)
        begin = cast.date(story.today, (-cast.MONTHS, 1))
        clock.move_to(story.on(begin, random.Random("begin")))  # noqa: S311 - the same chance every time
        offer_products()
        _employ_staff()
        _cast_savers(story)
        # Another seed is another demo, so they keep the names that they were given first.
        mishaps.add(story, random.Random("mishaps"))  # noqa: S311
        circles.add(story, random.Random("company"))  # noqa: S311
        statements.add(story, random.Random("papers"))  # noqa: S311
        with _alone(story):
            story.run()


def offer_products() -> None:
    """Offer the products of the demo, where there are none of their names."""
    for position, (fields, rates) in enumerate(cast.PRODUCTS):
        product, is_new = Product.objects.get_or_create(
            name=fields["name"], defaults=fields | {"position": position}
        )
        if is_new:
            for from_days, rate_bps in rates.items():
                product.rates.create(from_days=from_days, rate_bps=rate_bps)


def _employ_staff() -> None:
    """Add a superuser, and somebody in support: they see everything, and may ask the provider and send mails again.

    Each has an authenticator app: the back office takes a second step.
    """
    support, _ = Group.objects.get_or_create(name="Support")
    seen = Q(codename__startswith="view_", content_type__app_label="savings")
    support.permissions.set(
        Permission.objects.filter(seen | Q(codename__in=["change_payment", "change_outboxrow"]))
    )
    for email, name in cast.STAFF.items():
        user = add_user(email, name, is_staff=True, is_superuser=email.startswith("admin"))
        if not user.is_superuser:
            user.groups.add(support)
        second_steps.add(user)


def _cast_savers(story: Story) -> None:
    for saver in cast.SAVERS:
        chance = random.Random(saver.email)  # noqa: S311
        joined = cast.date(story.today, saver.joined)
        at_dawn = timezone.make_aware(datetime.datetime.combine(joined, datetime.time(6)))
        story.add(at_dawn, partial(story.join, saver))
        for when, device in saver.devices:
            story.add(story.on(when, chance), partial(story.sign_in, saver.email, device))
        for script in saver.plans:
            luck = random.Random(f"{saver.email} {script.name}")  # noqa: S311
            story.add(story.on(script.starts, luck), partial(story.start_plan, saver.email, script, luck))
        for habit in saver.stash:
            for day in cast.days(habit, joined, story.today + datetime.timedelta(days=1)):
                story.add(story.on(day, chance), story.saving(saver.email, None, habit, chance))


@contextmanager
def _alone(story: Story) -> Iterator[None]:
    """Keep the story to itself: no network, no mail server, and no log of the mishaps that belong to it."""
    dummy = {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}}
    logging.disable(logging.CRITICAL)
    try:
        with payments.using_transport(story.provider), override_settings(MAILERS=dummy):
            yield
    finally:
        logging.disable(logging.NOTSET)
