"""Restores a backup into an empty database, step by step; the command `restore` calls them and says what each did."""

from __future__ import annotations

import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import F, Q

from savings import jobs, statements
from savings.backups import facts, manifest, vendors
from savings.backups.failures import RestoreRefused
from savings.backups.manifest import Manifest
from savings.models import JobRun

_FEW = 10


def open_backup(folder: Path) -> Manifest:
    """Return the manifest of a backup whose files are all as they were written. Raises RestoreRefused."""
    backup = manifest.read(folder)
    if wrong := manifest.wrong_files(folder, backup):
        raise RestoreRefused(
            f"These files of {folder} are missing or not as they were written: {_some(wrong)}. Use another copy of this"
            " backup, or another backup."
        )
    return backup


def check_fits(backup: Manifest) -> None:
    """Raise RestoreRefused unless this release, its settings and its database server can take a backup."""
    if backup.database != connection.vendor:
        raise RestoreRefused(
            f"The backup is of {backup.database}, and DATABASE_URL names {connection.vendor}."
        )
    version = vendors.current().server_version()
    if version < backup.server_version:
        raise RestoreRefused(
            f"The backup is of PostgreSQL {backup.server_version}, and this server has {version}. Use a newer server."
        )
    for name, setting in (("currency", "CURRENCY"), ("time_zone", "TIME_ZONE")):
        # Fixed with the first money; a backup without money fits all.
        needed = backup.facts.installation[name]
        if needed and needed != getattr(settings, setting):
            raise RestoreRefused(
                f"The backup needs {setting}={needed}, and it is {getattr(settings, setting)} here."
            )
    if unknown := _unknown_migrations(backup):
        raise RestoreRefused(
            f"A newer release made this backup: the migrations {_some(unknown)} are unknown here. Install that release"
            f"{f' ({backup.release})' if backup.release else ''} or a newer one."
        )


def check_empty() -> None:
    """Raise RestoreRefused if the database has tables."""
    vendor = vendors.current()
    if vendor.tables():
        raise RestoreRefused(
            f"This database has tables. A backup is restored into an empty one. {vendor.HOW_TO_EMPTY} If a restore was"
            " interrupted after it had loaded the database, add --continue."
        )


def load_database(folder: Path) -> None:
    """Load the database of a backup. Raises RestoreRefused."""
    vendors.current().load(folder)


def compare_database(backup: Manifest) -> None:
    """Raise RestoreRefused unless all counts and sums are those of the backup. Nothing may have changed since."""
    if differences := backup.facts.differences(vendors.current().facts_here()):
        raise RestoreRefused(
            f"This database is not the one in the backup: {_some(differences)}. If the site or a worker is running,"
            " stop it, and begin again with an empty database."
        )


def was_compared(folder: Path, backup: Manifest) -> bool:
    """Return whether an interrupted restore of this backup had compared the database, which has changed since.

    Raises RestoreRefused if the database does not hold an unfinished restore of this backup.
    """
    vendor = vendors.current()
    if not vendor.tables():
        raise RestoreRefused("This database is empty: nothing was loaded. Run this without --continue.")
    if not vendor.is_complete(folder):
        raise RestoreRefused(f"The backup was not loaded to its end. {vendor.HOW_TO_EMPTY}")
    here = _applied()
    if here == {app: [*names] for app, names in backup.facts.migrations.items()}:
        return _is_recorded(backup)
    # The migrations come after the comparison, and the record after them.
    epoch = facts.query_here("SELECT epoch FROM savings_installation") or [("",)]
    if epoch[0][0] != backup.facts.installation["epoch"] and not _is_recorded(backup):
        raise RestoreRefused("This database does not hold an unfinished restore of this backup.")
    return True


def put_files_back(folder: Path, backup: Manifest) -> int:
    """Store the files of statements that the storage lacks, and return their number. Raises OSError."""
    names = [name for name in backup.files if name.startswith(f"{manifest.STATEMENTS}/")]
    return sum(statements.put_back(folder / name, Path(name).name) for name in names)


def _is_recorded(backup: Manifest) -> bool:
    """Return whether the database has the record of a restore of this backup that has not ended well."""
    unfinished = Q(ended_at=None) | Q(failed_at__gte=F("started_at"))
    since = backup.made_at - datetime.timedelta(seconds=1)
    return JobRun.objects.filter(unfinished, job=jobs.RESTORE, started_at__gte=since).exists()


def _applied() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for app, name in facts.query_here("SELECT app, name FROM django_migrations ORDER BY id"):
        found.setdefault(app, []).append(name)
    return found


def _unknown_migrations(backup: Manifest) -> list[str]:
    """Return the migrations of a backup that this release does not have, nor any migration that replaced them."""
    disk = MigrationLoader(None).disk_migrations
    known = {*disk, *(replaced for migration in disk.values() for replaced in migration.replaces)}
    return [
        f"{app}.{name}"
        for app, names in backup.facts.migrations.items()
        for name in names
        if (app, name) not in known
    ]


def _some(lines: list[str]) -> str:
    more = f" and {len(lines) - _FEW} more" if len(lines) > _FEW else ""
    return ", ".join(lines[:_FEW]) + more
