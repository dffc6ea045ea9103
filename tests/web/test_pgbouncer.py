"""PgBouncer in transaction mode between the site and PostgreSQL: each transaction may get another connection."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, connections
from django.test import Client
from pytest_django.fixtures import Settings

from savings.models import User
from tests import factories
from tests.processes import PATIENCE_SECONDS, free_port, is_free, wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

SIGN_INS, THREADS, SERVER_CONNECTIONS = 100, 25, 5


@pytest.fixture
def folder() -> Iterator[Path]:
    """A world-readable folder, because PgBouncer refuses to run as root and pytest's folders are private."""
    with tempfile.TemporaryDirectory(prefix="asusu-pgbouncer-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def pooled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Route the connections of other threads through a private PgBouncer."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    assert program, "This test needs pgbouncer: apt install pgbouncer"
    own, port = connection.settings_dict, free_port()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"""
[databases]
* = host={own["HOST"]} port={own["PORT"]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 200
default_pool_size = {SERVER_CONNECTIONS}
"""
    )
    # With auth_type = any it uses this user name, and it refuses to run as root.
    configuration.write_text(configuration.read_text().replace("port=", f"user={own['USER']} port="))
    words = [program, "-q", str(configuration)]
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid=nobody", "--clear-groups", "--", *words]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        wait_until(lambda: not is_free(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        monkeypatch.setitem(connections.settings, "default", own | {"HOST": "127.0.0.1", "PORT": str(port)})
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@pytest.fixture
def people(settings: Settings) -> list[User]:
    settings.ACCOUNT_RATE_LIMITS = False
    return [factories.make_user(email=f"saver{number}@example.com") for number in range(SIGN_INS)]


def test_a_hundred_people_sign_in_at_once(people: list[User], pooled: None) -> None:
    answers: list[tuple[int, int]] = []
    waiting = list(people)
    begin = threading.Barrier(THREADS)

    def sign_in() -> None:
        begin.wait(PATIENCE_SECONDS)
        try:
            while waiting:
                user = waiting.pop()
                browser = Client(raise_request_exception=False)
                form = {"login": user.email, "password": factories.PASSWORD}
                answers.append(
                    (
                        browser.post("/accounts/login/", form).status_code,
                        browser.get("/dashboard/").status_code,
                    )
                )
        finally:
            connections.close_all()

    threads = [threading.Thread(target=sign_in) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert answers == [(302, 200)] * SIGN_INS
