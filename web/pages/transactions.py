"""Transactions as rows of a list: one narrow query, and every text prepared in Python."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from savings import money
from savings.models import Entry, Transaction
from savings.models.autosave import Source
from savings.models.ledger import TransactionQuerySet
from web import date_formats, keyset
from web.forms.transactions import FilterForm, SeenFrom
from web.messages import payments as payment_messages
from web.messages import transactions as messages
from web.pages import payments as payment_pages

Kind, Status = Transaction.Kind, Transaction.Status

COLUMNS = (
    "id",
    "reference",
    "kind",
    "status",
    "amount_kobo",
    "created_on",
    "plan__name",
    "reverses__kind",
    "autosave_run__source",
)
# From this amount, with ten digits before the kobo, the text is smaller on a narrow screen.
_LONG_KOBO = 1_000_000_000_00

_IN = {Kind.TOP_UP, Kind.STASH_DEPOSIT, Kind.AUTOSAVE, Kind.INTEREST}
_OUT = {Kind.STASH_WITHDRAWAL, Kind.TAX_WITHHELD, Kind.PENALTY, Kind.FEE, Kind.REFUND, Kind.REPAYMENT}
_MOVES: dict[tuple[SeenFrom, str], int] = {
    ("plan", Kind.STASH_TO_PLAN): 1,
    ("plan", Kind.AUTOSAVE): 1,
    ("plan", Kind.PLAN_TO_STASH): -1,
    ("stash", Kind.STASH_TO_PLAN): -1,
    ("stash", Kind.PLAN_TO_STASH): 1,
    # Paid from the stash; an auto-save by card does not appear in the stash's list.
    ("stash", Kind.AUTOSAVE): -1,
}
_KINDS: dict[str, str] = dict(Kind.choices)
_STATUSES: dict[str, str] = dict(Status.choices) | {Status.PENDING: messages.WAITING}
_ICONS: dict[str, str] = {
    Kind.TOP_UP: "in",
    Kind.STASH_DEPOSIT: "in",
    Kind.STASH_WITHDRAWAL: "out",
    Kind.PLAN_TO_STASH: "move",
    Kind.STASH_TO_PLAN: "move",
    Kind.AUTOSAVE: "repeat",
    Kind.INTEREST: "percent",
    Kind.TAX_WITHHELD: "percent",
    Kind.PENALTY: "out",
    Kind.FEE: "out",
    Kind.REVERSAL: "repeat",
    Kind.REFUND: "out",
    Kind.CHARGEBACK: "out",
    Kind.INTEREST_CORRECTION: "percent",
    Kind.REPAYMENT: "out",
    Kind.WRITE_OFF: "move",
    Kind.TREASURY: "move",
    Kind.ADJUSTMENT: "move",
}
_BADGES: dict[str, tuple[str, str]] = {
    Status.PENDING: ("", "clock"),
    Status.FAILED: ("bad", "cross"),
    Status.ABANDONED: ("", "cross"),
    Status.REVIEW: ("gold", "eye"),
    Status.REVERSED: ("", "repeat"),
    Status.CLOSED: ("", "check"),
}
# Where the money of the stash's own transactions comes from or goes.
_BESIDE_STASH: dict[str, str] = {
    Kind.STASH_DEPOSIT: messages.CARD,
    Kind.AUTOSAVE: messages.CARD,
    Kind.STASH_WITHDRAWAL: messages.BANK,
}
# Transactions without an effect on the balances.
_WITHOUT_EFFECT = {Status.FAILED, Status.ABANDONED, Status.REVERSED, Status.CLOSED}

# The entries with the sum of a transaction that moved another than its amount.
SUM_CODES = (*Entry.SETS_ASIDE, Entry.Code.SUSPENSE)


class TransactionRow(NamedTuple):
    """One line of a list, ready to print."""

    id: int
    reference: str
    what: str
    where: str
    # What arrived, if that is not what was asked for.
    note: str
    icon: str
    is_in: bool
    day: datetime.date
    day_text: str
    time_text: str
    status: str
    badge: str | None
    badge_icon: str
    amount: str
    amount_kobo: int
    amount_class: str


def newest(found: TransactionQuerySet, most: int) -> QuerySet[Transaction, Any]:
    """Return the newest transactions as tuples of `COLUMNS`, for `rows`."""
    return found.order_by("-id").values_list(*COLUMNS)[:most]


def rows(movements: Iterable[tuple[Any, ...]], *, seen_from: SeenFrom = "") -> list[TransactionRow]:
    """Return the rows of transactions given as tuples of `COLUMNS`, with signs as seen from a plan or the stash."""
    this_year, listed = timezone.localdate().year, list(movements)
    other = [values[0] for values in listed if moves_another_sum(values[2], values[3], values[7])]
    moved = _moved(other)
    return [_row(values, moved, seen_from=seen_from, this_year=this_year) for values in _fees_below(listed)]


def _fees_below(listed: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return transactions with each fee below its withdrawal, which comes right before it in the books."""
    ordered = list(listed)
    for at, (fee, withdrawal) in enumerate(pairwise(listed)):
        if (fee[2], withdrawal[2]) == (Kind.FEE, Kind.STASH_WITHDRAWAL) and fee[1][3:] == withdrawal[1][3:]:
            ordered[at : at + 2] = withdrawal, fee
    return ordered


def moves_another_sum(kind: str, status: str, reversed_kind: str | None) -> bool:
    """Return whether the amount of a transaction is not the sum it moved, which one of its entries has (`SUM_CODES`).

    The amount of a fee is without its VAT and stamp duty. With them it is what was set aside or given back. The amount
    of a payment in review is what was asked for, and what arrived is in suspense.
    """
    return Kind.FEE in {kind, reversed_kind} or status == Status.REVIEW


