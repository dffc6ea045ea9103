"""Making a backup: complete or not there at all, of one snapshot, with what an operator reads when it fails."""

from __future__ import annotations

import datetime
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from savings.backups import making
from savings.models import Account, JobRun, Statement
from tests.factories import make_user, pay_in
from tests.processes import database_url, wait_until
from tests.statements import ask

pytestmark = pytest.mark.django_db(transaction=True)


def backup(folder: Path, **options: object) -> Path:
    call_command("backup", folder, **options)
    return max(folder.glob("asusu-*Z"))


def manifest(made: Path) -> dict[str, object]:
    return json.loads((made / "manifest.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture
def files(settings: Settings, tmp_path: Path) -> Path:
    """The storage of statements, in a folder of its own."""
    folder = tmp_path / "statements"
    settings.STORAGES = settings.STORAGES | {
        "statements": settings.STORAGES["statements"] | {"OPTIONS": {"location": folder}}
    }
    return folder


def test_a_backup_has_the_rows_the_files_and_a_manifest(tmp_path: Path, files: Path) -> None:
    ada = make_user()
    pay_in(ada, 10_000_00)
    storages["statements"].save("there.pdf", ContentFile(b"a statement"))
    for user, name in ((ada, "there.pdf"), (make_user(), "gone.pdf")):
        Statement.objects.filter(pk=ask(user).pk).update(file_name=name)
    made = backup(tmp_path / "backups")
    said = manifest(made)
    assert (made / "statements/there.pdf").read_bytes() == b"a statement"
    assert said["missing_files"] == ["gone.pdf"]
    facts = said["facts"]
    assert isinstance(facts, dict)
    assert facts["rows"]["savings_user"] == 2
    assert facts["balances_kobo"]["stash"] == 10_000_00
    assert facts["debits_kobo"]["clearing"] == 10_000_00
    assert facts["migrations"]["savings"][0] == "0001_initial"
    assert said["currency"] == "NGN"
    assert made.stat().st_mode & 0o777 == 0o700
    assert (made / "manifest.json").stat().st_mode & 0o777 == 0o600
    run = JobRun.objects.get(job="backup")
    assert (run.runs, run.failures, run.ended_at is not None) == (1, 0, True)


def test_counts_and_sums_are_of_one_snapshot_while_money_moves(tmp_path: Path) -> None:
    user, stop, moved = make_user(), threading.Event(), []

    def move() -> None:
        while not stop.is_set():
            moved.append(pay_in(user, 100_00))
        connection.close()

    thread = threading.Thread(target=move)
    thread.start()
    wait_until(lambda: moved)
    made = backup(tmp_path)
    before = len(moved)
    wait_until(lambda: len(moved) > before)
    stop.set()
    thread.join()
    facts = manifest(made)["facts"]
    assert isinstance(facts, dict)
    in_backup = facts["rows"]["savings_entry"]
    assert 0 < in_backup < len(moved)
    assert facts["balances_kobo"]["stash"] == facts["credits_kobo"]["stash"] == 100_00 * in_backup


def test_old_backups_are_removed_after_the_hook_has_succeeded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    for day in ("01", "02", "03"):
        (folder / f"asusu-2026-11-{day}T02-42-17Z").mkdir(parents=True)
    (folder / "notes").mkdir()
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\ntest -f "$1/manifest.json" && echo "$1" > {tmp_path}/said\n')
    hook.chmod(0o700)
    made = backup(folder, keep=2, after=str(hook))
    assert (tmp_path / "said").read_text().strip() == str(made)
    left = {path.name for path in folder.iterdir()}
    assert left == {made.name, "asusu-2026-11-03T02-42-17Z", "notes", ".lock"}


def test_a_hook_that_fails_is_an_error_and_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "asusu-2026-11-01T02-42-17Z").mkdir()
    with pytest.raises(CommandError, match="is complete, but then /bin/false failed"):
        backup(tmp_path, keep=1, after="/bin/false")
    assert len([*tmp_path.glob("asusu-*Z")]) == 2
    run = JobRun.objects.get(job="backup")
    assert run.failures == 1
    assert "/bin/false" in run.error


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    pay_in(make_user(), 100_00)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, usual[1]))
    try:
        with pytest.raises(CommandError):
            backup(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="file cannot be written"):
        backup(tmp_path / "file")


def test_a_second_backup_at_the_same_time_is_refused(tmp_path: Path) -> None:
    with making._lock(tmp_path), pytest.raises(CommandError, match="Another backup is writing"):
        backup(tmp_path)


def test_two_backups_within_a_second_are_both_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime.datetime(2026, 11, 30, 23, 59, 59, tzinfo=datetime.UTC)
    monkeypatch.setattr(timezone, "now", lambda: at)
    for name in ("asusu-2026-11-30T23-59-59Z", "asusu-2026-12-01T00-00-00Z"):
        made = backup(tmp_path)
        assert made.name == name
        assert (made / "manifest.json").exists()


@pytest.mark.postgres
def test_pg_dump_that_is_missing_or_old_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(CommandError, match=r"pg_dump is not installed\. Install"):
        backup(tmp_path / "backups")
    old = programs / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o700)
    with pytest.raises(CommandError, match=r"9\.6\.24 is older than the server"):
        backup(tmp_path / "backups")


@pytest.mark.postgres
def test_the_password_is_not_among_the_words_of_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    programs = tmp_path / "programs"
    programs.mkdir()
    false = programs / "pg_dump"
    false.write_text(
        "#!/bin/sh\n"
        'test "$1" = --version && echo "pg_dump (PostgreSQL) 99.0" && exit\n'
        f'echo "$@" > {said}; echo "$PGPASSWORD" >> {said}; exit 1\n'
    )
    false.chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "top-secret")
    with pytest.raises(CommandError, match="pg_dump failed with code 1"):
        backup(tmp_path / "backups")
    words, password = said.read_text().splitlines()
    assert "top-secret" not in words
    assert password == "top-secret"


def test_a_killed_backup_looks_like_none_and_the_next_one_clears_it(tmp_path: Path) -> None:
    pay_in(make_user(), 100_00)
    folder = tmp_path / "backups"
    # A hook that never ends would come too late: the backup is complete then. So it is killed in its first step.
    process = subprocess.Popen(
        [sys.executable, "manage.py", "backup", str(folder)],
        cwd=site.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: process.poll() is not None or [*folder.glob("asusu-*")])
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    time.sleep(0.1)
    complete = [path for path in folder.glob("asusu-*Z") if not (path / "manifest.json").exists()]
    assert complete == []
    backup(folder)
    assert not [*folder.glob("*.unfinished")]
    assert Account.objects.exists()
