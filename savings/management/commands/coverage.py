"""`manage.py coverage`: what is owed and the money there is, line by line, and an error below 100%."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from savings import ledger


class Command(BaseCommand):
    help = "Prints what is owed and the money there is to pay it, as of now. Ends with an error if it is not enough."

    def handle(self, *args: Any, **options: Any) -> None:
        found = ledger.coverage(timezone.now())
        self.stdout.write(ledger.columns(ledger.coverage_table(found)))
        if not found.is_enough:
            raise CommandError(found.verdict)
        self.stdout.write(found.verdict)
