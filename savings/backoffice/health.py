"""The health of the ledger and of what is derived from it: the last result of each check, and what is stuck."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.db.models import Count, Min, QuerySet

from savings import jobs, ledger
from savings.backoffice.proofs import Tally, check_names, latest_results, newest_proofs, other_rules, tally
from savings.models import (
    CoverageDay,
    JobRun,
    LedgerProof,
    OutboxRow,
    Payout,
    Postponement,
    Refund,
    Transaction,
    WebhookEvent,
)

# The job that compares the leaderboards in Redis with SQL.
_RECONCILING = "reconcile_boards"
# The kinds of transactions that begin with a card payment.
BY_CARD = [Transaction.Kind.TOP_UP, Transaction.Kind.STASH_DEPOSIT, Transaction.Kind.AUTOSAVE]


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """The last result of one check of the ledger. Without a proof it never ran."""

    name: str
    rule: str
    at: datetime.datetime | None
    seconds: str
    proof: LedgerProof | None
    # The first rows that break the rule, in words.
    wrong: list[str]

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def is_right(self) -> bool:
        return self.at is not None and not self.wrong


@dataclasses.dataclass(frozen=True)
class Stuck:
    """Rows that wait, by the name of their list: how many, and since when the oldest waits."""

    what: str
    count: int
    oldest_at: datetime.datetime | None


@dataclasses.dataclass(frozen=True)
class Health:
    """What the page of the ledger's health shows."""

    checks: list[CheckResult]
    tally: Tally
    # Running now: how many checks it has done, out of how many.
    running: LedgerProof | None
    latest: LedgerProof | None
    coverage: CoverageDay | None
    # The members that were wrong in Redis at the last comparison, and when it was; None if it never ran.
    boards: JobRun | None
    late_jobs: list[str]
    failed_jobs: list[JobRun]
    new_jobs: list[str]
    stuck: list[Stuck]


def health(now: datetime.datetime) -> Health:
    """Return the health of the ledger, in nine queries."""
    proofs = newest_proofs()
    runs = {run.job: run for run in JobRun.objects.all()}
    known = {name: run for name, run in runs.items() if name in jobs.TIMETABLE}
    return Health(
        checks=_checks(proofs),
        tally=tally(proofs),
        running=next((proof for proof in proofs if _is_running(proof, now)), None),
        latest=next((proof for proof in proofs if proof.ended_at), None),
        coverage=CoverageDay.objects.order_by("-day_on").first(),
        boards=runs.get(_RECONCILING),
        late_jobs=[name for name, run in known.items() if jobs.TIMETABLE[name].is_late(run, now)],
        failed_jobs=[run for run in known.values() if run.has_failed],
        new_jobs=[name for name in jobs.TIMETABLE if name not in runs],
        stuck=_stuck(),
    )


def _checks(proofs: list[LedgerProof]) -> list[CheckResult]:
    results = latest_results(proofs)
    rules = ledger.check_rules() | other_rules()
    found = []
    for name in check_names():
        proof, result = results.get(name, (None, {}))
        at = result.get("at")
        found.append(
            CheckResult(
                name=name,
                rule=rules[name],
                at=datetime.datetime.fromisoformat(at) if at else None,
                seconds=result.get("seconds", ""),
                proof=proof,
                wrong=result.get("wrong", []),
            )
        )
    return found


def _is_running(proof: LedgerProof, now: datetime.datetime) -> bool:
    """Return whether a proof has not ended. A command that was killed never ends: after a day it is not counted."""
    return proof.ended_at is None and proof.began_at > now - datetime.timedelta(days=1)


def _stuck() -> list[Stuck]:
    """Return what waits for the provider or for a worker. Each count reads an index that has only these rows."""
    pending = Transaction.objects.pending().filter(kind__in=BY_CARD)
    refunds = Refund.objects.filter(next_poll_at__isnull=False)
    return [
        _count("payment", pending, "created_on"),
        _count("payout", Payout.objects.filter(state__in=Payout.IN_FLIGHT), "asked_at"),
        _count("refund", refunds, "transaction__created_on"),
        _count("event", WebhookEvent.objects.filter(due_at__isnull=False), "received_at"),
        _count("dead", OutboxRow.objects.filter(dead_at__isnull=False), "dead_at"),
        _count("postponed", Postponement.objects.all(), "first_failed_at"),
    ]


def _count(what: str, rows: QuerySet[Any], moment: str) -> Stuck:
    found = rows.order_by().aggregate(rows=Count("pk"), oldest=Min(moment))
    return Stuck(what, found["rows"], found["oldest"])
