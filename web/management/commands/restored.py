"""Makes the site safe after a database restore, so that nothing of the lost history is shown or done."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from web.management.lost_history import end_lost_history


class Command(BaseCommand):
    help = (
        "Run this after you restore a backup of the database without `restore`, before the site starts again, and then"
        " `recover_payments`. It drops cached pages and leaderboards of the lost history, signs everyone out and turns"
        " calendar feeds off. It gives up mails that waited in the backup, because they may have been sent already."
        " Staff decide about them in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--remove-files",
            action="store_true",
            help="remove statement files that this database does not know. Leave it out if another site shares the "
            "storage",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        end_lost_history(self.stdout.write, remove_files=options["remove_files"])
