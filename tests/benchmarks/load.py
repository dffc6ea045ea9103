"""Forty users use the whole production site for a while: how fast it answers, and that every response is right."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import django
from django.conf import settings

from tests.benchmarks import _servers

if not settings.configured:
    os.environ |= _servers.PRODUCTION
    django.setup()

from django.db import connection
from django.test import Client

from savings import leaderboards, ledger
from savings.demo import cast, scale
from savings.leaderboards import rebuild, store
from savings.models import Circle, OutboxRow, Product, Statement, Transaction, User, WebhookEvent
from tests import factories
from tests.benchmarks import _database
from tests.benchmarks._report import Figure, publish

PEOPLE, TRANSACTIONS = 3_000, 60_000
AT_ONCE = 40
# The number of users, and of those active at the start: ten on both their phone and their computer.
VISITORS, AT_HOME = 120, 30
SECONDS = 60
# The longest time for the consumer to finish after all users have left.
DRAIN_SECONDS = 90
# These marks reveal data shown to the wrong user.
_MARKS = """
UPDATE savings_user SET name = name || ' §' || id || '§';
UPDATE savings_plan SET name = name || ' §' || user_id || '§';
"""
# All users are in the circle with their first plan, which has only contributions so far.
_MEMBERS = """
INSERT INTO savings_membership (circle_id, user_id, plan_id, nickname, nickname_key, nickname_search, hides_amount,
    on_board, saved_kobo, reached_at, week_start_kobo, month_start_kobo, version, joined_at)
SELECT %s, plan.user_id, plan.id, 'Member ' || plan.user_id, 'member ' || plan.user_id, 'member ' || plan.user_id,
    plan.user_id %% 10 = 0, true, account.balance_kobo,
    now() - plan.user_id * interval '1 minute', account.balance_kobo, account.balance_kobo, 1, plan.created_at
FROM (SELECT DISTINCT ON (user_id) * FROM savings_plan ORDER BY user_id, id) plan
JOIN savings_account account ON account.plan_id = plan.id
"""
_BAD_LINE = re.compile(r"^(ERROR|CRITICAL|Traceback)|\b(ERROR|CRITICAL)\b")


@dataclasses.dataclass(frozen=True)
class Hour:
    """The results of `_people`; see there."""

    errors: list[tuple[str, int]]
    pages: list[tuple[str, int, float, float, float]]
    rate: float
    taken: list[str]
    not_taken: list[str]
    signed_in: int


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--json")
    options = parser.parse_args()
    if importlib.util.find_spec("locust") is None:
        raise SystemExit("Locust is missing: `make bench` installs requirements/bench.txt.")
    # On a signal, stop the started programs too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # Remove cached data of an earlier run, whose users had the same ids.
    kept = [cache["LOCATION"] for cache in settings.CACHES.values()]
    for url in (*kept, settings.LEADERBOARD_REDIS_URL, settings.HUEY["connection"]["url"]):
        store.client(url).flushdb()
    with _database.made(), tempfile.TemporaryDirectory(dir=settings.VAR_DIR) as folder:
        figures = list(_measure(Path(folder), options.seconds))
    return publish("load", figures, options.json)


def _measure(folder: Path, seconds: int) -> Iterator[Figure]:
    begun_at = time.monotonic()
    circle = load_people()
    loaded = f"{PEOPLE:,} in the circle, {TRANSACTIONS:,} transactions, loaded in {time.monotonic() - begun_at:.0f} s"
    yield Figure("people at once", AT_ONCE, "", loaded)
    with serving(folder) as address:
        hour = _use(folder, address, seconds)
        began = time.monotonic()
        left = _drain(hour)
        drained = f"in {time.monotonic() - began:.0f} s"
    yield from _paces(hour, seconds)
    yield from _work(hour)
    yield none_of("errors", hour.errors)
    yield none_of("errors in the logs of server, consumer and provider", bad_lines(folder))
    yield Figure(
        "left undone after the last request", sum(left.values()), "", _said(left) or drained, at_most=0
    )
    yield from _proof(circle, hour)


def load_people() -> Circle:
    """Load a crowd in one circle, with names that contain the owner's id."""
    scale.load_crowd(PEOPLE, TRANSACTIONS, lambda _: None)
    product = Product.objects.filter(kind=Product.Kind.FLEXIBLE)[0]
    first = User.objects.order_by("id")[0]
    circle = factories.make_circle(
        slug="together", product=product, owner=first, joining=Circle.Joining.OPEN, goal_kobo=10**13
    )
    with connection.cursor() as cursor:
        cursor.execute(_MARKS)
        cursor.execute(_MEMBERS, [circle.pk])
        cursor.execute("VACUUM ANALYZE")
    leaderboards.rebuild_board(circle.pk)
    for person in _visitors():
        factories.pay_in(person, 1_000_000_00)
    return circle


