"""`manage.py report trial-balance --month 2026-11`: print a report of finance, or write it as CSV."""

from __future__ import annotations

import argparse
import csv
import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from savings import ledger
from savings.ledger import TrialBalance


class Command(BaseCommand):
    help = "Prints the trial balance of a month. Balances are positive on the normal side of each account."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("report", choices=["trial-balance"])
        parser.add_argument("--month", help="such as 2026-11; this month by default")
        parser.add_argument("--csv", type=Path, metavar="FILE", help="write CSV to this file instead")

    def handle(self, *args: Any, month: str | None, csv: Path | None, **options: Any) -> None:
        try:
            month_on = datetime.date.fromisoformat(f"{month or format(timezone.localdate(), '%Y-%m')}-01")
        except ValueError:
            raise CommandError(f"“{month}” is not a month. Write it as 2026-11.") from None
        balance = ledger.trial_balance(month_on)
        if csv is not None:
            _write_csv(balance, csv)
            self.stdout.write(f"Wrote the trial balance to {csv}.")
        else:
            self._print(balance)
        if not balance.is_balanced:
            raise CommandError("Debits and credits differ. Run manage.py check_ledger.")

    def _print(self, balance: TrialBalance) -> None:
        self.stdout.write(
            f"Trial balance of {balance.month_on:%B %Y}, up to entry {balance.last_entry_id}, at"
            f" {timezone.localtime():%d %B %Y, %H:%M}"
        )
        self.stdout.write(ledger.columns(ledger.trial_balance_table(balance)))


def _write_csv(balance: TrialBalance, path: Path) -> None:
    # Excel reads UTF-8 only with a byte order mark.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(ledger.trial_balance_table(balance, for_programs=True))
