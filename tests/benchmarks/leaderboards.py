"""The cost of a board, which must be the same in a circle of a thousand and of a million."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import django
from django.conf import settings

from tests.benchmarks import _database, _servers

if not settings.configured:
    os.environ |= _servers.PRODUCTION
    django.setup()

from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from savings import leaderboards
from savings.circles import ending
from savings.leaderboards import store
from savings.models import BoardDay, Circle, Membership
from tests import factories
from tests.benchmarks import _circles
from tests.benchmarks._report import Figure, in_turns, publish

SMALL, MIDDLING, MILLION = 1_000, 100_000, 1_000_000
ROUNDS = 100
# The most days a circle stores: five weeks of days, then Sundays.
KEPT_DAYS = 82
THREADS = 4
NAMES = "SELECT id, nickname, hides_amount FROM savings_membership WHERE id = ANY(%s)"
RANKED = """
SELECT id, saved_kobo, rank FROM (
    SELECT id, saved_kobo, rank() OVER (ORDER BY saved_kobo DESC) AS rank,
        row_number() OVER (ORDER BY saved_kobo DESC, reached_at, id) AS place
    FROM savings_membership WHERE circle_id = %s AND left_at IS NULL AND on_board AND saved_kobo > 0
) ranked WHERE place <= 25 OR id = %s
"""


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=MILLION)
    parser.add_argument("--json")
    options = parser.parse_args()
    for url in (settings.REDIS_URL, settings.LEADERBOARD_REDIS_URL):
        store.client(url).flushdb()
    with _database.made():
        figures = list(_measure(options.members))
    return publish("leaderboards", figures, options.json)


def _measure(members: int) -> Iterator[Figure]:
    begun_at = time.monotonic()
    # Production pages use hashed file names.
    call_command("collectstatic", interactive=False, verbosity=0)
    tiny, small, large = (
        _circles.make(*circle) for circle in (("tiny", 10), ("small", SMALL), ("large", members))
    )
    middling = _circles.make("middling", min(MIDDLING, members))
    yield Figure(
        "members in the largest circle", members, "", f"loaded in {time.monotonic() - begun_at:.0f} s"
    )
    yield from _queries([tiny, large], is_warm=False)
    yield from _rebuilding(middling, large)
    for circle in (tiny, small):
        leaderboards.rebuild_board(circle.pk)
    yield from _keeping(small, large)
    yield from _queries([tiny, large], is_warm=True)
    yield from _showing(small, large)
    yield from _reading(small, large)
    yield from _other_orders(large)
    yield from _refreshing(small, large)
    yield from _contributing(large)
    yield from _ending(large)


def show(circle: Circle, member: Membership) -> Callable[[], leaderboards.Board]:
    """Return a function that reads the data of a page: the board and its members' names."""

    def page() -> leaderboards.Board:
        board = leaderboards.read_board(circle_id=circle.pk, membership_id=member.pk)
        ids = {line.membership_id for line in (*board.lines, *board.around)}
        list(Membership.objects.filter(pk__in=ids).values_list("id", "nickname", "hides_amount"))
        return board

    return page


def view(circle: Circle, member: Membership) -> Callable[[], object]:
    """Return a function that requests the page as a signed-in member."""
    client = Client(headers={"host": "savings.example.com"})
    client.force_login(member.user)

    def page() -> object:
        response = client.get(f"/circles/{circle.slug}/leaderboard/", secure=True)
        assert response.status_code == 200
        return response

    return page


def _queries(circles: list[Circle], *, is_warm: bool) -> Iterator[Figure]:
    counts = []
    for circle in circles:
        page = view(circle, _circles.middle(circle))
        if is_warm:
            page()
        with CaptureQueriesContext(connection) as captured:
            page()
        counts.append(len(captured))
    what, most = ("warm", 2) if is_warm else ("cold, no board in Redis", 5)
    same = "the same at 10" if counts[0] == counts[1] else f"{counts[0]} at 10"
    yield Figure(f"SQL queries for the page, {what}", max(counts), "", same, at_most=most)


