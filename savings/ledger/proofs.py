"""The interest proof: an account's interest calculated again from its entries and rates, beside what was posted."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from enum import StrEnum

from django.db.models import Q
from django.utils import timezone

from savings import dates, money
from savings.ledger.accounts import accrued_numerator
from savings.ledger.corrections import is_given
from savings.ledger.earnings import changes_by_day
from savings.ledger.interest import stretches
from savings.models import Account, Entry, InterestPosting, Transaction

Kind = Transaction.Kind
_PER_KOBO = money.INTEREST_DENOMINATOR
# A posting between two of its queries makes a proof look wrong; then it is made again.
_TRIES = 3


class RowKind(StrEnum):
    EARNED = "earned"
    POSTED = "posted"
    # Posted interest that was reversed, and corrections of posted interest.
    CORRECTED = "corrected"
    FORFEITED = "forfeited"
    # Interest that staff gave in addition to what the days have earned, or took from it.
    BY_STAFF = "by_staff"


@dataclasses.dataclass(frozen=True, slots=True)
class ProofRow:
    """One step of a proof, for the days from `since` to the start of `until`.

    `numerator` is what it adds to the unposted interest; negative for what was posted or forfeited. `balance_kobo` and
    `rate_bps` belong to EARNED, and `posting` to POSTED.
    """

    kind: RowKind
    since: datetime.date
    until: datetime.date
    numerator: int
    balance_kobo: int = 0
    rate_bps: int = 0
    posting: InterestPosting | None = None
    # The transaction behind it; empty for EARNED and for a posting of 0 kobo.
    reference: str = ""

    @property
    def days(self) -> int:
        return (self.until - self.since).days

    @property
    def daily_numerator(self) -> int:
        """The numerator of one day of an EARNED row: the balance and the rate are the same on all of its days."""
        return self.balance_kobo * self.rate_bps

    def by_month(self) -> Iterator[ProofRow]:
        """Yield the row in parts that lie in one month each. A row that is not EARNED is its own only part."""
        if self.kind != RowKind.EARNED:
            yield self
            return
        since = self.since
        while since < self.until:
            until = min(dates.next_first(since), self.until)
            numerator = self.daily_numerator * (until - since).days
            yield dataclasses.replace(self, since=since, until=until, numerator=numerator)
            since = until


@dataclasses.dataclass(frozen=True)
class Proof:
    """The rows of a part of an account's life, and the sums of all of it.

    `earned` and `forfeited` are numerators (balance_kobo x rate_bps x days). `posted_kobo` is before tax, less what was
    reversed and corrected. `by_staff` is what corrections by staff added to what is earned; negative for less.
    `tax_kobo` was withheld at all postings; None where one was reversed or corrected. `stored` is the account's own
    unposted numerator, which must equal `remainder`.
    """

    rows: list[ProofRow]
    # The first day with money; None for an account that never had any.
    begins_on: datetime.date | None
    earned: int
    posted_kobo: int
    tax_kobo: int | None
    forfeited: int
    by_staff: int
    stored: int

    @property
    def remainder(self) -> int:
        return self.earned + self.by_staff - self.posted_kobo * _PER_KOBO - self.forfeited

    @property
    def is_right(self) -> bool:
        return self.remainder == self.stored


def interest_proof(
    account: Account, *, since: datetime.date | None = None, until: datetime.date | None = None
) -> Proof:
    """Calculate the interest of a plan's account again, by value day and rate period, and compare it.

    The rows are those of the days from `since` to the start of `until`; a posting belongs to the period that it ends.
    The sums and the comparison are always for all days before today. Five queries, however many entries there are.
    """
    for _ in range(_TRIES):
        proof = _prove(account, since or datetime.date.min, until or datetime.date.max)
        if proof.is_right:
            break
        now = Account.objects.get(pk=account.pk)
        if _state(now) == _state(account):
            break
        account = now
    return proof


def _prove(account: Account, since: datetime.date, until: datetime.date) -> Proof:
    today = timezone.localdate()
    changes = {day: change[0] for day, change in changes_by_day(account).items()}
    corrected = [*_corrected_rows(account)]
    given = [*_posted_rows(account), *corrected, *_forfeited_rows(account)]
    # Each row ends where a period ends, and where the part that is asked for begins or ends.
    cuts = {row.until.toordinal() for row in given} | {since.toordinal(), until.toordinal()}
    end = max(account.accrued_to, min(today.toordinal(), account.accrues_until))
    earned = list(_earned_rows(account, changes, cuts, end))
    rows = [
        *(row for row in earned if since <= row.since < until),
        *(row for row in given if since < row.until <= until),
    ]
    return Proof(
        rows=sorted(rows, key=_place),
        begins_on=datetime.date.fromordinal(min(changes)) if changes else None,
        earned=sum(row.numerator for row in earned),
        posted_kobo=_sum(given, RowKind.POSTED, RowKind.CORRECTED) // -_PER_KOBO,
        tax_kobo=None if corrected else sum(row.posting.tax_kobo for row in given if row.posting),
        forfeited=-_sum(given, RowKind.FORFEITED),
        by_staff=_sum(given, RowKind.BY_STAFF),
        stored=accrued_numerator(account, today),
    )


def _earned_rows(account: Account, changes: dict[int, int], cuts: set[int], end: int) -> Iterator[ProofRow]:
    rates = list(account.rate_periods.order_by("from_day").values_list("from_day", "rate_bps"))
    first = min(changes, default=end)
    rows = stretches(
        dict.fromkeys(cuts, 0) | changes, rates or [(0, account.rate_bps)], since=first, until=end
    )
    for row in rows:
        yield ProofRow(
            RowKind.EARNED,
            datetime.date.fromordinal(row.since),
            datetime.date.fromordinal(row.until),
            row.numerator,
            balance_kobo=row.balance_kobo,
            rate_bps=row.rate_bps,
        )


def _posted_rows(account: Account) -> Iterator[ProofRow]:
    for posting in account.interest_postings.select_related("interest").order_by("period_end"):
        yield ProofRow(
            RowKind.POSTED,
            datetime.date.fromordinal(posting.period_start),
            datetime.date.fromordinal(posting.period_end),
            -posting.gross_kobo * _PER_KOBO,
            posting=posting,
            reference=posting.interest.reference if posting.interest else "",
        )


def _corrected_rows(account: Account) -> Iterator[ProofRow]:
    """Yield what changed posted interest: reversals, and corrections."""
    changed = Q(transaction__kind=Kind.INTEREST, transaction__status=Transaction.Status.REVERSED)
    entries = (
        Entry.objects.filter(
            changed | Q(transaction__kind=Kind.INTEREST_CORRECTION),
            code=Entry.Code.PRIMARY,
            transaction__plan=account.plan_id,
        )
        .select_related("transaction__reversed_by", "debit_account")
        .order_by("id")
    )
    for entry in entries:
        movement, numerator = entry.transaction, entry.amount_kobo * _PER_KOBO
        if movement.kind == Kind.INTEREST:
            reversal = movement.reversed_by
            day = timezone.localdate(reversal.settled_on or reversal.created_on)
            yield _on(RowKind.CORRECTED, day, numerator, reversal)
        else:
            # A correction that takes interest back debits the saver or what they owe.
            is_more = entry.debit_account.kind == Account.Kind.INTEREST_EXPENSE
            yield _on(RowKind.CORRECTED, entry.value_day, -numerator if is_more else numerator, movement)


def _forfeited_rows(account: Account) -> Iterator[ProofRow]:
    """Yield what was forfeited, and what corrections by staff gave or took in addition."""
    rows = account.forfeited_interest.select_related("transaction").annotate(is_given=is_given())
    for row in rows.order_by("id"):
        day = timezone.localdate(row.created_at)
        is_correction = row.transaction.kind == Kind.INTEREST_CORRECTION
        # A negative row of a correction that takes back is tax that the house bears.
        is_by_staff = is_correction and (row.is_given or row.numerator > 0)
        kind = RowKind.BY_STAFF if is_by_staff else RowKind.FORFEITED
        yield _on(kind, day, -row.numerator, row.transaction)


def _on(kind: RowKind, day: datetime.date, numerator: int, movement: Transaction) -> ProofRow:
    return ProofRow(kind, day, day, numerator, reference=movement.reference)


def _place(row: ProofRow) -> tuple[datetime.date, bool, bool]:
    """Return the sort key of a row: what was earned first, and a correction by staff before its posting."""
    return row.until, row.kind != RowKind.EARNED, row.kind != RowKind.BY_STAFF


def _sum(rows: list[ProofRow], *kinds: RowKind) -> int:
    return sum(row.numerator for row in rows if row.kind in kinds)


def _state(account: Account) -> tuple[int | None, ...]:
    return account.balance_kobo, account.accrued_numerator, account.accrued_to, account.accrues_until
