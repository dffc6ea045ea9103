"""Indexes of this project, each with the query it is for and that query's plan on the real tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.db.models import Count, Model, QuerySet
from django.utils import timezone

from savings import outbox
from savings.models import Circle, Membership, OutboxRow, Transaction, User
from savings.models.circles import MembershipQuerySet
from savings.models.ledger import TransactionQuerySet
from web import keyset
from web.lab import query_plans
from web.lab.measure import Headline, pretty, source
from web.messages import lab as messages
from web.pages import transactions as transaction_rows


class ProjectIndex(NamedTuple):
    """An index: its kind, declaration and definition, and the product's query with its code and plan."""

    name: str
    kind: str
    purpose: str
    declaration: str
    definition: str
    where: str
    code: str
    sql: str
    plan: str
    is_used: bool
    # Why not, if it was not used.
    reason: str
    rows: int


class _Chosen(NamedTuple):
    model: type[Model]
    name: str
    kind: str
    purpose: str
    # The product's function that makes the query, whose code is shown.
    function: Callable[..., Any]
    query: Callable[[User], QuerySet[Any, Any]]


def _activity(user: User) -> QuerySet[Any, Any]:
    return transaction_rows.newest(Transaction.objects.filter(user=user), keyset.PAGE_SIZE)


def _stash_activity(user: User) -> QuerySet[Any, Any]:
    return transaction_rows.newest(Transaction.objects.filter(user=user).of_stash(), keyset.PAGE_SIZE)


def _board(_: User) -> QuerySet[Any, Any]:
    by_size = Circle.objects.annotate(members=Count("memberships")).order_by("-members", "pk")
    largest = by_size.values_list("pk", flat=True).first() or 0
    return Membership.objects.filter(circle=largest).ranked()[: keyset.PAGE_SIZE]


def _due(_: User) -> QuerySet[Any, Any]:
    return outbox.due_rows(timezone.now())[: keyset.PAGE_SIZE]


_CHOSEN = [
    _Chosen(
        Transaction,
        "transaction_by_user",
        "Composite",
        "A user’s activity, newest first. The second column is the order, so the database stops after a page.",
        transaction_rows.newest,
        _activity,
    ),
    _Chosen(
        OutboxRow,
        "outbox_waiting",
        "Partial",
        "The worker’s sweep. It holds the few rows that wait, and none of the millions that are finished.",
        outbox.due_rows,
        _due,
    ),
    _Chosen(
        Transaction,
        "transaction_near_stash",
        "Composite and partial",
        "The stash’s activity, without reading the user’s transactions in plans.",
        TransactionQuerySet.of_stash,
        _stash_activity,
    ),
    _Chosen(
        Membership,
        "membership_board",
        "Composite and partial",
        "A leaderboard in order, from SQL, without members who left or have saved nothing.",
        MembershipQuerySet.ranked,
        _board,
    ),
]


def indexes(user: User) -> list[ProjectIndex]:
    """Return the chosen indexes, each with its query for this user."""
    return [_shown(chosen, user) for chosen in _CHOSEN]


def _shown(chosen: _Chosen, user: User) -> ProjectIndex:
    sql, plan = query_plans.explain_queryset(chosen.query(user))
    where, code = source(chosen.function)
    return ProjectIndex(
        name=chosen.name,
        kind=chosen.kind,
        purpose=chosen.purpose,
        declaration=query_plans.declaration(chosen.model, chosen.name),
        definition=query_plans.definition(chosen.name),
        where=where,
        code=code,
        sql=pretty(sql),
        plan=plan,
        is_used=chosen.name in plan,
        reason=messages.why_not_used(by_another=query_plans.is_by_index(plan)),
        rows=chosen.model._base_manager.count(),
    )


def _use_of(index: ProjectIndex) -> str:
    """Return whether an index was used, in how many rows, and why if it was not."""
    used = f"{'used' if index.is_used else 'not used'}, {index.rows:,} rows in the table"
    return used if index.is_used else f"{used}: {index.reason}"


def headlines() -> Iterator[Headline]:
    """Yield for each index whether the planner used it for its query on the present rows."""
    user = Transaction.objects.exclude(user=None).order_by("-id").values_list("user", flat=True).first()
    for index in indexes(User(pk=user)) if user else ():
        yield Headline(f"{index.kind}: {index.name}", _use_of(index))