def _visitors() -> list[User]:
    return list(User.objects.order_by("id")[:VISITORS])


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[str]:
    """Serve the site as docs/deployment.md says, and a provider, with these variables; yield the address."""
    port, provider = _servers.free_port(), _servers.free_port()
    address = f"http://127.0.0.1:{port}"
    environment = _servers.environment(str(connection.settings_dict["NAME"])) | {
        "VAR_DIR": str(folder),
        "SITE_URL": address,
        "DEFAULT_FROM_EMAIL": "Asusu <hello@savings.example.com>",
        "SIMULATOR_URL": f"http://127.0.0.1:{provider}",
        # Nothing terminates TLS here. The users' requests claim it; the provider's events cannot.
        "SECURE_SSL_REDIRECT": "0",
        # All requests come from one IP address.
        "IP_RATE_LIMIT_FACTOR": "10000",
        **variables,
    }
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    collect = [*manage, "collectstatic", "--no-input"]
    subprocess.run(collect, env=environment, check=True, stdout=subprocess.DEVNULL)
    granian = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--workers", "2"]
    granian += ["--blocking-threads", "1", "--port", str(port), "web.wsgi:application"]
    run = partial(_servers.serving, environment=environment)
    with (
        run(
            "The provider",
            [*manage, "simulator"],
            log=folder / "provider.log",
            is_up=partial(_servers.answers, provider),
        ),
        run("The server", granian, log=folder / "server.log", is_up=partial(_servers.is_healthy, port)),
        run("The consumer", [*manage, "run_huey"], log=folder / "consumer.log"),
    ):
        yield address


def _use(folder: Path, address: str, seconds: int) -> Hour:
    """Let the users use the site, and return their results."""
    visitors = _visitors()
    sessions = [(person.pk, session_of(person)) for person in (visitors[:AT_HOME] * 2)[:AT_ONCE]]
    plan = {
        "address": address,
        "seconds": seconds,
        "password": cast.PASSWORD,
        "people": [(person.pk, person.email) for person in visitors],
        "sessions": sessions,
    }
    file = folder / "people.json"
    file.write_text(json.dumps(plan))
    command = [sys.executable, "-m", "tests.benchmarks._people", str(file)]
    said = subprocess.run(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, check=True).stdout
    return Hour(**json.loads(said))


def session_of(person: User) -> str:
    """Return the session of a user who has signed in before, because checking a password is slow by design."""
    client = Client(headers={"host": "savings.example.com"})
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _drain(hour: Hour) -> Counter[str]:
    """Wait until the background work is done or takes too long, and return the number of unfinished items."""
    until = time.monotonic() + DRAIN_SECONDS
    while (left := _undone(hour)).total() and time.monotonic() < until:
        time.sleep(0.5)
    return left


def _undone(hour: Hour) -> Counter[str]:
    paid = Transaction.objects.filter(reference__in=hour.taken)
    # The check of first places is delayed by a minute on purpose.
    waiting = OutboxRow.objects.filter(due_at__isnull=False).exclude(kind=leaderboards.RANK_CHECK_KIND)
    return Counter(
        {
            "rows of the outbox": waiting.count(),
            "events": WebhookEvent.objects.filter(due_at__isnull=False).count(),
            "payments": len(hour.taken) - paid.successful().count(),
            "statements": Statement.objects.unfinished().count(),
        }
    )


def _paces(hour: Hour, seconds: int) -> Iterator[Figure]:
    total = sum(page[1] for page in hour.pages)
    yield Figure("requests per second", hour.rate, "/s", f"{total:,} in {seconds} s")
    for name, times, middle, slow, slowest in hour.pages:
        yield Figure(f"p95 of {name}", slow, "ms", f"p50 {middle:.0f}, p99 {slowest:.0f}, {times:,} times")


def _work(hour: Hour) -> Iterator[Figure]:
    settled = Transaction.objects.filter(reference__in=hour.taken).successful().count()
    yield Figure("sign-ins with a password", hour.signed_in, "")
    yield Figure("payments settled", settled, "", f"{len(hour.not_taken)} declined or left")
    states = Counter(Statement.objects.values_list("format", flat=True).filter(state=Statement.State.READY))
    yield Figure("statements made", states.total(), "", _said(states))
    mails = OutboxRow.objects.exclude(text="").filter(done_at__isnull=False).count()
    yield Figure("mails sent", mails, "")


def _proof(circle: Circle, hour: Hour) -> Iterator[Figure]:
    """The checks at the end."""
    dead = OutboxRow.objects.filter(dead_at__isnull=False)
    yield none_of("rows of the outbox given up", [(f"{row.kind}: {row.error}", 1) for row in dead])
    failed = Statement.objects.filter(state=Statement.State.FAILED)
    yield none_of("statements that failed", [(row.reason, 1) for row in failed])
    unpaid = Transaction.objects.filter(reference__in=hour.not_taken).successful()
    yield none_of("payments settled that nobody paid", [(row.reference, 1) for row in unpaid])
    yield none_of("rules of the books that are broken", [(str(wrong), 1) for wrong in ledger.run_checks()])
    drifted = rebuild.reconcile(circle.pk)
    yield Figure("members whose board differs from SQL", drifted, "", f"of {PEOPLE:,}", at_most=0)


def none_of(what: str, found: list[tuple[str, int]]) -> Figure:
    """Print the violations and return their number."""
    for text, times in found:
        sys.stdout.write(f"{what}: {text} ({times} times)\n")
    return Figure(what, sum(times for _, times in found), "", at_most=0)


def bad_lines(folder: Path) -> list[tuple[str, int]]:
    """Return the programs' log lines that need attention."""
    found = Counter(
        f"{log.stem}: {line}"
        for log in sorted(folder.glob("*.log"))
        for line in log.read_text().splitlines()
        if _BAD_LINE.search(line)
    )
    return found.most_common()


def _said(counted: Counter[Any]) -> str:
    return ", ".join(f"{times} {what}" for what, times in sorted(counted.items()) if times)


if __name__ == "__main__":
    sys.exit(main())
