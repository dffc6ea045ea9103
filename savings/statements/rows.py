"""The rows of a statement: ledger entries from the view of their accounts, read in keyset pages.

A statement covers one or more accounts of one user, from the last entry before its first day to the last entry of its
last day or the cut-off, whichever is earlier. All postings of a user wait for that user's row lock, so their entries
are in the order of their moments, and no entry is ever added below the cut-off.
"""

from __future__ import annotations

import dataclasses
import datetime
import heapq
import itertools
from collections.abc import Container, Iterator
from operator import itemgetter
from typing import Any, Self

from django.db.models import OuterRef, QuerySet, Subquery

from savings.exceptions import Refused
from savings.models import Account, Circle, CircleEvent, Entry, Membership, Plan, Statement, Transaction, User
from savings.models.local_days import end_of, start_of
from savings.models.statements import Scope
from savings.statements import sql
from savings.statements.formats import Foot, KindTotal, Row
from savings.statements.wording import Wording

# The kind of a row whose money moves between two accounts of the same statement.
OWN_TRANSFER = "Transfer between your accounts"
PAGE_ROWS = 5_000
# The most entries that a form counts to estimate the rows: enough for every format with a limit.
LOOKS_BACK_ROWS = 50_000


@dataclasses.dataclass(frozen=True)
class Subject:
    """The subject of a statement: accounts of a user, and for a circle also the payments of its other members."""

    user: User
    # "Plan: School fees"
    title: str
    accounts: list[Account]
    names_rows: bool = False
    # The circle whose other members' payments are shown.
    circle: Circle | None = None


@dataclasses.dataclass
class Sums:
    """The totals (kobo) of the rows so far. A resumed writer starts from them."""

    balance_kobo: int
    rows: int = 0
    # The number of rows, money in and money out by kind. A transfer between two accounts of the statement counts in
    # neither amount.
    kinds: dict[str, list[int]] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        return cls(**stored)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def foot(self) -> Foot:
        """Return the foot of the statement."""
        totals = [KindTotal(_label(kind), *values) for kind, values in sorted(self.kinds.items())]
        interest = self.kinds.get(Transaction.Kind.INTEREST, [0, 0, 0])
        tax = self.kinds.get(Transaction.Kind.TAX_WITHHELD, [0, 0, 0])
        return Foot(
            rows=self.rows,
            totals=totals,
            in_kobo=sum(total.in_kobo for total in totals),
            out_kobo=sum(total.out_kobo for total in totals),
            interest_gross_kobo=interest[1] - interest[2],
            interest_tax_kobo=tax[2] - tax[1],
            closing_kobo=self.balance_kobo,
        )


@dataclasses.dataclass(frozen=True)
class Span:
    """The entries of a statement, after one entry id and up to another, and the balances before and after them."""

    after: int
    to: int
    opening_kobo: int
    closing_kobo: int


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Some rows in order, and the entry after which a writer can resume; None if it cannot resume there."""

    rows: list[Row]
    last_entry_id: int | None


def subject_of(user: User, scope: str, *, plan: Plan | None = None, circle: Circle | None = None) -> Subject:
    """Return the current subject of a scope. Raises Refused for a circle that the user was never in."""
    accounts = Account.objects.filter(user=user).select_related("plan").order_by("id")
    if scope == Scope.PLAN and plan is not None:
        return Subject(user, f"Plan: {plan.name}", list(accounts.filter(plan=plan)))
    if scope == Scope.STASH:
        return Subject(user, "Stash", list(accounts.filter(kind=Account.Kind.STASH)))
    if scope == Scope.CIRCLE and circle is not None:
        mine = list(Membership.objects.filter(user=user, circle=circle).values_list("plan_id", "left_at"))
        if not mine:
            raise Refused("You are not in this circle.", field="circle")
        is_in = any(left_at is None for _, left_at in mine)
        own = list(accounts.filter(plan__in=[plan_id for plan_id, _ in mine]))
        return Subject(user, f"Circle: {circle.name}", own, names_rows=True, circle=circle if is_in else None)
    return Subject(user, "Everything", list(accounts), names_rows=True)


def subject_of_statement(statement: Statement) -> Subject:
    """Return the current subject of a statement."""
    return subject_of(statement.user, statement.scope, plan=statement.plan, circle=statement.circle)


def estimate_rows(subject: Subject, since: datetime.date, until: datetime.date, *, most: int) -> int:
    """Return how many rows a statement would have, at most `most` + 1.

    Counts only among the newest 50,000 entries of each account. The writer counts exactly and refuses a statement that
    is too long.
    """
    rows = sql.count_newest(
        subject.accounts, start_of(since), end_of(until), newest=newest_entry(), limit=LOOKS_BACK_ROWS
    )
    rows += _other_payments(subject, since, until)[: most + 1].count()
    return min(rows, most + 1)


def newest_entry() -> int:
    """Return the id of the newest entry, 0 without one: the cut-off, if the caller holds the user's row lock."""
    return Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0


