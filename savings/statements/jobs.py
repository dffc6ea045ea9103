"""The job of writing one statement: opened anew or from a checkpoint, and its progress, saved under a short lease."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import transaction

from savings import outbox
from savings.exceptions import CheckpointLost
from savings.models import OutboxRow, Statement
from savings.models.statements import Format
from savings.statements import failures, files, heads, limits, passwords, spans, subjects
from savings.statements.formats import Writer
from savings.statements.spans import Span
from savings.statements.subjects import Subject
from savings.statements.totals import Sums

State = Statement.State
# The key of the draft in a checkpoint. The files of the release before had fewer columns and the key `draft`, so that
# neither release continues a file of the other.
DRAFT = "wide_draft"


@dataclasses.dataclass
class Job:
    """A statement that is being written: its outbox row, its content, and the progress."""

    row: OutboxRow
    statement: Statement
    subject: Subject
    span: Span
    sums: Sums
    draft: Path
    # The entry id after which to resume; 0 for a new file.
    after: int = 0
    saved_at: float = dataclasses.field(default_factory=time.monotonic)


def open_job(row: OutboxRow, statement: Statement) -> tuple[Job, Writer]:
    """Return the job and its writer, resumed from the checkpoint of an earlier try if possible."""
    subject = subjects.subject_of_statement(statement)
    span = spans.span_of(
        subject, since=statement.since, until=statement.until, cutoff=statement.cutoff_entry_id or 0
    )
    writer_class = files.writer_class(statement.format)
    head = heads.head_of(statement, subject, span)
    checkpoint = statement.checkpoint
    if DRAFT in checkpoint:
        with contextlib.suppress(OSError, CheckpointLost):
            old = files.draft_path(checkpoint[DRAFT])
            draft = files.copy_draft(old, statement, checkpoint["bytes"])
            sums = Sums.from_json(checkpoint["sums"])
            job = Job(row, statement, subject, span, sums, draft, after=checkpoint["after"])
            writer = writer_class(draft, head, resume_at=checkpoint["bytes"])
            save_progress(job, writer, job.after)
            old.unlink(missing_ok=True)
            return job, writer
    job = Job(row, statement, subject, span, Sums(span.opening_kobo), files.new_draft(statement))
    expected = spans.count_rows(subject, span)
    limits.check_count(statement.format, expected)
    update(job, rows_expected=expected, rows_written=0, opening_kobo=span.opening_kobo)
    password = passwords.unseal(statement)
    return job, writer_class(job.draft, head, **({"password": password} if password else {}))


def open_certificate(row: OutboxRow, statement: Statement, *, closing_kobo: int, rows: int) -> Job:
    """Return the job of a certificate. `closing_kobo` is the interest after tax, by which it is verified."""
    subject = subjects.subject_of_statement(statement)
    cutoff = statement.cutoff_entry_id or 0
    span = Span(statement.since, statement.until, 0, cutoff, opening_kobo=0, closing_kobo=closing_kobo)
    job = Job(row, statement, subject, span, Sums(0, rows=rows), files.new_draft(statement))
    update(job, rows_expected=rows, rows_written=0, opening_kobo=0)
    return job


def save_progress(job: Job, writer: Writer, after: int | None) -> None:
    """Save a checkpoint and renew the lease. The user's version stays the same, because pages poll for progress."""
    checkpoint: dict[str, Any] = {"most": max(job.sums.rows, job.statement.checkpoint.get("most", 0))}
    if job.statement.format == Format.CSV and after is not None:
        # Only the writer of CSV has a position.
        size_bytes = cast("Any", writer).position()
        files.sync_to_disk(job.draft)
        checkpoint |= {
            DRAFT: job.draft.name,
            "bytes": size_bytes,
            "after": after,
            "sums": job.sums.to_json(),
        }
    is_further = job.sums.rows > job.statement.checkpoint.get("most", 0)
    with transaction.atomic():
        outbox.renew(job.row, settings.STATEMENT_LEASE_SECONDS, is_further=is_further)
        update(job, rows_written=job.sums.rows, checkpoint=checkpoint)
    job.saved_at = time.monotonic()


def update(job: Job, **changes: Any) -> None:
    """Change a statement that is being written. Raises StatementCancelled if it is not being written any more."""
    if not Statement.objects.filter(pk=job.statement.pk, state=State.WRITING).update(**changes):
        raise failures.StatementCancelled
    for name, value in changes.items():
        setattr(job.statement, name, value)
