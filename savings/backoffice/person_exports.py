"""A person's data as a file: asked for by staff, written in the background, downloaded once, and gone after a while."""

from __future__ import annotations

import datetime
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.db.transaction import atomic
from django.utils import timezone

from savings import mails, outbox, statements
from savings.backoffice import audit, messages
from savings.backoffice.export_files import store_file
from savings.backoffice.people import lock_person, record
from savings.backoffice.personal_data import TABLES, Table
from savings.exceptions import Refused
from savings.models import OutboxRow, StaffExport, User

PERSON_EXPORT = "person_export"
# What `StaffExport.listed` says of these files; lists have the name of a model.
PERSON_LISTED = "a person’s data"
# Long enough for a slow download that began in time.
_AFTER_DOWNLOAD = datetime.timedelta(hours=1)
_ROWS_AT_ONCE = 2_000
State = StaffExport.State


def ask_for_export(user_id: int, *, by: User, reason: str) -> StaffExport:
    """Have a person's data written to a file, and return the export. While one is being written, that one.

    Raises Refused as `lock_person`.
    """
    with atomic():
        user = lock_person(user_id, by=by, reason=reason)
        if user.erased_at is not None:
            raise Refused(messages.ERASED_ALREADY)
        unfinished = exports_of(user).filter(state__in=[State.QUEUED, State.WRITING]).first()
        if unfinished is not None:
            return unfinished
        export = StaffExport.objects.create(asked_by=by, listed=PERSON_LISTED, filters={"user": user.pk})
        outbox.add(PERSON_EXPORT, dedupe_key=f"{PERSON_EXPORT}:{export.pk}", payload={"export": export.pk})
        record(audit.Verb.DATA_EXPORTED, user, by, reason)
    return export


def exports_of(user: User) -> QuerySet[StaffExport]:
    """Return the exports of a person's data, the newest first."""
    return StaffExport.objects.filter(listed=PERSON_LISTED, filters__user=user.pk).order_by("-id")


def write_person_export(row: OutboxRow) -> dict[str, object]:
    """Write and store the file that a row of the outbox asks for. A repeat writes it again."""
    export = StaffExport.objects.get(pk=row.payload["export"])
    if export.state not in {State.QUEUED, State.WRITING}:
        return {}
    user = User.objects.get(pk=export.filters["user"])
    written = 0

    def write(draft: Path) -> None:
        nonlocal written
        StaffExport.objects.filter(pk=export.pk).update(state=State.WRITING)
        written = _write(draft, user, row)

    ready = store_file(export, "zip", write)
    with atomic():
        # Under the lock: an erasure of the person meanwhile has ended the export.
        User.objects.touch(user.pk)
        mine = StaffExport.objects.filter(pk=export.pk, state=State.WRITING)
        is_mine = mine.update(**ready, rows_written=written)
    if not is_mine:
        statements.delete_file(export.file_name)
    return {}


def take_file(export_id: int, user_id: int, *, by: User) -> tuple[File[Any], str]:
    """Return the open file of a person's export and its name, once: a second call finds nothing.

    Raises Refused when there is no file, as for any action on a person's account.
    """
    with atomic():
        user = lock_person(user_id, by=by, reason=messages.DOWNLOADED)
        export = exports_of(user).filter(pk=export_id).first()
        now = timezone.now()
        mine = StaffExport.objects.filter(pk=export_id, state=State.READY, expires_at__gt=now)
        if export is None or not mine.update(state=State.EXPIRED, expires_at=now + _AFTER_DOWNLOAD):
            raise Refused(messages.NO_EXPORT)
        record(audit.Verb.FILE_DOWNLOADED, user, by, f"export {export.pk}")
        try:
            file = statements.open_file(export)
        except OSError:
            raise Refused(messages.NO_EXPORT) from None
    return file, f"asusu-person-{user.pk}-{timezone.localdate():%Y-%m-%d}.zip"


def _write(path: Path, user: User, row: OutboxRow) -> int:
    """Write the tables into a zip file, one JSON file each, and return the number of rows."""
    written: dict[str, int] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in TABLES:
            with archive.open(f"{table.name}.json", "w", force_zip64=True) as file:
                written[table.name] = _write_table(file, table, user.pk, row)
        lines = "\n".join(f"{name}.json: {count} rows" for name, count in written.items())
        archive.writestr("README.txt", messages.export_readme(user.pk, lines))
    return sum(written.values())


def _write_table(file: IO[bytes], table: Table, user_id: int, row: OutboxRow) -> int:
    count = 0
    file.write(b"[\n")
    for values in _values(table, user_id):
        file.write(b",\n" if count else b"")
        file.write(json.dumps(values, cls=DjangoJSONEncoder, ensure_ascii=False).encode())
        count += 1
        if count % _ROWS_AT_ONCE == 0:
            outbox.renew(row, settings.OUTBOX_LEASE_SECONDS, is_further=True)
    file.write(b"\n]\n")
    return count


def _values(table: Table, user_id: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table about a person, in parts by id, so that memory does not grow with them."""
    last: Any = None
    while True:
        rows = table.rows(user_id).order_by("pk")
        part = list(rows.filter(pk__gt=last)[:_ROWS_AT_ONCE] if last is not None else rows[:_ROWS_AT_ONCE])
        for found in part:
            values = {name: getattr(found, name) for name in table.columns}
            if isinstance(found, OutboxRow):
                values["text"] = mails.text_for_staff(found)
            yield values
        if len(part) < _ROWS_AT_ONCE:
            return
        last = part[-1].pk
