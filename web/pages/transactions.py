"""Transactions as rows of a list: one narrow query, and every text prepared in Python."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from savings import money
from savings.models import Account, Entry, Transaction
from savings.models.ledger import TransactionQuerySet
from web import date_formats
from web.forms.transactions import SeenFrom

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
)
# From this amount, with ten digits before the kobo, the text is smaller on a narrow screen.
_LONG_KOBO = 1_000_000_000_00

_IN = {Kind.TOP_UP, Kind.STASH_DEPOSIT, Kind.AUTOSAVE, Kind.INTEREST}
_OUT = {Kind.STASH_WITHDRAWAL, Kind.TAX_WITHHELD, Kind.PENALTY, Kind.FEE, Kind.REFUND, Kind.REPAYMENT}
_MOVES: dict[tuple[SeenFrom, str], int] = {
    ("plan", Kind.STASH_TO_PLAN): 1,
    ("plan", Kind.PLAN_TO_STASH): -1,
    ("stash", Kind.STASH_TO_PLAN): -1,
    ("stash", Kind.PLAN_TO_STASH): 1,
    # Paid from the stash; an auto-save by card does not appear in the stash's list.
    ("stash", Kind.AUTOSAVE): -1,
}
_KINDS: dict[str, str] = dict(Kind.choices)
_STATUSES: dict[str, str] = dict(Status.choices)
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
# Transactions without an effect on the balances.
_WITHOUT_EFFECT = {Status.FAILED, Status.ABANDONED, Status.REVERSED, Status.CLOSED}


class TransactionRow(NamedTuple):
    """One line of a list, ready to print."""

    id: int
    reference: str
    what: str
    where: str
    icon: str
    is_in: bool
    day: datetime.date
    day_text: str
    time_text: str
    status: str
    badge: str | None
    badge_icon: str
    amount: str
    amount_class: str


def newest(found: TransactionQuerySet, most: int) -> QuerySet[Transaction, Any]:
    """Return the newest transactions as tuples of `COLUMNS`, for `rows`."""
    return found.order_by("-id").values_list(*COLUMNS)[:most]


def rows(movements: Iterable[tuple[Any, ...]], *, seen_from: SeenFrom = "") -> list[TransactionRow]:
    """Return the rows of transactions given as tuples of `COLUMNS`, with signs as seen from a plan or the stash."""
    today = timezone.localdate()
    return [_row(values, seen_from=seen_from, this_year=today.year) for values in movements]


def _row(values: tuple[Any, ...], *, seen_from: SeenFrom, this_year: int) -> TransactionRow:
    movement_id, reference, kind, status, amount_kobo, created_on, plan, reversed_kind = values
    way = direction(kind, reversed_kind, seen_from=seen_from)
    created = timezone.localtime(created_on)
    badge, badge_icon = _BADGES.get(status, (None, ""))
    counts = status == Status.SUCCESS
    return TransactionRow(
        id=movement_id,
        reference=reference,
        what=_KINDS[kind],
        where=plan or ("Debt" if kind == Kind.WRITE_OFF else "Stash"),
        icon=_ICONS[kind],
        is_in=counts and way > 0,
        day=created.date(),
        day_text=date_formats.day(created, with_year=created.year != this_year),
        time_text=date_formats.time(created),
        status=_STATUSES[status],
        badge=badge,
        badge_icon=badge_icon,
        amount=_amount(amount_kobo, way if counts else min(way, 0)),
        amount_class=_amount_class(status, way) + (" tiny" if amount_kobo >= _LONG_KOBO else ""),
    )


def by_day(listed: Iterable[TransactionRow]) -> list[tuple[str, datetime.date, list[TransactionRow]]]:
    """Return the rows grouped by day: a heading such as `Today, Tue 24 Nov`, the day, the rows."""
    return [(_heading(day), day, list(group)) for day, group in groupby(listed, key=lambda line: line.day)]


def direction(kind: str, reversed_kind: str | None = None, *, seen_from: SeenFrom = "") -> int:
    """Return 1 for incoming money, -1 for outgoing, 0 for a move between the user's own accounts."""
    if kind == Kind.REVERSAL and reversed_kind:
        return -direction(reversed_kind, seen_from=seen_from)
    if (seen_from, kind) in _MOVES:
        return _MOVES[seen_from, kind]
    if kind in _IN:
        return 1
    return -1 if kind in _OUT else 0


