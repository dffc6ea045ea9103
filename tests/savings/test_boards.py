"""The boards in Redis whatever happens: shuffled writes, two builders, and Redis emptied, killed, frozen."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from hypothesis import strategies as st
from pytest_django import Settings

from savings import board_upkeep, boards, leaderboards, ledger, scores, stash
from savings.boards import Standing
from savings.exceptions import NotEnoughMoney
from savings.models import Circle, Membership, OutboxRow, Transaction
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = st.tuples(
    st.integers(0, 9), st.sampled_from([100, 200, 300]), st.sampled_from(["in", "in", "out", "back"])
)
# What the board must be, from entries alone.
RANKED = """
SELECT id, saved, rank() OVER (ORDER BY saved DESC) FROM (
    SELECT m.id, SUM(CASE WHEN e.credit_account_id = a.id THEN amount_kobo ELSE -amount_kobo END) AS saved,
        MAX(e.posted_at) AS reached_at
    FROM savings_membership m
    JOIN savings_account a ON a.plan_id = m.plan_id
    JOIN savings_entry e ON a.id IN (e.credit_account_id, e.debit_account_id)
    WHERE m.circle_id = %s GROUP BY m.id
) sums WHERE saved > 0 ORDER BY saved DESC, reached_at, id
"""


def standing(member: Membership) -> Standing:
    return next(Standing.of(Membership.objects.filter(pk=member.pk)))


def board_by_entries(circle: Circle) -> list[tuple[int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(RANKED, [circle.pk])
        return [(int(row[0]), int(row[1]), int(row[2])) for row in cursor.fetchall()]


def board_of(circle: Circle) -> list[tuple[int, int, int]]:
    board = leaderboards.page(circle, None, length=1000)
    assert board.version > 0, "this is about the board in Redis"
    return [(line.membership_id, line.saved_kobo, line.rank) for line in board.lines]


def step(member: Membership, amount_kobo: int, kind: str) -> None:
    """Pay in, take out or reverse, where there is enough."""
    with suppress(NotEnoughMoney):
        if kind == "in":
            factories.pay_in(member.user, amount_kobo, plan=member.plan)
        elif kind == "out":
            reference = ledger.new_reference("plan_to_stash")
            stash.move_from_plan(member.user, member.plan, amount_kobo=amount_kobo, reference=reference)
        elif paid := member.plan.transactions.successful().filter(kind=Transaction.Kind.TOP_UP).last():
            ledger.reverse(paid, reference=ledger.new_reference("reversal"))


@pytest.mark.django_db(transaction=False)
@hypothesis.settings(
    max_examples=2, phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck)
)
@hypothesis.given(steps=st.lists(STEPS, min_size=500, max_size=500), chance=st.randoms(use_true_random=True))
def test_500_contributions_withdrawn_reversed_shuffled_and_repeated_end_in_the_board_of_the_ledger(
    steps: list[tuple[int, int, str]], chance: random.Random
) -> None:
    circle = factories.make_circle()
    members = [factories.make_member(circle) for _ in range(10)]
    board_upkeep.rebuild(circle.pk)
    said = []
    for number, amount_kobo, kind in steps:
        step(members[number], amount_kobo, kind)
        said.append(standing(members[number]))
    said += chance.sample(said, 100)
    chance.shuffle(said)
    for word in said:
        boards.write(word)
    assert board_of(circle) == board_by_entries(circle)
    assert leaderboards.page(circle, None).total_kobo == sum(
        saved for _, saved, _ in board_by_entries(circle)
    )


def test_two_builders_at_once_build_one_board() -> None:
    circle = factories.make_circle()
    for _ in range(3):
        factories.make_member(circle, saved_kobo=100)
    begin = threading.Barrier(2)

    def build() -> int | None:
        begin.wait()
        try:
            return board_upkeep.rebuild(circle.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        built = [task.result() for task in [pool.submit(build), pool.submit(build)]]
    assert sorted(built, key=str) == [3, None]
    assert board_of(circle) == board_by_entries(circle)


def test_what_is_posted_while_a_board_is_built_is_on_it() -> None:
    member = factories.make_member(factories.make_circle(), saved_kobo=100)
    before = standing(member)
    assert boards.run("begin", member.circle_id, "token", 60, "")
    factories.pay_in(member.user, 50, plan=member.plan)
    assert boards.run("load", member.circle_id, "token", 60, "2026-11-01", "2026-11-23", *before.words())
    assert boards.run(
        "finish", member.circle_id, "token", "2026-11-01", "2026-11-23", 1, "2026-11-24T00:00:00+00:00"
    )
    assert [saved for _, saved, _ in board_of(member.circle)] == [150]


def test_a_builder_that_was_given_up_cannot_spoil_the_board_of_the_next(
    redis_clients: list[redis.Redis],
) -> None:
    member = factories.make_member(factories.make_circle(), saved_kobo=100)
    assert boards.run("begin", member.circle_id, "slow", 60, "")
    assert board_upkeep.rebuild(member.circle_id) is None
    redis_clients[2].delete(boards.keys(member.circle_id)[1])
    assert board_upkeep.rebuild(member.circle_id) == 1
    assert not boards.run("load", member.circle_id, "slow", 60, "", "", *standing(member).words())
    assert not boards.run("finish", member.circle_id, "slow", "", "", 1, "")


def test_a_forced_build_leaves_nothing_of_the_old_board_behind(redis_clients: list[redis.Redis]) -> None:
    circle = factories.make_circle()
    factories.make_member(circle, saved_kobo=100)
    board_upkeep.rebuild(circle.pk)
    keys = redis_clients[2].dbsize()
    call_command("rebuild_leaderboards", circle.slug)
    assert redis_clients[2].dbsize() == keys


def test_reconciling_heals_what_is_wrong_and_counts_it(
    monkeypatch: pytest.MonkeyPatch, redis_clients: list[redis.Redis], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(board_upkeep, "_UNDER_WAY_SECONDS", 0)
    circle = factories.make_circle()
    members = [factories.make_member(circle, saved_kobo=kobo) for kobo in (300, 200, 100)]
    board_upkeep.rebuild(circle.pk)
    assert board_upkeep.reconcile_all() == 0
    token = str(boards.client(settings.LEADERBOARD_REDIS_URL).hget(boards.keys(circle.pk)[0], "token"))
    word = standing(members[2])
    redis_clients[2].zadd(f"{boards.keys(circle.pk)[0]}:{token}:saved", {str(word.words()[4]): 900})
    Membership.objects.filter(pk=members[0].pk).update(version=50, saved_kobo=150)
    assert board_upkeep.reconcile_all() == 2
    assert "had 2 members wrong" in caplog.text
    assert [(pk, saved) for pk, saved, _ in board_of(circle)] == [
        (members[1].pk, 200),
        (members[0].pk, 150),
        (members[2].pk, 100),
    ]


class Server:
    """A redis-server of a test's own, to be treated badly."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        assert program, "this is about a real Redis"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.words = [
            program,
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        self.url = f"redis://127.0.0.1:{self.port}/0?socket_timeout=0.25&socket_connect_timeout=0.25"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.words, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            for _ in range(200):
                with suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.05)
        raise AssertionError("redis-server did not start")

    def empty(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        time.sleep(1)
        self.start()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def server(tmp_path: Path, settings: Settings) -> Iterator[Server]:
    server = Server(tmp_path)
    settings.LEADERBOARD_REDIS_URL = server.url
    settings.LEADERBOARD_UPKEEP_REDIS_URL = f"redis://127.0.0.1:{server.port}/0?socket_timeout=10"
    yield server
    for url in (settings.LEADERBOARD_REDIS_URL, settings.LEADERBOARD_UPKEEP_REDIS_URL):
        boards.client(url).close()
    server.process.send_signal(signal.SIGCONT)
    server.process.kill()
    server.process.wait()


class Crowd:
    """Twenty who read a board without pause and five who save, until it is over."""

    def __init__(self, members: list[Membership]) -> None:
        self.members = members
        self.over = threading.Event()
        self.committed = {member.pk: member.saved_kobo for member in members}
        self.built: list[int] = []
        self.read = {"redis": 0, "sql": 0}

    def run(self, trouble: Callable[[], None]) -> None:
        leaderboards.missing.connect(self._build)
        try:
            with ThreadPoolExecutor(30) as pool:
                tasks = [pool.submit(self._until_over, self._read_once) for _ in range(20)]
                tasks += [pool.submit(self._until_over, self._save, member) for member in self.members]
                self._cause(trouble)
                for task in tasks:
                    task.result()
        finally:
            leaderboards.missing.disconnect(self._build)

    def _cause(self, trouble: Callable[[], None]) -> None:
        try:
            time.sleep(0.5)
            trouble()
            ends_at, read = time.monotonic() + 20, self.read["redis"]
            while time.monotonic() < ends_at and self.read["redis"] < read + 100:
                time.sleep(0.1)
        finally:
            self.over.set()

    def _until_over(self, act: Callable[..., None], *args: Any) -> None:
        try:
            while not self.over.is_set():
                act(*args)
                time.sleep(0.02)
        except BaseException:
            self.over.set()
            raise
        finally:
            connection.close()

    def _read_once(self) -> None:
        known = dict(self.committed)
        board = leaderboards.page(self.members[0].circle, self.members[0])
        self.read["sql" if board.version == -1 else "redis"] += 1
        shown = {line.membership_id: line.saved_kobo for line in board.lines}
        assert all(shown[pk] >= saved for pk, saved in known.items()), "a commit is missing"
        sums = [line.saved_kobo for line in board.lines]
        assert [line.rank for line in board.lines] == [
            1 + sum(other > saved for other in sums) for saved in sums
        ]

    def _save(self, member: Membership) -> None:
        factories.pay_in(member.user, 100, plan=member.plan)
        self.committed[member.pk] += 100

    def _build(self, *, circle_id: int, **_: Any) -> None:
        def build() -> None:
            with suppress(boards.Away):
                self.built += [1] if board_upkeep.rebuild(circle_id) else []
            connection.close()

        threading.Thread(target=build).start()


@pytest.mark.parametrize(("trouble", "builds"), [("empty", 1), ("kill", 1), ("freeze", 0)])
def test_while_redis_is_in_trouble_boards_are_right_and_afterwards_they_are_its_again(
    server: Server, trouble: str, builds: int
) -> None:
    circle = factories.make_circle()
    members = [factories.make_member(circle, saved_kobo=100) for _ in range(5)]
    board_upkeep.rebuild(circle.pk)
    crowd = Crowd(members)
    crowd.run(getattr(server, trouble))
    assert crowd.built == [1] * builds
    assert crowd.read["sql"] > 0
    assert board_of(circle) == board_by_entries(circle)


def test_a_frozen_redis_costs_one_timeout_and_not_one_for_each_page(server: Server) -> None:
    member = factories.make_member(factories.make_circle(), saved_kobo=100)
    board_upkeep.rebuild(member.circle_id)
    server.process.send_signal(signal.SIGSTOP)
    begun_at = time.monotonic()
    assert leaderboards.page(member.circle, member).version == -1
    assert boards.gate.suspect
    first = time.monotonic() - begun_at
    assert first >= 0.25
    queries_only = [leaderboards.version(member.circle) for _ in range(200)]
    assert queries_only == [None] * 200
    assert time.monotonic() - begun_at < first + 0.25


def test_redis_is_trusted_again_only_when_it_has_all_that_it_missed(server: Server) -> None:
    member = factories.make_member(factories.make_circle(), saved_kobo=100)
    board_upkeep.rebuild(member.circle_id)
    boards.gate.fail()
    factories.pay_in(member.user, 50, plan=member.plan)
    assert leaderboards.page(member.circle, member).version == -1
    time.sleep(boards.PAUSE_SECONDS)
    board = leaderboards.page(member.circle, member)
    assert (board.version > 0, board.total_kobo) == (True, 150)
    assert not OutboxRow.objects.filter(kind=scores.OUTBOX_KIND, due_at__isnull=False).exists()
