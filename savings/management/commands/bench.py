"""`manage.py bench [NAME]`: run one benchmark, or all of them."""

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
        "Runs one benchmark of tests/benchmarks, or all of them for docs/performance.md. Starts its own servers where "
        "DATABASE_URL or REDIS_URL is not set. Exits with 1 if a figure misses its bar."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", nargs="?")
        parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
        parser.add_argument("--members", type=int, help="members of the largest circle")
        parser.add_argument("--plans", type=int, help="plans whose interest is posted")
        parser.add_argument("--rules", type=int, help="auto-save rules")
        parser.add_argument("--rows", type=int, help="rows of the largest table or statement")
        parser.add_argument(
            "--transactions", type=int, help="transactions of the admin's crowd, or of a backup"
        )
        parser.add_argument("--seconds", type=int, help="duration of the simulated use of the site")

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        folder = settings.BASE_DIR / "tests" / "benchmarks"
        names = sorted(path.stem for path in folder.glob("[a-z]*.py"))
        if name is None:
            sys.exit(self._run_all(names, options))
        if name not in names:
            raise CommandError(f"There is no benchmark called {name}. Choose one of: {', '.join(names)}.")
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
        # Imported here because only developers have the tests.
        from tests.benchmarks import _servers  # noqa: PLC0415

        given = {
            f"--{option}": options[option]
            for option in ("json", "members", "plans", "rows", "rules", "seconds", "transactions")
            if options[option]
        }
        command = [sys.executable, "-m", f"tests.benchmarks.{name}"]
        command += [str(word) for pair in given.items() for word in pair]
        # Exit on SIGTERM, so that the servers are stopped too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        # A separate process, because this one read its settings before the servers were started.
        with _servers.running(settings.VAR_DIR / "bench") as environment:
            process = subprocess.Popen(  # noqa: S603 (our own words)
                command, cwd=settings.BASE_DIR, env=os.environ | environment, start_new_session=True
            )
            try:
                return process.wait()
            finally:
                # Terminated and not killed, so that it can end the processes it has started.
                process.terminate()
                process.wait()
