"""`manage.py check_ledger`: prove the books, or name the first rows that are wrong."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from savings import ledger
from savings.models import Account, Entry, Transaction


class Command(BaseCommand):
    help = "Proves every rule of the ledger; ends with an error that names the first rows which break one."

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        wrong = list(ledger.run_checks())
        if wrong:
            raise CommandError("The books are wrong.\n" + "\n".join(map(str, wrong)))
        counts = [
            f"{model.objects.count():,} {model._meta.verbose_name_plural}"
            for model in (Account, Transaction, Entry)
        ]
        self.stdout.write(
            f"The books are right: {', '.join(counts)}, {len(ledger.CHECKS)} rules"
            f" in {time.monotonic() - began:.1f} s."
        )
