"""`manage.py check_ledger`: check the ledger, and print the first rows that break a rule."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from savings import backoffice, ledger
from savings.models import Account, Entry, Transaction


class Command(BaseCommand):
    help = (
        "Checks every rule of the ledger. Ends with an error that lists the first rows that break a rule. The admin"
        " shows the result too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--connections",
            type=int,
            default=1,
            metavar="N",
            help="how many rules are checked at a time (default 1)",
        )

    def handle(self, *args: Any, connections: int, **options: Any) -> None:
        if connections < 1:
            raise CommandError("--connections takes a number from 1.")
        started_at = time.monotonic()
        proof = backoffice.begin_proof("manage.py check_ledger")
        wrong = list(backoffice.prove(proof, connections=connections))
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
