"""The site is upgraded from the previous release while savers use it, as docs/upgrading.md says: no request fails."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

import django
from django.conf import settings

from tests.benchmarks import _servers

if not settings.configured:
    os.environ |= _servers.PRODUCTION
    django.setup()

from django.db import connection

from tests.benchmarks import _visits
from tests.benchmarks._report import Figure, publish
from tests.upgrade import previous

PEOPLE, TRANSACTIONS = 200, 4_000
SAVERS = 12
# For so long each state lasts: the old release before and after `migrate`, and the new one.
SECONDS = 10
DATABASE = "asusu_bench_upgrade"
# As deploy/nginx.conf, without TLS. The second server gets a request when the first accepts no connection.
_PROXY = """
{user}
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream asusu {{
        server 127.0.0.1:{first} max_fails=0;
        server 127.0.0.1:{second} max_fails=0 backup;
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto https;
        location / {{ proxy_pass http://asusu; }}
    }}
}}
"""


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--json")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with _database(), tempfile.TemporaryDirectory(dir=settings.VAR_DIR) as folder:
        # The users of nginx and of the site need not be this one.
        Path(folder).chmod(0o755)
        figures = list(Upgrade(Path(folder), options.seconds).measure())
    return publish("upgrade", figures, options.json)


@contextmanager
def _database() -> Iterator[None]:
    """Create an empty database for the block."""
    drop = f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"
    with connection.cursor() as cursor:
        cursor.execute(drop)
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(drop)


class Upgrade:
    """The two releases, their servers and workers, a proxy in front, and savers."""

    def __init__(self, folder: Path, seconds: int) -> None:
        self.folder, self.seconds = folder, seconds
        self.old, self.new = previous.unpack(folder), settings.BASE_DIR
        self.port, self.first, self.second = (_servers.free_port() for _ in range(3))
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = _servers.environment(DATABASE) | {
            # Both releases share the folder of static files: a page of one may ask the other for its style sheet.
            "VAR_DIR": str(folder),
            "SITE_URL": self.address,
            "DEFAULT_FROM_EMAIL": "Asusu <hello@savings.example.com>",
            "SECURE_SSL_REDIRECT": "0",
        }

    def measure(self) -> Iterator[Figure]:
        self._manage(self.old, "migrate")
        # The demo is for development only.
        self._manage(self.old, "demo", "--scale", str(PEOPLE), "--transactions", str(TRANSACTIONS), DEBUG="1")
        self._manage(self.old, "collectstatic", "--no-input")
        with ExitStack() as servers:
            servers.enter_context(self._proxy())
            old, worker, following = (servers.enter_context(ExitStack()) for _ in range(3))
            old.enter_context(self._server(self.old, self.first, "old"))
            worker.enter_context(self._worker(self.old, "old-worker"))
            savers = [_visits.Saver(self.address, email) for email in self._emails()]
            begins = time.monotonic()
            with _visits.visiting(savers):
                time.sleep(self.seconds)
                yield self._migrate()
                time.sleep(self.seconds)
                worker.close()
                worker.enter_context(self._worker(self.new, "new-worker"))
                following.enter_context(self._server(self.new, self.second, "next"))
                old.close()
                time.sleep(self.seconds)
                servers.enter_context(self._server(self.new, self.first, "new"))
                following.close()
                time.sleep(self.seconds)
            yield from self._figures([visit for saver in savers for visit in saver.visits], begins)
        if previous.AFTERWARDS:
            self._manage(self.new, previous.AFTERWARDS)
        broken = self._manage(self.new, "check_ledger", check=False, output=None)
        yield Figure("rules of the books that are broken", broken, "", at_most=0)

    def _migrate(self) -> Figure:
        begins = time.monotonic()
        self._manage(self.new, "collectstatic", "--no-input")
        self._manage(self.new, "migrate")
        detail = f"{previous.VERSION} goes on serving"
        return Figure("collectstatic and migrate", time.monotonic() - begins, "s", detail)

    def _figures(self, visits: list[_visits.Visit], begins: float) -> Iterator[Figure]:
        failed = _visits.errors(visits)
        for error, times in failed:
            sys.stdout.write(f"failed: {error} ({times} times)\n")
        moves = sum(visit.name == "top up from the stash" for visit in visits)
        detail = f"in {time.monotonic() - begins:.0f} s, {moves} of them moved money"
        yield Figure("requests during the upgrade", len(visits), "", detail)
        longest = max(visits, key=lambda visit: visit.seconds)
        detail = f"the longest {longest.seconds * 1000:.0f} ms, {longest.name}"
        yield Figure("p95 of requests", _visits.p95_ms(visits), "ms", detail)
        yield Figure("requests that failed", sum(times for _, times in failed), "", at_most=0)

    def _manage(
        self,
        release: Path,
        *words: str,
        check: bool = True,
        output: int | None = subprocess.DEVNULL,
        **variables: str,
    ) -> int:
        done = subprocess.run(
            [sys.executable, str(release / "manage.py"), *words],
            cwd=release,
            env=self.environment | variables,
            stdout=output,
            check=check,
        )
        return done.returncode

    def _emails(self) -> list[str]:
        """Return the email addresses of the savers with the fullest stashes, who can move money all the time."""
        query = (
            "SELECT email FROM savings_user u JOIN savings_account a ON a.user_id = u.id AND a.kind = 'stash'"
            f" ORDER BY a.balance_kobo DESC LIMIT {SAVERS}"
        )
        words = [str(_servers.program("psql")), self.environment["DATABASE_URL"], "-At", "-c", query]
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.split()

    def _server(self, release: Path, port: int, name: str) -> AbstractContextManager[None]:
        words = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--workers", "2"]
        words += ["--blocking-threads", "1", "--port", str(port)]
        return _servers.serving(
            f"The server {name}",
            [*words, "web.wsgi:application"],
            environment=self.environment,
            log=self.folder / f"{name}.log",
            is_up=partial(_servers.is_healthy, port),
            folder=release,
        )

    def _worker(self, release: Path, name: str) -> AbstractContextManager[None]:
        words = [sys.executable, str(release / "manage.py"), "run_huey"]
        return _servers.serving(
            f"The {name}", words, environment=self.environment, log=self.folder / f"{name}.log"
        )

    def _proxy(self) -> AbstractContextManager[None]:
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if nginx is None:
            raise SystemExit("This benchmark needs nginx.")
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            _PROXY.format(
                user="user root;" if os.geteuid() == 0 else "",
                folder=self.folder,
                first=self.first,
                second=self.second,
                port=self.port,
            )
        )
        return _servers.serving(
            "nginx",
            [nginx, "-c", str(configuration), "-p", str(self.folder)],
            environment=dict(os.environ),
            log=self.folder / "proxy.log",
            is_up=partial(_servers.answers, self.port),
        )


if __name__ == "__main__":
    sys.exit(main())
