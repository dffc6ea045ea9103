"""Circles: starting, joining and leaving them, and how a member is shown. Their owners' part is `circle_owners`."""

from __future__ import annotations

import datetime
import itertools
import secrets

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.text import slugify

from savings import leaderboards, mails, money, plans, typed_text
from savings.circles import nicknames
from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.models import Account, Circle, CircleEvent, Membership, Plan, Product, User

LONGEST_NAME = 60
LONGEST_DESCRIPTION = 300


def start_circle(
    user: User,
    product: Product,
    *,
    reference: str,
    name: str,
    goal_kobo: int,
    ends_on: datetime.date,
    nickname: str,
    joining: str = Circle.Joining.INVITATION,
    description: str = "",
    target_kobo: int | None = None,
) -> Membership:
    """Open a circle and its owner's plan inside, and return the owner's membership; once per reference (the plan's).

    Raises Refused, with the field, for a name, description, goal (kobo), end, nickname or own target outside the rules,
    and for a product that is not offered any more; ReferenceTaken for a reference that another circle began with.
    """
    name = cleaned_name(name)
    description = cleaned_description(description)
    check_goal(goal_kobo)
    today = timezone.localdate()
    if ends_on <= today:
        raise Refused("Choose a day to come.", field="matures_on")
    with transaction.atomic():
        User.objects.touch(user.pk)
        earlier = _earlier(user, reference)
        if earlier is not None:
            it = earlier.circle
            if (it.name, it.goal_kobo, it.ends_on, it.product_id) != (name, goal_kobo, ends_on, product.pk):
                raise ReferenceTaken(SENT_OTHERWISE)
            return earlier
        circle = Circle.objects.create(
            slug=f"{slugify(name)[:60].strip('-') or 'circle'}-{secrets.token_hex(4)}",
            name=name,
            description=description,
            **plans.offered_terms(product.pk).for_circle(),
            goal_kobo=goal_kobo,
            starts_on=today,
            ends_on=ends_on,
            owner=user,
            joining=joining,
            invite_code=new_code(),
            member_limit=member_limit(joining),
        )
        return _enter(
            user,
            circle,
            reference=reference,
            nickname=nickname,
            target_kobo=target_kobo,
            why=CircleEvent.Kind.STARTED,
        )


def join(
    user: User,
    circle: Circle,
    *,
    reference: str,
    nickname: str,
    code: str | None = None,
    target_kobo: int | None = None,
) -> Membership:
    """Let somebody into a circle with a plan of their own inside, and return the membership; once per reference.

    Without a code only open circles let people in. Raises Refused for a circle that is closed, full or over, a code
    that is not its code any more, somebody who is in already, and a nickname or target (kobo) outside the rules.
    """
    with transaction.atomic():
        User.objects.touch(user.pk)
        earlier = _earlier(user, reference)
        if earlier is not None:
            if earlier.circle_id != circle.pk:
                raise ReferenceTaken(SENT_OTHERWISE)
            return earlier
        circle = _with_its_last_place(circle)
        _check_may_join(user, circle, code)
        membership = _enter(
            user,
            circle,
            reference=reference,
            nickname=nickname,
            target_kobo=target_kobo,
            why=CircleEvent.Kind.JOINED,
        )
        mails.circle_joined(membership)
    return membership


def leave(membership: Membership) -> None:
    """Take a member out of their circle and close their plan; a second time changes nothing.

    Raises Refused while there is money in the plan, and for the owner of a circle that has not ended: they hand it over
    first.
    """
    with transaction.atomic():
        User.objects.touch(membership.user_id)
        # Locked against a hand-over at this very moment, which would leave the circle without an owner inside.
        circle = Circle.objects.select_for_update().get(pk=membership.circle_id)
        # After its end nobody can join, and neither goal nor places change: there is nothing left to look after. The
        # row goes on naming them, which opens nothing: the tools of an owner are a member's alone.
        if circle.owner_id == membership.user_id and not circle.has_ended(timezone.localdate()):
            raise Refused("You look after this circle. Hand it over to another member, then you can leave.")
        remove_membership(membership, CircleEvent.Kind.LEFT)


def remove_membership(membership: Membership, why: str) -> None:
    """End a membership and close its plan, in the caller's transaction. Raises Refused while money is in the plan."""
    membership.refresh_from_db()
    if membership.left_at is not None:
        return
    if Account.objects.filter(plan_id=membership.plan_id, balance_kobo__gt=0).exists():
        raise Refused("There is still money in the plan of this circle. It has to be taken out first.")
    leaderboards.record_membership_change(membership, f"left:{membership.pk}", left_at=timezone.now())
    plans.close(Plan.objects.get(pk=membership.plan_id))
    record_event(membership, why)


def change_appearance(
    membership: Membership,
    *,
    nickname: str | None = None,
    hides_amount: bool | None = None,
    on_board: bool | None = None,
) -> None:
    """Change how a member is shown: their name, whether their sum is seen, whether they have a place at all.

    What is not given stays as it is. Raises Refused for an invalid nickname or one that somebody else in the circle
    has, and for coming onto a board whose places are fixed.
    """
    asked = {"nickname": nickname, "hides_amount": hides_amount, "on_board": on_board}
    changes = {field: value for field, value in asked.items() if value is not None}
    if nickname is not None:
        changes["nickname"] = nickname = nicknames.cleaned_nickname(nickname)
    with transaction.atomic():
        User.objects.touch(membership.user_id)
        membership.refresh_from_db()
        if membership.left_at is not None:
            raise Refused("You are not in this circle any more.")
        if (
            on_board
            and not membership.on_board
            and membership.final_rank is None
            and membership.circle.settled_at
        ):
            raise Refused("This circle has ended without a place for you: it is fixed now.", field="on_board")
        if nickname is not None:
            nicknames.check_nickname_free(membership.circle_id, nickname, but=membership)
        if changes:
            with nicknames.refusing_taken_nickname():
                leaderboards.record_membership_change(membership, f"shown:{membership.version}", **changes)
    membership.refresh_from_db()


