"""Auto-save rules and statements of the savers of the simulated year."""

from __future__ import annotations

import datetime

from django.utils import timezone

from savings import autosave, references, statements
from savings.models import AutosaveRule, Membership, StatementSubscription
from savings.models.autosave import Source
from savings.models.statements import Format, Scope
from tests.soak.people import Act, Person, pick

Every = AutosaveRule.Every
_FORMATS = {Format.CSV: 88, Format.EXCEL: 9, Format.PDF: 3}


def make_rule(person: Person) -> Act | None:
    """Set up a rule of any rhythm, from the stash or a card."""
    if AutosaveRule.objects.current().filter(user=person.user_id).count() >= 5:
        return None
    plan = person.plan() if person.chance.random() < 0.85 else None
    terms, reference = _terms(person), references.mint(references.AUTOSAVE_PREFIX)
    return lambda: autosave.create_rule(person.user, plan, terms, reference=reference)


def change_rule(person: Person) -> Act | None:
    """Change, pause, resume, skip or stop a rule."""
    chance = person.chance
    rules = list(AutosaveRule.objects.current().filter(user=person.user_id).order_by("pk"))
    if not rules:
        return None
    rule, terms = chance.choice(rules), _terms(person)
    waiting = rule.runs.open().order_by("due_on").values_list("due_on", flat=True).first()
    next_on = waiting or rule.next_on or timezone.localdate()
    changes: dict[Act, int] = {
        lambda: autosave.change_rule(rule, terms): 3,
        lambda: autosave.pause_rule(rule): 2,
        lambda: autosave.resume_rule(rule): 4,
        lambda: autosave.skip_next(rule, next_on): 3,
        lambda: autosave.stop_rule(rule): 1,
    }
    return pick(chance, changes)


def ask_for_statement(person: Person) -> Act | None:
    """Ask for a statement of everything, the stash, a plan or a circle, or for a certificate."""
    chance, today = person.chance, timezone.localdate()
    file_format, scope = pick(chance, _FORMATS), chance.choice(Scope.values)
    plan = person.plan() if scope == Scope.PLAN else None
    member = Membership.objects.filter(user=person.user_id).order_by("pk").first()
    circle = member.circle if member is not None and scope == Scope.CIRCLE else None
    since = today - datetime.timedelta(days=chance.randrange(60))
    if chance.random() < 0.15:
        return lambda: statements.request_certificate(person.user, year=today.year, format=Format.CSV)
    return lambda: statements.request(
        person.user, scope=scope, plan=plan, circle=circle, since=since, until=today, format=file_format
    )


def subscribe(person: Person) -> Act | None:
    """Ask for monthly statements, or no more."""
    found = StatementSubscription.objects.filter(user=person.user_id).order_by("pk").first()
    if found is not None and person.chance.random() < 0.3:
        return lambda: statements.unsubscribe(found)
    plan = person.plan()
    if plan is None:
        return lambda: statements.subscribe(person.user, scope=Scope.STASH, format=Format.CSV)
    return lambda: statements.subscribe(person.user, scope=Scope.PLAN, plan=plan, format=Format.CSV)


def _terms(person: Person) -> autosave.Terms:
    chance, today = person.chance, timezone.localdate()
    every, card = chance.choice(Every.values), person.card() if chance.random() < 0.5 else None
    needs_date = every == Every.ONCE or chance.random() < 0.15
    return autosave.Terms(
        None if every == Every.MONTH and chance.random() < 0.3 else person.naira(150, 15_000),
        every,
        Source.CARD if card else Source.STASH,
        card=card,
        weekday=chance.randrange(7) if every == Every.WEEK else None,
        month_day=chance.choice([1, 15, 25, 28, 29, 30, 31]) if every == Every.MONTH else None,
        until_on=today + datetime.timedelta(days=chance.randint(1, 45)) if needs_date else None,
        until_goal=chance.random() < 0.2,
    )
