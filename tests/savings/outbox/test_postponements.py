"""Work done row by row: what fails waits with its reason, and everything else goes on."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from savings import leaderboards, mails, outbox, statements
from savings.circles import (
    check_ranks,
    digests,
    end_due_circles,
    ending,
    notify_members,
    prepare_digests,
    write_digests,
)
from savings.leaderboards import contributions, history, rebuild, redis_client, store
from savings.models import (
    Circle,
    DigestLine,
    Membership,
    OutboxRow,
    Plan,
    Postponement,
    Product,
    Statement,
    StatementSubscription,
    User,
)
from savings.outbox import postponements
from savings.plans import mature_due_plans, maturity
from savings.statements import files, requests, upkeep
from tests.factories import (
    join_circle,
    make_circle,
    make_member,
    make_plan,
    make_product,
    make_user,
    start_circle,
)

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def failing_for(real: Callable[..., Any], is_bad: Callable[..., bool]) -> Callable[..., Any]:
    """A function that breaks where `is_bad` says so of its arguments, as one bad row would have it break."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if is_bad(*args, **kwargs):
            # In a savepoint, as everything that reaches a constraint is.
            with transaction.atomic():
                raise IntegrityError("a row that the database refuses\0")
        return real(*args, **kwargs)

    return call


@contextmanager
def refusing(part: str, value: object) -> Iterator[None]:
    """Let the database refuse each statement with this part and this value, as a constraint would."""

    def execute(run: Any, sql: str, params: Any, *rest: Any) -> Any:
        if part in sql and value in params:
            raise IntegrityError("a row that the database refuses\0")
        return run(sql, params, *rest)

    with connection.execute_wrapper(execute):
        yield


def logged(caplog: pytest.LogCaptureFixture, row_id: int) -> int:
    return sum(f"row {row_id}, try" in record.getMessage() for record in caplog.records)


def check_postponed(task: str, row_id: int, caplog: pytest.LogCaptureFixture) -> None:
    postponement = Postponement.objects.get(task=task, row_id=row_id)
    assert postponement.reason == "IntegrityError: a row that the database refuses"
    assert postponement.retry_at > timezone.now()
    assert logged(caplog, row_id) == 1


# The rules


