"""`manage.py restore FOLDER`: restore a backup into an empty database, and book what the provider knows since."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from savings import backups, jobs
from web.management.lost_history import end_lost_history


class Command(BaseCommand):
    help = (
        "Restores a backup of `manage.py backup` into an empty database. Stop the site and the worker first, and start"
        " them when this has ended well. It checks the files, loads the database, compares it with the manifest,"
        " migrates, puts the files of statements back, proves the books, does what `restored` does, and asks the"
        " payment provider what has happened since the backup."
    )
    # The checks expect tables.
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder asusu-… of one backup")
        parser.add_argument(
            "--continue",
            action="store_true",
            dest="go_on",
            help="go on after a failure, once the database is loaded. Nothing that is done again does harm",
        )
        parser.add_argument(
            "--no-provider",
            action="store_true",
            help="do not ask the provider: for a drill on a machine without its key. Never for the site itself",
        )

    def handle(self, *args: Any, folder: Path, go_on: bool, no_provider: bool, **options: Any) -> None:
        try:
            backup = backups.open_backup(folder)
            self.stdout.write(f"All {len(backup.files):,} files of {folder.name} are as they were written.")
            backups.check_fits(backup)
            self._load(folder, backup, go_on=go_on)
        except backups.RestoreRefused as error:
            raise CommandError(str(error)) from error
        call_command("migrate", verbosity=0)
        self.stdout.write("The schema is that of this release.")
        jobs.run_by_hand(jobs.RESTORE, lambda: self._finish(folder, backup, no_provider=no_provider))
        self.stdout.write("Restored. Start the site and the worker, and make a new backup.")

    def _load(self, folder: Path, backup: backups.Manifest, *, go_on: bool) -> None:
        """Load the database, and compare it with the manifest before anything changes it."""
        if not go_on:
            backups.check_empty()
            backups.load_database(folder)
            self.stdout.write("Loaded the database.")
        elif backups.was_compared(folder, backup):
            self.stdout.write("The database was loaded and compared before.")
            return
        backups.compare_database(backup)
        rows = sum(backup.facts.rows.values())
        self.stdout.write(
            f"{rows:,} rows in {len(backup.facts.rows)} tables and the sums of the ledger are those of the manifest."
        )

    def _finish(self, folder: Path, backup: backups.Manifest, *, no_provider: bool) -> None:
        try:
            stored = backups.put_files_back(folder, backup)
        except OSError as error:
            raise CommandError(
                f"The files of statements could not be stored: {error}. Run this with --continue."
            ) from error
        self.stdout.write(f"Stored {stored:,} files of statements that were missing.")
        call_command("check_ledger", connections=backups.CONNECTIONS, stdout=self.stdout)
        end_lost_history(self.stdout.write, remove_files=False)
        if no_provider:
            self.stdout.write("The provider was not asked. Never start a worker with its live key here.")
        else:
            call_command("recover_payments", since=backup.made_at, stdout=self.stdout)
