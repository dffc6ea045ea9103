"""What a monitoring system reads of the books and the jobs: from partial indexes and stored days, never from a scan."""

from __future__ import annotations

import dataclasses
import datetime

from django.db.models import CharField, Count, F, Min, Value
from django.db.models.functions import Concat
from django.utils import timezone

from savings.backoffice.figures import Waiting, counted, waiting
from savings.backoffice.health import BY_CARD
from savings.models import CoverageDay, JobRun, LedgerProof, MoneyDay, OutboxRow, Transaction

_PAYMENTS = "payments pending"
_OUTBOX = "outbox "


@dataclasses.dataclass(frozen=True)
class Monitored:
    """The state of the installation at a moment, as far as its database knows it."""

    as_of: datetime.datetime
    # By the kind of a case, or by the names that `backoffice.figures` gives.
    waiting: dict[str, Waiting]
    # Card payments on their way.
    payments: Waiting
    # Rows of the outbox that are not done, by kind, and when the first was due.
    outbox: dict[str, Waiting]
    # How today's payments and withdrawals ended; None before they were first counted.
    today: MoneyDay | None
    coverage: CoverageDay | None
    proof: LedgerProof | None
    # By the name of the job, that of the backup among them.
    runs: dict[str, JobRun]


def monitored(now: datetime.datetime) -> Monitored:
    """Return the state of the installation, in five queries."""
    pending = Transaction.objects.pending().filter(kind__in=BY_CARD)
    unsent = OutboxRow.objects.filter(due_at__isnull=False).order_by()
    by_kind = unsent.annotate(what=Concat(Value(_OUTBOX), F("kind"), output_field=CharField()))
    found = waiting(
        now,
        counted(_PAYMENTS, pending, "created_on"),
        by_kind.values_list("what").annotate(rows=Count("pk"), oldest=Min("due_at")),
    )
    outbox = {what.removeprefix(_OUTBOX): found.pop(what) for what in [*found] if what.startswith(_OUTBOX)}
    return Monitored(
        as_of=now,
        payments=found.pop(_PAYMENTS, Waiting(_PAYMENTS, 0, None)),
        outbox=outbox,
        waiting=found,
        today=MoneyDay.objects.filter(day_on=timezone.localdate(now)).first(),
        coverage=CoverageDay.objects.order_by("-day_on").first(),
        proof=LedgerProof.objects.ended().order_by("-pk").first(),
        runs={run.job: run for run in JobRun.objects.all()},
    )
