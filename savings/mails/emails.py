"""Emails: one function each, always through the outbox. `sending` makes mails of its rows."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from savings import leaderboards, money, outbox
from savings.leaderboards import Progress
from savings.mails import messages, sending
from savings.mails.messages import KINDS
from savings.models import Circle, Device, Membership, OutboxRow, Plan, Statement, Transaction, User

RANK_CHANGED = "rank_changed"
WEEKLY_DIGEST = "weekly_digest"


def welcome(user: User) -> OutboxRow | None:
    """Welcome a user who has confirmed their address; once per user. Call all functions here in an atomic block."""
    return outbox.add("welcome", dedupe_key=f"welcome:{user.pk}", user=user)


def top_up_received(movement: Transaction) -> OutboxRow | None:
    """Confirm a payment to its user; once per transaction, unless they have turned receipts off."""
    if movement.user is None or not movement.user.wants_receipts:
        return None
    return outbox.add(
        "top_up_received",
        dedupe_key=f"top_up_received:{movement.reference}",
        user=movement.user,
        movement=movement,
    )


def plan_matured(movement: Transaction, facts: Mapping[str, str]) -> OutboxRow | None:
    """Tell a user that a plan has matured and that its money is in their stash.

    `movement` is the transaction that moved it, or that of the interest where the plan was empty. `facts` are amounts
    as text: `moved` from the plan, `gross`, `tax` and `net` interest, and what `arrived` in all.
    """
    return outbox.add(
        "plan_matured",
        dedupe_key=f"plan_matured:{movement.reference}",
        user=movement.user,
        movement=movement,
        payload={"facts": facts},
    )


def plan_renewed(plan: Plan, on: datetime.date, facts: Mapping[str, str]) -> OutboxRow | None:
    """Tell a user that a plan has started a new term on a day; once per term. `facts` as for `plan_matured`."""
    return outbox.add(
        "plan_renewed",
        dedupe_key=f"plan_renewed:{plan.pk}:{on}",
        user=plan.user,
        payload={"plan": plan.pk, "name": plan.name, "facts": facts},
    )


def goal_reached(plan: Plan) -> OutboxRow | None:
    """Congratulate a user on a goal that a plan has reached; once per plan and goal, unless turned off.

    Reads `plan.account` as it is after the posting.
    """
    user = plan.user
    if plan.target_kobo is None or not (user.wants_goal_reached and user.is_active):
        return None
    return outbox.add(
        "goal_reached",
        dedupe_key=f"goal_reached:{plan.pk}:{plan.target_kobo}",
        user=user,
        payload={
            "plan": plan.pk,
            "name": plan.name,
            "saved": money.naira(plan.account.balance_kobo or 0),
            "goal": money.naira(plan.target_kobo),
            "safe_until": date_format(plan.matures_on, "j F Y") if plan.matures_on else "",
        },
    )


def interest_caught_up(
    user: User, day: datetime.date, lines: Sequence[Mapping[str, str]]
) -> OutboxRow | None:
    """Tell a user which interest of earlier months was posted on a day; once per user and day.

    `lines` has for each plan its `name` and, as text, its `gross`, `tax` and `net` interest and where it went (`to`).
    """
    return outbox.add(
        "interest_caught_up",
        dedupe_key=f"interest_caught_up:{user.pk}:{day}",
        user=user,
        payload={"lines": list(lines)},
    )


def circle_joined(membership: Membership) -> OutboxRow | None:
    """Confirm to a user that they have joined a circle; once per membership."""
    return outbox.add(
        "circle_joined",
        dedupe_key=f"circle_joined:{membership.pk}",
        user=membership.user,
        payload={
            "circle": membership.circle.name,
            "slug": membership.circle.slug,
            "nickname": membership.nickname,
            "plan": membership.plan_id,
        },
    )


def rank_changed(
    membership: Membership,
    circle: Circle,
    *,
    rank: int,
    rank_before: int | None,
    day: datetime.date,
) -> OutboxRow | None:
    """Tell a member their new rank, at most once per circle and day, unless they have turned these mails off.

    `rank_before` is the rank they had, if it is known. The row stores nothing about other members.
    """
    user = membership.user
    if not (user.wants_rank_changes and user.is_active):
        return None
    return outbox.add(
        RANK_CHANGED,
        dedupe_key=f"{RANK_CHANGED}:{membership.pk}:{day}",
        user=user,
        payload={
            "circle": circle.name,
            "slug": circle.slug,
            "membership": membership.pk,
            "place": leaderboards.ordinal(rank),
            "before": leaderboards.ordinal(rank_before) if rank_before else "",
        },
    )


def circle_ended(
    membership: Membership,
    circle: Circle,
    result: Progress,
    movement: Transaction | None = None,
    facts: Mapping[str, str] | None = None,
) -> OutboxRow | None:
    """Tell a member their final rank and the circle's result; once per membership.

    `movement` is the maturity of their plan in the circle, if it is due, with the `facts` of `plan_matured`: this mail
    then covers both. Load the membership with `shares_rank`.
    """
    rank = membership.final_rank
    return outbox.add(
        "circle_ended",
        dedupe_key=f"circle_ended:{membership.pk}",
        user=membership.user,
        movement=movement,
        payload={
            "circle": circle.name,
            "slug": circle.slug,
            "place": leaderboards.in_words(rank, is_shared=getattr(membership, "shares_rank", False)),
            "is_first": rank == 1,
            "saved": messages.saved(
                result.saved_kobo, is_rounded=result.is_rounded, leaves_one_out=result.leaves_one_out
            ),
            "goal": money.naira(circle.goal_kobo),
            "percent": result.saved_kobo * 100 // circle.goal_kobo,
            "facts": facts or {},
        },
    )


def weekly_digest(lines: Mapping[int, list[Mapping[str, Any]]], week: datetime.date) -> None:
    """Add the weekly mails: `lines` has the texts for each circle, by user id; once per user and week."""
    payloads = {user_id: {"week": week.isoformat(), "lines": texts} for user_id, texts in lines.items()}
    outbox.add_for_many(WEEKLY_DIGEST, payloads, cause=week.isoformat())


def new_device(user: User, device: Device, at: datetime.datetime) -> OutboxRow | None:
    """Warn a user about a sign-in from a new device. The mail contains nothing about money."""
    return outbox.add(
        "new_device",
        dedupe_key=f"new_device:{device.pk}",
        user=user,
        payload={"device": device.label, "at": at.isoformat()},
    )


def statement_ready(statement: Statement, *, again: str = "") -> OutboxRow | None:
    """Tell a user that their statement is ready; once, and once more for each different `again`.

    The link leads to a page that needs sign-in, not to the file, so another reader of the mail cannot get it.
    """
    until = date_format(timezone.localtime(statement.expires_at), "j F Y, H:i")
    # A certificate has plans, not transactions.
    rows = None if statement.is_certificate else statement.rows_written
    return outbox.add(
        "statement_ready",
        dedupe_key=f"statement_ready:{statement.pk}{again and f':{again}'}",
        user=statement.user,
        statement=statement,
        payload=_about(statement) | {"rows": rows, "until": until},
    )


def statement_failed(statement: Statement) -> OutboxRow | None:
    """Tell a user that a statement has failed, and the reason; once."""
    return outbox.add(
        "statement_failed",
        dedupe_key=f"statement_failed:{statement.pk}",
        user=statement.user,
        statement=statement,
        payload=_about(statement) | {"reason": statement.reason},
    )


def account_mail(
    user: User | None, to: str, subject: str, text: str, html: str = "", *, secret: str = ""
) -> OutboxRow | None:
    """Add a rendered mail about an account or its sign-in. `secret` is its link or code, removed after sending.

    It is always sent: users cannot turn these mails off.
    """
    with transaction.atomic():
        return outbox.add(
            "account",
            dedupe_key=f"account:{uuid.uuid4()}",
            user=user,
            to=to,
            payload={"secret": secret} if secret else {},
            subject=sending.one_line(subject),
            text=sending.with_operator(text),
            html=html,
        )


def send_due(now: datetime.datetime, sender: outbox.Handler = sending.send) -> None:
    """Send all due mails in this process."""
    handlers = dict.fromkeys(KINDS, sender)
    for row_id in outbox.due_rows(now).filter(kind__in=handlers):
        outbox.deliver(row_id, handlers)


def cancel(user: User, kind: str) -> None:
    """Delete a user's waiting mails of a kind that they have turned off."""
    outbox.cancel(user, kind)


def _about(statement: Statement) -> dict[str, object]:
    """Return the facts of a statement for a mail, as text: the statement may be deleted before the mail is rendered."""
    subject = statement.plan or statement.circle or statement.get_scope_display()
    if statement.is_certificate:
        subject = messages.certificate(statement.since.year)
    return {
        "statement": statement.pk,
        "subject": str(subject),
        "days": messages.period(date_format(statement.since, "j F Y"), date_format(statement.until, "j F Y")),
        "format": statement.get_format_display(),
    }