def _moved(movement_ids: list[int]) -> dict[int, int]:
    """Return the kobo that fees and payments in review moved. Costs a query if there are any."""
    if not movement_ids:
        return {}
    moved = Entry.objects.filter(transaction__in=movement_ids, code__in=SUM_CODES)
    return dict(moved.values_list("transaction_id", "amount_kobo"))


def _row(
    values: tuple[Any, ...], moved: dict[int, int], *, seen_from: SeenFrom, this_year: int
) -> TransactionRow:
    movement_id, reference, kind, status, amount_kobo, created_on, plan, reversed_kind, source = values
    asked_kobo, amount_kobo = amount_kobo, moved.get(movement_id, amount_kobo)
    is_other = status == Status.REVIEW and asked_kobo != amount_kobo
    way = direction(kind, reversed_kind, seen_from=seen_from, from_stash=source == Source.STASH)
    created = timezone.localtime(created_on)
    badge, badge_icon = _BADGES.get(status, (None, ""))
    counts = status == Status.SUCCESS
    return TransactionRow(
        id=movement_id,
        reference=reference,
        what=messages.RETURNS.get(reversed_kind) or _KINDS[kind],
        where=_where(kind, plan, seen_from=seen_from, from_stash=source == Source.STASH),
        note=payment_messages.what_arrived(asked_kobo, amount_kobo) if is_other else "",
        icon=_ICONS[kind],
        is_in=counts and way > 0,
        day=created.date(),
        day_text=date_formats.day(created, with_year=created.year != this_year),
        time_text=date_formats.time(created),
        status=_STATUSES[status],
        badge=badge,
        badge_icon=badge_icon,
        amount=_amount(amount_kobo, way if counts else min(way, 0)),
        amount_kobo=amount_kobo,
        amount_class=_amount_class(status, way) + (" tiny" if amount_kobo >= _LONG_KOBO else ""),
    )


def _where(kind: str, plan: str | None, *, seen_from: SeenFrom, from_stash: bool) -> str:
    """Return where a transaction belongs; among all transactions, a move between two places has both."""
    if plan is None:
        return _without_plan(kind, seen_from)
    if seen_from:
        return plan
    if kind == Kind.PLAN_TO_STASH:
        return messages.move(plan, messages.STASH)
    is_into_plan = kind == Kind.STASH_TO_PLAN or (kind == Kind.AUTOSAVE and from_stash)
    return messages.move(messages.STASH, plan) if is_into_plan else plan


def _without_plan(kind: str, seen_from: SeenFrom) -> str:
    """Return where a transaction belongs that belongs to no plan; in the stash's own list the other side of it."""
    if kind == Kind.WRITE_OFF:
        return messages.DEBT
    return _BESIDE_STASH.get(kind, "") if seen_from == "stash" else messages.STASH


def listing(form: FilterForm, page: keyset.KeysetPage[Any], user_id: int) -> dict[str, Any]:
    """Return the context of a page of transactions, given as tuples of `COLUMNS`.

    On the first page of everything, payments that are being checked come first, however old they are.
    """
    is_first = not (form.is_filtered or page.newer or "before" in form.data)
    checked = list(in_review(user_id)) if is_first and page.rows else []
    newest = [values for values in page.rows if values not in checked]
    shown = rows([*checked, *newest], seen_from=form.seen_from)
    days = by_day(shown[len(checked) :])
    return {"form": form, "page": page, "checked": shown[: len(checked)], "days": days}


def in_review(user_id: int) -> QuerySet[Transaction, Any]:
    """Return the newest payments of a user that are being checked, as tuples of `COLUMNS`, for `rows`.

    Reads the index of all payments in review, which are few, and not the user's transactions.
    """
    return newest(Transaction.objects.filter(user=user_id).in_review(), payment_pages.MOST_CHECKED)


def by_day(listed: Iterable[TransactionRow]) -> list[tuple[str, datetime.date, list[TransactionRow]]]:
    """Return the rows grouped by day: a heading such as `Today, Tue 24 Nov`, the day, the rows."""
    return [(day_heading(day), day, list(group)) for day, group in groupby(listed, key=lambda line: line.day)]


def direction(
    kind: str, reversed_kind: str | None = None, *, seen_from: SeenFrom = "", from_stash: bool = False
) -> int:
    """Return 1 for incoming money, -1 for outgoing, 0 for a move between the user's own accounts.

    `from_stash` is whether an auto-save is paid from the stash, and not by card.
    """
    if kind == Kind.REVERSAL and reversed_kind:
        return -direction(reversed_kind, seen_from=seen_from)
    if (seen_from, kind) in _MOVES:
        return _MOVES[seen_from, kind]
    if kind == Kind.AUTOSAVE and from_stash:
        return 0
    if kind in _IN:
        return 1
    return -1 if kind in _OUT else 0


def _amount(amount_kobo: int, way: int) -> str:
    return money.signed(way * amount_kobo) if way else money.naira(amount_kobo)


def _amount_class(status: str, way: int) -> str:
    if status == Status.SUCCESS:
        return "b up" if way > 0 else "b"
    return "off" if status in _WITHOUT_EFFECT else "quiet"


def day_heading(day: datetime.date) -> str:
    """Return a day as the heading of its rows: `Today, Tue 24 Nov`."""
    today = timezone.localdate()
    text = date_format(day, "D j M" if day.year == today.year else "D j M Y")
    if day == today:
        return messages.today(text)
    if day == today - datetime.timedelta(days=1):
        return messages.yesterday(text)
    return text
