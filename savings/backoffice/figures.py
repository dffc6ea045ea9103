"""The figures on the front page of staff: from partial indexes and stored days, never from a scan."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Subquery, Value
from django.utils import timezone

from savings import jobs
from savings.backoffice.proofs import Tally, newest_proofs, tally
from savings.models import (
    BalanceDay,
    Case,
    CoverageDay,
    Entry,
    JobRun,
    LedgerProof,
    MoneyDay,
    OutboxRow,
    Payout,
    StaffRequest,
    Statement,
)

MONTHS = 12
# Failed statements stay; those of before are nobody's work any more.
FAILED_DAYS = 30
RATE_DAYS = 30
_DAY = datetime.timedelta(days=1)
# The name of this part of the assets, and the line of the daily coverage that is another.
STASHES = "Stashes"
_HOLDS = "Withdrawals on their way"


@dataclasses.dataclass(frozen=True)
class Waiting:
    """Rows that wait for staff: what they are, how many, and since when the oldest waits."""

    what: str
    count: int
    oldest_at: datetime.datetime | None


@dataclasses.dataclass(frozen=True)
class Figures:
    """Everything on the front page. Amounts are in kobo; a part of the assets is a product, or the stashes."""

    as_of: datetime.datetime
    # By the kind of a case, or "requests", "payouts STATE", "payouts other", "mails" or "statements".
    waiting: dict[str, Waiting]
    failed_jobs: list[str]
    late_jobs: list[str]
    # The jobs of the timetable that never ran.
    new_jobs: list[str]
    # The day and the balances of each part at the end of the last twelve months, and of the newest day stored.
    assets: list[tuple[datetime.date, dict[str, int]]]
    on_hold_kobo: int
    coverage: CoverageDay | None
    money: list[MoneyDay]
    proof: LedgerProof | None
    checks: Tally
    # The local day of the first entry, which the nightly snapshots begin with. Not read once there is one.
    first_entry_on: datetime.date | None


def figures(now: datetime.datetime) -> Figures:
    """Return the figures of the front page, in six queries; in seven until the first night."""
    coverage = CoverageDay.objects.order_by("-day_on").first()
    failed, late, new = _jobs(now)
    assets = _assets(timezone.localdate(now))
    proofs = newest_proofs()
    return Figures(
        as_of=now,
        waiting=waiting(now, counted("payouts other", _other_payouts(), "opened_at")),
        failed_jobs=failed,
        late_jobs=late,
        new_jobs=new,
        assets=assets,
        on_hold_kobo=dict(coverage.owed).get(_HOLDS, 0) if coverage else 0,
        coverage=coverage,
        money=list(
            MoneyDay.objects.filter(day_on__gt=timezone.localdate(now) - 32 * _DAY).order_by("day_on")
        ),
        proof=next((proof for proof in proofs if proof.ended_at), None),
        checks=tally(proofs),
        first_entry_on=None if assets else _first_entry_on(),
    )


def _first_entry_on() -> datetime.date | None:
    first = Entry.objects.order_by("pk").values_list("posted_at", flat=True).first()
    return timezone.localdate(first) if first else None


def waiting(now: datetime.datetime, *more: QuerySet[Any, Any]) -> dict[str, Waiting]:
    """Return what waits. One query, whose parts each read an index that has only these rows.

    `more` are further parts, made by `counted`.
    """
    since = now - FAILED_DAYS * _DAY
    failed = Statement.objects.filter(state=Statement.State.FAILED, requested_at__gte=since)
    cases = Case.objects.unsolved().values_list("kind").annotate(rows=Count("pk"), oldest=Min("opened_at"))
    parts = cases.order_by().union(
        counted("requests", StaffRequest.objects.waiting(), "asked_at"),
        *(
            counted(f"payouts {state}", Payout.objects.filter(state=state), "asked_at")
            for state in Payout.IN_FLIGHT
        ),
        counted("mails", OutboxRow.objects.filter(dead_at__isnull=False), "dead_at"),
        counted("statements", failed, "requested_at"),
        *more,
        all=True,
    )
    return {what: Waiting(what, rows, oldest) for what, rows, oldest in parts}


def _other_payouts() -> QuerySet[Case]:
    """Return the open cases about withdrawals, without those that wait for approval: they count as such."""
    of_payouts = Case.objects.unsolved().filter(kind=Case.Kind.PAYOUT)
    return of_payouts.exclude(payout__state=Payout.State.APPROVAL)


def counted(what: str, rows: QuerySet[Any], moment: str) -> QuerySet[Any, Any]:
    """Return a query for the number of rows and the moment of the oldest; no row if there is none."""
    named = rows.order_by().annotate(what=Value(what)).values_list("what")
    counted: QuerySet[Any, Any] = named.annotate(rows=Count("pk"), oldest=Min(moment))
    return counted


def _jobs(now: datetime.datetime) -> tuple[list[str], list[str], list[str]]:
    """Return the names of the jobs whose latest run failed, of those that are late, and of those that never ran."""
    runs = list(JobRun.objects.all())
    failed = [run.job for run in runs if run.job in jobs.TIMETABLE and run.has_failed]
    return failed, *jobs.late_and_new(runs, now)


def _assets(today: datetime.date) -> list[tuple[datetime.date, dict[str, int]]]:
    ends = _month_ends(today)
    newest = BalanceDay.objects.filter(product=None).order_by("-day_on").values("day_on")[:1]
    wanted = BalanceDay.objects.filter(Q(day_on__in=ends) | Q(day_on=Subquery(newest))).order_by()
    # Two halves, because each has an index of its own.
    stashes = wanted.filter(product=None).values_list("day_on", Value(STASHES), "balance_kobo")
    plans = wanted.filter(product__isnull=False).values_list("day_on", "product__name", "balance_kobo")
    found: dict[datetime.date, dict[str, int]] = {}
    for day, part, balance_kobo in stashes.union(plans, all=True):
        found.setdefault(day, {})[part] = balance_kobo
    return sorted(found.items())


def _month_ends(today: datetime.date) -> list[datetime.date]:
    """Return the last days of the last twelve months, the oldest first."""
    ends, day = [], today
    for _ in range(MONTHS):
        day = day.replace(day=1) - _DAY
        ends.append(day)
    return ends[::-1]
