"""Closing an account for good: what stands in the way, and what ends with it."""

from __future__ import annotations

import dataclasses

from django.db.models import Exists, OuterRef, Q
from django.db.transaction import atomic
from django.utils import timezone

from savings import autosave, calendar, circles, ledger, mails, money, payments, plans, users
from savings.backoffice import audit, messages
from savings.backoffice.people import lock_person, record
from savings.exceptions import Refused
from savings.models import Account, Case, Circle, Membership, StaffRequest, Transaction, User

_MOST_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class Obstacle:
    """One reason why an account cannot be closed yet, and the row that staff have to look at."""

    text: str
    # The kind of the row: `plan`, `user`, `case`, `request`, `transaction` or `circle`.
    row: str
    row_id: int


def closing_checks(user: User) -> dict[str, list[Obstacle]]:
    """Return each check before closing an account by its name, with what stands in the way: nothing if it is fine."""
    return {
        "money": _money(user),
        "owed": _owed(user),
        "on_the_way": _on_the_way(user),
        "undecided": _undecided(user),
        "circles": _circles(user),
    }


def obstacles(user: User) -> list[Obstacle]:
    """Return what stands in the way of closing an account: empty if it can be closed now."""
    return [obstacle for found in closing_checks(user).values() for obstacle in found]


def close_account(user_id: int, *, by: User, reason: str) -> None:
    """Close a person's account for good: they are signed out, and can never sign in again.

    Their empty plans close, their memberships, auto-save rules, saved cards, calendar feed and monthly statements end,
    and they get a mail. A second call changes nothing. Raises Refused as `lock_person`, and with all `obstacles`.
    """
    with atomic():
        user = lock_person(user_id, by=by, reason=reason)
        if user.closed_at is not None:
            return
        if found := obstacles(user):
            raise Refused(" ".join(obstacle.text for obstacle in found))
        _end_all(user)
        User.objects.filter(pk=user.pk).update(is_active=False, closed_at=timezone.now())
        users.end_sessions(user.pk)
        record(audit.Verb.ACCOUNT_CLOSED, user, by, reason)
        mails.account_changed_by_staff("closed", user, f"closed:{user.pk}")


def _end_all(user: User) -> None:
    circles.end_memberships(user)
    for plan in user.plans.open():
        plans.close(plan)
    autosave.end_rules(user)
    for card in user.cards.current():
        payments.remove_card(card)
    for recipient in user.recipients.current():
        payments.remove_recipient(recipient)
    calendar.end_feed(user)
    user.statement_subscriptions.all().delete()


def _money(user: User) -> list[Obstacle]:
    found = []
    accounts = Account.objects.filter(Q(user=user) | Q(plan__user=user)).select_related("plan")
    for account in accounts.order_by("id"):
        plan = account.plan
        row = ("plan", plan.pk) if plan else ("user", user.pk)
        name = f"“{plan.name}”" if plan else messages.ACCOUNT_NAMES[account.kind]
        if account.balance_kobo:
            found.append(Obstacle(messages.holds(name, account.balance_kobo), *row))
        # What is left below one kobo lapses.
        elif kobo := money.interest(account.accrued_numerator):
            found.append(Obstacle(messages.interest_waits(name, kobo), *row))
    return found[:_MOST_SHOWN]


def _owed(user: User) -> list[Obstacle]:
    available = ledger.available(user)
    found = []
    if available.owed_kobo:
        found.append(Obstacle(messages.owes(available.owed_kobo), "user", user.pk))
    if available.disputed_kobo:
        found.append(Obstacle(messages.disputed(available.disputed_kobo), "user", user.pk))
    return found


def _on_the_way(user: User) -> list[Obstacle]:
    unfinished = [Transaction.Status.PENDING, Transaction.Status.REVIEW]
    rows = Transaction.objects.filter(user=user, status__in=unfinished).order_by("-id")[:_MOST_SHOWN]
    return [Obstacle(messages.not_finished(row.reference), "transaction", row.pk) for row in rows]


def _undecided(user: User) -> list[Obstacle]:
    cases = Case.objects.unsolved().filter(saver=user).order_by("-id")[:_MOST_SHOWN]
    requests = StaffRequest.objects.waiting().filter(saver=user).order_by("-id")[:_MOST_SHOWN]
    return [
        *(Obstacle(messages.case_open(case.pk), "case", case.pk) for case in cases),
        *(Obstacle(messages.request_waits(request.pk), "request", request.pk) for request in requests),
    ]


def _circles(user: User) -> list[Obstacle]:
    others = Membership.objects.current().filter(circle=OuterRef("pk")).exclude(user=user)
    owned = Circle.objects.filter(Exists(others), owner=user, ends_on__gt=timezone.localdate())
    return [
        Obstacle(messages.owns_circle(circle.name), "circle", circle.pk)
        for circle in owned.order_by("id")[:_MOST_SHOWN]
    ]
