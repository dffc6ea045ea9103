"""Build the demo: a year and a half of a few savers, made by calls of the real services at a simulated time.

The demo is the same every time: users, plans, amounts and mishaps come from `cast` and from random numbers with fixed
seeds. Days count from today, so that the dashboard always looks current. Only random values of the services themselves
differ: references, and ids at the provider.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.test.utils import override_settings
from django.utils import timezone

from savings import payments
from savings.demo import (
    autosave,
    cards,
    cast,
    circles,
    house,
    mishaps,
    products,
    second_steps,
    statements,
    withdrawals,
)
from savings.demo.story import Clock, Story, add_user
from savings.models import Product, User


def is_there() -> bool:
    """Return whether any user of the demo exists."""
    return User.objects.filter(email__in=cast.EMAILS).exists()


def build(clock: Clock, now: datetime.datetime) -> None:
    """Build the whole demo up to `now` in one transaction. `clock` is the clock that all services read."""
    with transaction.atomic():
        story = Story(clock, now)
        begin = cast.date(story.today, (-cast.MONTHS, 1))
        clock.move_to(story.on(begin, random.Random("begin")))  # noqa: S311 - the same numbers every time
        offer_products()
        _add_staff()
        notice_from = cast.date(story.today, products.NOTICE_FROM)
        at_dawn = timezone.make_aware(datetime.datetime.combine(notice_from, datetime.time(6)))
        story.add(at_dawn, products.add_notice)
        _add_savers(story)
        # A new seed would change the demo, so these keep their original names.
        mishaps.add(story, random.Random("mishaps"))  # noqa: S311
        circles.add(story, random.Random("company"))  # noqa: S311
        statements.add(story, random.Random("papers"))  # noqa: S311
        withdrawals.add(story, random.Random("withdrawals"))  # noqa: S311
        autosave.add(story, random.Random("auto-save"))  # noqa: S311
        cards.add(story)
        house.add(story, begin + datetime.timedelta(days=1))
        story.schedule_interest(begin)
        with _isolated(story):
            story.run()


def offer_products() -> None:
    """Add the products of the demo, unless a product of the same name exists."""
    for position, (fields, rates) in enumerate(products.PRODUCTS):
        product, is_new = Product.objects.get_or_create(
            name=fields["name"], defaults=fields | {"position": position}
        )
        if is_new:
            for from_days, rate_bps in rates.items():
                product.rates.create(from_days=from_days, rate_bps=rate_bps)


def _add_staff() -> None:
    """Add a superuser, and a member of staff for each role.

    Each has an authenticator app, because the admin requires a second step.
    """
    for email, (name, role) in cast.STAFF.items():
        user = add_user(email, name, is_staff=True, is_superuser=not role)
        if role:
            user.groups.add(Group.objects.get(name=role))
        second_steps.add(user)


def _add_savers(story: Story) -> None:
    for saver in cast.SAVERS:
        chance = random.Random(saver.email)  # noqa: S311
        joined = cast.date(story.today, saver.joined)
        at_dawn = timezone.make_aware(datetime.datetime.combine(joined, datetime.time(6)))
        story.add(at_dawn, partial(story.join, saver))
        for when, device in saver.devices:
            story.add(story.on(when, chance), partial(story.sign_in, saver.email, device))
        for script in saver.plans:
            plan_chance = random.Random(f"{saver.email} {script.name}")  # noqa: S311
            start = partial(story.start_plan, saver.email, script, plan_chance)
            story.add(story.on(script.starts, plan_chance), start)
        for habit in saver.stash:
            for day in cast.days(habit, joined, story.today + datetime.timedelta(days=1)):
                story.add(story.on(day, chance), story.saving(saver.email, None, habit, chance))


@contextmanager
def _isolated(story: Story) -> Iterator[None]:
    """Run the story without a network, without a mail server, and without logging its planned mishaps."""
    dummy = {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}}
    # A withdrawal is sent a minute after it was asked for, whatever this site has set.
    payouts = dataclasses.replace(
        settings.PAYOUTS, delay=datetime.timedelta(), approval_from_kobo=None, own_accounts_only=False
    )
    logging.disable(logging.CRITICAL)
    try:
        with payments.using_transport(story.provider), override_settings(MAILERS=dummy, PAYOUTS=payouts):
            yield
    finally:
        logging.disable(logging.NOTSET)