def span(subject: Subject, since: datetime.date, until: datetime.date, cutoff: int) -> Span:
    """Return the entries of a period up to the cut-off, and the balances (kobo) before and after them."""
    after = _last_entry(subject, cutoff, start_of(since))
    to = _last_entry(subject, cutoff, end_of(until))
    return Span(after, to, _balance(subject, after), _balance(subject, to))


def count_rows(subject: Subject, span: Span, since: datetime.date, until: datetime.date) -> int:
    """Return the exact number of rows, for the writer's progress. Slow for large accounts: only in the background."""
    ids = [account.pk for account in subject.accounts]
    within = Entry.objects.filter(id__gt=span.after, id__lte=span.to)
    own = within.filter(debit_account__in=ids).count() + within.filter(credit_account__in=ids).count()
    return own + _other_payments(subject, since, until).count()


def pages(
    subject: Subject, span: Span, sums: Sums, since: datetime.date, until: datetime.date, *, after: int = 0
) -> Iterator[Page]:
    """Yield the rows in order, in pages of one query each, and add them to `sums`.

    `after` is the entry id after which a writer resumes.
    """
    words = Wording(subject.user, subject.accounts, names_rows=subject.names_rows)
    own = _own_pages(subject, span, sums, words, max(after, span.after))
    if subject.circle is None:
        yield from own
        return
    # Two streams, merged by time. No single entry marks the end of such a page, so an interrupted file starts over.
    others = _other_payment_rows(subject, sums, since, until)
    merged = heapq.merge((row for page in own for row in page.rows), others, key=lambda row: row[0])
    for batch in itertools.batched(merged, PAGE_ROWS):
        yield Page(list(batch), None)


def _own_pages(subject: Subject, span: Span, sums: Sums, words: Wording, after: int) -> Iterator[Page]:
    is_one = len(subject.accounts) == 1
    own = {account.pk for account in subject.accounts}
    while subject.accounts and after < span.to:
        entries = _read(subject.accounts, after, span.to)
        is_last = len(entries) <= PAGE_ROWS
        if not is_last:
            # A transfer between two of the accounts is two rows of one entry, which must be on the same page.
            next_id = entries.pop()[0]
            while entries[-1][0] == next_id:
                entries.pop()
        if entries:
            after = entries[-1][0]
            yield Page(_rows(entries, sums, words, own=own, is_one=is_one), after)
        if is_last:
            return


def _read(accounts: list[Account], after: int, to: int) -> list[sql.EntryRow]:
    entries = sql.read_entries(accounts, after, to, limit=PAGE_ROWS + 1)
    if len(accounts) > 1:
        # An entry between two of the accounts is two rows, the debit first. Python sorts them faster than the database.
        entries.sort(key=itemgetter(0, 5))
    return entries


