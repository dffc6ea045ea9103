"""Prepares the interest of a plan: what it has earned, what is posted next, and the proof."""

from __future__ import annotations

import dataclasses
import datetime
import re
from typing import Any, NamedTuple

from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format

from savings import ledger, money
from savings.ledger import ProofRow, RowKind
from savings.models import Plan
from savings.models.plans import InterestPaid
from web import date_formats
from web.messages import interest as messages
from web.messages import plans as plan_messages
from web.pages import plan_terms

_MINUS = "\u2212"
_DAY = datetime.timedelta(days=1)
# A month with more lines than this shows so many of its latest, and folds the earlier ones.
_MOST_UNFOLDED, _MOST_LATEST = 5, 3
# The names of the rows that are not about days.
_NAMES = {
    RowKind.POSTED: messages.posted_on,
    RowKind.CORRECTED: messages.corrected_on,
    RowKind.FORFEITED: messages.forfeited_on,
    RowKind.BY_STAFF: messages.by_staff_on,
}


@dataclasses.dataclass(frozen=True, slots=True)
class ProofLine:
    """A row of the proof as text. `days` and `note` are the second line of its first column."""

    what: str
    days: str
    note: str
    balance: str
    rate: str
    interest: str
    reference: str


class Month(NamedTuple):
    """The rows of one month, oldest first, and what the plan earned in it. `posted` says what was posted of it.

    `rate` is empty where it changed within the month: then each row names its own.
    """

    name: str
    rate: str
    lines: list[ProofLine]
    earned: str
    posted: str
    # The last month that is over, which the link of the plan's page leads to.
    is_last: bool

    @property
    def earlier(self) -> list[ProofLine]:
        """The lines that a long month folds."""
        return self.lines[:-_MOST_LATEST] if len(self.lines) > _MOST_UNFOLDED else []

    @property
    def latest(self) -> list[ProofLine]:
        return self.lines[-_MOST_LATEST:]


class LastMonth(NamedTuple):
    """The last month that is over: its name, the year to ask the proof for, and its interest, if it was posted."""

    name: str
    year: str
    net_kobo: int | None
    posted_on: datetime.date | None


class Exact(NamedTuple):
    """A figure of the proof as a numerator, to calculate it again."""

    name: str
    numerator: str
    note: str = ""


def section(plan: Plan, today: datetime.date) -> dict[str, Any]:
    """Return the context of `plans/_interest.html`: interest so far, and the next posting."""
    taxes = ledger.TaxRates.read()
    ahead = ledger.project_interest(plan, today=today, taxes=taxes)
    return {
        "ahead": ahead,
        "tax": money.percent(taxes.on(ahead.next_posting_on or today)),
        "goes": _goes(plan),
        "is_monthly": plan.interest_paid == InterestPaid.MONTHLY,
        "interest_off": plan_terms.interest_off(plan),
    }


def proof(plan: Plan, query: QueryDict) -> dict[str, Any]:
    """Return the context of the page of the proof, which shows the days of one year: `?year=`, or else the last one."""
    today = timezone.localdate()
    last = _last_year(plan, today)
    year = asked_year(query.get("year", ""), last)
    since, until = datetime.date(year, 1, 1), datetime.date(year + 1, 1, 1)
    proof = ledger.interest_proof(plan.account, since=since, until=until)
    months = _months(proof.rows, today)
    first = proof.begins_on.year if proof.begins_on else last
    ahead, sums = section(plan, today), _sums(proof)
    # The last of the sums is what the card leads with.
    shown = [(name, money.interest_for_reading(numerator)) for name, numerator in sums[:-1]]
    paid = _paid(proof)
    lead, *lines = paid or shown
    return {
        "plan": plan,
        # Text, because templates localise numbers.
        "year": str(year),
        "older": str(min(year - 1, last)) if year > first else "",
        "newer": str(max(year + 1, first)) if year < last else "",
        "months": months,
        "last": next((month for month in months if month.is_last), None),
        # Of a plan that was paid nothing, what was earned is what is not paid yet.
        "sums": shown if any(numerator for _, numerator in sums[1:-1]) else [],
        # Of a plan that has no more to come.
        "lead": lead,
        "lines": lines,
        # What the lines come to; without it, they are parts that have no sum.
        "result": lead if paid else None,
        "exact": _exact(proof),
        "is_right": proof.is_right,
        "stored": _number(proof.stored),
        "per_kobo": _number(money.INTEREST_DENOMINATOR),
        "renews": plan.at_maturity in Plan.RENEWING,
        # Nothing is left, and nothing more comes: the card leads with all that was earned.
        "is_all_paid": not ahead["ahead"].next_posting and not ahead["ahead"].so_far.gross_kobo,
        # A link to the last month names its year. Other months are folded, except the newest.
        "opens_last": "year" in query,
        **ahead,
    }


