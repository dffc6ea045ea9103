"""`manage.py close_month 2026-10`: close a month, so that nothing can be posted into it."""

from __future__ import annotations

import argparse
import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import ngettext

from savings import ledger
from savings.exceptions import Refused


class Command(BaseCommand):
    help = "Stores the sums of a month with a hash. Nothing can be posted into the month afterwards."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("month", help="such as 2026-10")

    def handle(self, *args: Any, month: str, **options: Any) -> None:
        try:
            closed = ledger.close_month(datetime.date.fromisoformat(f"{month}-01"))
        except ValueError:
            raise CommandError(f"“{month}” is not a month. Write it as 2026-10.") from None
        except Refused as refused:
            raise CommandError(str(refused)) from None
        count = len(closed.lines)
        self.stdout.write(
            f"Closed {closed} with {count} {ngettext('line', 'lines', count)}, up to entry {closed.last_entry_id}."
            f" Hash: {closed.digest}"
        )
