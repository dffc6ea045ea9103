"""An nginx with deploy/nginx.conf and TLS, on other ports and in other folders."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.processes import PATIENCE_SECONDS, free_port, is_free, wait_until

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = (ROOT / "deploy/nginx.conf").read_text()


class Proxy(NamedTuple):
    """A running nginx: its ports, the folder of its logs, and the context that trusts its certificate."""

    https: int
    http: int
    folder: Path
    trusts: ssl.SSLContext

    def browser(self) -> httpx.Client:
        headers = {"Host": "savings.example"}
        return httpx.Client(base_url=f"https://127.0.0.1:{self.https}", verify=self.trusts, headers=headers)

    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def ports(count: int) -> list[int]:
    """Return different free ports."""
    found = [free_port()]
    while len(found) < count:
        number = found[-1] + 1
        found.append(next(port for port in range(number, number + 1000) if is_free(port)))
    return found


def for_test(folder: Path, var_dir: Path, *, site: int, https: int, http: int) -> str:
    """Return the whole configuration of an nginx: ours on other ports and folders, below what Debian's turns on."""
    own = CONFIGURATION
    for found, replaced in (
        ("savings.example.com", "savings.example"),
        ("127.0.0.1:8000", f"127.0.0.1:{site}"),
        # Nothing listens there; on 8001 it may be the simulator of a developer.
        ("127.0.0.1:8001", "127.0.0.1:1"),
        ("listen 443", f"listen 127.0.0.1:{https}"),
        ("listen 80", f"listen 127.0.0.1:{http}"),
        ("/etc/letsencrypt/live/savings.example", str(folder)),
        ("/var/log/asusu", str(folder)),
        ("/var/lib/asusu", str(var_dir)),
        ("/var/www/html", str(folder)),
        ("/opt/asusu", str(ROOT)),
        ("snippets/asusu-headers.conf", str(ROOT / "deploy/nginx-headers.conf")),
    ):
        assert found in own
        own = own.replace(found, replaced)
    own = re.sub(r"^\s*listen \[::\].*\n", "", own, flags=re.MULTILINE)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    return (
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/main.log; events {{}}\n"
        f"http {{\n gzip on; gzip_types text/css; access_log {folder}/other.log;\n{places}{own}}}\n"
    )


def program() -> str | None:
    """Return the path of nginx, which is not on everybody's PATH on Debian."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextmanager
def running(folder: Path, var_dir: Path, *, site: int, https: int, http: int) -> Iterator[Proxy]:
    """Run an nginx in front of the port `site` for the block; `var_dir` has the static files."""
    certificate = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    certificate += ["-subj", "/CN=savings.example", "-keyout", f"{folder}/privkey.pem"]
    make = ["openssl", "req", "-x509", *certificate, "-out", f"{folder}/fullchain.pem"]
    subprocess.run(make, check=True, capture_output=True)
    whole = folder / "nginx.conf"
    whole.write_text(for_test(folder, var_dir, site=site, https=https, http=http))
    with (folder / "output").open("w") as output:
        words = [str(program()), "-p", str(folder), "-c", str(whole)]
        process = subprocess.Popen(words, stdout=output, stderr=output)
    try:
        wait_until(lambda: not is_free(https) or process.poll() is not None)
        assert process.poll() is None, (folder / "output").read_text()
        context = ssl.create_default_context(cafile=folder / "fullchain.pem")
        context.check_hostname = False
        yield Proxy(https, http, folder, context)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
