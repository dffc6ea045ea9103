"""The production site starts only with every secret, and serves compressed static files."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from tests.processes import PATIENCE_SECONDS, free_port, is_free, wait_until

GIVEN = dict(re.findall(r"^([A-Z_]+)=(.*)$", Path("tests/production.env").read_text(), re.MULTILINE))
# The others are only warned of.
NEEDED = ["SITE_URL", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PAYSTACK_SECRET_KEY"]
BEHIND_OUR_PROXY = {"Host": "savings.example", "X-Forwarded-Proto": "https"}


def production(**changes: str) -> dict[str, str]:
    """Return a production environment without development variables."""
    kept = {name: value for name, value in os.environ.items() if name not in {*GIVEN, "DEBUG"}}
    return kept | {name: value for name, value in (GIVEN | changes).items() if value}


def built(folder: Path) -> dict[str, str]:
    """Return the environment of a production site in a folder, with its static files and without tables."""
    environment = production(
        VAR_DIR=str(folder),
        REDIS_URL=settings.REDIS_URL,
        DATABASE_URL=f"sqlite:///{folder / 'unused.sqlite3'}",
    )
    # Skip the admin's many files, which are collected like the others.
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0", "--ignore=admin"]
    subprocess.run(collect, env=environment, check=True)
    return environment


def test_the_checks_of_django_find_nothing_wrong() -> None:
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    checked = subprocess.run(command, env=production(), capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", NEEDED)
def test_a_start_without_a_needed_secret_names_it(name: str) -> None:
    environment = production(**{name: ""})
    command = [sys.executable, "-c", "import web.wsgi"]
    started = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert started.returncode != 0
    assert name in started.stderr.strip().splitlines()[-1]


def test_a_bucket_that_never_answers_holds_a_worker_up_for_seconds() -> None:
    look = """
import web.wsgi
from django.core.files.storage import storages
try:
    storages["statements"].open("statement.pdf")
except Exception as error:
    print(type(error).__name__)
"""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = production(
            STATEMENTS_BUCKET="statements",
            STATEMENTS_ACCESS_KEY="key",
            STATEMENTS_SECRET_KEY="secret",
            STATEMENTS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}",
        )
        command = [sys.executable, "-c", look]
        looked = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
        )
    assert looked.stdout.strip() == "ReadTimeoutError"


def test_the_tools_of_development_are_not_there_even_if_asked_for() -> None:
    """Neither is loaded, has a URL, or has its package in the production requirements."""
    look = """
import sys, web.wsgi
from django.apps import apps
from django.urls import Resolver404, get_resolver, resolve
for path in ("/lab/", "/lab/naive/transactions/", "/__debug__/render_panel/"):
    try:
        print("THERE:", resolve(path))
    except Resolver404:
        pass
print("INSTALLED:", [app.name for app in apps.get_app_configs() if "toolbar" in app.name])
print("LOADED:", [name for name in sys.modules if name.split(".")[0] == "debug_toolbar" or "lab" in name.split(".")])
print("WATCHING:", "web.observability.toolbar" in sys.modules)
"""
    environment = production(DEBUG_TOOLBAR="1")
    command = [sys.executable, "-c", look]
    looked = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert looked.stdout.splitlines() == ["INSTALLED: []", "LOADED: []", "WATCHING: False"]
    assert "debug-toolbar" not in Path("requirements/prod.txt").read_text()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of the server."""
    return tmp_path_factory.mktemp("log") / "server.log"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, log: Path) -> Iterator[str]:
    """Collect the static files, start granian as docs/deployment.md says, and return its address."""
    environment = built(tmp_path_factory.mktemp("server"))
    port = free_port()
    granian = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--workers", "1"]
    granian += ["--blocking-threads", "1", "--respawn-failed-workers"]
    granian += ["--log-config", "deploy/granian-logging.json", "--port", str(port), "web.wsgi:application"]
    with log.open("w") as output:
        process = subprocess.Popen(granian, env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: not is_free(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def test_granian_serves_pages_and_compressed_static_files_for_ever(server: str) -> None:
    with httpx.Client(base_url=server, headers=BEHIND_OUR_PROXY) as browser:
        page = browser.get("/accounts/login/")
        assert page.status_code == 200
        assert page.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        style_sheet = re.findall(r'href="(/static/css/app\.[0-9a-f]{12}\.css)"', page.text)[0]
        served = browser.get(style_sheet, headers={"Accept-Encoding": "br"})
        assert served.headers["Content-Encoding"] == "br"
        assert "immutable" in served.headers["Cache-Control"]


def test_each_line_of_the_log_is_one_json_object(server: str, log: Path) -> None:
    """The database is empty, so this page fails with a long traceback."""
    assert httpx.get(f"{server}/", headers=BEHIND_OUR_PROXY).status_code == 500
    assert httpx.get(f"{server}/nowhere/", headers=BEHIND_OUR_PROXY).status_code == 404
    wait_until(lambda: "/nowhere/" in log.read_text() or " 404" in log.read_text())
    said = [json.loads(line) for line in log.read_text().splitlines()]
    assert all({"@timestamp", "log.level", "message"} <= {*line, *_level(line)} for line in said)
    assert any("no such table" in line.get("error", {}).get("message", "") for line in said)


def _level(line: dict[str, Any]) -> set[str]:
    # The formatter nests the fields of `log`; both forms are the Elastic Common Schema's.
    return {"log.level"} if "level" in line.get("log", {}) else set()


def test_a_worker_that_is_killed_is_replaced(server: str) -> None:
    def workers() -> list[int]:
        port = server.rpartition(":")[2]
        listed = subprocess.run(["pgrep", "-f", f"port {port} "], capture_output=True, text=True, check=False)
        return sorted(map(int, listed.stdout.split()))

    _, *killed = workers()
    for number in killed:
        os.kill(number, signal.SIGKILL)
    wait_until(lambda: set(workers()[1:]) - set(killed))
    wait_until(lambda: _answers(server))


def _answers(server: str) -> bool:
    try:
        return httpx.get(f"{server}/healthz/").status_code == 200
    except httpx.TransportError:
        return False


def test_granian_sends_plain_http_to_https(server: str) -> None:
    answer = httpx.get(server, headers={"Host": "savings.example"})
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://savings.example/")