def _rows(
    entries: list[sql.EntryRow], sums: Sums, words: Wording, *, own: Container[int], is_one: bool
) -> list[Row]:
    """Return the rows of entries. This runs a million times, so rows are made from tuples, which is fastest.

    `own` are the accounts of the statement: a transfer between two of them is two rows and counts in neither total.
    """
    rows: list[Row] = []
    line = Row._make
    balance_kobo, kinds = sums.balance_kobo, sums.kinds
    for _, at, reference, kind, code, is_credit, kobo, stored_kobo, account, other, plan, original in entries:
        label, name, description = words.describe(kind, code, is_credit, account, plan, original)
        if other in own:
            label = OWN_TRANSFER
            (kinds.get(label) or kinds.setdefault(label, [0, 0, 0]))[0] += 1
        else:
            totals = kinds.get(kind) or kinds.setdefault(kind, [0, 0, 0])
            totals[0] += 1
            totals[1 if is_credit else 2] += kobo
        # The entry stores the balance of one account. For several accounts, their total is calculated.
        balance_kobo = stored_kobo if is_one else balance_kobo + (kobo if is_credit else -kobo)
        if is_credit:
            rows.append(line((at, reference, label, name, description, kobo, None, balance_kobo)))
        else:
            rows.append(line((at, reference, label, name, description, None, kobo, balance_kobo)))
    sums.balance_kobo = balance_kobo
    sums.rows += len(rows)
    return rows


def _other_payments(
    subject: Subject, since: datetime.date, until: datetime.date
) -> QuerySet[CircleEvent, Any]:
    """Return the payments of the other members, as the circle's activity shows them; none without a circle."""
    if subject.circle is None:
        return CircleEvent.objects.none()
    return subject.circle.events.filter(
        kind=CircleEvent.Kind.SAVED,
        transaction__status=Transaction.Status.SUCCESS,
        happened_at__gte=start_of(since),
        happened_at__lt=end_of(until),
    ).exclude(membership__user=subject.user)


def _other_payment_rows(
    subject: Subject, sums: Sums, since: datetime.date, until: datetime.date
) -> Iterator[Row]:
    """Yield the payments of others. They are in no total, because a total would reveal a hidden amount."""
    newest = _other_payments(subject, since, until).order_by("-id").values_list("id", flat=True).first() or 0
    events = _other_payments(subject, since, until).filter(id__lte=newest).order_by("id")
    values = events.values_list(
        "id",
        "happened_at",
        "membership__nickname",
        "membership__hides_amount",
        "transaction__amount_kobo",
    )
    after = 0
    while True:
        page = list(values.filter(id__gt=after)[:PAGE_ROWS])
        for after, at, nickname, is_hidden, kobo in page:  # noqa: B007 - the next page begins after the last one
            sums.rows += 1
            shown_kobo = None if is_hidden else kobo
            yield Row(at, "", "Contribution", nickname, "Saved in the circle", shown_kobo, None, None)
        if len(page) < PAGE_ROWS:
            return


def _last_entry(subject: Subject, cutoff: int, before: datetime.datetime) -> int:
    """Return the id of the accounts' last entry before a moment, 0 without one."""
    entries = Entry.objects.filter(posted_at__lt=before)
    ids = _last_entries(subject, entries, cutoff).values_list("debit_id", "credit_id")
    return max((entry_id or 0 for pair in ids for entry_id in pair), default=0)


def _balance(subject: Subject, entry_id: int) -> int:
    """Return the accounts' total balance (kobo) right after an entry, from each account's own last entry."""
    accounts = _last_entries(subject, Entry.objects.all(), entry_id)
    rows = accounts.values_list("debit_id", "debit_kobo", "credit_id", "credit_kobo")
    return sum(
        (debit_kobo if (debit or 0) > (credit or 0) else credit_kobo) or 0
        for debit, debit_kobo, credit, credit_kobo in rows
    )


def _last_entries(subject: Subject, entries: QuerySet[Entry], to: int) -> QuerySet[Any]:
    """Return the accounts with the last of these entries on each side, and the balances stored in them."""
    entries = entries.filter(id__lte=to).order_by("-id")
    debit, credit = (entries.filter(**{side: OuterRef("pk")}) for side in ("debit_account", "credit_account"))
    return Account.objects.filter(pk__in=[account.pk for account in subject.accounts]).annotate(
        debit_id=Subquery(debit.values("id")[:1]),
        debit_kobo=Subquery(debit.values("debit_balance_kobo")[:1]),
        credit_id=Subquery(credit.values("id")[:1]),
        credit_kobo=Subquery(credit.values("credit_balance_kobo")[:1]),
    )


def _label(kind: str) -> str:
    return kind if kind == OWN_TRANSFER else Transaction.Kind(kind).label
