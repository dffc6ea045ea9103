"""Write statements: the handler of their outbox rows. A try may be interrupted at any point; the file is ready once.

A writer holds its row by a short lease and renews it with each checkpoint. If a writer dies, another one soon takes
over, and a writer that has lost its lease changes nothing more. CSV resumes from the last checkpoint; other formats
start over.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import time
from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import mails, outbox
from savings.models import OutboxRow, Statement, User
from savings.statements import certificates, failures, files, heads, jobs, requests, rows, turns
from savings.statements.formats import certificate as certificate_files
from savings.statements.proofs import proofs_of

logger = logging.getLogger(__name__)

State = Statement.State


def write_statement(row: OutboxRow) -> Mapping[str, object]:
    """Write the statement of an outbox row, store its file and mail the user, all of it once.

    Raises outbox.RetryLater while other statements must be finished first, and any other error for another try.
    """
    with turns.writer_slot():
        statement = turns.claim(row)
        if statement is None:
            return {}
        with failures.recording_failure(row, statement):
            # An earlier try may have stored its file and died before the statement was ready.
            if statement.file_name:
                files.delete_file(statement.file_name)
            (_write_certificate if statement.is_certificate else _write)(row, statement)
    turns.wake_waiting()
    return {}


def write_now(statement: Statement) -> bool:
    """Write a statement in this process, and return whether this call wrote it: a worker may have been faster."""
    row = OutboxRow.objects.get(kind=requests.OUTBOX_KIND, statement=statement)
    return outbox.deliver(row.pk, {requests.OUTBOX_KIND: write_statement})


def _write(row: OutboxRow, statement: Statement) -> None:
    job, writer = jobs.open_job(row, statement)
    try:
        for page in rows.pages(job.subject, job.span, job.sums, after=job.after):
            writer.add(page.rows)
            if time.monotonic() - job.saved_at >= settings.STATEMENT_PROGRESS_SECONDS:
                jobs.save_progress(job, writer, page.last_entry_id)
        # The next steps take long and save no progress: packing a million rows and uploading them to a bucket.
        outbox.renew(row, settings.OUTBOX_LEASE_SECONDS)
        if job.sums.balance_kobo != job.span.closing_kobo:
            raise RuntimeError(f"the closing balance of statement {statement.pk} differs from the ledger")
        proofs = proofs_of(job.subject, job.span)
        writer.finish(dataclasses.replace(job.sums.foot(), proofs=proofs))
        _publish(job)
    except BaseException:
        writer.abandon()
        if statement.checkpoint.get(jobs.DRAFT) != job.draft.name:
            job.draft.unlink(missing_ok=True)
        raise


def _write_certificate(row: OutboxRow, statement: Statement) -> None:
    certificate = certificates.certificate_of(statement)
    net_kobo = certificate.gross_kobo - certificate.tax_kobo
    job = jobs.open_certificate(row, statement, closing_kobo=net_kobo, rows=len(certificate.lines))
    try:
        head = heads.head_of_certificate(statement, job.subject, job.span)
        certificate_files.write(job.draft, statement.format, head, certificate)
        _publish(job)
    except BaseException:
        job.draft.unlink(missing_ok=True)
        raise


def _publish(job: jobs.Job) -> None:
    """Store a complete file, then mark the statement as ready and add the mail in one transaction."""
    name, now = files.new_name(job.statement), timezone.now()
    size_bytes, sha256 = job.draft.stat().st_size, files.sha256(job.draft)
    # The name is saved before the file, so that the file can be found and deleted if this process dies in between.
    expires_at = now + datetime.timedelta(days=settings.STATEMENT_DAYS)
    jobs.update(job, file_name=name, expires_at=expires_at)
    files.store(job.draft, name)
    try:
        with transaction.atomic():
            User.objects.touch(job.statement.user_id)
            outbox.renew(job.row, settings.STATEMENT_LEASE_SECONDS)
            jobs.update(
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
