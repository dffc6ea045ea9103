"""The settings of PostgreSQL, PgBouncer, Redis, logrotate and of the site: the programs take them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.processes import PATIENCE_SECONDS, free_port, is_free, wait_until
from tests.test_conventions import ROOT

DEPLOY = ROOT / "deploy"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody can use: PostgreSQL and PgBouncer refuse to run as root."""
    with tempfile.TemporaryDirectory(prefix="asusu-deploy-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


def program(name: str, *folders: str) -> str:
    """Return the path of a program, or skip the test."""
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", *folders]))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def as_nobody(*words: str) -> list[str]:
    before = ["setpriv", "--reuid=nobody", "--clear-groups", "--"] if os.geteuid() == 0 else []
    return [*before, *words]


def settings_of(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+) = ([^#\n]*?)\s*$", path.read_text(), re.MULTILINE))


def test_postgresql_takes_every_setting(folder: Path) -> None:
    """`postgres -C` reads the file like a server that starts, and ends at a name or value that it does not know."""
    postgres = program("postgres", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True))
    shutil.copy(DEPLOY / "postgresql.conf", folder / "postgresql.conf")
    (folder / "postgresql.auto.conf").touch()
    names = settings_of(DEPLOY / "postgresql.conf")
    assert len(names) > 10
    words = as_nobody(postgres, "-D", str(folder), "-C", "shared_buffers")
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (found.stdout.strip(), found.stderr, found.returncode) == ("131072", "", 0)


def test_redis_takes_every_setting(folder: Path) -> None:
    port = free_port()
    words = [program("redis-server"), str(DEPLOY / "redis.conf"), "--port", str(port), "--dir", str(folder)]
    process = subprocess.Popen([*words, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: not is_free(port) or process.poll() is not None)
        with redis.Redis(port=port) as client:
            found = client.config_get("appendonly", "maxmemory-policy", "maxmemory", "save")
        assert found["appendonly"] == "yes"
        assert (found["maxmemory-policy"], found["maxmemory"]) == ("noeviction", str(512 * 1024 * 1024))
        assert found["save"] == ""
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def test_pgbouncer_starts_with_its_settings(folder: Path) -> None:
    port = free_port()
    (folder / "userlist.txt").write_text("")
    own = (DEPLOY / "pgbouncer.ini").read_text().replace("/etc/pgbouncer", str(folder))
    (folder / "pgbouncer.ini").write_text(own.replace("listen_port = 6432", f"listen_port = {port}"))
    with (folder / "log").open("w") as log:
        words = as_nobody(program("pgbouncer"), str(folder / "pgbouncer.ini"))
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        wait_until(lambda: not is_free(port) or process.poll() is not None)
        said = (folder / "log").read_text()
        assert process.poll() is None, said
        assert not re.findall(r"WARNING|ERROR|FATAL", said)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def test_logrotate_takes_its_settings(folder: Path) -> None:
    words = [program("logrotate"), "--debug", "--state", str(folder / "state"), str(DEPLOY / "logrotate")]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    assert found.returncode == 0
    assert "error:" not in found.stderr


def test_the_command_of_a_server_runs_manage_py(folder: Path) -> None:
    """deploy/asusu, with an installation whose Python shows what it is asked for."""
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").write_text('#!/bin/sh\necho "$ENV_FILE" "$@"\n')
    (folder / ".venv/bin/python").chmod(0o755)
    own = (DEPLOY / "asusu").read_text().replace("/opt/asusu", str(folder))
    (folder / "asusu").write_text(own.replace("runuser -u asusu --", "runuser -u nobody --"))
    words = ["sh", str(folder / "asusu"), "reset_second_step", "an address@example.com"]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    assert found.stdout == "/etc/asusu/env manage.py reset_second_step an address@example.com\n"
