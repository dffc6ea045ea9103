"""`manage.py demo`: load users, plans and a year and a half of history, for development only."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from savings import demo
from savings.models import Transaction, User


class Command(BaseCommand):
    help = "Loads the demo: the same users, plans and history every time, up to the present."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing when the database has users")
        parser.add_argument(
            "--scale",
            type=int,
            metavar="USERS",
            help="load this many generated users instead; the same again continues after Ctrl-C",
        )
        parser.add_argument(
            "--transactions", type=int, default=1_000_000, help="number of transactions for --scale"
        )

    def handle(
        self, *args: Any, if_empty: bool, scale: int | None, transactions: int, **options: Any
    ) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo can only be loaded with DEBUG=1, because its password is public.")
        if scale is not None:
            self._load(scale, transactions)
        elif demo.is_there():
            self.stdout.write("The demo exists already. Nothing was changed.")
        elif not (if_empty and User.objects.exists()):
            self._build()

    def _build(self) -> None:
        started_at = time.monotonic()
        with _clock() as clock:
            demo.build(clock, timezone.now())
        transactions = Transaction.objects.exclude(user=None).count()
        self.stdout.write(
            f"Created {User.objects.count():,} users with {transactions:,} transactions"
            f" in {time.monotonic() - started_at:.0f} s."
        )

    def _load(self, people: int, transactions: int) -> None:
        if people < 1 or transactions < 1:
            raise CommandError("Use at least one user and one transaction.")
        started_at = time.monotonic()
        try:
            demo.load_crowd(people, transactions, self._report, settings.VAR_DIR / "demo-scale.json")
        except KeyboardInterrupt:
            self.stderr.write("Stopped. The same command continues. Do not use the crowd before.")
            sys.exit(130)
        except demo.CrowdChanged:
            raise CommandError(
                "Money of the crowd has moved since its loading was stopped. Delete demo-scale.json in VAR_DIR to load "
                "another crowd."
            ) from None
        memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.stdout.write(
            f"Loaded in {time.monotonic() - started_at:.0f} s, using at most {memory_mib:,} MiB of memory."
        )

    def _report(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _clock() -> Any:
    try:
        import time_machine  # noqa: PLC0415 - not installed in production
    except ImportError:
        raise CommandError(
            "The demo needs time_machine from requirements/dev.txt, to set the clock."
        ) from None
    return time_machine.travel(timezone.now(), tick=False)
