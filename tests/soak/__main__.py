"""`make soak`: a simulated year in a database of its own."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"


def main() -> int:
    """Live the year that the arguments describe, and return 1 if something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument(
        "--twice", action="store_true", help="run twice, and compare the hashes of all entries"
    )
    parser.add_argument("--seeds", type=int, default=1, help="so many years, each with the next seed")
    parser.add_argument("--summary", action="store_true", help="print what happened")
    options = parser.parse_args()
    import django  # noqa: PLC0415 - the settings come first

    django.setup()
    from tests.soak.database import own_database  # noqa: PLC0415
    from tests.soak.run import Year  # noqa: PLC0415

    failed = 0
    with own_database(options.seed) as empty:
        for seed in range(options.seed, options.seed + options.seeds):
            year = Year(seed, options.days, options.people)
            print(year.command, flush=True)  # noqa: T201
            failed += _run(year, empty, is_twice=options.twice, with_summary=options.summary)
            empty()
    return failed


def _run(year: object, empty: Callable[[], object], *, is_twice: bool, with_summary: bool) -> int:
    from tests.soak.run import Year, first_wrong_day, live  # noqa: PLC0415
    from tests.soak.world import Wrong  # noqa: PLC0415

    assert isinstance(year, Year)
    began = time.perf_counter()

    def say(line: str) -> None:
        print(f"{time.perf_counter() - began:7.1f} s  {line}", flush=True)  # noqa: T201

    try:
        result = live(year, report=say)
    except Wrong:
        traceback.print_exc()
        return 1
    for line in result.wrong[:20]:
        say(line)
    if result.wrong:
        first = first_wrong_day(year, result.day, empty)
        say(f"The first wrong day is {first.day}, {first.world.today}: {first.wrong[0]}")
        say(f"Repeat it: {year.command}")
        return 1
    if with_summary:
        say(result.summary)
    say(
        f"Entries: {result.digest}. Kills: {result.world.steps.kills.total()}. Steps: {result.world.steps.number}."
    )
    if is_twice:
        empty()
        second = live(year)
        say(f"The second time: {second.digest}.")
        return int(second.digest != result.digest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
