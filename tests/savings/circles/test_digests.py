"""The weekly digest: what counts as news, one mail for all circles of a user, no mail without news."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from savings import circles, outbox, tasks
from savings.circles import digests
from savings.models import Circle, DigestLine, Membership, OutboxRow, User
from tests import factories

pytestmark = pytest.mark.django_db

# A Monday; 07:00 in Lagos is 06:00 UTC.
MIDNIGHT = datetime.datetime(2026, 11, 22, 23, 10, tzinfo=datetime.UTC)
SEVEN = datetime.datetime(2026, 11, 23, 6, 0, tzinfo=datetime.UTC)
WEDNESDAY = MIDNIGHT - datetime.timedelta(days=5)
THE_WEEK_BEFORE = MIDNIGHT - datetime.timedelta(days=12)


def make(*sums: int, **fields: Any) -> tuple[Circle, list[Membership]]:
    """Return a circle whose members had saved these amounts when the week began."""
    with time_machine.travel(THE_WEEK_BEFORE):
        circle = factories.make_circle(**fields)
        return circle, [factories.make_member(circle, saved_kobo=kobo) for kobo in sums]


def save(member: Membership, kobo: int, *, at: datetime.datetime = WEDNESDAY) -> None:
    with time_machine.travel(at):
        factories.pay_in(member.user, kobo, plan=member.plan)


def send() -> dict[int, list[dict[str, str]]]:
    """Prepare and write all mails as the scheduled tasks do, and return the lines by user id."""
    circles.prepare_digests(MIDNIGHT)
    while circles.write_digests(SEVEN):
        OutboxRow.objects.update(tries=1)
    rows = OutboxRow.objects.filter(kind="weekly_digest")
    return {row.user_id or 0: row.payload["lines"] for row in rows}


def changes(lines: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(line["place"], line["change"]) for line in lines]


def test_only_members_with_a_new_amount_or_rank_get_a_mail() -> None:
    _, (first, second, _, _) = make(900_00, 500_00, 300_00, 100_00)
    save(second, 500_00)
    mails = send()
    assert {user_id: changes(lines) for user_id, lines in mails.items()} == {
        second.user_id: [("1st, up 1", "+\u202f₦500.00")],
        first.user_id: [("2nd, down 1", "")],
    }


def test_a_week_without_changes_sends_no_mail() -> None:
    _, (first, *_) = make(900_00, 500_00)
    save(first, 100_00, at=THE_WEEK_BEFORE)
    assert send() == {}


def test_a_newcomer_is_new_on_the_board_and_a_member_off_it_reads_only_their_own_amount() -> None:
    _, (first, newcomer, shy) = make(900_00, 0, 100_00)
    save(newcomer, 500_00)
    save(shy, 700_00)
    circles.change_appearance(shy, nickname="Shy", hides_amount=True, on_board=False)
    mails = send()
    assert changes(mails[newcomer.user_id]) == [("2nd, new on the board", "+\u202f₦500.00")]
    assert changes(mails[shy.user_id]) == [("Not ranked", "+\u202f₦700.00")]
    assert first.user_id not in mails


def test_a_payment_on_monday_counts_for_the_next_week() -> None:
    _, (_, second) = make(900_00, 500_00)
    save(second, 500_00, at=MIDNIGHT)
    assert send() == {}


def test_below_the_reported_ranks_only_own_savings_are_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(digests, "LAST_REPORTED_RANK", 2)
    _, members = make(900_00, 800_00, 700_00, 600_00, 500_00)
    save(members[4], 250_00)
    mails = send()
    assert {user_id: changes(lines) for user_id, lines in mails.items()} == {
        members[4].user_id: [("3rd, up 2", "+\u202f₦250.00")]
    }


def test_one_mail_covers_all_circles_of_a_user() -> None:
    _, (mine, _) = make(100_00, 200_00, name="Enugu")
    _, (also_mine,) = make(100_00, name="<b>Runners</b>")
    Membership.objects.filter(pk=also_mine.pk).update(user=mine.user)
    save(mine, 300_00)
    save(also_mine, 50_00)
    assert len(send()[mine.user_id]) == 2
    outbox.deliver(OutboxRow.objects.get(kind="weekly_digest", user=mine.user).pk, tasks.HANDLERS)
    message = mail.outbox[-1]
    assert message.subject == "Your week in 2 circles"
    for part in ("Enugu", "<b>Runners</b>", "1st, up 1", "1st, as before", "₦300.00"):
        assert part in str(message.body)
    assert "@" not in str(message.body)


@pytest.mark.parametrize("why", ["off", "inactive", "left", "ended"])
def test_no_mail_without_consent_or_membership(why: str) -> None:
    circle, (member, _) = make(100_00, 200_00)
    save(member, 300_00)
    if why == "off":
        User.objects.filter(pk=member.user_id).update(wants_weekly_digest=False)
    elif why == "inactive":
        User.objects.filter(pk=member.user_id).update(is_active=False)
    elif why == "left":
        Membership.objects.filter(pk=member.pk).update(left_at=WEDNESDAY)
    else:
        Circle.objects.filter(pk=circle.pk).update(ends_on=timezone.localdate(MIDNIGHT))
    assert member.user_id not in send()


def test_no_mail_after_switching_it_off_in_the_night() -> None:
    _, (member, _) = make(100_00, 200_00)
    save(member, 50_00)
    circles.prepare_digests(MIDNIGHT)
    User.objects.update(wants_weekly_digest=False)
    assert circles.write_digests(SEVEN) == 0
    assert not DigestLine.objects.exists()


def test_lines_are_prepared_on_mondays_and_mails_written_in_the_morning() -> None:
    _, (member, _) = make(100_00, 200_00)
    save(member, 50_00)
    assert circles.prepare_digests(MIDNIGHT - datetime.timedelta(hours=1)) == 0
    assert circles.prepare_digests(MIDNIGHT + datetime.timedelta(days=1)) == 0
    assert circles.prepare_digests(MIDNIGHT) == 1
    assert circles.write_digests(SEVEN - datetime.timedelta(minutes=1)) == 0
    assert circles.write_digests(SEVEN) == 1


def test_no_mail_is_written_before_all_circles_are_prepared() -> None:
    _, (mine,) = make(100_00)
    save(mine, 50_00)
    circles.prepare_digests(MIDNIGHT)
    _, (also_mine,) = make(100_00)
    assert circles.write_digests(SEVEN) == 0
    circles.prepare_digests(MIDNIGHT)
    assert circles.write_digests(SEVEN) == 1
    assert also_mine.user_id != mine.user_id


def test_repeated_runs_for_the_same_week_change_nothing() -> None:
    _, (member, _) = make(100_00, 200_00)
    save(member, 50_00)
    send()
    assert circles.prepare_digests(MIDNIGHT) == 0
    Circle.objects.update(digested_week=None)
    assert len(send()) == OutboxRow.objects.filter(kind="weekly_digest").count() == 1


def test_unwritten_lines_are_dropped_after_a_week() -> None:
    _, (member, _) = make(100_00, 200_00)
    save(member, 50_00)
    circles.prepare_digests(MIDNIGHT)
    circles.prepare_digests(MIDNIGHT + datetime.timedelta(days=7))
    assert not DigestLine.objects.exists()


@pytest.mark.parametrize("act", [circles.prepare_digests, circles.write_digests])
def test_the_next_run_completes_the_work_of_a_worker_that_died(
    act: Callable[[datetime.datetime], int],
) -> None:
    for _ in range(2):
        _, (member, _) = make(100_00, 200_00)
        save(member, 50_00)
    if act is circles.write_digests:
        circles.prepare_digests(MIDNIGHT)
    with suppress(KeyboardInterrupt), transaction.atomic():
        assert act(MIDNIGHT if act is circles.prepare_digests else SEVEN) == 2
        raise KeyboardInterrupt
    assert len(send()) == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_write_each_mail_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_USERS_PER_BATCH", 2)
    made = [make(100_00, 200_00) for _ in range(3)]
    for _, (member, _) in made:
        save(member, 150_00)
    begin = threading.Barrier(2)

    def work() -> None:
        begin.wait()
        try:
            circles.prepare_digests(MIDNIGHT)
            for _ in range(6):
                circles.write_digests(SEVEN)
                OutboxRow.objects.update(tries=1)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for task in [pool.submit(work), pool.submit(work)]:
            task.result()
    people = [row.user_id for row in OutboxRow.objects.filter(kind="weekly_digest")]
    assert sorted(people) == sorted(member.user_id for _, pair in made for member in pair)  # type: ignore[type-var]
    assert not DigestLine.objects.exists()


def fill(circle: Circle, like: Membership, times: int) -> None:
    """Add members who have saved this week, each like the given one."""
    people = User.objects.bulk_create(User(email=f"{times}-{n}@example.com", name="X") for n in range(times))
    for user in people:
        plan = factories.make_plan(user, circle.product)
        Membership.objects.create(
            circle=circle,
            user=user,
            plan=plan,
            nickname=f"M{user.pk}",
            saved_kobo=200,
            week=like.week,
            week_start_kobo=100,
        )


def test_many_members_cost_as_many_queries_as_one_and_their_versions_change() -> None:
    circle, (member, _) = make(100_00, 200_00)
    save(member, 50_00)
    member.refresh_from_db()
    costs = []
    for times in (1, 300):
        fill(circle, member, times)
        OutboxRow.objects.all().delete()
        Circle.objects.update(digested_week=None)
        before = dict(User.objects.values_list("pk", "version"))
        with CaptureQueriesContext(connection) as captured:
            assert circles.prepare_digests(MIDNIGHT) == 1
            assert circles.write_digests(SEVEN) > times
        costs.append(len(captured))
        written = OutboxRow.objects.filter(kind="weekly_digest").values_list("user_id", "user__version")
        assert all(version == before[user_id or 0] + 1 for user_id, version in written)
    assert costs[0] == costs[1]


def test_the_next_batch_is_written_when_the_mails_before_are_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(digests, "_USERS_PER_BATCH", 2)
    _, members = make(5_00, 4_00, 3_00, 2_00, 1_00)
    Membership.objects.update(saved_kobo=F("saved_kobo") + 1, week_start_kobo=F("saved_kobo"))
    Membership.objects.update(week=timezone.localdate(WEDNESDAY) - datetime.timedelta(days=2))
    circles.prepare_digests(MIDNIGHT)
    assert [circles.write_digests(SEVEN) for _ in range(3)] == [2, 0, 0]
    for people in (2, 1, 0):
        outbox.sweep(timezone.now(), tasks.HANDLERS)
        assert circles.write_digests(SEVEN) == people
    assert len(members) == OutboxRow.objects.filter(kind="weekly_digest").count()
