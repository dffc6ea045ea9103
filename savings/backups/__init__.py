"""Backups: make one while the site runs, and restore one into an empty database."""

from savings.backups.failures import BackupFailed, RestoreRefused
from savings.backups.making import make_backup
from savings.backups.manifest import Manifest
from savings.backups.manifest import read as read_manifest
from savings.backups.postgresql import CONNECTIONS
from savings.backups.restoring import (
    check_empty,
    check_fits,
    compare_database,
    load_database,
    open_backup,
    put_files_back,
    was_compared,
)

__all__ = [
    "CONNECTIONS",
    "BackupFailed",
    "Manifest",
    "RestoreRefused",
    "check_empty",
    "check_fits",
    "compare_database",
    "load_database",
    "make_backup",
    "open_backup",
    "put_files_back",
    "read_manifest",
    "was_compared",
]
