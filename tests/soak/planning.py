"""What savers of the simulated year do with plans and circles."""

from __future__ import annotations

import datetime

from django.utils import timezone

from savings import circles, plans, references
from savings.models import Circle, Membership, Plan, Product, Transaction
from tests.soak.people import Act, Person

Kind = Transaction.Kind


def open_plan(person: Person) -> Act | None:
    """Open a plan of any product."""
    chance = person.chance
    if len(person.open_plans()) >= 6:
        return None
    product = chance.choice(list(Product.objects.offered().order_by("pk")))
    days = chance.choice([0, 0, 0, 7, 33]) + (product.min_term_days or 0)
    target_kobo = person.naira(10_000, 400_000) if product.needs_target or chance.random() < 0.4 else None
    name = f"{product.name} {chance.randrange(10**6)}"
    reference = references.mint(references.PLAN_PREFIX)
    ends_on = timezone.localdate() + datetime.timedelta(days=days) if product.has_term else None
    at_maturity = chance.choice(Plan.AtMaturity.values)
    interest_to = chance.choice(Plan.InterestTo.values)
    return lambda: plans.open_plan(
        person.user,
        product,
        reference=reference,
        name=name,
        target_kobo=target_kobo,
        matures_on=ends_on,
        at_maturity=at_maturity,
        interest_to=interest_to,
    )


def change_plan(person: Person) -> Act | None:
    """Change a running plan: its end, its goal, its interest, and what happens at its maturity."""
    plan, chance = person.plan(), person.chance
    if plan is None:
        return None
    days, kobo = datetime.timedelta(days=chance.randint(1, 40)), person.naira(5_000, 500_000)
    is_on, at_maturity = chance.random() < 0.6, chance.choice(Plan.AtMaturity.values)
    interest_to, name = chance.choice(Plan.InterestTo.values), f"Plan {chance.randrange(10**6)}"
    changes: list[Act] = [
        lambda: plans.extend(plan, (plan.matures_on or timezone.localdate()) + days),
        lambda: plans.change_goal(plan, kobo),
        lambda: plans.switch_interest(plan, on=is_on),
        lambda: plans.switch_all_interest(person.user, on=is_on or days.days > 20),
        lambda: plans.change_at_maturity(plan, at_maturity),
        lambda: plans.change_interest_to(plan, interest_to),
        lambda: plans.rename(plan, name),
    ]
    return chance.choice(changes)


def close_plan(person: Person) -> Act | None:
    """Close an empty plan outside of circles."""
    empty = [plan for plan in person.open_plans() if not plan.account.balance_kobo]
    return (lambda: plans.close(empty[0])) if empty else None


def start_circle(person: Person) -> Act | None:
    """Start a circle, open to all or by invitation."""
    chance = person.chance
    if Circle.objects.filter(ends_on__gt=timezone.localdate()).count() >= 2 + len(person.world.people) // 12:
        return None
    product = chance.choice(list(Product.objects.offered().filter(kind__in=["flexible", "target"])))
    reference = references.mint(references.CIRCLE_PREFIX)
    ends_on = timezone.localdate() + datetime.timedelta(days=chance.randint(31, 60))
    target_kobo = person.naira(10_000, 200_000)
    goal_kobo, name = person.naira(100_000, 900_000), f"Circle {chance.randrange(10**6)}"
    joining = chance.choice([Circle.Joining.OPEN, Circle.Joining.OPEN, Circle.Joining.INVITATION])
    return lambda: circles.start_circle(
        person.user,
        product,
        reference=reference,
        name=name,
        goal_kobo=goal_kobo,
        ends_on=ends_on,
        nickname=f"Saver {person.index}",
        joining=joining,
        target_kobo=target_kobo,
    )


def join_circle(person: Person) -> Act | None:
    """Join a circle that runs."""
    running = list(Circle.objects.filter(ends_on__gt=timezone.localdate()).order_by("pk"))
    if not running:
        return None
    circle, target_kobo = person.chance.choice(running), person.naira(10_000, 200_000)
    reference = references.mint(references.CIRCLE_PREFIX)
    return lambda: circles.join(
        person.user,
        circle,
        reference=reference,
        nickname=f"Saver {person.index}",
        code=circle.invite_code,
        target_kobo=target_kobo,
    )


def change_membership(person: Person) -> Act | None:
    """Leave a circle, or change how its members see one."""
    found = list(Membership.objects.current().filter(user=person.user_id).order_by("pk"))
    if not found:
        return None
    member, hides, shown = (
        person.chance.choice(found),
        person.chance.random() < 0.5,
        person.chance.random() < 0.8,
    )
    if person.chance.random() < 0.4:
        return lambda: circles.leave(member)
    return lambda: circles.change_appearance(member, hides_amount=hides, on_board=shown)
