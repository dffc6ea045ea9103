"""What stands in a statement: entries of the ledger as their accounts see them, read in keyset pages.

A statement is about one or several accounts of one person, between two entries: the last one before its first day and
the last one of its last day, at most its cut-off. All postings of a person queue for that person's row, so that their
entries have the order of their moments, and what is below the cut-off is there for good.
"""

from __future__ import annotations

import dataclasses
import datetime
import heapq
import itertools
from collections.abc import Container, Iterator
from operator import itemgetter
from typing import Any, Self

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from savings.exceptions import Refused
from savings.models import Account, Circle, CircleEvent, Entry, Membership, Plan, Statement, Transaction, User
from savings.models.ledger import end_of, start_of
from savings.models.statements import Scope
from savings.statements.formats import Foot, KindTotal, Row
from savings.statements.wording import Wording

# The kind of a row whose money comes from, or goes to, another account of the same statement.
OWN_TRANSFER = "Transfer between your accounts"
PAGE_ROWS = 5_000
# How far back a form looks that asks how many rows there would be: far enough for every format with a limit.
LOOKS_BACK_ROWS = 50_000

# One side of one account's entries, in order. A limit inside each, so that nothing is read that is not shown; both
# databases walk the index of that account and side.
_SIDE = """
SELECT * FROM (
    SELECT id, transaction_id, code, amount_kobo, {side}_balance_kobo AS balance_kobo, posted_at,
        {side}_account_id AS account_id, {other}_account_id AS other_id, {is_credit} AS is_credit
    FROM savings_entry WHERE {side}_account_id = %s AND id > %s AND id <= %s ORDER BY id {order} LIMIT %s
) side_{number}
"""
_PAGE = """
SELECT page.id, page.posted_at, moved.reference, moved.kind, page.code, page.is_credit, page.amount_kobo,
    page.balance_kobo, page.account_id, page.other_id, moved.plan_id, CASE WHEN moved.reverses_id IS NOT NULL THEN (
        SELECT reference FROM savings_transaction original WHERE original.id = moved.reverses_id
    ) END
FROM (SELECT * FROM ({sides}) sides ORDER BY id LIMIT %s) page
{joined}
ORDER BY page.id
"""
# Each row's transaction is looked up by itself. PostgreSQL left to itself merges the page with all transactions there
# are, from the first one on, since it believes that five thousand look-ups cost more: page 200 then took 200 times 1's.
_JOINED = {
    "postgresql": """
CROSS JOIN LATERAL (
    SELECT reference, kind, plan_id, reverses_id FROM savings_transaction WHERE id = page.transaction_id LIMIT 1
) moved
""",
    "sqlite": "JOIN savings_transaction moved ON moved.id = page.transaction_id",
}
_COUNT = "SELECT count(*) FROM ({sides}) sides WHERE posted_at >= %s AND posted_at < %s"


@dataclasses.dataclass(frozen=True)
class Subject:
    """What a statement is about: some accounts of a person, and in a circle what the others have put in."""

    user: User
    # "Plan: School fees"
    title: str
    accounts: list[Account]
    names_rows: bool = False
    # The circle whose other members' contributions are shown.
    circle: Circle | None = None


@dataclasses.dataclass
class Sums:
    """What the rows so far come to, in kobo; what a writer that goes on begins with."""

    balance_kobo: int
    rows: int = 0
    # Rows, in and out, for each kind. A transfer between two accounts of the statement is neither in nor out.
    kinds: dict[str, list[int]] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Self:
        return cls(**stored)

    def stored(self) -> dict[str, Any]:
        """Return the sums as JSON holds them."""
        return dataclasses.asdict(self)

    def foot(self) -> Foot:
        """Return what stands below the rows."""
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
    """The entries of a statement: those after one and up to another, what was there before, and what is there after."""

    after: int
    to: int
    opening_kobo: int
    closing_kobo: int


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Some rows in order, and the entry from which to go on after them; None where it cannot be gone on from."""

    rows: list[Row]
    last_entry_id: int | None


def subject_of(user: User, scope: str, *, plan: Plan | None = None, circle: Circle | None = None) -> Subject:
    """Return what a statement of that scope is about now. Raises Refused for a circle that the person was never in."""
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
    """Return what a statement is about now."""
    return subject_of(statement.user, statement.scope, plan=statement.plan, circle=statement.circle)


def expected(subject: Subject, since: datetime.date, until: datetime.date, *, most: int) -> int:
    """Return how many rows there would be, `most` + 1 for all that are more.

    Looks at the newest 50,000 entries of each account and no further: what a writer then finds to be too long after
    all, it refuses itself.
    """
    sides, parameters = _sides(subject.accounts, 0, newest_entry(), LOOKS_BACK_ROWS, order="DESC")
    rows = 0
    if sides:
        moments = (start_of(since), end_of(until))
        begins, ends = (connection.ops.adapt_datetimefield_value(moment) for moment in moments)
        with connection.cursor() as cursor:
            cursor.execute(_COUNT.format(sides=sides), [*parameters, begins, ends])
            rows = cursor.fetchone()[0]
    rows += _others(subject, since, until)[: most + 1].count()
    return min(rows, most + 1)


def newest_entry() -> int:
    """Return the newest entry there is: the cut-off of a statement, where the caller holds the person's row."""
    return Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0


