"""`manage.py demo`: people, plans and a year and a half of history to look at, for development only."""

from __future__ import annotations

import argparse
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from savings import demo
from savings.demo import cast
from savings.models import Transaction, User


class Command(BaseCommand):
    help = "Makes the demo: the same people, plans and history every time, up to this moment."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing where anybody has an account")

    def handle(self, *args: Any, if_empty: bool, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo's password is known to everybody: only with DEBUG=1.")
        if if_empty and User.objects.exists():
            return
        if demo.is_there():
            self.stdout.write("The demo is there already. Nothing was changed.")
            return
        began = time.monotonic()
        with _clock() as clock:
            demo.build(clock, timezone.now())
        movements = Transaction.objects.count()
        self.stdout.write(
            f"Made {len(cast.EMAILS)} people with {movements} transactions in {time.monotonic() - began:.0f} s."
        )


def _clock() -> Any:
    try:
        import time_machine  # noqa: PLC0415 - production does without it
    except ImportError:
        raise CommandError("The demo needs requirements/dev.txt, whose clock can be set.") from None
    return time_machine.travel(timezone.now(), tick=False)