def last_month(plan: Plan, today: datetime.date) -> LastMonth | None:
    """Return the last month that is over, of a plan with `with_last_interest`; None for a plan that is newer."""
    ends_on = today.replace(day=1)
    last_day = ends_on - _DAY
    if plan.started_on > last_day or (plan.closed_at and timezone.localdate(plan.closed_at) <= last_day):
        return None
    is_posted = plan.last_interest_until == ends_on.toordinal()
    return LastMonth(
        date_format(last_day, "F"),
        str(last_day.year),
        plan.last_interest_kobo if is_posted else None,
        ends_on if is_posted else None,
    )


def counts_towards_goal(plan: Plan) -> bool:
    """Return whether posted interest goes into a plan that has a goal, and so brings the plan nearer to it."""
    goes_in = (
        plan.pays_monthly and plan.interest_to == Plan.InterestTo.PLAN and not hasattr(plan, "membership")
    )
    return bool(plan.target_kobo) and goes_in and not plan.is_closed


def _goes(plan: Plan) -> str:
    """Return where interest goes. That of a plan in a circle always goes to the stash."""
    if hasattr(plan, "membership"):
        return messages.GOES_TO_STASH
    if plan.interest_paid == InterestPaid.MONTHLY:
        return messages.GOES_INTO_PLAN if plan.interest_to == Plan.InterestTo.PLAN else messages.GOES_TO_STASH
    return messages.GOES_INTO_TERM if plan.at_maturity == Plan.AtMaturity.COMPOUND else messages.GOES_TO_STASH


def _last_year(plan: Plan, today: datetime.date) -> int:
    """Return the year of the last day on which the plan earned."""
    last = datetime.date.fromordinal(max(1, min(today.toordinal(), plan.account.accrues_until - 1)))
    return min(last, timezone.localdate(plan.closed_at)).year if plan.closed_at else last.year


def asked_year(text: str, last: int) -> int:
    """Return the year in the query of a page; `last` for one that is not."""
    # Years far away have no rows, and the calendar ends.
    return int(text) if re.fullmatch(r"[12][0-9]{3}", text) else last


def _months(rows: list[ProofRow], today: datetime.date) -> list[Month]:
    """Return the months of a year, the newest first. A posting belongs to the month that it ends."""
    months: dict[tuple[int, int], list[ProofRow]] = {}
    parts = (part for row in rows for part in row.by_month())
    for part in sorted(parts, key=_place):
        last = part.until - _DAY
        months.setdefault((last.year, last.month), []).append(part)
    last, carried = today.replace(day=1) - _DAY, 0
    shown = []
    for (year, month), some in months.items():
        earned = carried + sum(row.numerator for row in some if row.kind == RowKind.EARNED)
        # What is left below one kobo counts for the next month, as it does when interest is posted.
        carried = earned % money.INTEREST_DENOMINATOR
        name = date_format(datetime.date(year, month, 1), "F Y")
        text, is_last = money.interest_for_reading(earned), (year, month) == (last.year, last.month)
        shown.append(Month(name, _rate(some), [_line(row) for row in some], text, _posted(some), is_last))
    return shown[::-1]


