"""Runs one benchmark, or says which there are."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Run the benchmark of that name in tests/benchmarks; without a name, list them."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", nargs="?")

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        folder = settings.BASE_DIR / "tests" / "benchmarks"
        names = sorted(path.stem for path in folder.glob("[a-z]*.py"))
        if name is None:
            self.stdout.write("\n".join(names) or "There are no benchmarks yet.")
        elif name in names:
            import_module(f"tests.benchmarks.{name}").main()
        else:
            raise CommandError(f"There is no benchmark called {name}.")
