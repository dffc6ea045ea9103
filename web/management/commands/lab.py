"""Measures the figures of the lab, writes docs/lessons.md, and removes what the lab has loaded."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from web.dev import own_redis


class Command(BaseCommand):
    help = "Prints the figures of every lesson of the lab, measured on this machine with the data of this database."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="write the tables of docs/lessons.md too")
        parser.add_argument("--clean", action="store_true", help="only remove what the lab has loaded")

    def handle(self, *args: Any, write: bool, clean: bool, **options: Any) -> None:
        if not settings.HAS_LAB:
            raise CommandError("The lab exists only with DEBUG=1.")
        # Where the lab does not exist, nothing of it is imported.
        from web.lab import document, lessons  # noqa: PLC0415
        from web.lab.measure import Headline  # noqa: PLC0415

        code = own_redis.run_again("lab", *(["--write"] if write else []), *(["--clean"] if clean else []))
        if code is not None:
            sys.exit(code)
        if clean:
            tables = lessons.clean()
            self.stdout.write(f"Removed: {', '.join(tables)}" if tables else "The lab has loaded no tables.")
            return
        figures: dict[str, list[Headline]] = {}
        for lesson in lessons.LESSONS:
            self.stdout.write(f"\n{lesson.title}")
            for name in lesson.figures:
                figures[name] = []
                for headline in lessons.headlines(name):
                    figures[name].append(headline)
                    self.stdout.write(f"  {name:10} {headline.value:>24}  {headline.what}")
                    self.stdout.flush()
        self.stdout.write(f"\nMeasured on {document.machine()}")
        if write:
            text = document.PAGE.read_text()
            document.PAGE.write_text(document.with_figures(document.with_claims(text), figures))
