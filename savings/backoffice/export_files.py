"""The file of an export: written as a draft, hashed, and stored under a name that is known before it exists."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from savings import statements
from savings.models import StaffExport


def store_file(export: StaffExport, suffix: str, write: Callable[[Path], object]) -> dict[str, Any]:
    """Have `write` write the file of an export, store it, and return the columns that make the export ready.

    A repeat writes it again. If `write` raises, nothing is stored.
    """
    if export.file_name:
        # An earlier try stored its file and died before the export was ready.
        statements.delete_file(export.file_name)
    draft = statements.new_export_draft(suffix)
    try:
        write(draft)
        size_bytes, sha256 = draft.stat().st_size, statements.sha256(draft)
        export.file_name = draft.name
        export.expires_at = timezone.now() + datetime.timedelta(hours=settings.STAFF.export_hours)
        # The name is stored before the file, so that the file is found if this process dies in between.
        export.save(update_fields=["file_name", "expires_at"])
        statements.store(draft, draft.name)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return {
        "state": StaffExport.State.READY,
        "ready_at": timezone.now(),
        "size_bytes": size_bytes,
        "sha256": sha256,
    }