def test_the_wait_grows_up_to_six_hours_and_ends_with_success(clock: time_machine.Traveller) -> None:
    plan = make_plan()
    due = Plan.objects.filter(pk=plan.pk)
    waits = []

    def fail(row_id: int) -> int:
        raise ValueError("no")

    for _ in range(40):
        assert outbox.for_each_row("test", due, fail) == 0
        wait = Postponement.objects.get().retry_at - timezone.now()
        waits.append(int(wait.total_seconds()) // 60)
        clock.shift(wait - datetime.timedelta(seconds=1))
        assert outbox.for_each_row("test", due, lambda row_id: pytest.fail("too early")) == 0
        clock.shift(1)
    assert waits[:8] == [5, 10, 20, 40, 80, 160, 320, 360]
    assert set(waits[8:]) == {360}
    assert outbox.for_each_row("test", due, lambda row_id: 1) == 1
    assert not Postponement.objects.exists()


def test_a_row_that_is_over_is_forgotten() -> None:
    plan = make_plan()
    outbox.postpone("test", plan.pk, ValueError("no"))
    outbox.postpone("another", plan.pk, ValueError("no"))
    outbox.for_each_row("test", Plan.objects.none(), lambda row_id: 1)
    assert Postponement.objects.get().task == "another"


def test_rows_that_fail_for_ever_leave_room_for_the_others(clock: time_machine.Traveller) -> None:
    plans = [make_plan() for _ in range(5)]
    good = plans[-1].pk

    def only_one_works(row_id: int) -> int:
        if row_id != good:
            raise ValueError("no")
        return 1

    due = Plan.objects.order_by("pk")
    assert [outbox.for_each_row("test", due, only_one_works, most=2) for _ in range(3)] == [0, 0, 1]


def test_the_failure_of_one_row_undoes_nothing_of_another() -> None:
    plans = [make_plan() for _ in range(3)]

    def rename(row_id: int) -> int:
        with transaction.atomic():
            Plan.objects.filter(pk=row_id).update(name="Renamed")
            if row_id == plans[1].pk:
                raise ValueError("no")
        return 1

    assert outbox.for_each_row("test", Plan.objects.order_by("pk"), rename) == 2
    assert Plan.objects.filter(name="Renamed").count() == 2


def test_a_deadlock_is_one_row_s_and_a_database_that_is_gone_ends_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(3):
        make_plan()
    asked = []

    def fail(row_id: int) -> int:
        asked.append(row_id)
        raise OperationalError("deadlock detected")

    assert outbox.for_each_row("test", Plan.objects.all(), fail) == 0
    assert len(asked) == 3
    monkeypatch.setattr(postponements, "is_database_away", lambda error: True)
    assert outbox.for_each_row("gone", Plan.objects.all(), fail) == 0
    assert len(asked) == 4


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_cut_is_told_from_a_database_that_is_gone() -> None:
    assert not outbox.is_database_away(ValueError("no"))
    assert not outbox.is_database_away(OperationalError("deadlock detected"))
    with connection.execute_wrapper(_refuse):
        assert outbox.is_database_away(OperationalError("server closed the connection"))


def _refuse(*args: Any) -> Any:
    raise OperationalError("the connection is closed")


# Each task


def test_maturities(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    locked = make_product(Product.Kind.LOCKED)
    plans = [make_plan(product=locked, days=30, holding_kobo=100_00) for _ in range(3)]
    mature = failing_for(maturity.mature_plan, lambda plan, today: plan == plans[0])
    monkeypatch.setattr(maturity, "mature_plan", mature)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=31), tick=False):
        assert mature_due_plans(timezone.localdate()) == 2
        check_postponed("mature_plan", plans[0].pk, caplog)