def span(subject: Subject, since: datetime.date, until: datetime.date, cutoff: int) -> Span:
    """Return which entries are in a statement, and the balances (kobo) on both sides of them."""
    after = _last_entry(subject, cutoff, start_of(since))
    to = _last_entry(subject, cutoff, end_of(until))
    return Span(after, to, _balance(subject, after), _balance(subject, to))


def count(subject: Subject, span: Span, since: datetime.date, until: datetime.date) -> int:
    """Return how many rows there are, for the progress of a writer: in the background, and once."""
    ids = [account.pk for account in subject.accounts]
    within = Entry.objects.filter(id__gt=span.after, id__lte=span.to)
    own = within.filter(debit_account__in=ids).count() + within.filter(credit_account__in=ids).count()
    return own + _others(subject, since, until).count()


def pages(
    subject: Subject, span: Span, sums: Sums, since: datetime.date, until: datetime.date, *, after: int = 0
) -> Iterator[Page]:
    """Yield the rows in order, a page at a time and with one query each, and count them in `sums`.

    `after` is the entry that a writer goes on from.
    """
    words = Wording(subject.user, subject.accounts, names_rows=subject.names_rows)
    own = _own_pages(subject, span, sums, words, max(after, span.after))
    if subject.circle is None:
        yield from own
        return
    # Two streams by time. A page of both has no one entry to go on from, so such a file is begun anew.
    others = _others_rows(subject, sums, since, until)
    merged = heapq.merge((row for page in own for row in page.rows), others, key=lambda row: row[0])
    for batch in itertools.batched(merged, PAGE_ROWS):
        yield Page(list(batch), None)


def _own_pages(subject: Subject, span: Span, sums: Sums, words: Wording, after: int) -> Iterator[Page]:
    is_one = len(subject.accounts) == 1
    own = {account.pk for account in subject.accounts}
    while subject.accounts and after < span.to:
        found = _read(subject.accounts, after, span.to)
        is_last = len(found) <= PAGE_ROWS
        if not is_last:
            # A move between two accounts of one person is two rows of one entry: a page does not end between them.
            cut = found.pop()[0]
            while found[-1][0] == cut:
                found.pop()
        if found:
            after = found[-1][0]
            yield Page(_rows(found, sums, words, own=own, is_one=is_one), after)
        if is_last:
            return


def _read(accounts: list[Account], after: int, to: int) -> list[tuple[Any, ...]]:
    sides, parameters = _sides(accounts, after, to, PAGE_ROWS + 1)
    with connection.cursor() as cursor:
        page = _PAGE.format(sides=sides, joined=_JOINED[connection.vendor])
        cursor.execute(page, [*parameters, PAGE_ROWS + 1])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    if connection.vendor == "sqlite":
        found = [(row[0], _moment(row[1]), *row[2:]) for row in found]
    if len(accounts) > 1:
        # What leaves one account and comes into another does so in this order; the database need not sort for it.
        found.sort(key=itemgetter(0, 5))
    return found


def _sides(
    accounts: list[Account], after: int, to: int, limit: int, order: str = "ASC"
) -> tuple[str, list[int]]:
    sides = [
        _SIDE.format(side=side, other=other, is_credit=is_credit, order=order, number=f"{number}_{side}")
        for number in range(len(accounts))
        for side, other, is_credit in (("debit", "credit", 0), ("credit", "debit", 1))
    ]
    parameters = [[account.pk, after, to, limit] * 2 for account in accounts]
    return " UNION ALL ".join(sides), list(itertools.chain.from_iterable(parameters))


