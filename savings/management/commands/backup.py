"""`manage.py backup FOLDER`: back up the database and the files of statements while the site runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from savings import backups


class Command(BaseCommand):
    help = (
        "Makes a backup in FOLDER: a folder named after the time with the database, the files of statements and a"
        " manifest with their hashes. The site may run meanwhile. SECRET_KEY and the other settings are not in it."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument(
            "--keep",
            type=_at_least_one,
            metavar="N",
            help="then remove all complete backups but the newest N",
        )
        parser.add_argument(
            "--after",
            default="",
            metavar="COMMAND",
            help="a program that is called with the backup's folder, such as one that encrypts it and copies it away",
        )

    def handle(self, *args: Any, folder: Path, keep: int | None, after: str, **options: Any) -> None:
        try:
            made = backups.make_backup(folder, keep=keep, after=after)
        except backups.BackupFailed as error:
            raise CommandError(str(error)) from error
        backup = backups.open_backup(made)
        size = sum(file["size_bytes"] for file in backup.files.values())
        self.stdout.write(
            f"{made}: {sum(backup.facts.rows.values()):,} rows, {len(backup.files):,} files, {size / 1e6:,.1f} MB."
        )
        if backup.missing_files:
            self.stdout.write(
                f"{len(backup.missing_files)} files of statements were gone: {', '.join(backup.missing_files[:5])}."
            )


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("keep at least 1")
    return number
