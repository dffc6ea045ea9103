"""The statements of the demo: one saver's requests, written by the real writers."""

from __future__ import annotations

import datetime
import random
from functools import partial
from typing import Any

from django.utils import timezone

from savings import statements
from savings.demo import cast
from savings.demo.story import Story
from savings.models import Plan, User
from savings.models.statements import Format, Scope

# Days ago, the scope, the key of the period, and the format. The first one has expired by now.
_REQUESTS = (
    (24, Scope.STASH, "last-month", Format.PDF),
    (3, Scope.PLAN, "last-3-months", Format.PDF),
    (2, Scope.EVERYTHING, "last-year", Format.EXCEL),
    (1, Scope.STASH, "this-year", Format.CSV),
)


def add(story: Story, chance: random.Random) -> None:
    """Add the statements to the story."""
    email = cast.SAVERS[0].email
    for days, scope, period, file_format in _REQUESTS:
        day = story.today - datetime.timedelta(days=days)
        story.add(story.on(day, chance), partial(_request, story, email, scope, period, file_format))
    day = story.today - datetime.timedelta(days=1)
    story.add(story.on(day, chance), lambda: statements.expire_files(timezone.now()))
    story.add(story.on(day, chance), partial(_subscribe, email))


def _request(story: Story, email: str, scope: str, period: str, file_format: str) -> None:
    user = User.objects.get(email=email)
    periods = {
        key: (since, until) for key, _, since, until in statements.period_presets(timezone.localdate())
    }
    since, until = periods[period]
    subject: dict[str, Any] = {"plan": _oldest_plan(user)} if scope == Scope.PLAN else {}
    statement = statements.request(user, scope=scope, since=since, until=until, format=file_format, **subject)
    statements.write_now(statement)
    story.soon(story.send_mails, minutes=0.2)


def _subscribe(email: str) -> None:
    statements.subscribe(User.objects.get(email=email), scope=Scope.EVERYTHING, format=Format.PDF)


def _oldest_plan(user: User) -> Plan:
    return user.plans.open().order_by("id")[0]