def _rows(
    found: list[tuple[Any, ...]], sums: Sums, words: Wording, *, own: Container[int], is_one: bool
) -> list[Row]:
    """Return the lines of what was read. This runs a million times: rows are made of tuples, the quickest way.

    `own` are the accounts of the statement: a transfer between two of them is two rows, and in neither total.
    """
    rows: list[Row] = []
    line = Row._make
    balance_kobo, kinds = sums.balance_kobo, sums.kinds
    for _, at, reference, kind, code, is_credit, kobo, stored_kobo, account, other, plan, original in found:
        label, name, description = words.of(kind, code, is_credit, account, plan, original)
        if other in own:
            label = OWN_TRANSFER
            (kinds.get(label) or kinds.setdefault(label, [0, 0, 0]))[0] += 1
        else:
            totals = kinds.get(kind) or kinds.setdefault(kind, [0, 0, 0])
            totals[0] += 1
            totals[1 if is_credit else 2] += kobo
        # Of one account the balance is the one that its entry keeps; of several it is reckoned.
        balance_kobo = stored_kobo if is_one else balance_kobo + (kobo if is_credit else -kobo)
        if is_credit:
            rows.append(line((at, reference, label, name, description, kobo, None, balance_kobo)))
        else:
            rows.append(line((at, reference, label, name, description, None, kobo, balance_kobo)))
    sums.balance_kobo = balance_kobo
    sums.rows += len(rows)
    return rows


def _others(subject: Subject, since: datetime.date, until: datetime.date) -> QuerySet[CircleEvent, Any]:
    """Return what the other members of a circle have put in, as its activity shows it; nothing without a circle."""
    if subject.circle is None:
        return CircleEvent.objects.none()
    return subject.circle.events.filter(
        kind=CircleEvent.Kind.SAVED,
        transaction__status=Transaction.Status.SUCCESS,
        happened_at__gte=start_of(since),
        happened_at__lt=end_of(until),
    ).exclude(membership__user=subject.user)


def _others_rows(subject: Subject, sums: Sums, since: datetime.date, until: datetime.date) -> Iterator[Row]:
    """Yield the contributions of others. They are in no sum: beside a total, one hidden amount would be told."""
    newest = _others(subject, since, until).order_by("-id").values_list("id", flat=True).first() or 0
    found = _others(subject, since, until).filter(id__lte=newest).order_by("id")
    values = found.values_list(
        "id",
        "happened_at",
        "membership__nickname",
        "membership__hides_amount",
        "transaction__amount_kobo",
    )
    after = 0
    while True:
        page = list(values.filter(id__gt=after)[:PAGE_ROWS])
        for after, at, nickname, is_hidden, kobo in page:  # noqa: B007 - the last one is where the next page begins
            sums.rows += 1
            shown_kobo = None if is_hidden else kobo
            yield Row(at, "", "Contribution", nickname, "Saved in the circle", shown_kobo, None, None)
        if len(page) < PAGE_ROWS:
            return


def _last_entry(subject: Subject, cutoff: int, before: datetime.datetime) -> int:
    """Return the last entry of any of the accounts before a moment, 0 where there is none."""
    entries = Entry.objects.filter(posted_at__lt=before)
    found = _last_ones(subject, entries, cutoff).values_list("debit_id", "credit_id")
    return max((entry or 0 for pair in found for entry in pair), default=0)


def _balance(subject: Subject, entry_id: int) -> int:
    """Return what the accounts held together right after an entry, in kobo: what their own last entries say."""
    found = _last_ones(subject, Entry.objects.all(), entry_id)
    rows = found.values_list("debit_id", "debit_kobo", "credit_id", "credit_kobo")
    return sum(
        (debit_kobo if (debit or 0) > (credit or 0) else credit_kobo) or 0
        for debit, debit_kobo, credit, credit_kobo in rows
    )


def _last_ones(subject: Subject, entries: QuerySet[Entry], to: int) -> QuerySet[Any]:
    """Return the accounts with the last of those entries on either side, and the balances that they keep."""
    entries = entries.filter(id__lte=to).order_by("-id")
    debit, credit = (entries.filter(**{side: OuterRef("pk")}) for side in ("debit_account", "credit_account"))
    return Account.objects.filter(pk__in=[account.pk for account in subject.accounts]).annotate(
        debit_id=Subquery(debit.values("id")[:1]),
        debit_kobo=Subquery(debit.values("debit_balance_kobo")[:1]),
        credit_id=Subquery(credit.values("id")[:1]),
        credit_kobo=Subquery(credit.values("credit_balance_kobo")[:1]),
    )


def _moment(stored: str | datetime.datetime) -> datetime.datetime:
    """Return a moment as SQLite keeps it: text, in UTC."""
    at = datetime.datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return at.replace(tzinfo=datetime.UTC)


def _label(kind: str) -> str:
    return kind if kind == OWN_TRANSFER else Transaction.Kind(kind).label
