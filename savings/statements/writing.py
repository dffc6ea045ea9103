"""Write statements: the handler of their outbox rows. A try may be interrupted at any point; the file is ready once.

A writer holds its row by a short lease and renews it with each checkpoint. If a writer dies, another one soon takes
over, and a writer that has lost its lease changes nothing more. CSV resumes from the last checkpoint; other formats
start over.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import mails, money, outbox
from savings.exceptions import CheckpointLost
from savings.models import OutboxRow, Statement, User
from savings.models.statements import Format
from savings.statements import failures, files, passwords, requests, rows, verification
from savings.statements.formats import Head, Writer
from savings.statements.rows import Span, Subject, Sums

logger = logging.getLogger(__name__)

# The most statements of one user that are written at a time. The third waits, and delays no other user.
MOST_AT_ONCE = 2
# How long a row waits if all writers are busy. Most start sooner, because a finished writer makes them due.
_WAIT_SECONDS = 60
# The time between two checkpoints. Not one for each page, because a page takes a twentieth of a second.
PROGRESS_SECONDS = 1.0
State = Statement.State
# The writers of this process. The other threads of the consumer stay free for mails.
_writer_slots = threading.BoundedSemaphore(settings.STATEMENT_WRITERS)


@dataclasses.dataclass
class Job:
    """A statement that is being written: its outbox row, its content, and the progress."""

    row: OutboxRow
    statement: Statement
    subject: Subject
    span: Span
    sums: Sums
    draft: Path
    # The entry id after which to resume, and the length of the file up to it; 0 for a new file.
    after: int = 0
    size_bytes: int = 0
    saved_at: float = dataclasses.field(default_factory=time.monotonic)


def write_statement(row: OutboxRow) -> Mapping[str, object]:
    """Write the statement of an outbox row, store its file and mail the user, all of it once.

    Raises outbox.RetryLater while other statements must be finished first, and any other error for another try.
    """
    if not _writer_slots.acquire(blocking=False):
        raise outbox.RetryLater(_WAIT_SECONDS)
    try:
        statement = _claim(row)
        if statement is None:
            return {}
        with failures.recording_failure(row, statement):
            _write(row, statement)
    finally:
        _writer_slots.release()
    _wake_waiting()
    return {}


def write_now(statement: Statement) -> bool:
    """Write a statement in this process, and return whether this call wrote it: a worker may have been faster."""
    row = OutboxRow.objects.get(kind=requests.OUTBOX_KIND, statement=statement)
    return outbox.deliver(row.pk, {requests.OUTBOX_KIND: write_statement})


def head_of(statement: Statement, subject: Subject, span: Span) -> Head:
    """Return the head of the statement's file."""
    return Head(
        holder=statement.user.name or statement.user.email,
        subject=subject.title,
        since=statement.since,
        until=statement.until,
        opening_kobo=span.opening_kobo,
        made_at=timezone.now(),
        code=verification.grouped(statement.code),
        verify_url=f"{settings.SITE_URL}/statements/verify/{statement.code}/",
        names_rows=subject.names_rows,
        issuer=settings.ISSUER,
        site=settings.SITE_URL.partition("://")[2],
        number=f"{statement.pk:08d}",
        details=_details(statement),
    )


def _details(statement: Statement) -> tuple[tuple[str, str], ...]:
    """Return the facts about a statement's plan, as label and text; nothing for another subject."""
    plan = statement.plan
    if plan is None:
        return ()
    rate = f"{money.percent(plan.rate_bps)} a year, before tax"
    return (("Plan reference", plan.reference), ("Product", plan.product_name), ("Rate", rate))


def _claim(row: OutboxRow) -> Statement | None:
    """Mark a statement as being written and return it; None if it is ready, revoked, expired or deleted.

    The cut-off is set under the user's row lock, for which all their postings wait: every later entry is above it.
    Raises outbox.RetryLater while two other statements of that user are being written.
    """
    with transaction.atomic():
        User.objects.touch(row.user_id or 0)
        statements = Statement.objects.select_related("user", "plan", "circle")
        requested = statements.filter(pk=row.payload["statement"])
        statement = requested.exclude(state__in=[State.READY, State.REVOKED, State.EXPIRED]).first()
        if statement is None:
            return None
        others = Statement.objects.filter(user=statement.user, state=State.WRITING).exclude(pk=statement.pk)
        if others[:MOST_AT_ONCE].count() >= MOST_AT_ONCE:
            raise outbox.RetryLater(_WAIT_SECONDS)
        outbox.renew(row, settings.STATEMENT_LEASE_SECONDS)
        statement.state, statement.reason = State.WRITING, ""
        if statement.cutoff_entry_id is None:
            statement.cutoff_entry_id = rows.newest_entry()
        statement.save(update_fields=["state", "reason", "cutoff_entry_id"])
    return statement


def _write(row: OutboxRow, statement: Statement) -> None:
    # An earlier try may have stored its file and died before the statement was ready.
    if statement.file_name:
        files.delete_file(statement.file_name)
    job, writer = _open_job(row, statement)
    try:
        for page in rows.pages(
            job.subject, job.span, job.sums, statement.since, statement.until, after=job.after
        ):
            writer.add(page.rows)
            if time.monotonic() - job.saved_at >= PROGRESS_SECONDS:
                _save_progress(job, writer, page.last_entry_id)
        # The next steps take long and save no progress: packing a million rows and uploading them to a bucket.
        outbox.renew(row, settings.OUTBOX_LEASE_SECONDS)
        if job.sums.balance_kobo != job.span.closing_kobo:
            raise RuntimeError(f"the closing balance of statement {statement.pk} differs from the ledger")
        writer.finish(job.sums.foot())
        _publish(job)
    except BaseException:
        writer.abandon()
        if statement.checkpoint.get("draft") != job.draft.name:
            job.draft.unlink(missing_ok=True)
        raise