def test_days_of_boards(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    yesterday = TODAY - datetime.timedelta(days=1)
    circles = [make_circle(starts_on=yesterday) for _ in range(3)]
    keep = failing_for(leaderboards.record_day, lambda circle, day: circle == circles[0])
    monkeypatch.setattr(history, "record_day", keep)
    assert leaderboards.record_days(timezone.now()) == 2
    check_postponed("keep_board_day", circles[0].pk, caplog)


def ended() -> list[Circle]:
    circles = []
    for _ in range(3):
        circle = start_circle()
        join_circle(circle, saved_kobo=100_00)
        circles.append(circle)
    Circle.objects.update(
        starts_on=TODAY - datetime.timedelta(days=9), ends_on=TODAY - datetime.timedelta(days=1)
    )
    return circles


def test_ends_of_circles(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    circles = ended()
    settle = failing_for(ending.end_circle, lambda circle: circle == circles[0])
    monkeypatch.setattr(ending, "end_circle", settle)
    assert end_due_circles(TODAY) == 2
    check_postponed("settle_circle", circles[0].pk, caplog)


def test_mails_about_ends_of_circles_where_one_circle_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    circles = ended()
    end_due_circles(TODAY)
    real = leaderboards.progress_of
    monkeypatch.setattr(leaderboards, "progress_of", failing_for(real, lambda circle: circle == circles[0]))
    assert notify_members() == 4
    check_postponed("tell_circle_ended", circles[0].pk, caplog)


def test_mails_about_the_end_of_a_circle_where_one_member_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, clock: time_machine.Traveller
) -> None:
    circle = ended()[0]
    end_due_circles(TODAY)
    bad = circle.memberships.order_by("pk").last()
    assert bad is not None
    real = mails.circle_ended
    monkeypatch.setattr(mails, "circle_ended", failing_for(real, lambda member, *rest: member == bad))
    assert notify_members() == 5
    check_postponed("tell_member_circle_ended", bad.pk, caplog)
    assert not Circle.objects.filter(told_until__isnull=False).exists()
    monkeypatch.setattr(mails, "circle_ended", real)
    clock.shift(600)
    assert notify_members() == 1
    assert OutboxRow.objects.filter(kind="circle_ended").count() == 6
    assert not Postponement.objects.exists()


def moved_places() -> Circle:
    """A circle of three, of whom each has overtaken somebody since its members were last told."""
    circle = start_circle()
    members = [join_circle(circle, saved_kobo=kobo) for kobo in (100_00, 200_00, 300_00)]
    check_ranks(circle)
    Membership.objects.filter(pk=members[0].pk).update(saved_kobo=400_00)
    return circle


def test_mails_about_places(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    circle = moved_places()
    everybody = check_ranks(circle)
    OutboxRow.objects.filter(kind="rank_changed").delete()
    circle = moved_places()
    bad = circle.memberships.order_by("-saved_kobo")[0]
    real = mails.rank_changed
    monkeypatch.setattr(
        mails, "rank_changed", failing_for(real, lambda member, *rest, **named: member == bad)
    )
    assert check_ranks(circle) == everybody - 1
    assert sum(f"to member {bad.pk}" in record.getMessage() for record in caplog.records) == 1
    assert check_ranks(circle) == 0


MONDAY = datetime.datetime(2026, 11, 23, 0, 5, tzinfo=datetime.UTC)


def with_news(count: int) -> list[Membership]:
    """Members, each in a circle of their own, who saved in the week before MONDAY."""
    members = []
    for _ in range(count):
        circle = make_circle(starts_on=MONDAY.date() - datetime.timedelta(days=30))
        members.append(make_member(circle))
    week = MONDAY.date() - datetime.timedelta(days=7)
    Membership.objects.update(saved_kobo=100_00, week=week, week_start_kobo=0)
    return members


def test_drawing_up_the_weekly_mails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    members = with_news(3)
    with time_machine.travel(MONDAY, tick=False) as clock:
        real = digests._prepare
        bad = members[0].circle_id
        monkeypatch.setattr(
            digests, "_prepare", failing_for(real, lambda circle_id, monday: circle_id == bad)
        )
        assert prepare_digests(MONDAY) == 2
        check_postponed("draw_up_digest", bad, caplog)
        clock.shift(datetime.timedelta(hours=8))
        prepare_digests(timezone.now())
        # Nobody waits for the circle that fails.
        assert write_digests(timezone.now()) == 2


def test_writing_the_weekly_mails(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    members = with_news(3)
    with time_machine.travel(MONDAY, tick=False) as clock:
        assert prepare_digests(MONDAY) == 3
        bad = members[0].user_id
        real = digests._mail_line
        monkeypatch.setattr(digests, "_mail_line", failing_for(real, lambda line: line.user_id == bad))
        clock.shift(datetime.timedelta(hours=8))
        assert write_digests(timezone.now()) == 2
        check_postponed("write_digest", bad, caplog)
        assert DigestLine.objects.get().user_id == bad
        assert write_digests(timezone.now()) == 0
        monkeypatch.setattr(digests, "_mail_line", real)
        OutboxRow.objects.update(tries=1)
        clock.shift(600)
        assert write_digests(timezone.now()) == 1


def test_monthly_statements(caplog: pytest.LogCaptureFixture) -> None:
    users = [make_user() for _ in range(3)]
    for user in users:
        statements.subscribe(user, scope="stash", format="csv")
    bad = StatementSubscription.objects.get(user=users[0])
    next_month = (TODAY.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
    with refusing('INSERT INTO "savings_statement"', users[0].pk):
        assert statements.request_monthly(next_month) == 2
    check_postponed("ask_for_monthly_statement", bad.pk, caplog)
    bad.refresh_from_db()
    assert bad.next_month < next_month


def over_statements() -> list[Statement]:
    now = timezone.now()
    return Statement.objects.bulk_create(
        Statement(
            user=make_user(),
            scope="stash",
            format="csv",
            since=TODAY,
            until=TODAY,
            code=f"CODE{number}",
            state=Statement.State.READY,
            file_name=f"{number}.csv",
            sha256="0" * 64,
            closing_kobo=0,
            ready_at=now,
            expires_at=now - datetime.timedelta(days=3 - number),
        )
        for number in range(3)
    )


def test_files_whose_time_is_over(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    rows = over_statements()
    monkeypatch.setattr(files, "delete_file", failing_for(lambda name: None, lambda name: name == "0.csv"))
    assert statements.expire_files(timezone.now()) == 2
    check_postponed("expire_statement", rows[0].pk, caplog)


def test_files_that_never_go_leave_room_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    over_statements()
    monkeypatch.setattr(upkeep, "_MOST_PER_RUN", 2)
    monkeypatch.setattr(files, "delete_file", failing_for(lambda name: None, lambda name: name != "2.csv"))
    assert [statements.expire_files(timezone.now()) for _ in range(2)] == [0, 1]


def test_statements_that_are_given_up(caplog: pytest.LogCaptureFixture) -> None:
    asked = {"scope": "stash", "format": "csv", "since": TODAY, "until": TODAY}
    with transaction.atomic():
        rows = [requests.create(make_user(), asked) for _ in range(3)]
    OutboxRow.objects.update(dead_at=timezone.now(), due_at=None)
    with refusing("savings_outboxrow", f"statement_failed:{rows[0].pk}"):
        assert statements.fail_abandoned() == 2
    check_postponed("give_up_statement", rows[0].pk, caplog)


def test_comparing_boards(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    circles = [make_circle() for _ in range(3)]
    for circle in circles:
        make_member(circle, saved_kobo=100_00)
        leaderboards.rebuild_board(circle.pk)
    compared = []

    def compare(circle_id: int) -> int:
        compared.append(circle_id)
        return 1

    monkeypatch.setattr(
        rebuild, "reconcile", failing_for(compare, lambda circle_id: circle_id == circles[0].pk)
    )
    assert leaderboards.reconcile_all() == 2
    check_postponed("reconcile_board", circles[0].pk, caplog)


def test_comparing_boards_where_redis_refuses_one_and_where_it_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    circles = [make_circle() for _ in range(3)]
    compared = []

    def compare(circle_id: int) -> int:
        compared.append(circle_id)
        if circle_id == circles[0].pk:
            raise leaderboards.BoardsUnavailable(
                "WRONGTYPE Operation against a key holding the wrong kind of value"
            )
        return 1

    monkeypatch.setattr(rebuild, "reconcile", compare)
    assert leaderboards.reconcile_all() == 2
    Postponement.objects.all().delete()
    compared.clear()

    def gone() -> None:
        raise leaderboards.BoardsUnavailable("refused")

    monkeypatch.setattr(store, "ping", gone)
    assert leaderboards.reconcile_all() == 0
    assert compared == [circles[0].pk]
    assert not Postponement.objects.exists()


def test_building_boards_by_hand(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    circles = [make_circle() for _ in range(3)]
    bad = circles[0]
    monkeypatch.setattr(
        leaderboards,
        "rebuild_board",
        failing_for(leaderboards.rebuild_board, lambda circle_id, **named: circle_id == bad.pk),
    )
    with pytest.raises(CommandError, match=bad.slug):
        call_command("rebuild_leaderboards")
    told = capsys.readouterr()
    assert all(f"{circle.slug}: 0 members" in told.out for circle in circles[1:])
    assert f"{bad.slug}: IntegrityError" in told.err


def test_a_row_of_the_outbox_whose_failure_cannot_be_stored() -> None:
    with transaction.atomic():
        rows = [outbox.add("kind", dedupe_key=f"key{number}") for number in range(3)]

    def handler(row: OutboxRow) -> dict[str, object]:
        if row == rows[0]:
            raise ValueError("no")
        return {}

    def refuse(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith('UPDATE "savings_outboxrow"') and "ValueError: no" in params:
            raise OperationalError("deadlock detected")
        return execute(sql, params, *rest)

    with connection.execute_wrapper(refuse):
        assert outbox.sweep(timezone.now(), {"kind": handler}) == 2
    bad = OutboxRow.objects.get(dedupe_key="key0")
    assert (bad.error, bad.tries, bad.done_at) == ("", 1, None)


def test_a_row_of_the_outbox_that_is_taken_back_while_it_is_claimed() -> None:
    with transaction.atomic():
        for number in range(3):
            outbox.add("kind", dedupe_key=f"key{number}")
    first = OutboxRow.objects.order_by("due_at", "pk")[0]

    def take_back(row: OutboxRow) -> dict[str, object]:
        if row.pk == first.pk:
            OutboxRow.objects.exclude(pk=first.pk).order_by("pk")[0].delete()
        return {}

    assert outbox.sweep(timezone.now(), {"kind": take_back}) == 2


@pytest.mark.parametrize("changes", [{"no_such_field": 1}, {"created_at": "not a moment"}])
def test_a_row_of_the_outbox_whose_end_cannot_be_stored(changes: dict[str, object]) -> None:
    with transaction.atomic():
        bad = outbox.add("bad", dedupe_key="bad")
        outbox.add("good", dedupe_key="good")
    assert bad is not None
    assert outbox.sweep(timezone.now(), {"bad": lambda row: changes, "good": lambda row: {}}) == 1
    bad.refresh_from_db()
    assert bad.error
    assert bad.due_at is not None
    assert bad.due_at > timezone.now()


def test_a_reason_that_no_database_stores_puts_a_row_of_the_outbox_off() -> None:
    with transaction.atomic():
        row = outbox.add("bad", dedupe_key="bad")
    assert row is not None

    def fail(row: OutboxRow) -> dict[str, object]:
        raise ValueError("half \ud83d of a character, and \0")

    outbox.sweep(timezone.now(), {"bad": fail})
    row.refresh_from_db()
    assert row.error == "ValueError: half ? of a character, and "


def test_a_row_without_a_member_does_not_keep_redis_from_being_trusted_again() -> None:
    member = make_member(make_circle(), saved_kobo=100_00)
    OutboxRow.objects.filter(kind=leaderboards.BOARD_WRITE_KIND).delete()
    with transaction.atomic():
        outbox.add(leaderboards.BOARD_WRITE_KIND, dedupe_key="bad", payload={})
        payload = {"membership": member.pk, "reference": ""}
        outbox.add(leaderboards.BOARD_WRITE_KIND, dedupe_key="good", payload=payload)
    store.gate.fail()
    time.sleep(redis_client.PAUSE_SECONDS)
    assert contributions.catch_up_after_outage()


def test_users_are_not_touched_by_a_failure() -> None:
    user = make_user()
    before = User.objects.get(pk=user.pk).version
    outbox.postpone("test", user.pk, ValueError("no"))
    assert User.objects.get(pk=user.pk).version == before


@pytest.mark.parametrize("rows", [0, 1, 4, 5])
def test_any_number_of_rows_is_done_in_parts(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(postponements, "_PART", 2)
    ids = [make_user().pk for _ in range(rows)]

    def do(row_id: int) -> int:
        return User.objects.filter(pk=row_id).update(is_active=False)

    due = User.objects.filter(pk__in=ids, is_active=True).order_by("pk")
    assert outbox.for_each_row_in_parts("test", due, do) == rows
    assert not due.exists()


def test_parts_end_when_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postponements, "_PART", 2)
    seen: list[int] = []

    def look(row_id: int) -> int:
        seen.append(row_id)
        return 0

    due = User.objects.filter(pk__in=[make_user().pk for _ in range(3)]).order_by("pk")
    assert outbox.for_each_row_in_parts("test", due, look) == 0
    assert len(seen) == 2
