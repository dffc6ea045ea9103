"""The circles of the demo, one of which has ended, with the savers and people of whom nothing else is told."""

from __future__ import annotations

import datetime
import random
from functools import partial

from django.utils import timezone

from savings import circles, references
from savings.demo import cast
from savings.demo.story import Story, add_user
from savings.models import Circle, Membership, Product, User


def add(story: Story, chance: random.Random) -> None:
    """Put the circles into the story, and into its nights what the timetable does for them."""
    for night in range(max(script.began_days_ago for script in cast.CIRCLES)):
        story.keep_boards_in_the_night(story.today - datetime.timedelta(days=night))
    for script in cast.CIRCLES:
        begins = story.today - datetime.timedelta(days=script.began_days_ago)
        luck = random.Random(script.name)  # noqa: S311 - the same chance every time
        story.add(story.on(begins, chance), partial(_start, story, script, luck))
    began = story.today - datetime.timedelta(days=max(script.began_days_ago for script in cast.CIRCLES))
    story.work_on_mondays(began)


def _start(story: Story, script: cast.CircleScript, chance: random.Random) -> None:
    owner, *others = script.members
    ends_on = story.today + datetime.timedelta(days=script.days_left)
    mine = circles.start_circle(
        _person(owner),
        Product.objects.get(name=script.product),
        reference=references.mint(references.CIRCLE_PREFIX),
        name=script.name,
        description=script.description,
        goal_kobo=script.goal * 100,
        ends_on=ends_on,
        joining=Circle.Joining.OPEN if script.is_open else Circle.Joining.INVITATION,
        nickname=owner.nickname,
    )
    story.work_in_the_night(ends_on - datetime.timedelta(days=1))
    _save(story, mine, owner, chance)
    for member in others:
        days = chance.uniform(0.2, 6)
        story.soon(partial(_join, story, mine.circle, member, chance), minutes=days * 24 * 60)


def _join(story: Story, circle: Circle, member: cast.Member, chance: random.Random) -> None:
    membership = circles.join(
        _person(member),
        circle,
        reference=references.mint(references.CIRCLE_PREFIX),
        nickname=member.nickname,
        code=circle.invite_code,
    )
    if member.hides_amount:
        circles.change_appearance(membership, nickname=member.nickname, hides_amount=True, on_board=True)
    story.soon(story.send_mails, minutes=0.2)
    _save(story, membership, member, chance)


def _save(story: Story, membership: Membership, member: cast.Member, chance: random.Random) -> None:
    """Pay in each sum, spread over the days until now, or until the circle's last."""
    today = timezone.localdate()
    days = (min(story.today, membership.circle.ends_on - datetime.timedelta(days=1)) - today).days
    for number, naira in enumerate(member.sums, 1):
        share = (number - chance.uniform(0.1, 0.9)) / len(member.sums)
        at = story.on(today + datetime.timedelta(days=int(days * share)), chance)
        story.add(at, partial(story.pay, membership.user.email, membership.plan, naira, chance, must=True))
        # The money has arrived by then.
        story.add(at + datetime.timedelta(minutes=10), partial(_look, story, membership.circle))


def _look(story: Story, circle: Circle) -> None:
    circles.check_ranks(circle)
    story.send_mails()


def _person(member: cast.Member) -> User:
    found = User.objects.filter(email=member.email).first()
    return found or add_user(member.email, member.nickname)
