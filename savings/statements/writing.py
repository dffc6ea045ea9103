"""Writing statements: what the outbox row of one asks for, interrupted as often as may be, and finished once.

A writer keeps its row by a short lease, renewed with each note of how far it is, so that one which died is soon
overtaken; and one which was overtaken changes nothing more. CSV goes on from the last note, other files begin anew.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import mails, money, outbox
from savings.exceptions import CheckpointLost, Refused
from savings.models import OutboxRow, Statement, User
from savings.models.statements import Format
from savings.statements import files, passwords, requests, rows
from savings.statements.formats import Head, Writer
from savings.statements.rows import Span, Subject, Sums

logger = logging.getLogger(__name__)

# Of one saver at a time. The third waits, and nobody else waits for it.
MOST_AT_ONCE = 2
# How long a row waits that has not come to its turn: most are let in sooner, by the one before.
_WAIT_SECONDS = 60
# How often a writer notes how far it is. Not with each page, since a page takes a twentieth of a second.
PROGRESS_SECONDS = 1.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
State = Statement.State
# In this process: the other threads are there for mails.
_turns = threading.BoundedSemaphore(settings.STATEMENT_WRITERS)


class StatementCancelled(Exception):
    """Raised where a statement was revoked or deleted while it was being written."""


@dataclasses.dataclass
class Job:
    """A statement being written: the row that has it written, what is in it, and how far it is."""

    row: OutboxRow
    statement: Statement
    subject: Subject
    span: Span
    sums: Sums
    draft: Path
    # The entry to go on after, and the length of the file up to it; 0 where it begins.
    after: int = 0
    size_bytes: int = 0
    noted_at: float = dataclasses.field(default_factory=time.monotonic)


def write_statement(row: OutboxRow) -> Mapping[str, object]:
    """Write the statement of a row, put the file where it is fetched from, and tell the person, all of it once.

    Raises outbox.RetryLater while others have to be finished first, and what went wrong, for another try.
    """
    if not _turns.acquire(blocking=False):
        raise outbox.RetryLater(_WAIT_SECONDS)
    try:
        statement = _claim(row)
        if statement is None:
            return {}
        with _failing_kindly(row, statement):
            _write(row, statement)
    finally:
        _turns.release()
    _wake_waiting()
    return {}


def write_now(statement: Statement) -> bool:
    """Write a statement in this process, and return whether this call did: a worker may have been faster."""
    row = OutboxRow.objects.get(dedupe_key=requests.row_key(statement.pk))
    return outbox.deliver(row.pk, {requests.OUTBOX_KIND: write_statement})


def head_of(statement: Statement, subject: Subject, span: Span) -> Head:
    """Return what stands above the rows."""
    code = "-".join(statement.code[at : at + 4] for at in range(0, len(statement.code), 4))
    return Head(
        holder=statement.user.name or statement.user.email,
        subject=subject.title,
        since=statement.since,
        until=statement.until,
        opening_kobo=span.opening_kobo,
        made_at=timezone.now(),
        code=code,
        verify_url=f"{settings.SITE_URL}/statements/verify/{statement.code}/",
        names_rows=subject.names_rows,
        issuer=settings.ISSUER,
        site=settings.SITE_URL.partition("://")[2],
        number=f"{statement.pk:08d}",
        details=_details(statement),
    )


def _details(statement: Statement) -> tuple[tuple[str, str], ...]:
    """Return what identifies the plan of a statement, as label and text; nothing for another subject."""
    plan = statement.plan
    if plan is None:
        return ()
    rate = f"{money.percent(plan.rate_bps)} a year, before tax"
    return (("Plan reference", plan.reference), ("Product", plan.product_name), ("Rate", rate))


def _claim(row: OutboxRow) -> Statement | None:
    """Take a statement to be written, and return it; None where it is over by now.

    Holding the person's row, behind which all their postings queue: what is in the books now is there for good, and
    what comes is above the cut-off. Raises outbox.RetryLater while two others of that person are being written.
    """
    with transaction.atomic():
        User.objects.touch(row.user_id or 0)
        found = Statement.objects.filter(pk=row.payload["statement"]).select_related("user", "plan", "circle")
        statement = found.exclude(state__in=[State.READY, State.REVOKED, State.EXPIRED]).first()
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
    # A try that died may have stored its file, and told nobody.
    if statement.file_name:
        files.delete_file(statement.file_name)
    job, writer = _open(row, statement)
    try:
        for page in rows.pages(
            job.subject, job.span, job.sums, statement.since, statement.until, after=job.after
        ):
            writer.add(page.rows)
            if time.monotonic() - job.noted_at >= PROGRESS_SECONDS:
                _save_progress(job, writer, page.last_entry_id)
        # What follows says nothing while it lasts: packing a million rows, sending them to a bucket.
        outbox.renew(row, settings.OUTBOX_LEASE_SECONDS)
        if job.sums.balance_kobo != job.span.closing_kobo:
            raise RuntimeError(f"statement {statement.pk} does not come to what the ledger says")
        writer.finish(job.sums.foot())
        _publish(job)
    except BaseException:
        writer.abandon()
        if statement.checkpoint.get("draft") != job.draft.name:
            job.draft.unlink(missing_ok=True)
        raise


def _open(row: OutboxRow, statement: Statement) -> tuple[Job, Writer]:
    """Return the job and its writer, from the last note of an earlier try if that can be gone on from."""
    subject = rows.subject_of_statement(statement)
    span = rows.span(subject, statement.since, statement.until, statement.cutoff_entry_id or 0)
    writer_class = files.writer_class(statement.format)
    head = head_of(statement, subject, span)
    noted = statement.checkpoint
    if "draft" in noted:
        with contextlib.suppress(OSError, CheckpointLost):
            old = files.draft_at(noted["draft"])
            draft = files.copy_of(old, statement, noted["bytes"])
            job = Job(
                row, statement, subject, span, Sums.of(noted["sums"]), draft, noted["after"], noted["bytes"]
            )
            writer = writer_class(draft, head, resume_at=noted["bytes"])
            _save_progress(job, writer, job.after)
            old.unlink(missing_ok=True)
            return job, writer
    job = Job(row, statement, subject, span, Sums(span.opening_kobo), files.new_draft(statement))
    expected = rows.count(subject, span, statement.since, statement.until)
    requests.check_count(statement.format, expected)
    _update(job, rows_expected=expected, rows_written=0, opening_kobo=span.opening_kobo)
    password = passwords.unseal(statement)
    return job, writer_class(job.draft, head, **({"password": password} if password else {}))


def _save_progress(job: Job, writer: Writer, after: int | None) -> None:
    """Note how far a writer is, and keep the row for it. Pages of the person are not told: they look by themselves."""
    checkpoint: dict[str, Any] = {"most": max(job.sums.rows, job.statement.checkpoint.get("most", 0))}
    if job.statement.format == Format.CSV and after is not None:
        # CSV's writer alone can say where it is.
        size_bytes = cast("Any", writer).position()
        files.sync_to_disk(job.draft)
        checkpoint |= {
            "draft": job.draft.name,
            "bytes": size_bytes,
            "after": after,
            "sums": job.sums.stored(),
        }
    is_further = job.sums.rows > job.statement.checkpoint.get("most", 0)
    with transaction.atomic():
        outbox.renew(job.row, settings.STATEMENT_LEASE_SECONDS, is_further=is_further)
        _update(job, rows_written=job.sums.rows, checkpoint=checkpoint)
    job.noted_at = time.monotonic()


def _publish(job: Job) -> None:
    """Put a whole file where it is fetched from, and in one transaction say that it is there and write the mail."""
    name, now = files.new_name(job.statement), timezone.now()
    size_bytes, sha256 = job.draft.stat().st_size, files.sha256(job.draft)
    # The name before the file, so that a file nobody was told of can be found and removed.
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
    except (outbox.LeaseLost, StatementCancelled):
        _withdraw(job.statement, name)
        raise


def _withdraw(statement: Statement, name: str) -> None:
    """Remove a file that nobody is told of. Where the storage does not let it go, its name waits for the sweep."""
    try:
        files.delete_file(name)
    except OSError as error:
        logger.warning("the file of statement %s is not removed yet: %s", statement.pk, error)
        Statement.objects.filter(pk=statement.pk, file_name="").update(file_name=name)


def _update(job: Job, **changes: Any) -> None:
    """Change a statement while it is being written. Raises Over when it is not any more."""
    if not Statement.objects.filter(pk=job.statement.pk, state=State.WRITING).update(**changes):
        raise StatementCancelled
    for name, value in changes.items():
        setattr(job.statement, name, value)


@contextlib.contextmanager
def _failing_kindly(row: OutboxRow, statement: Statement) -> Iterator[None]:
    """Say on the statement what went wrong, and whether it is tried again. What cannot be helped ends there."""
    try:
        yield
    except (StatementCancelled, outbox.LeaseLost) as end:
        logger.info("statement %s: %s", statement.pk, type(end).__name__)
        if isinstance(end, outbox.LeaseLost):
            raise
    except Refused as refused:
        _fail(row, statement, str(refused), is_last=True)
    except Exception as error:
        is_last = row.tries >= outbox.MOST_TRIES
        _fail(
            row, statement, _reason(error, is_last=is_last), is_last=is_last, keeps=isinstance(error, OSError)
        )
        raise


def _fail(row: OutboxRow, statement: Statement, reason: str, *, is_last: bool, keeps: bool = False) -> None:
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        outbox.renew(row, settings.STATEMENT_LEASE_SECONDS)
        # What was noted may itself be what is wrong; a full disk does no harm to it.
        checkpoint = statement.checkpoint if keeps else {"most": statement.checkpoint.get("most", 0)}
        here = Statement.objects.filter(pk=statement.pk, state=State.WRITING)
        if here.update(state=State.FAILED, reason=reason, checkpoint=checkpoint) and is_last:
            fail_statement(statement, reason)


def fail_statement(statement: Statement, reason: str) -> None:
    """Say that a statement will not be made, on the shelf and by mail, in the caller's transaction."""
    changes = {"state": State.FAILED, "reason": reason, "sealed_password": ""}
    going_on = Statement.objects.filter(
        pk=statement.pk, state__in=[State.QUEUED, State.WRITING, State.FAILED]
    )
    if going_on.update(**changes):
        statement.reason = reason
        mails.statement_failed(statement)


def _reason(error: Exception, *, is_last: bool) -> str:
    if isinstance(error, OSError):
        no_room = error.errno in _FULL
        what = "There was no room for the file." if no_room else "The file could not be stored."
    else:
        what = "Something went wrong while it was written."
    return f"{what} {'Ask for it again later.' if is_last else 'We will try again by ourselves.'}"


def _wake_waiting() -> None:
    """Have those tried now that were waiting for a turn, the first ones first."""
    queued = Statement.objects.filter(state=State.QUEUED).order_by("id").values_list("id", flat=True)
    keys = [requests.row_key(pk) for pk in queued[: 2 * settings.STATEMENT_WRITERS]]
    _hurry(keys)


def _hurry(keys: Iterable[str]) -> None:
    # A row that somebody has claimed has a try; one that was sent to wait has none.
    now = timezone.now()
    waiting = OutboxRow.objects.filter(dedupe_key__in=list(keys), tries=0, due_at__gt=now)
    for row_id in waiting.order_by("id").values_list("id", flat=True):
        if OutboxRow.objects.filter(pk=row_id, tries=0, due_at__gt=now).update(due_at=now):
            outbox.row_committed.send_robust(OutboxRow, row_id=row_id)
