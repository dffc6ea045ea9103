"""After a restored backup, pages, ETags, boards, sessions and tasks of the lost history have no effect."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
import redis
from django.conf import settings as site
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Max, Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from savings import calendar, installation, leaderboards, outbox, plans, references, tasks
from savings.models import (
    Account,
    CalendarFeed,
    CircleEvent,
    Entry,
    Installation,
    Membership,
    Transaction,
    User,
)
from savings.models import OutboxRow as Row
from tests.clean_up import append_only, execute
from tests.factories import join_circle, make_plan, make_user, make_welcome, pay_in, start_circle

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+')


class Backup:
    """The rows that a move of money changes, as a restored backup would contain them, including counters."""

    def __init__(self) -> None:
        self.columns = {
            model: list(model._base_manager.values("pk", *columns))
            for model, columns in (
                (User, ["version"]),
                (Account, ["balance_kobo", "accrued_numerator", "accrued_to"]),
                (Membership, ["version", "saved_kobo", "reached_at"]),
            )
        }
        self.last = {model: _last(model) for model in (Row, Entry, CircleEvent, Transaction)}

    def restore(self) -> None:
        execute(append_only.DROP)
        for newer, last in self.last.items():
            newer._base_manager.filter(pk__gt=last).delete()
        for model, rows in self.columns.items():
            for row in rows:
                columns = dict(row)
                model._base_manager.filter(pk=columns.pop("pk")).update(**columns)
        execute(append_only.CREATE)


def _last(model: type[Model]) -> int:
    return model._base_manager.aggregate(last=Max("pk", default=0))["last"]  # type: ignore[no-any-return]


@pytest.fixture
def ada() -> User:
    user = make_user(name="Ada")
    pay_in(user, 10_000_00)
    make_plan(user, holding_kobo=100_00)
    return user


@pytest.fixture
def browser(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def shown(client: Client, path: str, **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == 200, (path, response.status_code)
    return TOKEN.sub("", response.content.decode())


def move(user: User, amount_kobo: int) -> None:
    reference = references.new("stash_to_plan")
    plans.move_to_plan(user, user.plans.get(), amount_kobo=amount_kobo, reference=reference)


def restored(*words: str) -> str:
    said = StringIO()
    call_command("restored", *words, stdout=said)
    return said.getvalue()


@pytest.mark.parametrize("is_flushed", [False, True])
def test_after_a_restore_no_old_page_is_shown_even_with_equal_counters(
    ada: User, browser: Client, redis_clients: list[redis.Redis], *, is_flushed: bool
) -> None:
    paths = ["/stash/", "/transactions/", "/dashboard/", f"/plans/{ada.plans.get().pk}/"]
    backup = Backup()
    move(ada, 1_000_00)
    lost = User.objects.get(pk=ada.pk).version
    tags = {path: browser.get(path)["ETag"] for path in paths}
    assert "₦1,000.00" in shown(browser, "/stash/")
    backup.restore()
    restored()
    move(ada, 2_500_00)
    assert User.objects.get(pk=ada.pk).version == lost, "this is about versions that coincide"
    if is_flushed:
        for client in redis_clients:
            client.flushdb()
    browser.force_login(ada)
    for path in paths:
        page = shown(browser, path, **{"If-None-Match": tags[path]})
        assert "₦1,000.00" not in page, path
        assert "2,500" in page or path == "/dashboard/", path


def copy_database(folder: Path) -> Callable[[], None]:
    """Back up the database and return a function that restores it: a file on SQLite, all tables on PostgreSQL."""
    if connection.vendor == "sqlite":
        backup = folder / "backup.sqlite3"
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(backup)])

        def put_back() -> None:
            with closing(sqlite3.connect(backup)) as source:
                source.backup(connection.connection)

        return put_back
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'CREATE TEMPORARY TABLE "backup_{table}" AS TABLE "{table}"')

    def copy_back() -> None:
        with connection.cursor() as cursor:
            # As pg_restore --disable-triggers does.
            cursor.execute("SET session_replication_role = replica")
            for table in tables:
                cursor.execute(f'DELETE FROM "{table}"')
                cursor.execute(f'INSERT INTO "{table}" SELECT * FROM "backup_{table}"')
                cursor.execute(f'DROP TABLE "backup_{table}"')
            cursor.execute("SET session_replication_role = DEFAULT")

    return copy_back


def test_a_whole_backup_put_back_is_a_restoration(ada: User, browser: Client, tmp_path: Path) -> None:
    put_back = copy_database(tmp_path)
    move(ada, 1_000_00)
    tag = browser.get("/stash/")["ETag"]
    put_back()
    restored()
    move(ada, 2_500_00)
    browser.force_login(ada)
    page = shown(browser, "/stash/", **{"If-None-Match": tag})
    assert "₦2,500.00" in page
    assert "₦1,000.00" not in page


def test_fragments_of_the_lost_history_are_not_shown(ada: User, browser: Client) -> None:
    backup = Backup()
    pay_in(ada, 7_777_00)
    shown(browser, "/dashboard/?period=1y")
    backup.restore()
    restored()
    pay_in(ada, 3_333_00)
    browser.force_login(ada)
    page = shown(browser, "/dashboard/?period=1y")
    assert "17,877" not in page
    assert "13,433" in page


def test_a_board_of_the_lost_history_is_not_shown(ada: User, browser: Client) -> None:
    circle = start_circle()
    member = join_circle(circle, ada, saved_kobo=500_00)
    leaderboards.rebuild_board(circle.pk)
    backup = Backup()
    pay_in(ada, 900_00, plan=member.plan)
    path = f"/circles/{circle.slug}/leaderboard/"
    tag = browser.get(path)["ETag"]
    assert "₦1,400" in shown(browser, path)
    backup.restore()
    restored()
    assert leaderboards.read_board(circle_id=circle.pk, membership_id=member.pk).total_kobo == 500_00
    leaderboards.rebuild_board(circle.pk)
    pay_in(ada, 100_00, plan=member.plan)
    browser.force_login(ada)
    page = shown(browser, path, **{"If-None-Match": tag})
    assert "₦600" in page
    assert "₦1,400" not in page


def test_a_running_process_notices_a_new_epoch_with_its_next_page(ada: User, browser: Client) -> None:
    tag = browser.get("/stash/")["ETag"]
    assert browser.get("/stash/", headers={"If-None-Match": tag}).status_code == 304
    installation.renew_epoch()
    assert browser.get("/stash/", headers={"If-None-Match": tag}).status_code == 200


def test_a_page_of_a_database_without_its_row_is_there_and_makes_it(ada: User, browser: Client) -> None:
    Installation.objects.all().delete()
    assert "₦10,000.00" in shown(browser, "/stash/")
    assert Installation.objects.count() == 1


def test_sessions_end_also_those_that_only_redis_knows(ada: User, browser: Client) -> None:
    shown(browser, "/stash/")
    anonymous = Client()
    anonymous.get("/accounts/login/")
    session = anonymous.session
    session["begun"] = "of the lost history"
    session.save()
    anonymous.cookies[site.SESSION_COOKIE_NAME] = str(session.session_key)
    restored()
    assert browser.get("/stash/").status_code == 302
    assert not Session.objects.exists()
    assert "begun" not in anonymous.session


def test_feeds_that_were_ended_or_renewed_after_the_backup_stay_unreadable(ada: User) -> None:
    backup = calendar.start_feed(ada)
    url = reverse("calendar:read_feed", args=[calendar.feed_token(backup)])
    assert Client().get(url).status_code == 200
    calendar.renew_feed(ada, calendar.feed_token(backup))
    assert Client().get(url).status_code == 404
    CalendarFeed.objects.filter(user=ada).update(nonce=backup.nonce)
    restored()
    assert Client().get(url).status_code == 404
    calendar.start_feed(ada)
    assert Client().get(url).status_code == 404


def test_mails_that_may_have_been_sent_wait_for_staff_and_other_work_goes_on(ada: User) -> None:
    mail = make_welcome()
    start_circle(ada)
    work = Row.objects.create(kind="leaderboard", dedupe_key="x", payload={})
    assert "mail" in restored()
    mail.refresh_from_db()
    work.refresh_from_db()
    assert (mail.dead_at is not None, mail.due_at) == (True, None)
    assert "Retry it only if" in mail.error
    assert work.due_at is not None
    outbox.retry_dead_row(mail)
    assert Row.objects.filter(pk=mail.pk, due_at__lte=timezone.now()).exists()


def test_no_row_gets_the_id_of_a_lost_one(ada: User) -> None:
    lost = make_user()
    pk = lost.pk
    Account.objects.filter(user=lost).delete()
    restored()
    assert make_user().pk > pk + 1_000_000
    assert start_circle(ada).pk > 1_000_000, "also where a table was empty"


def test_queued_tasks_are_dropped(ada: User) -> None:
    tasks.nudge(tasks.deliver_outbox_row, 1)
    assert tasks.deliver_outbox_row.huey.pending_count() == 1
    restored()
    assert tasks.deliver_outbox_row.huey.pending_count() == 0


def test_counters_of_attempts_stay(ada: User) -> None:
    cache.set("allauth:rl:x", [1.0], 60)
    cache.set("places:1", 1, 60)
    restored()
    assert cache.get("allauth:rl:x") == [1.0]
    assert cache.get("places:1") is None


def test_files_of_the_lost_history_are_named_and_removed_when_asked(
    ada: User, settings: Settings, tmp_path: Path
) -> None:
    settings.STORAGES = settings.STORAGES | {
        "statements": settings.STORAGES["statements"] | {"OPTIONS": {"location": tmp_path}}
    }
    (tmp_path / "lost.pdf").write_text("x")
    assert "Found 1 statement file of the lost history." in restored()
    assert (tmp_path / "lost.pdf").exists()
    restored("--remove-files")
    assert not (tmp_path / "lost.pdf").exists()


def test_without_redis_the_command_tells_the_operator_to_repeat_it(ada: User, settings: Settings) -> None:
    gone = {
        name: options | {"LOCATION": "redis://127.0.0.1:1/0"} for name, options in settings.CACHES.items()
    }
    settings.CACHES = gone
    with pytest.raises(CommandError, match="run this again"):
        restored()
