"""A process that serves and requests pages on command, so that its cost is the cost of the pages only."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings

if not settings.configured:
    # Runs in the process itself, with the environment of the benchmark.
    django.setup()

from django.db import connection

from savings.models import User
from tests.benchmarks import _servers
from tests.benchmarks._site import Browser, application

_TOTALS = re.compile(r"^totals: (\d+)$", re.MULTILINE)


class Asker:
    """The process, as seen by the measuring side."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, address: str, times: int) -> float:
        """Let it request a page `times` times, and return the CPU seconds of all its threads."""
        self._begin(address, times)
        return self._end()

    def _begin(self, address: str, times: int) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{times} {address}\n")
        self._process.stdin.flush()

    def _end(self) -> float:
        assert self._process.stdout
        return float(self._process.stdout.readline())

    @staticmethod
    def per_second(askers: Sequence[Asker], address: str, times: int) -> float:
        """Let several processes request a page at once, and return the number of pages per second."""
        begun_at = time.perf_counter()
        for asker in askers:
            asker._begin(address, times)
        for asker in askers:
            asker._end()
        return len(askers) * times / (time.perf_counter() - begun_at)


class CountedAsker(Asker):
    """A process under valgrind, which counts our instructions, undisturbed by other processes."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        super().__init__(process)
        self._folder = folder

    def instructions(self, address: str, times: int, before_each: Callable[[], object]) -> float:
        """Return the number of instructions per page, without the first few calls."""
        for turn in range(3 + times):
            if turn == 3:
                self._tell("instrumentation on")
                self._tell("zero")
            before_each()
            self.ask(address, 1)
        self._tell("dump")
        self._tell("instrumentation off")
        latest = max(self._folder.glob("counts.*"), key=lambda path: path.stat().st_mtime_ns)
        return sum(map(int, _TOTALS.findall(latest.read_text()))) / times

    def _tell(self, word: str) -> None:
        command = ["vgdb", f"--pid={self._process.pid}", *word.split()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def asking(user: User, **environment: str) -> Iterator[Asker]:
    """Run such a process with this user signed in and these extra variables."""
    with _running([], user, environment) as process:
        yield Asker(process)


@contextmanager
def asking_counted(user: User) -> Iterator[CountedAsker]:
    """The same under valgrind, about fifty times slower."""
    if shutil.which("valgrind") is None:
        raise SystemExit("This benchmark counts instructions, for which it needs valgrind.")
    with tempfile.TemporaryDirectory(dir=settings.VAR_DIR) as folder:
        words = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "-q"]
        words += [f"--callgrind-out-file={folder}/counts"]
        with _running(words, user, {}) as process:
            yield CountedAsker(process, Path(folder))


@contextmanager
def _running(words: list[str], user: User, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [*words, sys.executable, "-m", "tests.benchmarks._asking", str(user.pk)]
    process = subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=_servers.environment(str(connection.settings_dict["NAME"])) | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.communicate()


def main() -> None:
    """Request the pages named on standard input, and print their cost."""
    browser = Browser(User.objects.get(pk=int(sys.argv[1])), application())
    for line in sys.stdin:
        times, address = line.split()
        page = browser.getting(address)
        begun_at = time.process_time()
        for _ in range(int(times)):
            page()
        sys.stdout.write(f"{time.process_time() - begun_at}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
