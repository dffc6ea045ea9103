"""The drill: back up under load, go on, lose everything, restore, ask the provider. And what stops a restore."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from io import StringIO
from pathlib import Path

import httpx
import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from savings import backups, leaderboards, ledger, payments, references
from savings.backups import manifest
from savings.models import (
    Account,
    Entry,
    Installation,
    JobRun,
    Membership,
    Payment,
    Payout,
    Refund,
    Transaction,
    User,
)
from savings.payments import provider_money
from tests.factories import join_circle, make_user, pay_in, start_circle
from tests.payments import settle, start
from tests.payouts import ask, fund, make_recipient, make_saver
from tests.processes import database_url, wait_until
from tests.provider import Provider
from tests.savings.backoffice.conftest import make_staff
from web.simulator import payments as charges
from web.simulator import refunds, transfers

pytestmark = pytest.mark.django_db(transaction=True)

DAY = datetime.timedelta(days=1)
State, Status = Payout.State, Transaction.Status


def back_up(folder: Path) -> Path:
    call_command("backup", folder, stdout=StringIO())
    return max(folder.glob("asusu-*Z"))


def restore(made: Path, *words: str) -> str:
    said = StringIO()
    call_command("restore", made, *words, stdout=said)
    return said.getvalue()


def destroy() -> None:
    """Leave an empty database, as a new server has it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()
    if connection.vendor == "sqlite":
        for suffix in ("", "-wal", "-shm"):
            Path(f"{connection.settings_dict['NAME']}{suffix}").unlink(missing_ok=True)


class Load:
    """A thread that pays in and withdraws, so that a backup is made while money moves."""

    def __init__(self, provider: Provider) -> None:
        self.provider, self.user = provider, make_saver(1_000_000_00)
        self.rounds, self.stopped = 0, threading.Event()
        self.errors: list[Exception] = []
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        try:
            while not self.stopped.is_set():
                reference = references.new(Transaction.Kind.STASH_DEPOSIT)
                payment = payments.start_payment(
                    self.user, plan=None, amount_kobo=20_000_00, reference=reference
                )
                self.provider.pay(payment, "silent")
                settle(payment)
                ask(self.user, 10_000_00)
                self.rounds += 1
        except Exception as error:
            self.errors.append(error)
        finally:
            connection.close()


@pytest.fixture
def files(settings: Settings, tmp_path: Path) -> None:
    """The storage of statements, in a folder of its own."""
    settings.STORAGES = settings.STORAGES | {
        "statements": settings.STORAGES["statements"] | {"OPTIONS": {"location": tmp_path / "statements"}}
    }


def at_provider() -> tuple[dict[str, int], list[int]]:
    """Return what the provider has sent, by reference, and the numbers of its refunds."""
    since = timezone.now() - DAY
    sent = {one.reference: one.amount_kobo for one in provider_money.list_transfers_since(since)}
    return sent, sorted(refund.id for refund in provider_money.list_refunds_since(since))


def let_the_worker_run() -> None:
    """Do what the worker does within some minutes."""
    for _ in range(2):
        now = timezone.now()
        Payout.objects.filter(next_try_at__isnull=False).update(next_try_at=now)
        Refund.objects.filter(next_poll_at__isnull=False).update(next_poll_at=now)
        payments.sweep_payouts(now)
        payments.sweep_refunds(now)
        payments.poll_due_payments(now)
        payments.sweep_events(now)


def differences() -> list[int]:
    """Return by how much the books differ from the provider. The factories pay in without it."""
    return [one.difference_kobo for one in payments.reconcile()]


