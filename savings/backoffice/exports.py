"""Lists of the admin as CSV files: asked for, written in the background, downloaded by the person who asked, removed.

The files are drafts, stored and removed as those of statements are. What a list contains is the admin's business, which
registers how lists are read.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from django.conf import settings
from django.db.transaction import atomic

from savings import outbox, statements
from savings.backoffice import audit, messages
from savings.backoffice.export_files import store_file
from savings.backoffice.person_exports import PERSON_EXPORT
from savings.exceptions import Refused
from savings.models import OutboxRow, StaffExport, User

State = StaffExport.State
EXPORT_KIND = "staff_export"
# Yields the names of the columns and then the rows of an export.
Reader = Callable[[StaffExport], Iterable[list[str]]]

_readers: list[Reader] = []
_PROGRESS_EVERY_SECONDS = 2
_MOST_PER_RUN = 500


def read_lists_with(reader: Reader) -> None:
    """Register the function that reads the lists of the admin."""
    _readers[:] = [reader]


def request_export(listed: str, filters: Mapping[str, str], *, by: User) -> StaffExport:
    """Ask for a list as a CSV file, which the worker writes. `listed` names a model, such as `savings.payment`.

    `filters` are those of the list's address. The audit log holds which list it was, and which filters by name: what
    was searched for can be an email address.
    """
    with atomic():
        export = StaffExport.objects.create(asked_by=by, listed=listed, filters=dict(filters))
        outbox.add(EXPORT_KIND, dedupe_key=f"{EXPORT_KIND}:{export.pk}", payload={"export": export.pk})
        audit.record(
            audit.Verb.LIST_EXPORTED,
            by=by,
            subject=f"export:{export.pk}",
            text=", ".join([listed, *sorted(filters)]),
        )
    return export


def write_export(row: OutboxRow) -> dict[str, object]:
    """Write and store the file of an export; the handler of its outbox row. A repeat writes it again."""
    export = StaffExport.objects.select_related("asked_by").get(pk=row.payload["export"])
    if export.state not in {State.QUEUED, State.WRITING}:
        return {}
    try:
        ready = store_file(
            export,
            "csv",
            lambda draft: statements.write_list(draft, _with_progress(_readers[0](export), export, row)),
        )
    except Refused as refused:
        _update(export, state=State.FAILED, reason=str(refused)[:200])
        return {}
    _update(export, **ready, reason="")
    return {}


def note_download(export: StaffExport, *, by: User) -> None:
    """Record that the file of an export was downloaded."""
    audit.record(audit.Verb.FILE_DOWNLOADED, by=by, subject=f"export:{export.pk}", text=export.listed)


def expire_exports(now: datetime.datetime) -> int:
    """Delete the files of exports that have expired, and return how many. Fail those that the worker gave up."""
    given_up = OutboxRow.objects.filter(kind__in=[EXPORT_KIND, PERSON_EXPORT], dead_at__isnull=False)
    unfinished = StaffExport.objects.filter(state__in=[State.QUEUED, State.WRITING])
    ids = [payload["export"] for payload in given_up.values_list("payload", flat=True)]
    unfinished.filter(pk__in=ids).update(state=State.FAILED, reason=messages.NOT_WRITTEN)
    due = StaffExport.objects.filter(expires_at__lte=now).exclude(file_name="").order_by("expires_at", "pk")
    return outbox.for_each_row("expire_export", due, _expire, most=_MOST_PER_RUN)


def _expire(export_id: int) -> int:
    export = StaffExport.objects.get(pk=export_id)
    statements.delete_file(export.file_name)
    _update(
        export, state=State.EXPIRED if export.state == State.READY else export.state, file_name="", sha256=""
    )
    return 1


def _with_progress(rows: Iterable[list[str]], export: StaffExport, row: OutboxRow) -> Iterator[list[str]]:
    """Yield the rows, and store every few seconds how many were written, under a renewed lease."""
    _update(export, state=State.WRITING, rows_written=0)
    saved_at, written = time.monotonic(), -1
    for cells in rows:
        yield cells
        # The first row has the names of the columns.
        written += 1
        if time.monotonic() - saved_at >= _PROGRESS_EVERY_SECONDS:
            outbox.renew(row, settings.OUTBOX_LEASE_SECONDS)
            _update(export, rows_written=written)
            saved_at = time.monotonic()
    _update(export, rows_written=max(0, written))


def _update(export: StaffExport, **changes: object) -> None:
    StaffExport.objects.filter(pk=export.pk).update(**changes)
    for name, value in changes.items():
        setattr(export, name, value)
