"""`manage.py demo_code`: print the current authenticator codes of the demo's staff."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from savings import demo


class Command(BaseCommand):
    help = "Prints the current authenticator codes of the demo's staff. For development only."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "This works only with DEBUG=1, because the keys of the demo's staff are public."
            )
        for email, code in demo.codes().items():
            self.stdout.write(f"{code}  {email}")
        self.stdout.write(f"Each code works once. New codes in {demo.seconds_left()} s.")
