"""Where the files of statements are: drafts in a private folder, whole ones in the storage under names of chance."""

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

from savings.models import Statement
from savings.statements.formats import Writer

logger = logging.getLogger(__name__)

# Longer than the longest wait between two tries: what is older belongs to nobody any more.
DRAFT_HOURS = 25


def writer_class(file_format: str) -> type[Writer]:
    """Return what writes files of a format. Loaded at the first use: the libraries behind two of them are large."""
    module = importlib.import_module(f"savings.statements.formats.{file_format}")
    return module.Writer  # type: ignore[no-any-return]


def new_draft(statement: Statement) -> Path:
    """Return the path of a fresh draft, which nobody else writes to, in a folder that only we may open."""
    folder = _drafts()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{statement.pk}-{secrets.token_hex(8)}.{statement.format}"


def draft_at(name: str) -> Path:
    """Return the path of the draft of that name."""
    return _drafts() / Path(name).name


def copy_of(draft: Path, statement: Statement, size_bytes: int) -> Path:
    """Return a fresh draft that begins with so many bytes of another. Raises OSError where they are not there.

    A copy, since whoever wrote the other may still be alive and write on.
    """
    copy = new_draft(statement)
    with draft.open("rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
        if target.tell() < size_bytes:
            raise FileNotFoundError(f"{draft.name} is shorter than {size_bytes} bytes")
        target.truncate(size_bytes)
    return copy


def sync_to_disk(path: Path) -> None:
    """Have what was written of a draft survive a power cut, so that a checkpoint never tells of what is not there."""
    with path.open("rb") as file:
        os.fdatasync(file.fileno())


def new_name(statement: Statement) -> str:
    """Return a name for the whole file that nobody can guess: 128 bits of chance."""
    return f"{secrets.token_hex(16)}.{statement.format}"


def store(draft: Path, name: str) -> None:
    """Move a whole draft into the storage under its name, where it is all there or not at all. Raises OSError."""
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
    with _errors_of_the_storage():
        saved = storage.save(name, File(file))
        if saved != name:
            storage.delete(saved)
            raise OSError("the storage has another file of that name")


def sha256(path: Path) -> str:
    """Return the hash of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_file(statement: Statement) -> File[Any]:
    """Return the file of a statement, to read.

    Raises FileNotFoundError when it has none any more, and another OSError while the storage does not say.
    """
    if not statement.file_name:
        raise FileNotFoundError("the statement has no file")
    with _errors_of_the_storage():
        found: File[Any] = _storage().open(statement.file_name, "rb")
    return found


def delete_file(name: str) -> None:
    """Remove a file from the storage; one that is not there is no error. Raises OSError where it cannot be removed."""
    with _errors_of_the_storage():
        _storage().delete(name)


def unknown_file_names() -> list[str]:
    """Return the names of files in the storage that belong to no statement of the database."""
    try:
        with _errors_of_the_storage():
            _, names = _storage().listdir("")
    except FileNotFoundError:
        return []
    return sorted({*names} - {*Statement.objects.exclude(file_name="").values_list("file_name", flat=True)})


def remove_old_drafts(now: float | None = None) -> int:
    """Remove what writers that died left behind, and return how many files that were. `now` is in seconds."""
    oldest = (time.time() if now is None else now) - DRAFT_HOURS * 60 * 60
    removed = 0
    for path in _drafts().glob("*"):
        try:
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed += 1
        except OSError as error:
            logger.warning("a draft of a statement cannot be removed: %s", error)
    return removed


def _drafts() -> Path:
    # Beside the files, and so on the same disk: a file is renamed into its place.
    return Path(settings.STATEMENTS_DIR) / "drafts"


def _storage() -> Any:
    return storages["statements"]


@contextlib.contextmanager
def _errors_of_the_storage() -> Iterator[None]:
    """Turn whatever a storage raises into an OSError: each kind has errors of its own, and they all mean the same."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
