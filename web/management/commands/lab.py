"""Measures the figures of the lab, writes docs/lessons.md, and removes what the lab has loaded."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from web.dev import own_redis


class Command(BaseCommand):
    help = "Prints the figures of every lesson of the lab, measured on this machine with the data of this database."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "lessons", nargs="*", help="measure only these lessons, such as caching; all by default"
        )
        parser.add_argument("--write", action="store_true", help="write the tables of docs/lessons.md too")
        parser.add_argument("--clean", action="store_true", help="only remove what the lab has loaded")

    def handle(self, *args: Any, lessons: Sequence[str], write: bool, clean: bool, **options: Any) -> None:
        if not settings.HAS_LAB:
            raise CommandError("The lab exists only with DEBUG=1.")
        # Where the lab does not exist, nothing of it is imported.
        from web.lab import lessons as lab_lessons  # noqa: PLC0415

        if unknown := {*lessons} - {*lab_lessons.BY_NAME}:
            known = ", ".join(lab_lessons.BY_NAME)
            raise CommandError(f"There is no lesson {', '.join(sorted(unknown))}. Choose of: {known}.")
        flags = [flag for flag, is_set in (("--write", write), ("--clean", clean)) if is_set]
        code = own_redis.run_again("lab", *lessons, *flags)
        if code is not None:
            sys.exit(code)
        if clean:
            tables = lab_lessons.clean()
            self.stdout.write(f"Removed: {', '.join(tables)}" if tables else "The lab has loaded no tables.")
            return
        self._measure(lessons, write=write)

    def _measure(self, names: Sequence[str], *, write: bool) -> None:
        from web.lab import document  # noqa: PLC0415
        from web.lab import lessons as lab_lessons  # noqa: PLC0415
        from web.lab.measure import Headline  # noqa: PLC0415

        figures: dict[str, list[Headline]] = {}
        for lesson in [lab_lessons.BY_NAME[name] for name in names] or lab_lessons.LESSONS:
            self.stdout.write(f"\n{lesson.title}")
            for name in lesson.figures:
                figures[name] = []
                for headline in lab_lessons.FIGURES[name]():
                    figures[name].append(headline)
                    self.stdout.write(f"  {name:15} {headline.value:>24}  {headline.what}")
                    self.stdout.flush()
        self.stdout.write(f"\nMeasured on {document.machine()}")
        if write:
            text = document.PAGE.read_text()
            document.PAGE.write_text(document.with_figures(document.with_claims(text), figures))
