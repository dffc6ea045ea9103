"""Lighthouse of the landing page behind deploy/nginx.conf, as a phone on a slow line."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.conf import settings

from tests.benchmarks import _servers

if not settings.configured:
    os.environ |= _servers.PRODUCTION
    django.setup()

from tests.benchmarks import _database
from tests.benchmarks._report import Figure, publish
from tests.deploy import nginx

DATABASE = "asusu_bench_landing"
LIGHTHOUSE = "lighthouse@12.8.2"
# The categories and the lowest score of each.
BARS = {"performance": 98, "accessibility": 100, "best-practices": 100, "seo": 100}
ROUNDS = 5
_CHROME = (
    "--headless=new --no-sandbox --disable-gpu --ignore-certificate-errors"
    " --host-resolver-rules='MAP savings.example 127.0.0.1'"
)


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json")
    options = parser.parse_args()
    if not (shutil.which("npx") and nginx.program() and (chromium := shutil.which("chromium"))):
        raise SystemExit("This benchmark needs npx, nginx and chromium.")
    # The user of nginx need not be this one.
    with _database.made(DATABASE), TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        figures = list(_measure(Path(folder), chromium))
    return publish("landing", figures, options.json)


def _measure(folder: Path, chromium: str) -> Iterator[Figure]:
    variables = {"SITE_URL": "https://savings.example", "TRUSTED_PROXIES": "1", "VAR_DIR": str(folder)}
    environment = _servers.environment(DATABASE) | variables
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"]
    subprocess.run(collect, cwd=settings.BASE_DIR, env=environment, check=True)
    site, https, http = (_servers.free_port() for _ in range(3))
    granian = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--workers", "2"]
    granian += ["--blocking-threads", "1", "--port", str(site), "web.wsgi:application"]
    log = folder / "site.log"
    with (
        _servers.serving("The site", granian, environment, log, lambda: _servers.answers(site)),
        nginx.running(folder, folder, site=site, https=https, http=http),
    ):
        scores = [
            _scores(f"https://savings.example:{https}/", folder / "report.json", chromium)
            for _ in range(ROUNDS)
        ]
    for category, bar in BARS.items():
        found = [round(100 * turn[category]["score"]) for turn in scores]
        detail = f"runs: {', '.join(map(str, found))}"
        yield Figure(f"Lighthouse, {category}", statistics.median(found), "", detail, at_least=bar)


def _scores(address: str, report: Path, chromium: str) -> dict[str, dict[str, float]]:
    words = ["npx", "--yes", LIGHTHOUSE, address, "--quiet", "--output=json", f"--output-path={report}"]
    words += [f"--only-categories={','.join(BARS)}", f"--chrome-flags={_CHROME}"]
    subprocess.run(words, env=os.environ | {"CHROME_PATH": chromium}, check=True)
    scores: dict[str, dict[str, float]] = json.loads(report.read_text())["categories"]
    return scores


if __name__ == "__main__":
    sys.exit(main())