def _rate(rows: list[ProofRow]) -> str:
    """Return the rate of a month as text; empty if it changed within the month, or nothing was earned."""
    rates = {row.rate_bps for row in rows if row.kind == RowKind.EARNED}
    return money.percent(rates.pop()) if len(rates) == 1 else ""


def _posted(rows: list[ProofRow]) -> str:
    """Return what was posted of a month, in words; empty if nothing was."""
    postings = [(row.posting, row.until) for row in rows if row.posting]
    return " ".join(messages.posted_after_tax(one.gross_kobo - one.tax_kobo, day) for one, day in postings)


def _place(row: ProofRow) -> tuple[datetime.date, bool]:
    """Return the sort key of a row: by its end, what was earned until a day before what happened on it."""
    return row.until, row.kind != RowKind.EARNED


def _line(row: ProofRow) -> ProofLine:
    if row.kind == RowKind.EARNED:
        # The page is about one year, and the row about one month.
        one_day = date_formats.day(row.since, with_year=False)
        return ProofLine(
            what=one_day if row.days == 1 else messages.from_to(row.since, row.until - _DAY),
            days=plan_messages.days(row.days),
            note=_a_day(row),
            balance=money.naira(row.balance_kobo),
            rate=money.percent(row.rate_bps),
            interest=money.interest_for_reading(row.numerator),
            reference="",
        )
    return ProofLine(
        what=_NAMES[row.kind](row.until),
        days="",
        note=_posted_note(row),
        balance="",
        rate="",
        interest=money.interest_for_reading(row.numerator),
        reference=row.reference,
    )


def _a_day(row: ProofRow) -> str:
    """Return the interest of one day, where the days come to exactly the interest of the row."""
    daily_kobo, kobo = (
        number // money.INTEREST_DENOMINATOR for number in (row.daily_numerator, row.numerator)
    )
    is_exact = row.days > 1 and daily_kobo * row.days == kobo
    return messages.a_day(money.interest_for_reading(row.daily_numerator)) if is_exact else ""


def _posted_note(row: ProofRow) -> str:
    posting = row.posting
    if posting is None:
        return ""
    return messages.posting(
        gross_kobo=posting.gross_kobo,
        tax_kobo=posting.tax_kobo,
        tax_rate_bps=posting.tax_rate_bps,
    )


def _exact(proof: ledger.Proof) -> list[Exact]:
    """Return what is rounded on the page as numerators: the postings of the year with what they left, and the sums."""
    postings = [
        Exact(
            messages.posted_on(row.until),
            _number(row.numerator),
            messages.left_after_posting(_number(row.posting.remainder), _number(row.posting.tax_remainder)),
        )
        for row in proof.rows
        if row.posting
    ]
    return [*postings, *(Exact(name, _number(numerator)) for name, numerator in _sums(proof))]


def _sums(proof: ledger.Proof) -> list[tuple[str, int]]:
    sums = [
        (messages.EARNED, proof.earned),
        (messages.POSTED, -proof.posted_kobo * money.INTEREST_DENOMINATOR),
    ]
    if proof.by_staff:
        sums.insert(1, (messages.BY_STAFF, proof.by_staff))
    if proof.forfeited:
        sums.append((messages.LOST, -proof.forfeited))
    return [*sums, (messages.NOT_POSTED, proof.remainder)]


def _paid(proof: ledger.Proof) -> list[tuple[str, str]]:
    """Return what was paid after tax, and how it came to that; empty where posted interest changed later."""
    if proof.tax_kobo is None:
        return []
    paid = money.naira(proof.posted_kobo - proof.tax_kobo)
    earned, _, *lost, _ = ((name, money.interest_for_reading(numerator)) for name, numerator in _sums(proof))
    return [(messages.PAID_AFTER_TAX, paid), earned, *lost, (messages.TAX, money.naira(-proof.tax_kobo))]


def _number(number: int) -> str:
    return f"{number:,}".replace("-", _MINUS)