def _open_job(row: OutboxRow, statement: Statement) -> tuple[Job, Writer]:
    """Return the job and its writer, resumed from the checkpoint of an earlier try if possible."""
    subject = rows.subject_of_statement(statement)
    span = rows.span(subject, statement.since, statement.until, statement.cutoff_entry_id or 0)
    writer_class = files.writer_class(statement.format)
    head = head_of(statement, subject, span)
    checkpoint = statement.checkpoint
    if "draft" in checkpoint:
        with contextlib.suppress(OSError, CheckpointLost):
            old = files.draft_path(checkpoint["draft"])
            draft = files.copy_draft(old, statement, checkpoint["bytes"])
            job = Job(
                row,
                statement,
                subject,
                span,
                Sums.from_json(checkpoint["sums"]),
                draft,
                checkpoint["after"],
                checkpoint["bytes"],
            )
            writer = writer_class(draft, head, resume_at=checkpoint["bytes"])
            _save_progress(job, writer, job.after)
            old.unlink(missing_ok=True)
            return job, writer
    job = Job(row, statement, subject, span, Sums(span.opening_kobo), files.new_draft(statement))
    expected = rows.count_rows(subject, span, statement.since, statement.until)
    requests.check_count(statement.format, expected)
    _update(job, rows_expected=expected, rows_written=0, opening_kobo=span.opening_kobo)
    password = passwords.unseal(statement)
    return job, writer_class(job.draft, head, **({"password": password} if password else {}))


def _save_progress(job: Job, writer: Writer, after: int | None) -> None:
    """Save a checkpoint and renew the lease. The user's version stays the same, because pages poll for progress."""
    checkpoint: dict[str, Any] = {"most": max(job.sums.rows, job.statement.checkpoint.get("most", 0))}
    if job.statement.format == Format.CSV and after is not None:
        # Only the writer of CSV has a position.
        size_bytes = cast("Any", writer).position()
        files.sync_to_disk(job.draft)
        checkpoint |= {
            "draft": job.draft.name,
            "bytes": size_bytes,
            "after": after,
            "sums": job.sums.to_json(),
        }
    is_further = job.sums.rows > job.statement.checkpoint.get("most", 0)
    with transaction.atomic():
        outbox.renew(job.row, settings.STATEMENT_LEASE_SECONDS, is_further=is_further)
        _update(job, rows_written=job.sums.rows, checkpoint=checkpoint)
    job.saved_at = time.monotonic()


def _publish(job: Job) -> None:
    """Store a complete file, then mark the statement as ready and add the mail in one transaction."""
    name, now = files.new_name(job.statement), timezone.now()
    size_bytes, sha256 = job.draft.stat().st_size, files.sha256(job.draft)
    # The name is saved before the file, so that the file can be found and deleted if this process dies in between.
    expires_at = now + datetime.timedelta(days=settings.STATEMENT_DAYS)
    _update(job, file_name=name, expires_at=expires_at)
    files.store(job.draft, name)
    try:
        with transaction.atomic():
            User.objects.touch(job.statement.user_id)
            outbox.renew(job.row, settings.STATEMENT_LEASE_SECONDS)
            _update(
                job,
                state=State.READY,
                rows_expected=job.sums.rows,
                rows_written=job.sums.rows,
                closing_kobo=job.span.closing_kobo,
                size_bytes=size_bytes,
                sha256=sha256,
                ready_at=now,
                checkpoint={},
                sealed_password="",
            )
            mails.statement_ready(job.statement)
    except (outbox.LeaseLost, failures.StatementCancelled):
        _delete_stored(job.statement, name)
        raise


def _delete_stored(statement: Statement, name: str) -> None:
    """Delete the file of a statement that did not get ready. On an error, its name stays for the periodic clean-up."""
    try:
        files.delete_file(name)
    except OSError as error:
        logger.warning("cannot delete the file of statement %s yet: %s", statement.pk, error)
        Statement.objects.filter(pk=statement.pk, file_name="").update(file_name=name)


def _update(job: Job, **changes: Any) -> None:
    """Change a statement that is being written. Raises StatementCancelled if it is not being written any more."""
    if not Statement.objects.filter(pk=job.statement.pk, state=State.WRITING).update(**changes):
        raise failures.StatementCancelled
    for name, value in changes.items():
        setattr(job.statement, name, value)


def _wake_waiting() -> None:
    """Make the outbox rows of the oldest queued statements due now."""
    queued = Statement.objects.filter(state=State.QUEUED).order_by("id").values_list("id", flat=True)
    oldest = list(queued[: 2 * settings.STATEMENT_WRITERS])
    now = timezone.now()
    # A claimed row has at least one try; a row that was sent back to wait has none.
    waiting = OutboxRow.objects.filter(
        kind=requests.OUTBOX_KIND, statement__in=oldest, tries=0, due_at__gt=now
    )
    for row_id in waiting.order_by("id").values_list("id", flat=True):
        if OutboxRow.objects.filter(pk=row_id, tries=0, due_at__gt=now).update(due_at=now):
            outbox.row_committed.send_robust(OutboxRow, row_id=row_id)
