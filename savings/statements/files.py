"""The files of statements: drafts in a private folder, complete files in the storage under random names."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, storages

from savings.models import StaffExport, Statement
from savings.statements.formats import Writer

logger = logging.getLogger(__name__)

# Longer than the longest wait between two tries, so no writer needs an older draft.
DRAFT_HOURS = 25


def writer_class(file_format: str) -> type[Writer]:
    """Return the writer class of a format, imported at the first use because two formats need large libraries."""
    module = importlib.import_module(f"savings.statements.formats.{file_format}")
    return module.Writer  # type: ignore[no-any-return]


def new_draft(statement: Statement) -> Path:
    """Return the path of a new draft with a unique name, in a folder that only our user may open."""
    return _new_draft(f"{statement.pk}-{secrets.token_hex(8)}.{statement.format}")


def new_export_draft(suffix: str) -> Path:
    """Return the path of a new draft of an export for staff, whose name is that of the file once it is stored."""
    return _new_draft(f"{secrets.token_hex(16)}.{suffix}")


def _new_draft(name: str) -> Path:
    folder = _drafts()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / name


def draft_path(name: str) -> Path:
    """Return the path of an existing draft."""
    return _drafts() / Path(name).name


def copy_draft(draft: Path, statement: Statement, size_bytes: int) -> Path:
    """Return a new draft with the first `size_bytes` of another. Raises OSError if that is shorter or missing.

    It is a copy because the writer of the other draft may still be alive and continue to write.
    """
    copy = new_draft(statement)
    with draft.open("rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
        if target.tell() < size_bytes:
            raise FileNotFoundError(f"{draft.name} is shorter than {size_bytes} bytes")
        target.truncate(size_bytes)
    return copy


def sync_to_disk(path: Path) -> None:
    """Flush a draft to the disk, so that a checkpoint never refers to bytes that a power cut has lost."""
    with path.open("rb") as file:
        os.fdatasync(file.fileno())


def new_name(statement: Statement) -> str:
    """Return an unguessable name for a complete file: 128 random bits."""
    return f"{secrets.token_hex(16)}.{statement.format}"


def store(draft: Path, name: str) -> None:
    """Move a complete draft into the storage under its name, atomically. Raises OSError."""
    storage = _storage()
    if isinstance(storage, FileSystemStorage):
        sync_to_disk(draft)
        final = Path(storage.path(name))
        final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.chmod(0o600)
        draft.replace(final)
    else:
        with draft.open("rb") as file:
            _upload(storage, name, file)
        draft.unlink()


def _upload(storage: Any, name: str, file: IO[bytes]) -> None:
    with _storage_errors():
        saved = storage.save(name, File(file))
        if saved != name:
            storage.delete(saved)
            raise OSError("the storage has another file with this name")


def sha256(path: Path) -> str:
    """Return the SHA-256 hash of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_file(row: Statement | StaffExport) -> File[Any]:
    """Open the file of a statement or an export for reading.

    Raises FileNotFoundError if there is no file, and another OSError while the storage does not answer.
    """
    if not row.file_name:
        raise FileNotFoundError("it has no file")
    with _storage_errors():
        file: File[Any] = _storage().open(row.file_name, "rb")
    return file


def save_copy(name: str, target: Path) -> None:
    """Copy a stored file to a path. Raises FileNotFoundError if there is none, and another OSError."""
    with _storage_errors(), _storage().open(name, "rb") as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1024 * 1024)


def put_back(source: Path, name: str) -> bool:
    """Store a copy under its name, unless the storage has the file, and return whether it was missing. OSError."""
    with _storage_errors():
        if _storage().exists(name) and _storage().size(name) == source.stat().st_size:
            return False
        _storage().delete(name)
    draft = _new_draft(name)
    shutil.copyfile(source, draft)
    store(draft, name)
    return True


def delete_file(name: str) -> None:
    """Delete a file from the storage; a missing file is no error. Raises OSError if it cannot be deleted."""
    with _storage_errors():
        _storage().delete(name)


def unknown_file_names() -> list[str]:
    """Return the names of files in the storage that belong to no statement and no export in the database."""
    try:
        with _storage_errors():
            _, names = _storage().listdir("")
    except FileNotFoundError:
        return []
    known = [
        model.objects.exclude(file_name="").values_list("file_name", flat=True)
        for model in (Statement, StaffExport)
    ]
    return sorted({*names}.difference(*known))


def remove_old_drafts(now: float | None = None) -> int:
    """Delete the drafts of writers that died, and return their number. `now` is in seconds since 1970."""
    oldest = (time.time() if now is None else now) - DRAFT_HOURS * 60 * 60
    removed = 0
    for path in _drafts().glob("*"):
        try:
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed += 1
        except OSError as error:
            logger.warning("cannot delete a draft of a statement: %s", error)
    return removed


def _drafts() -> Path:
    # On the same disk as the files, so that a draft can be renamed to its final path.
    return Path(settings.STATEMENTS_DIR) / "drafts"


def _storage() -> Any:
    return storages["statements"]


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    """Turn any error of a storage into an OSError: each kind of storage has its own error classes."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
