"""The circles of the demo, one of which has ended. Their members are the savers, and guests without other plans."""

from __future__ import annotations

import datetime
import random
from functools import partial

from django.utils import timezone

from savings import circles, references
from savings.demo import circle_cast
from savings.demo.story import Story, add_user
from savings.models import Circle, Membership, Product, User


def add(story: Story, chance: random.Random) -> None:
    """Add the circles to the story, and the scheduled tasks for them to its nights."""
    for night in range(max(script.began_days_ago for script in circle_cast.CIRCLES)):
        story.schedule_board_tasks(story.today - datetime.timedelta(days=night))
    for script in circle_cast.CIRCLES:
        begins = story.today - datetime.timedelta(days=script.began_days_ago)
        circle_chance = random.Random(script.name)  # noqa: S311 - the same numbers every time
        story.add(story.on(begins, chance), partial(_start, story, script, circle_chance))
    began = story.today - datetime.timedelta(
        days=max(script.began_days_ago for script in circle_cast.CIRCLES)
    )
    story.schedule_digests(began)


def _start(story: Story, script: circle_cast.CircleScript, chance: random.Random) -> None:
    owner, *others = script.members
    ends_on = story.today + datetime.timedelta(days=script.days_left)
    owned = circles.start_circle(
        _get_or_add_user(owner),
        Product.objects.get(name=script.product),
        reference=references.mint(references.CIRCLE_PREFIX),
        name=script.name,
        description=script.description,
        goal_kobo=script.goal * 100,
        ends_on=ends_on,
        joining=Circle.Joining.OPEN if script.is_open else Circle.Joining.INVITATION,
        nickname=owner.nickname,
    )
    story.schedule_night(ends_on - datetime.timedelta(days=1))
    _save(story, owned, owner, chance)
    for member in others:
        days = chance.uniform(0.2, 6)
        story.soon(partial(_join, story, owned.circle, member, chance), minutes=days * 24 * 60)


def _join(story: Story, circle: Circle, member: circle_cast.Member, chance: random.Random) -> None:
    membership = circles.join(
        _get_or_add_user(member),
        circle,
        reference=references.mint(references.CIRCLE_PREFIX),
        nickname=member.nickname,
        code=circle.invite_code,
    )
    if member.hides_amount:
        circles.change_appearance(membership, nickname=member.nickname, hides_amount=True, on_board=True)
    story.soon(story.send_mails, minutes=0.2)
    _save(story, membership, member, chance)


def _save(story: Story, membership: Membership, member: circle_cast.Member, chance: random.Random) -> None:
    """Pay in each amount, spread over the days until today or the circle's last day."""
    today = timezone.localdate()
    days = (min(story.today, membership.circle.ends_on - datetime.timedelta(days=1)) - today).days
    for number, naira in enumerate(member.amounts, 1):
        share = (number - chance.uniform(0.1, 0.9)) / len(member.amounts)
        at = story.on(today + datetime.timedelta(days=int(days * share)), chance)
        story.add(at, partial(story.pay, membership.user.email, membership.plan, naira, chance, must=True))
        # The payment has settled by then.
        story.add(at + datetime.timedelta(minutes=10), partial(_check_ranks, story, membership.circle))


def _check_ranks(story: Story, circle: Circle) -> None:
    circles.check_ranks(circle)
    story.send_mails()


def _get_or_add_user(member: circle_cast.Member) -> User:
    user = User.objects.filter(email=member.email).first()
    return user or add_user(member.email, member.nickname)
