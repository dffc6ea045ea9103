"""`manage.py doctor`: what is wrong with this installation, and what to do; an error if anything is."""

from __future__ import annotations

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from web import doctor
from web.messages import doctor as messages


class Command(BaseCommand):
    help = (
        "Says what is wrong with this installation and what to do, one line for each finding, and ends with exit code 1"
        " if anything is wrong. Sends no mail and changes nothing."
    )
    # What Django's checks find is among the findings.
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="write the findings as JSON, for a monitor")

    def handle(self, *args: Any, **options: Any) -> None:
        found = doctor.examine()
        if options["json"]:
            self.stdout.write(
                json.dumps({"healthy": not found, "findings": [row._asdict() for row in found]})
            )
        else:
            for row in found:
                self.stdout.write(f"{row.check}: {row.problem} {row.advice}")
            if doctor.is_development():
                self.stdout.write(messages.NOT_ON_A_SERVER)
            if not found:
                self.stdout.write(messages.ALL_WELL)
        if found:
            raise CommandError(messages.wrong(len(found)))