def _amount(amount_kobo: int, way: int) -> str:
    return money.signed(way * amount_kobo) if way else money.naira(amount_kobo)


def _amount_class(status: str, way: int) -> str:
    if status == Status.SUCCESS:
        return "b up" if way > 0 else "b"
    return "off" if status in _WITHOUT_EFFECT else "quiet"


def _heading(day: datetime.date) -> str:
    today = timezone.localdate()
    text = date_format(day, "D j M" if day.year == today.year else "D j M Y")
    if day == today:
        return f"Today, {text}"
    if day == today - datetime.timedelta(days=1):
        return f"Yesterday, {text}"
    return text


@dataclasses.dataclass(frozen=True, slots=True)
class LedgerLine:
    """A ledger entry as the receipt shows it."""

    step: str
    debit: str
    credit: str
    amount_kobo: int


def ledger_line(entry: Entry) -> LedgerLine:
    """Return an entry with its accounts by name. Load it with the accounts and their plans (`select_related`)."""
    return LedgerLine(
        step=Entry.Code(entry.code).label,
        debit=_account_name(entry.debit_account),
        credit=_account_name(entry.credit_account),
        amount_kobo=entry.amount_kobo,
    )


def balances(entries: Iterable[Entry]) -> list[tuple[str, int, int]]:
    """Return the name and the balance before and after (kobo) of each customer account in a transaction."""
    touched: dict[str, tuple[int, int]] = {}
    for entry in entries:
        for account, after, change in (
            (entry.debit_account, entry.debit_balance_kobo, -entry.amount_kobo),
            (entry.credit_account, entry.credit_balance_kobo, entry.amount_kobo),
        ):
            if after is not None:
                name = _account_name(account)
                before = touched[name][0] if name in touched else after - change
                touched[name] = (before, after)
    return [(name, before, after) for name, (before, after) in touched.items()]


def signed_kobo(movement: Transaction, touched: Iterable[tuple[str, int, int]]) -> int:
    """Return the amount of a receipt, negative for money out; 0 where no sign fits.

    `touched` are the `balances` of the transaction. Without any, nothing of the saver's has moved: a chargeback moves
    money of the house, and its repayments move the saver's. A correction of interest goes either way.
    """
    change_kobo = sum(after - before for _, before, after in touched)
    if movement.kind == Kind.INTEREST_CORRECTION:
        return change_kobo
    moved = movement.is_settled and touched
    reversed_kind = movement.reverses.kind if movement.reverses else None
    return movement.amount_kobo * direction(movement.kind, reversed_kind) if moved else 0


def others_of(movement: Any) -> QuerySet[Transaction]:
    """Return the transactions that give a payment back, and the parts of a transaction."""
    return Transaction.objects.filter(Q(refunds=movement) | Q(part_of=movement)).order_by("id")


def related(movement: Transaction, *, has_others: bool) -> list[tuple[str, str]]:
    """Return the name of each relation and the reference of the transaction there, of the same user.

    Load the movement with `reverses`, `reversed_by`, `refunds` and `part_of` (`select_related`). `has_others` says
    whether there are `others_of` it, which are one query.
    """
    found = [
        ("Takes back", movement.reverses),
        ("Taken back by", getattr(movement, "reversed_by", None)),
        ("Gives back", movement.refunds),
        ("Belongs to", movement.part_of),
    ]
    others = others_of(movement) if has_others else []
    found += [("Given back by" if other.refunds_id else "Together with", other) for other in others]
    return [(name, other.reference) for name, other in found if other and other.user_id == movement.user_id]


def _account_name(account: Account) -> str:
    return account.plan.name if account.plan else Account.Kind(account.kind).label
