"""Redis freezes while savers use the production site: how much slower their pages get, and that none fails."""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.conf import settings

# Before the models: it sets up Django.
from tests.benchmarks import load

# isort: split
from savings.models import User
from tests.benchmarks import _database, _visits
from tests.benchmarks._report import Figure, publish
from tests.processes import child_processes
from tests.redis_server import Server

SAVERS = 10
SECONDS = 30
# Normal and frozen in turns, so that other load on the machine affects both alike.
ROUNDS = 2
# In these nothing is measured: pages get into the cache, and a thread finds Redis back.
SETTLING_SECONDS = 8


def main() -> int:
    """Measure on the servers of the environment, with a Redis of its own, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--json")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with _database.made(), tempfile.TemporaryDirectory(dir=settings.VAR_DIR) as folder:
        figures = list(_measure(Path(folder), options.seconds))
    return publish("degraded", figures, options.json)


def _measure(folder: Path, seconds: int) -> Iterator[Figure]:
    load.load_people()
    server = Server(folder)
    try:
        with load.serving(folder, REDIS_URL=f"redis://127.0.0.1:{server.port}/0") as address:
            savers = [
                _visits.Saver(address, user.email, circle=_visits.CIRCLE, session=load.session_of(user))
                for user in User.objects.order_by("id")[:SAVERS]
            ]
            with _visits.visiting(savers):
                spent, phases = zip(*_phases(server, savers, seconds), strict=True)
    finally:
        server.thaw()
        server.kill()
    normal, frozen = ([visit for phase in phases[place::2] for visit in phase] for place in (0, 1))
    usual_ms, frozen_ms = _visits.p95_ms(normal), _visits.p95_ms(frozen)
    yield Figure("p95 of requests", usual_ms, "ms", f"{len(normal):,} requests")
    detail = f"{len(frozen):,} requests, the longest {max(visit.seconds for visit in frozen) * 1000:.0f} ms"
    yield Figure("p95 of requests while Redis is frozen", frozen_ms, "ms", detail)
    yield Figure(
        f"p95, Redis frozen for {seconds} s : normal", frozen_ms / usual_ms, "x", _said(phases), at_most=2
    )
    usual_cpu_ms, frozen_cpu_ms = (
        sum(spent[place::2]) * 1000 / len(visits) for place, visits in ((0, normal), (1, frozen))
    )
    yield Figure("server's CPU time for a request", usual_cpu_ms, "ms")
    yield Figure("server's CPU time for a request while Redis is frozen", frozen_cpu_ms, "ms")
    for name in sorted({visit.name for visit in frozen}):
        both = [[visit for visit in visits if visit.name == name] for visits in (normal, frozen)]
        usual_ms, frozen_ms = (statistics.median(visit.seconds * 1000 for visit in visits) for visits in both)
        yield Figure(f"{name}, median", frozen_ms, "ms", f"{usual_ms:.0f} ms normally")
    yield load.none_of("requests that failed", _visits.errors(normal + frozen))


def _phases(
    server: Server, savers: list[_visits.Saver], seconds: int
) -> Iterator[tuple[float, list[_visits.Visit]]]:
    """Yield the CPU seconds and the requests with a normal and with a frozen Redis, in turns."""
    for _ in range(ROUNDS):
        time.sleep(SETTLING_SECONDS)
        yield _phase(savers, seconds)
        server.freeze()
        yield _phase(savers, seconds)
        server.thaw()


def _phase(savers: list[_visits.Saver], seconds: int) -> tuple[float, list[_visits.Visit]]:
    begins, spent = time.monotonic(), _cpu_seconds()
    time.sleep(seconds)
    ends, spent = time.monotonic(), _cpu_seconds() - spent
    # Also those that have begun and not ended.
    time.sleep(1)
    return spent, _visits.between(savers, begins, ends)


def _cpu_seconds() -> float:
    """Return the CPU time that the workers of the server have used. Other load on the machine does not change it."""
    (server,) = child_processes(os.getpid(), "granian")
    workers = child_processes(server, "")
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in workers]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


def _said(phases: Sequence[list[_visits.Visit]]) -> str:
    pairs = zip(phases[::2], phases[1::2], strict=True)
    ratios = (_visits.p95_ms(frozen) / _visits.p95_ms(normal) for normal, frozen in pairs)
    return "in turns: " + ", ".join(f"{ratio:.2f}" for ratio in ratios)


if __name__ == "__main__":
    sys.exit(main())
