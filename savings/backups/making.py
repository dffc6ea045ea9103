"""Makes a backup: a folder with the database, the files of statements and a manifest, complete or not there at all."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from savings import jobs, statements
from savings.backups import manifest, vendors
from savings.backups.failures import BackupFailed
from savings.backups.manifest import Manifest

_UNFINISHED = ".unfinished"


def make_backup(folder: Path, *, keep: int | None = None, after: str = "") -> Path:
    """Make a backup in a folder and return its own folder; the site goes on meanwhile.

    `after` is a command that is called with that folder, such as one that encrypts it and copies it away. When it has
    succeeded, all but the newest `keep` backups are removed; None keeps all. The run is recorded as the job "backup".
    Raises BackupFailed: nothing new is there then, unless the message names what is.
    """
    made: list[Path] = []

    def run() -> int:
        with _lock(folder):
            made.append(_make(folder))
            if after:
                _call(after, made[0])
            if keep is not None:
                _remove_old(folder, keep)
        return sum(manifest.read(made[0]).facts.rows.values())

    jobs.run_by_hand(jobs.BACKUP, run)
    return made[0]


def _make(folder: Path) -> Path:
    final = _new_folder(folder)
    unfinished = final.with_name(final.name + _UNFINISHED)
    try:
        unfinished.mkdir(mode=0o700)
        _write(unfinished)
        _sync(unfinished)
        unfinished.rename(final)
        _sync_folder(folder)
    except OSError as error:
        raise BackupFailed(f"The backup could not be written to {folder}: {error}.") from error
    except DatabaseError as error:
        raise BackupFailed(f"The database could not be read: {error}".strip()) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return final


def _new_folder(folder: Path) -> Path:
    """Return the folder for a backup made now; a second one within the second is named after the next."""
    at = timezone.now()
    while (made := folder / manifest.new_folder_name(at)).exists():
        at += datetime.timedelta(seconds=1)
    return made


def _write(folder: Path) -> None:
    vendor = vendors.current()
    at = timezone.now()
    facts, names = vendor.dump(folder)
    missing = _copy_files(names, folder / manifest.STATEMENTS)
    Manifest(
        made_at=at,
        release=settings.RELEASE,
        **manifest.current_settings(),
        database=connection.vendor,
        server_version=vendor.server_version(),
        facts=facts,
        files=manifest.describe_files(folder),
        missing_files=missing,
    ).write(folder)


def _copy_files(names: list[str], folder: Path) -> list[str]:
    """Copy the files of statements, and return the names of those that are gone: they expired, or were deleted."""
    folder.mkdir(mode=0o700)
    missing = []
    for name in names:
        try:
            statements.save_copy(name, folder / name)
        except FileNotFoundError:
            missing.append(name)
    return missing


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one backup at a time write into a folder, and remove what a killed one has left there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in folder.glob(f"asusu-*{_UNFINISHED}"):
                shutil.rmtree(left)
            yield
    except BlockingIOError:
        raise BackupFailed(f"Another backup is writing into {folder}.") from None
    except OSError as error:
        raise BackupFailed(f"{folder} cannot be written: {error}.") from error


def _call(command: str, made: Path) -> None:
    try:
        subprocess.run([command, str(made)], check=True)  # noqa: S603 (the operator's own command)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BackupFailed(f"{made} is complete, but then {command} failed: {error}") from error


def _remove_old(folder: Path, keep: int) -> None:
    for old in manifest.complete_backups(folder)[:-keep]:
        # Renamed first: one that is removed in part must not look complete.
        shutil.rmtree(old.rename(old.with_name(old.name + _UNFINISHED)))


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
