"""`manage.py check_ledger`: check the ledger, and print the first rows that break a rule."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from savings import backoffice, ledger
from savings.models import Account, Entry, Transaction


class Command(BaseCommand):
    help = (
        "Checks every rule of the ledger. Ends with an error that lists the first rows that break a rule. The admin"
        " shows the result too."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        started_at = time.monotonic()
        wrong = list(backoffice.prove(backoffice.begin_proof("manage.py check_ledger")))
        if wrong:
            raise CommandError("The books are wrong.\n" + "\n".join(map(str, wrong)))
        counts = [_count(model) for model in (Account, Transaction, Entry)]
        self.stdout.write(
            f"The books are right: {', '.join(counts)}, {len(ledger.CHECKS)} rules"
            f" in {time.monotonic() - started_at:.1f} s."
        )


def _count(model: type[Account | Transaction | Entry]) -> str:
    count = model.objects.count()
    return f"{count:,} {model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural}"
