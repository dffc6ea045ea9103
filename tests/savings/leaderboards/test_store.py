"""Leaderboards in Redis: shuffled and repeated writes, two rebuilds at once, and corrections."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from savings import leaderboards, ledger, plans, references
from savings.exceptions import NotEnoughMoney
from savings.leaderboards import rebuild, store
from savings.leaderboards.standings import Standing
from savings.models import Circle, Membership, Transaction
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

# The expected leaderboard, from ledger entries alone.
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
    return next(Standing.read(Membership.objects.filter(pk=member.pk)))


def board_by_entries(circle: Circle) -> list[tuple[int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(RANKED, [circle.pk])
        return [(int(row[0]), int(row[1]), int(row[2])) for row in cursor.fetchall()]


def board_of(circle: Circle) -> list[tuple[int, int, int]]:
    board = leaderboards.read_board(circle_id=circle.pk, length=1000)
    assert board.version > 0, "this is about the board in Redis"
    return [(line.membership_id, line.saved_kobo, line.rank) for line in board.lines]


def step(member: Membership, amount_kobo: int, kind: str) -> None:
    """Pay in, take out or reverse, if there is enough money."""
    with suppress(NotEnoughMoney):
        if kind == "in":
            factories.put_in(member.user, amount_kobo, plan=member.plan)
        elif kind == "out":
            reference = references.new("plan_to_stash")
            plans.move_from_plan(member.user, member.plan, amount_kobo=amount_kobo, reference=reference)
        elif paid := member.plan.transactions.successful().filter(kind=Transaction.Kind.ADJUSTMENT).last():
            ledger.reverse(paid, reference=references.new("reversal"))


@pytest.mark.django_db(transaction=False)
def test_500_contributions_withdrawn_reversed_shuffled_and_repeated_end_in_the_board_of_the_ledger() -> None:
    # Each database has other steps.
    chance = random.Random(connection.vendor)
    kinds = ["in", "in", "out", "back"]
    steps = [(chance.randrange(10), chance.choice([100, 200, 300]), chance.choice(kinds)) for _ in range(500)]
    circle = factories.make_circle()
    members = [factories.make_member(circle) for _ in range(10)]
    leaderboards.rebuild_board(circle.pk)
    said = []
    for number, amount_kobo, kind in steps:
        step(members[number], amount_kobo, kind)
        said.append(standing(members[number]))
    said += chance.sample(said, 100)
    chance.shuffle(said)
    for word in said:
        store.write(word)
    assert board_of(circle) == board_by_entries(circle)
    assert leaderboards.read_board(circle_id=circle.pk).total_kobo == sum(
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
            return leaderboards.rebuild_board(circle.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        built = [task.result() for task in [pool.submit(build), pool.submit(build)]]
    assert sorted(built, key=str) == [3, None]
    assert board_of(circle) == board_by_entries(circle)


def test_a_rebuilt_board_has_the_postings_made_during_the_rebuild() -> None:
    member = factories.make_member(factories.make_circle(), saved_kobo=100)
    before = standing(member)
    assert store.run_script("begin", member.circle_id, "token", 60, "")
    factories.pay_in(member.user, 50, plan=member.plan)
    assert store.run_script(
        "load", member.circle_id, "token", 60, "2026-11-01", "2026-11-23", *before.script_values()
    )
    assert store.run_script(
        "finish", member.circle_id, "token", "2026-11-01", "2026-11-23", 1, "2026-11-24T00:00:00+00:00"
    )
    assert [saved for _, saved, _ in board_of(member.circle)] == [150]


def test_a_builder_without_its_lease_cannot_change_the_next_board(
    redis_clients: list[redis.Redis],
) -> None:
    member = factories.make_member(factories.make_circle(), saved_kobo=100)
    assert store.run_script("begin", member.circle_id, "slow", 60, "")
    assert leaderboards.rebuild_board(member.circle_id) is None
    redis_clients[2].delete(leaderboards.board_keys(member.circle_id)[1])
    assert leaderboards.rebuild_board(member.circle_id) == 1
    assert not store.run_script(
        "load", member.circle_id, "slow", 60, "", "", *standing(member).script_values()
    )
    assert not store.run_script("finish", member.circle_id, "slow", "", "", 1, "")


def test_a_forced_rebuild_deletes_all_keys_of_the_old_board(redis_clients: list[redis.Redis]) -> None:
    circle = factories.make_circle()
    factories.make_member(circle, saved_kobo=100)
    leaderboards.rebuild_board(circle.pk)
    keys = redis_clients[2].dbsize()
    call_command("rebuild_leaderboards", circle.slug)
    assert redis_clients[2].dbsize() == keys


def test_reconciling_corrects_and_counts_wrong_members(
    monkeypatch: pytest.MonkeyPatch, redis_clients: list[redis.Redis], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rebuild, "_IN_FLIGHT_SECONDS", 0)
    circle = factories.make_circle()
    members = [factories.make_member(circle, saved_kobo=kobo) for kobo in (300, 200, 100)]
    leaderboards.rebuild_board(circle.pk)
    assert leaderboards.reconcile_all() == 0
    token = str(
        store.client(settings.LEADERBOARD_REDIS_URL).hget(leaderboards.board_keys(circle.pk)[0], "token")
    )
    stored = standing(members[2])
    redis_clients[2].zadd(
        f"{leaderboards.board_keys(circle.pk)[0]}:{token}:saved", {str(stored.script_values()[4]): 900}
    )
    Membership.objects.filter(pk=members[0].pk).update(version=50, saved_kobo=150)
    assert leaderboards.reconcile_all() == 2
    assert "corrected 2 members" in caplog.text
    assert [(pk, saved) for pk, saved, _ in board_of(circle)] == [
        (members[1].pk, 200),
        (members[0].pk, 150),
        (members[2].pk, 100),
    ]
