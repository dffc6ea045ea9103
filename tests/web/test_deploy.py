"""The proxy configuration in deploy/."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CONFIGURATION = Path("deploy/nginx.conf")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A folder with a self-signed certificate under Let's Encrypt's file names."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=x"]
    files = ["-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem")]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return tmp_path


def test_nginx_accepts_the_configuration(certificate: Path, tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    site = CONFIGURATION.read_text().replace("/etc/letsencrypt/live/savings.example.com", str(certificate))
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {site} }}")
    checked = subprocess.run(
        [nginx, "-t", "-q", "-p", str(tmp_path), "-c", str(whole)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_unfinished_requests_wait_in_the_proxy() -> None:
    configuration = CONFIGURATION.read_text()
    assert "proxy_request_buffering on;" in configuration
    assert "proxy_buffering         on;" in configuration
