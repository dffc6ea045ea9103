"""Leaderboards while Redis is emptied, killed or frozen: always right, and read from Redis again afterwards."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import Client
from pytest_django import Settings

from savings import leaderboards
from savings.leaderboards import redis_client, store
from savings.models import Membership, OutboxRow
from tests import factories
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.redis_server import Server
from tests.savings.leaderboards.test_store import board_by_entries, board_of

pytestmark = pytest.mark.django_db(transaction=True)


# A line of the podium or the table: the membership id and the content.
ROW = re.compile(r'<(?:li class="p\d+"|tr) id="m(\d+)"[^>]*>(.*?)</(?:li|tr)>', re.DOTALL)


def empty(server: Server) -> None:
    server.empty()


def kill(server: Server) -> None:
    server.kill()
    time.sleep(1)
    server.start()


def freeze(server: Server) -> None:
    server.freeze()
    time.sleep(1.5)
    server.thaw()


@pytest.fixture
def server(tmp_path: Path, settings: Settings) -> Iterator[Server]:
    server = Server(tmp_path)
    settings.LEADERBOARD_REDIS_URL = server.url(0)
    settings.LEADERBOARD_UPKEEP_REDIS_URL = server.url(0, timeout_seconds=10)
    yield server
    for url in (settings.LEADERBOARD_REDIS_URL, settings.LEADERBOARD_UPKEEP_REDIS_URL):
        store.client(url).close()
    server.kill()


class Crowd:
    """Twenty browsers that load a leaderboard without pause, and five members who save, until the trouble is over."""

    def __init__(self, members: list[Membership]) -> None:
        self.members = members
        self.url = f"/circles/{members[0].circle.slug}/leaderboard/"
        browser = Client()
        browser.force_login(members[0].user)
        self.cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
        self.over = threading.Event()
        self.committed = {member.pk: member.saved_kobo for member in members}
        self.built: list[int] = []
        self.read = {"redis": 0, "sql": 0}

    def run(self, trouble: Callable[[], None]) -> None:
        leaderboards.board_missing.connect(self._build)
        try:
            with ThreadPoolExecutor(30) as pool:
                tasks = [pool.submit(self._until_over, self._read_once, self._browser()) for _ in range(20)]
                tasks += [pool.submit(self._until_over, self._save, member) for member in self.members]
                self._cause(trouble)
                for task in tasks:
                    task.result()
        finally:
            leaderboards.board_missing.disconnect(self._build)

    def _cause(self, trouble: Callable[[], None]) -> None:
        try:
            time.sleep(0.5)
            trouble()
            ends_at, read = time.monotonic() + PATIENCE_SECONDS, self.read["redis"]
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

    def _browser(self) -> httpx.Client:
        site = httpx.WSGITransport(app=get_wsgi_application())
        return httpx.Client(transport=site, base_url="http://testserver", cookies=self.cookies)

    def _read_once(self, browser: httpx.Client) -> None:
        known = dict(self.committed)
        answer = browser.get(self.url)
        assert answer.status_code == 200
        # Only a leaderboard from Redis has a version for a conditional request.
        self.read["redis" if "If-None-Match" in answer.text else "sql"] += 1
        rows = [self._row(row) for row in ROW.findall(answer.text)]
        shown = {pk: naira * 100 for pk, _, naira in rows}
        assert all(shown[pk] >= saved for pk, saved in known.items()), "a commit is missing"
        sums = [naira for _, _, naira in rows]
        assert sums == sorted(sums, reverse=True)
        assert [rank for _, rank, _ in rows] == [1 + sum(other > saved for other in sums) for saved in sums]

    def _row(self, row: tuple[str, str]) -> tuple[int, int, int]:
        """Return the membership id, the rank and the amount in naira of each line."""
        member, html = row
        rank = re.search(r'(?:<b>|class="rank">)(\d+)=?<', html)
        naira = re.search(r"₦([\d,]+)", html)
        assert rank
        assert naira
        return int(member), int(rank[1]), int(naira[1].replace(",", ""))

    def _save(self, member: Membership) -> None:
        factories.pay_in(member.user, 100, plan=member.plan)
        self.committed[member.pk] += 100

    def _build(self, *, circle_id: int, **_: Any) -> None:
        def build() -> None:
            with suppress(leaderboards.BoardsUnavailable):
                self.built += [1] if leaderboards.rebuild_board(circle_id) else []
            connection.close()

        threading.Thread(target=build).start()


@pytest.mark.parametrize(("trouble", "builds"), [(empty, 1), (kill, 1), (freeze, 0)])
def test_boards_are_right_while_redis_fails_and_come_from_it_again_afterwards(
    server: Server, trouble: Callable[[Server], None], builds: int
) -> None:
    circle = factories.make_circle()
    members = [factories.make_member(circle, saved_kobo=100) for _ in range(5)]
    leaderboards.rebuild_board(circle.pk)
    crowd = Crowd(members)
    crowd.run(partial(trouble, server))
    assert crowd.built == [1] * builds
    assert crowd.read["sql"] > 0
    assert board_of(circle) == board_by_entries(circle)


def test_a_frozen_redis_costs_one_timeout_and_not_one_for_each_page(server: Server) -> None:
    member = factories.make_member(factories.make_circle(), saved_kobo=100)
    leaderboards.rebuild_board(member.circle_id)
    server.freeze()
    begun_at = time.monotonic()
    assert leaderboards.read_board(circle_id=member.circle_id, membership_id=member.pk).version == -1
    assert not leaderboards.are_trusted()
    first = time.monotonic() - begun_at
    assert first >= 0.25
    queries_only = [leaderboards.version(member.circle.pk) for _ in range(200)]
    assert queries_only == [None] * 200
    assert time.monotonic() - begun_at < first + 0.25


def test_redis_is_trusted_again_only_with_all_missed_standings(server: Server) -> None:
    member = factories.make_member(factories.make_circle(), saved_kobo=100)
    leaderboards.rebuild_board(member.circle_id)
    redis_client.breaker.open()
    factories.pay_in(member.user, 50, plan=member.plan)

    def board() -> leaderboards.Board:
        return leaderboards.read_board(circle_id=member.circle_id, membership_id=member.pk)

    assert board().version == -1
    wait_until(lambda: board().version > 0)
    assert board().total_kobo == 150
    assert not OutboxRow.objects.filter(kind=leaderboards.BOARD_WRITE_KIND, due_at__isnull=False).exists()