def test_the_drill(provider: Provider, files: None, tmp_path: Path) -> None:
    fund(10_000_000_00)
    load = Load(provider)
    ada, ben = make_saver(), make_saver()
    circle = start_circle()
    member = join_circle(circle, ada, saved_kobo=500_00)
    waiting = ask(ada, 5_000_00)
    started = start(member.plan)
    refunded = start(member.plan)
    provider.pay(refunded, "silent")
    settle(refunded)
    staff = make_staff("Finance"), make_staff("Finance")
    payments.request_refund(
        refunded.transaction,
        amount_kobo=refunded.transaction.amount_kobo,
        asked_by=staff[0],
        approved_by=staff[1],
        reason="Twice",
        reference=references.new(Transaction.Kind.REFUND),
    )
    load.thread.start()
    wait_until(lambda: load.rounds or load.errors)
    made = back_up(tmp_path / "backups")
    wait_until(lambda: load.rounds > 1 or load.errors)
    load.stopped.set()
    load.thread.join()
    assert load.errors == []

    # What the backup does not have.
    browser = Client()
    browser.force_login(ada)
    tag = browser.get("/stash/")["ETag"]
    provider.pay(started, "silent")
    settle(started)
    lost = start(member.plan)
    provider.pay(lost, "silent")
    settle(lost)
    open_page = start(member.plan)
    newcomer = make_user()
    stranger = payments.start_payment(
        newcomer,
        plan=None,
        amount_kobo=7_000_00,
        reference=references.new(Transaction.Kind.STASH_DEPOSIT),
    )
    provider.pay(stranger, "silent")
    settle(stranger)
    ask(ben, 8_000_00)
    transfers.script(*["instant"] * Payout.objects.count())
    let_the_worker_run()
    for refund in refunds.newest_first():
        refunds.end(str(refund["id"]))
    let_the_worker_run()
    difference = differences()
    sent, given_back = at_provider()
    assert len(sent) >= 4
    assert len(given_back) == 1
    epoch = Installation.objects.get().epoch
    newest = Entry.objects.latest("pk").pk

    destroy()
    said = restore(made)
    assert "Loaded the database." in said
    assert "The books are right" in said
    assert "payments and" in said
    assert Installation.objects.get().epoch != epoch
    let_the_worker_run()
    assert at_provider() == (sent, given_back), "nothing is sent twice"
    for reference, amount_kobo in sent.items():
        assert Transaction.objects.get(reference=reference).amount_kobo == amount_kobo
    waiting.refresh_from_db()
    assert waiting.state == State.PAID
    assert Refund.objects.get().provider_id == given_back[0]
    for payment in (started, lost):
        assert Transaction.objects.get(reference=payment.transaction.reference).status == Status.SUCCESS
    assert Payment.objects.get(foreign_reference=stranger.transaction.reference).transaction.user is None
    charges.OUTCOMES["silent"](page := charges.known(open_page.transaction.reference))
    charges.save(page)
    settle(Payment.objects.get(transaction__reference=open_page.transaction.reference))
    assert differences() == difference
    assert not [*ledger.run_checks()]
    assert Entry.objects.latest("pk").pk > newest + 1_000_000

    member = Membership.objects.get(user=ada)
    leaderboards.rebuild_board(circle.pk)
    shown = leaderboards.read_board(circle_id=circle.pk, membership_id=member.pk)
    assert shown.total_kobo == Account.objects.get(plan=member.plan).balance_kobo
    assert browser.get("/stash/").status_code == 302, "old sessions are over"
    browser.force_login(User.objects.get(pk=ada.pk))
    assert browser.get("/stash/", headers={"If-None-Match": tag}).status_code == 200
    for path in ("/dashboard/", "/transactions/", f"/circles/{circle.slug}/leaderboard/"):
        assert browser.get(path).status_code == 200, path


@pytest.fixture
def made(provider: Provider, files: None, tmp_path: Path) -> Path:
    """A backup of a database that is gone."""
    user = make_user()
    pay_in(user, 10_000_00)
    make_recipient(user)
    return back_up(tmp_path / "backups")


def refuse(made: Path, match: str, *words: str) -> None:
    with pytest.raises(CommandError, match=match):
        restore(made, *words)


def change_manifest(made: Path, **changes: object) -> None:
    path = made / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def database_file(made: Path) -> Path:
    return next(made.glob("database.*"))


