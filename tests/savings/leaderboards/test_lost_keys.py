"""Leaderboards that have lost keys in Redis: each counts as missing, is read from SQL and is rebuilt."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from itertools import chain, combinations

import pytest
import redis
from django.utils import timezone

from savings import installation, leaderboards
from savings.leaderboards import Board, Order, rebuild
from savings.leaderboards import store as boards
from savings.leaderboards.standings import Standing
from savings.models import Membership
from tests import factories
from tests.savings.leaderboards.test_store import board_by_entries, board_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store(redis_clients: list[redis.Redis]) -> redis.Redis:
    return redis_clients[2]


@pytest.fixture
def members() -> list[Membership]:
    """Three members with targets, one of whom had saved before this week: their leaderboard has each kind of part."""
    circle = factories.make_circle()
    members = [
        factories.make_member(circle, saved_kobo=kobo, target_kobo=100_000_00) for kobo in (300, 200, 100)
    ]
    Membership.objects.filter(pk=members[0].pk).update(week_start_kobo=50)
    leaderboards.rebuild_board(circle.pk)
    return [Membership.objects.get(pk=member.pk) for member in members]


@pytest.fixture
def missing() -> Iterator[list[int]]:
    """The ids of circles whose leaderboards readers have found missing."""
    found: list[int] = []

    def note(*, circle_id: int, **_: object) -> None:
        found.append(circle_id)

    leaderboards.board_missing.connect(note)
    yield found
    leaderboards.board_missing.disconnect(note)


def parts(store: redis.Redis, circle_id: int) -> list[bytes]:
    """Return the keys that a leaderboard needs: all but the request for a rebuild and the copy of its token."""
    found = sorted(store.scan_iter(match=f"{leaderboards.board_keys(circle_id)[0]}*"))
    return [key for key in found if not key.endswith((b":live", b":wanted"))]


def shown(member: Membership, order: Order = Order.SAVED) -> Board:
    return leaderboards.read_board(circle_id=member.circle_id, membership_id=member.pk, order=order)


def is_right(board: Board) -> bool:
    return [line.saved_kobo for line in board.lines] == [300, 200, 100] and (
        board.members,
        board.total_kobo,
    ) == (
        3,
        600,
    )


def test_the_board_of_this_test_has_each_kind_of_part(store: redis.Redis, members: list[Membership]) -> None:
    board = leaderboards.board_keys(members[0].circle_id)[0].encode()
    kinds = {
        key.removeprefix(board).split(b":")[2] for key in parts(store, members[0].circle_id) if key != board
    }
    assert kinds == {b"saved", b"share", b"members", b"sum", b"month", b"now", b"then"}


def test_without_any_of_its_keys_a_board_comes_from_sql_and_is_rebuilt(
    store: redis.Redis, members: list[Membership], missing: list[int]
) -> None:
    circle_id = members[0].circle_id
    count = len(parts(store, circle_id))
    # One or two of them, all but one, and all: every subset would be two thousand.
    sizes = (1, 2, count - 1, count)
    subsets = chain.from_iterable(combinations(range(count), size) for size in sizes)
    for lost in subsets:
        store.delete(*(parts(store, circle_id)[at] for at in lost))
        store.delete(leaderboards.board_keys(circle_id)[2])
        missing.clear()
        board = shown(members[0])
        assert is_right(board), lost
        assert board.version == -1, lost
        assert missing == [circle_id], lost
        assert leaderboards.rebuild_board(circle_id) == 3, lost
        assert shown(members[0]).version > 0, lost
        assert len(parts(store, circle_id)) == count, "what is left of a lost board goes"


def test_a_lost_part_is_noticed_in_every_order(store: redis.Redis, members: list[Membership]) -> None:
    for order in Order:
        for at in range(len(parts(store, members[0].circle_id))):
            store.delete(parts(store, members[0].circle_id)[at])
            assert shown(members[0], order).version == -1
            leaderboards.rebuild_board(members[0].circle_id)


def nonsense(store: redis.Redis, key: bytes) -> None:
    kind = store.type(key)
    if kind == b"hash":
        for field in store.hkeys(key):
            store.hset(key, field, "nonsense")
    else:
        store.zadd(key, {"nonsense": 1})


def of_another_kind(store: redis.Redis, key: bytes) -> None:
    store.delete(key)
    store.rpush(key, "a list")


def expired(store: redis.Redis, key: bytes) -> None:
    store.pexpire(key, 0)


@pytest.mark.parametrize("damage", [nonsense, of_another_kind, expired])
def test_a_damaged_key_counts_as_lost(
    store: redis.Redis, members: list[Membership], damage: Callable[[redis.Redis, bytes], None]
) -> None:
    circle_id = members[0].circle_id
    for at in range(len(parts(store, circle_id))):
        damage(store, parts(store, circle_id)[at])
        board = shown(members[0])
        assert is_right(board)
        assert board.version == -1
        assert leaderboards.are_trusted(), "Redis itself is well"
        assert leaderboards.rebuild_board(circle_id) == 3
        assert board_of(members[0].circle) == board_by_entries(members[0].circle)


def test_a_payment_into_a_damaged_board_is_not_lost(store: redis.Redis, members: list[Membership]) -> None:
    member = members[2]
    for at in range(len(parts(store, member.circle_id))):
        version = leaderboards.version(member.circle_id)
        store.delete(parts(store, member.circle_id)[at])
        factories.pay_in(member.user, 500, plan=member.plan)
        assert leaderboards.version(member.circle_id) != version, "no page of before may be taken for current"
        leaderboards.rebuild_board(member.circle_id)
        assert board_of(member.circle) == board_by_entries(member.circle)


@pytest.mark.parametrize("at", [1, 2])
def test_foreign_data_in_a_lock_key_does_not_prevent_a_rebuild(
    store: redis.Redis, members: list[Membership], missing: list[int], at: int
) -> None:
    circle_id = members[0].circle_id
    for value in ("nonsense", None):
        key = leaderboards.board_keys(circle_id)[at]
        store.delete(*parts(store, circle_id), *leaderboards.board_keys(circle_id))
        store.set(key, value) if value else store.rpush(key, "a list")
        shown(members[0])
        assert missing.pop() == circle_id
        assert leaderboards.rebuild_board(circle_id) == 3


def test_a_rebuild_that_loses_a_part_does_not_replace_the_board(
    store: redis.Redis, members: list[Membership]
) -> None:
    circle_id = members[0].circle_id
    month, week = boards.periods(timezone.localdate())
    words = Standing.read(Membership.objects.filter(pk=members[0].pk))
    assert boards.run_script("begin", circle_id, "token", 60, "1")
    assert boards.run_script("load", circle_id, "token", 60, month, week, *next(words).script_values())
    store.delete(f"{leaderboards.board_keys(circle_id)[0]}:token:saved")
    assert not boards.run_script("finish", circle_id, "token", month, week, 1, "2026-11-24T00:00:00+00:00")
    assert is_right(shown(members[0]))


@pytest.mark.parametrize("newer", [False, True])
def test_reconciling_repairs_in_both_directions(
    members: list[Membership], monkeypatch: pytest.MonkeyPatch, *, newer: bool
) -> None:
    monkeypatch.setattr(rebuild, "_IN_FLIGHT_SECONDS", 0)
    circle = members[0].circle
    # A change in the database that Redis does not get.
    change = -1 if newer else 1
    for member in members[:2]:
        Membership.objects.filter(pk=member.pk).update(
            version=member.version + change, saved_kobo=member.saved_kobo - 50
        )
    assert rebuild.reconcile(circle.pk) == 2
    assert [saved for _, saved, _ in board_of(circle)] == [250, 150, 100]
    assert rebuild.reconcile(circle.pk) == 0


def test_a_commit_during_reconciling_is_no_difference(
    members: list[Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "_IN_FLIGHT_SECONDS", 0)
    compare = rebuild._compare

    def late(circle_id: int, seen: list[tuple[Standing, str]], *, correct: bool = False) -> dict[int, str]:
        # A commit and a write after the standing was read and before it is compared, in both comparisons.
        factories.pay_in(members[0].user, 7, plan=members[0].plan)
        return compare(circle_id, seen, correct=correct)

    monkeypatch.setattr(rebuild, "_compare", late)
    assert rebuild.reconcile(members[0].circle_id) == 0
    assert board_of(members[0].circle) == board_by_entries(members[0].circle)


def test_reconciling_removes_members_that_are_not_in_the_database(members: list[Membership]) -> None:
    circle = members[0].circle
    # From a history that was lost.
    ghost = next(Standing.read(Membership.objects.filter(pk=members[0].pk)))
    boards.write(dataclasses.replace(ghost, membership_id=ghost.membership_id + 1_000, version=1))
    assert shown(members[0]).members == 4
    assert rebuild.reconcile(circle.pk) == 1
    assert is_right(shown(members[0]))


def test_reconciling_repairs_a_wrong_sum(store: redis.Redis, members: list[Membership]) -> None:
    (key,) = [key for key in parts(store, members[0].circle_id) if key.endswith(b":sum")]
    store.hset(key, "total", "999")
    assert rebuild.reconcile(members[0].circle_id) == 3
    assert is_right(shown(members[0]))


def test_reconciling_removes_boards_of_other_epochs_and_releases(
    store: redis.Redis, members: list[Membership]
) -> None:
    before = set(store.keys())
    circle_id = members[0].circle_id
    for key in (f"board:{{{circle_id}}}", f"board:{{{circle_id}}}:0a1b2c3d:saved", "board:{7}:another:sum"):
        store.set(key, "1")
    store.set("something else", "1")
    assert leaderboards.reconcile_all() == 0
    assert set(store.keys()) == before | {b"something else"}


def test_a_board_of_another_epoch_is_neither_read_nor_written(members: list[Membership]) -> None:
    before = next(Standing.read(Membership.objects.filter(pk=members[0].pk)))
    assert leaderboards.version(members[0].circle_id)
    installation.renew_epoch()
    assert leaderboards.version(members[0].circle_id) is None
    assert shown(members[0]).version == -1
    leaderboards.rebuild_board(members[0].circle_id)
    # Read before the restoration and written after it by a slow process.
    boards.write(dataclasses.replace(before, version=before.version + 1, saved_kobo=999))
    assert is_right(shown(members[0]))