def _showing(small: Circle, large: Circle) -> Iterator[Figure]:
    pages = [view(circle, _circles.middle(circle)) for circle in (small, large)]
    few, many = in_turns(ROUNDS, *pages)
    yield Figure("the page, small circle", few * 1000, "ms")
    yield Figure("the page, large circle", many * 1000, "ms")
    yield Figure("the page, large : small", many / few, "x", at_most=1.2)


def _rebuilding(middling: Circle, large: Circle) -> Iterator[Figure]:
    memory = {}
    for circle in (middling, large):
        megabytes, seconds = _rebuild_in_a_process(circle)
        memory[circle.slug] = megabytes
        yield Figure(
            f"rebuild, {circle.slug} circle: time", seconds, "s", f"{circle.memberships.count():,} members"
        )
    flat = memory["large"] / memory["middling"]
    yield Figure("rebuild, large circle: memory of the process", memory["large"], "MB", at_most=200)
    yield Figure("rebuild, large : middling, memory", flat, "x", f"{memory['middling']:.0f} MB", at_most=1.05)


def _rebuild_in_a_process(circle: Circle) -> tuple[float, float]:
    """Return the peak memory in MB and the seconds of the command."""
    environment = _servers.environment(str(connection.settings_dict["NAME"]))
    words = [sys.executable, "manage.py", "rebuild_leaderboards", circle.slug]
    begun_at, kilobytes = time.monotonic(), 0
    process = subprocess.Popen(words, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        kilobytes = max(kilobytes, _peak_kilobytes(process.pid))
        time.sleep(0.05)
    assert process.returncode == 0
    return kilobytes / 1024, time.monotonic() - begun_at


def _peak_kilobytes(pid: int) -> int:
    """Return the peak memory of a process; wait4() would include that of the parent it was forked from."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def _keeping(small: Circle, large: Circle) -> Iterator[Figure]:
    """Storing a day's board, and reading a member's ranks on the most days possible; later pages show those too."""
    today = timezone.localdate()
    keep = partial(leaderboards.record_day, large, today)
    seconds = in_turns(10, lambda: BoardDay.objects.all().delete() and keep())[0]
    yield Figure("keeping a day's board, large circle", seconds * 1000, "ms")
    kilobytes = len(json.dumps(BoardDay.objects.get().marks)) / 1024
    yield Figure("a day's board, large circle", kilobytes, "kB", at_most=16)
    few, many = in_turns(20, *(_history(circle, today) for circle in (small, large)))
    yield Figure("a place over a year, once a day, small circle", few * 1000, "ms", f"{KEPT_DAYS} days")
    yield Figure("a place over a year, once a day, large circle", many * 1000, "ms")


def _history(circle: Circle, today: datetime.date) -> Callable[[], object]:
    """Store a year of days for a circle, and return a function that reads the ranks of the middle member."""
    leaderboards.record_day(circle, today)
    day = circle.board_days.get()
    BoardDay.objects.bulk_create(
        BoardDay(
            circle=circle,
            day=today - datetime.timedelta(days=number),
            taken_at=day.taken_at,
            size=day.size,
            marks=day.marks,
        )
        for number in range(1, KEPT_DAYS)
    )
    member = _circles.middle(circle)
    member.joined_at = timezone.now() - datetime.timedelta(days=400)
    Membership.objects.filter(pk=member.pk).update(joined_at=member.joined_at)

    def history() -> object:
        cache.clear()
        return leaderboards.ranks_by_day(member.pk, today)

    return history


def _ending(large: Circle) -> Iterator[Figure]:
    """The final ranks of all members, in one statement."""
    ended = timezone.localdate() - datetime.timedelta(days=1)
    Circle.objects.filter(pk=large.pk).update(starts_on=ended - datetime.timedelta(days=9), ends_on=ended)
    large.refresh_from_db()
    begun_at = time.perf_counter()
    assert ending.end_circle(large)
    seconds = time.perf_counter() - begun_at
    yield Figure("fixing the final places, large circle", seconds, "s")


def _reading(small: Circle, large: Circle) -> Iterator[Figure]:
    me = _circles.middle(large)
    page = show(large, me)
    few, many, bare = in_turns(ROUNDS, show(small, _circles.middle(small)), page, _bare(page))
    window = in_turns(2, lambda: _fetch(RANKED, [large.pk, me.pk]))[0]
    yield Figure("data of a page, small circle", few * 1000, "ms")
    yield Figure("data of a page, large circle", many * 1000, "ms")
    yield Figure("data of a page, large : small", many / few, "x", at_most=1.2)
    detail = f"{bare * 1000:.2f} ms bare"
    yield Figure("data of a page : the same commands and query, bare", many / bare, "x", detail, at_most=2)
    detail = f"the window takes {window * 1000:.0f} ms"
    # The window function's cost grows with the circle and ours does not, so the bar is for a million members.
    bar = 1 / 300 if large.memberships.count() >= MILLION else None
    yield Figure("data of a page : SQL's rank()", many / window, "x", detail, at_most=bar)


def _bare(page: Callable[[], leaderboards.Board]) -> Callable[[], object]:
    """Return a function that sends the commands of the page's script in one pipeline, and the query for names."""
    client = store.client(settings.LEADERBOARD_REDIS_URL)
    with client.monitor() as monitor:
        board = page()
        client.echo("end")
        said = _until_end(monitor)
    commands = [line["command"].split() for line in said if line["client_type"] == "lua"]
    ids = list({line.membership_id for line in (*board.lines, *board.around)})

    def bare() -> object:
        with client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            pipeline.execute()
        return _fetch(NAMES, [ids])

    return bare


def _until_end(monitor: Any) -> list[dict[str, Any]]:
    said = []
    for line in monitor.listen():
        if line["command"].startswith("ECHO"):
            break
        said.append(line)
    return said


def _other_orders(large: Circle) -> Iterator[Figure]:
    me = _circles.middle(large)
    for order in leaderboards.Order:
        read = partial(leaderboards.read_board, circle_id=large.pk, membership_id=me.pk, order=order)
        seconds = in_turns(ROUNDS, read)[0]
        yield Figure(f"board alone, by {order}, large circle", seconds * 1000, "ms")


def _refreshing(small: Circle, large: Circle) -> Iterator[Figure]:
    """A contribution, and the page after it."""
    actions = []
    for circle in (small, large):
        member = _circles.middle(circle)
        actions.append(partial(_contribute_and_show, member, view(circle, member)))
    few, many = in_turns(ROUNDS, *actions)
    yield Figure("refresh after a contribution, small circle", few * 1000, "ms")
    yield Figure("refresh after a contribution, large : small", many / few, "x", at_most=1.2)


def _contributing(large: Circle) -> Iterator[Figure]:
    """Simultaneous contributions, all to one circle or each to its own."""
    people = 80
    whole = Membership.objects.select_related("plan__account", "user")
    together = list(whole.filter(circle=large).order_by("id")[:people])
    apart = [_alone() for _ in range(people)]
    pace: dict[str, list[float]] = {"one": [], "own": []}
    with ThreadPoolExecutor(THREADS) as pool:
        for turn in range(16):
            for name in ("one", "own") if turn % 2 else ("own", "one"):
                begun_at = time.perf_counter()
                list(pool.map(_contribute, together if name == "one" else apart))
                pace[name].append(people / (time.perf_counter() - begun_at))
        list(pool.map(lambda _: connection.close(), range(THREADS * 4)))
    one, own = (statistics.median(values[2:]) for values in pace.values())
    yield Figure("contributions per second, all into one circle", one, "/s", f"{THREADS} threads")
    yield Figure("contributions per second, one circle : each its own", one / own, "x", at_least=0.9)


def _alone() -> Membership:
    member = factories.make_member(
        factories.make_circle(product=Circle.objects.all()[0].product), saved_kobo=100
    )
    leaderboards.rebuild_board(member.circle_id)
    return Membership.objects.select_related("plan__account", "user").get(pk=member.pk)


def _contribute(member: Membership) -> None:
    factories.pay_in(member.user, 100, plan=member.plan)


def _contribute_and_show(member: Membership, page: Callable[[], object]) -> None:
    _contribute(member)
    page()


def _fetch(query: str, parameters: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


if __name__ == "__main__":
    sys.exit(main())
