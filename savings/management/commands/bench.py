"""Runs one benchmark, or says which there are."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Run the benchmark of that name in tests/benchmarks, or all of them, for docs/performance.md. Without "
        "DATABASE_URL or REDIS_URL servers are started for it. Ends with 1 when a figure is worse than its bar."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", nargs="?")
        parser.add_argument("--json", metavar="FILE", help="write the figures to that file too")
        parser.add_argument("--members", type=int, help="how many the largest circle has")
        parser.add_argument("--rows", type=int, help="how many rows the largest table or statement has")
        parser.add_argument("--seconds", type=int, help="how long people use the site")

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        folder = settings.BASE_DIR / "tests" / "benchmarks"
        names = sorted(path.stem for path in folder.glob("[a-z]*.py"))
        if name is None:
            sys.exit(self._run_all(names, options))
        if name not in names:
            raise CommandError(f"There is no benchmark called {name}, but {', '.join(names)}.")
        sys.exit(self._run(name, options))

    def _run_all(self, names: list[str], options: dict[str, Any]) -> int:
        """Run all benchmarks, also after one of them failed, and write their figures to docs/performance.md."""
        from tests.benchmarks import _performance_page  # noqa: PLC0415

        folder = settings.VAR_DIR / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        codes = []
        for name in names:
            self.stdout.write(f"=== {name}")
            codes.append(self._run(name, options | {"json": str(folder / f"{name}.json")}))
        _performance_page.write([folder / f"{name}.json" for name in names])
        return max(codes)

    def _run(self, name: str, options: dict[str, Any]) -> int:
        # Nobody but developers measures, and only they have the tests.
        from tests.benchmarks import _servers  # noqa: PLC0415

        given = {
            f"--{option}": options[option]
            for option in ("json", "members", "rows", "seconds")
            if options[option]
        }
        command = [sys.executable, "-m", f"tests.benchmarks.{name}"]
        command += [str(word) for pair in given.items() for word in pair]
        # Told to stop, the servers end too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        # A process of its own, since the settings have been read before there were servers.
        with _servers.running(settings.VAR_DIR / "bench") as environment:
            process = subprocess.Popen(  # noqa: S603 (our own words)
                command, cwd=settings.BASE_DIR, env=os.environ | environment, start_new_session=True
            )
            try:
                return process.wait()
            finally:
                # Asked to end it ends what it has started; killed, it could not.
                process.terminate()
                process.wait()