def test_what_stops_a_restore_stops_it_before_anything_is_changed(made: Path, tmp_path: Path) -> None:
    users = User.objects.count()
    refuse(made, "This database has tables.")
    refuse(tmp_path, "is not a complete backup")
    facts = json.loads((made / "manifest.json").read_text())["facts"]
    for changes, match in (
        ({"format": 99}, "has format 99"),
        ({"database": "oracle"}, "The backup is of oracle"),
        ({"server_version": 99}, "Use a newer server"),
        (
            {
                "facts": facts
                | {"migrations": facts["migrations"] | {"savings": ["0001_initial", "9999_future"]}}
            },
            "newer release made this backup: the migrations savings.9999_future are unknown",
        ),
        (
            {"facts": facts | {"installation": facts["installation"] | {"currency": "GHS"}}},
            "The backup needs CURRENCY=GHS, and it is NGN here",
        ),
    ):
        before = (made / "manifest.json").read_text()
        change_manifest(made, **changes)
        refuse(made, match)
        (made / "manifest.json").write_text(before)
    dump = database_file(made)
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)
    refuse(made, f"{dump.name}. Use another copy")
    dump.unlink()
    refuse(made, f"{dump.name}. Use another copy")
    assert User.objects.count() == users


def test_a_restore_that_failed_is_continued(made: Path, provider: Provider) -> None:
    destroy()
    refuse(made, "This database is empty", "--continue")
    provider.instead = lambda _: (_ for _ in ()).throw(RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        restore(made)
    assert JobRun.objects.get(job="restore").failures == 1
    refuse(made, "add --continue")
    provider.instead = None
    said = restore(made, "--continue")
    assert "The database was loaded and compared before." in said
    assert "Restored." in said
    refuse(made, "This database is not the one in the backup", "--continue")


@pytest.mark.postgres  # SQLite loads everything or nothing
def test_a_load_that_was_killed_is_not_continued(made: Path, provider: Provider) -> None:
    destroy()
    backups.load_database(made)
    with connection.cursor() as cursor:
        cursor.execute("COMMENT ON TABLE django_migrations IS 'All of another backup was loaded.'")
    refuse(made, "The backup was not loaded to its end. Create an empty database", "--continue")


def test_a_provider_that_does_not_answer_ends_a_restore_with_an_error(made: Path, provider: Provider) -> None:
    destroy()
    provider.instead = lambda _: httpx.Response(502)
    refuse(made, "Do not start the worker before")
    assert "The provider was not asked." in restore(made, "--continue", "--no-provider")


def test_a_database_that_another_process_changes_is_not_taken_for_the_backup(made: Path) -> None:
    facts = json.loads((made / "manifest.json").read_text())["facts"]
    destroy()
    change_manifest(made, facts=facts | {"rows": facts["rows"] | {"savings_user": 7}})
    refuse(made, "rows savings_user: 7 in the backup, 1 here")


def test_a_backup_of_an_older_schema_is_migrated(made: Path, tmp_path: Path) -> None:
    """The last migration is undone, backed up, and done again by the restore."""
    call_command("migrate", "savings", "0058", verbosity=0)
    try:
        older = back_up(tmp_path / "older")
    finally:
        call_command("migrate", verbosity=0)
    destroy()
    restore(older)
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM django_migrations WHERE name LIKE '0059%'")
        assert cursor.fetchone()[0] == 1


def test_a_restore_that_is_killed_while_it_loads_leaves_an_empty_database_or_a_whole_one(made: Path) -> None:
    destroy()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "restore", str(made), "--no-provider"],
        cwd=site.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    # It has checked the files, and loads the database now.
    assert "as they were written" in process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with suppress(CommandError):
        restore(made)
        return
    wait_until(connection.introspection.table_names)
    assert "Restored." in restore(made, "--continue")


def test_files_of_statements_come_back(made: Path, tmp_path: Path) -> None:
    (made / "statements/x.pdf").write_text("a statement")
    change_manifest(made, files=manifest.describe_files(made))
    destroy()
    assert "Stored 1 files" in restore(made)
    assert (tmp_path / "statements/x.pdf").read_text() == "a statement"