def directory(search: str) -> QuerySet[Circle]:
    """Return the circles that anybody may join and that have not ended, with that in their names, for a keyset page.

    Letter case and tone marks do not count.
    """
    found = Circle.objects.public().filter(ends_on__gt=timezone.localdate())
    key = typed_text.search_key(search)
    if not key:
        return found
    # Those without a key were written by the previous release, during a deploy.
    return found.filter(
        Q(name_search__contains=key) | Q(name_search=None, name__icontains=typed_text.line(search))
    )


def cleaned_name(name: str) -> str:
    """Return a circle's name without outer space and invisible characters. Raises Refused when nothing is left."""
    return typed_text.name(name, longest=LONGEST_NAME, missing="Give the circle a name.")


def cleaned_description(text: str) -> str:
    """Return what a circle is for, as it is stored. Raises Refused for too much: composing can make it longer."""
    text = typed_text.paragraph(text)
    if len(text) > LONGEST_DESCRIPTION:
        raise Refused(f"Use at most {LONGEST_DESCRIPTION} characters.", field="description")
    return text


def check_goal(goal_kobo: int) -> None:
    """Raise Refused for a goal (kobo) that is none."""
    if not 0 < goal_kobo <= money.MOST_KOBO:
        raise Refused("Enter a goal above zero that there is money for.", field="goal")


def new_code() -> str:
    """Return the secret part of a fresh invite link: 96 bits."""
    return secrets.token_urlsafe(12)


def cleaned_code(code: str) -> str:
    """Return the secret part of an invite link without what was pasted along with it: spaces, marks, a full stop."""
    return "".join(char for char in code if char.isascii() and (char.isalnum() or char in "-_"))


def member_limit(joining: str) -> int | None:
    """Return how many may be in a circle: as many as come where anybody may, else what the installation allows."""
    return None if joining == Circle.Joining.OPEN else settings.CIRCLE_MEMBER_LIMIT


def record_event(membership: Membership, kind: str) -> None:
    """Put something on the circle's activity."""
    CircleEvent.objects.create(circle_id=membership.circle_id, membership=membership, kind=kind)


def _earlier(user: User, reference: str) -> Membership | None:
    return (
        Membership.objects.filter(plan__reference=reference, user=user)
        .select_related("circle", "plan")
        .first()
    )


def _with_its_last_place(circle: Circle) -> Circle:
    """Return the circle as it is now; a limited one is locked, so that two cannot both take the last place.

    One without a limit is not: a million people may be joining it.
    """
    now = Circle.objects.get(pk=circle.pk)
    return now if now.member_limit is None else Circle.objects.select_for_update().get(pk=circle.pk)


def _check_may_join(user: User, circle: Circle, code: str | None) -> None:
    if Membership.objects.current().filter(circle=circle, user=user).exists():
        raise Refused("You are in this circle already.")
    today = timezone.localdate()
    if circle.has_ended(today):
        raise Refused("This circle has ended.")
    least_days = circle.min_term_days or 0
    if circle.ends_on < plans.days_after(today, least_days):
        raise Refused(f"This circle ends too soon to join: a plan in it runs {least_days} days or more.")
    if circle.joining == Circle.Joining.CLOSED:
        raise Refused("This circle takes no new members.")
    is_invited = code is not None and secrets.compare_digest(code.encode(), circle.invite_code.encode())
    if not is_invited and circle.joining != Circle.Joining.OPEN:
        raise Refused("This invitation is no longer valid. Ask for a new link.")
    if circle.member_limit is not None and _size(circle) >= circle.member_limit:
        raise Refused(f"This circle is full: {circle.member_limit} are in it.")


def _size(circle: Circle) -> int:
    """Return how many are in a limited circle."""
    return Membership.objects.current().filter(circle=circle).count()


def _enter(
    user: User, circle: Circle, *, reference: str, nickname: str, target_kobo: int | None, why: str
) -> Membership:
    nickname = nicknames.cleaned_nickname(nickname)
    nicknames.check_nickname_free(circle.pk, nickname)
    plan = plans.open_plan(
        user,
        plans.terms_of_circle(circle),
        reference=reference,
        name=_plan_name(user, circle),
        target_kobo=target_kobo,
        matures_on=circle.ends_on if circle.has_term else None,
    )
    with nicknames.refusing_taken_nickname():
        membership = Membership.objects.create(circle=circle, user=user, plan=plan, nickname=nickname)
    leaderboards.record_membership_change(membership, "joined")
    record_event(membership, why)
    return membership


def _plan_name(user: User, circle: Circle) -> str:
    """Return the circle's name, numbered where the person has a plan of that name already."""
    taken = {typed_text.key(name) for name in user.plans.open().values_list("name", flat=True)}
    for number in itertools.count(1):
        name = circle.name
        if number > 1:
            name = typed_text.numbered(name, number, longest=plans.LONGEST_NAME)
        if typed_text.key(name) not in taken:
            return name
    raise AssertionError("numbers do not end")
