"""Body limits: no route accepts more than it needs, before a byte is read, and files only with a field for them."""

from __future__ import annotations

import io
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from savings.models import User
from tests.test_conventions import ROOT
from tests.web.test_every_url import URLS, examples, owner, path_of  # noqa: F401 - fixtures
from tests.web.test_production import log, server  # noqa: F401 - fixtures
from web import uploads
from web.middleware import body_limits

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

FORM_BYTES = 64 * 1024
LARGE = "x" * (FORM_BYTES + 1)
# One for all requests: each client loads the middleware again, which reads the folder of static files.
_STRANGER = Client()


class Unreadable(io.RawIOBase):
    """A body that must not be read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")

    def readline(self, size: int | None = -1) -> bytes:
        raise AssertionError("the body was read")


def announced(path: str, size: int | str, content_type: str, **headers: Any) -> int:
    """Return the status of a POST that announces so many bytes and whose body must not be read."""
    body: dict[str, Any] = {"CONTENT_LENGTH": str(size), "wsgi.input": Unreadable()}
    return _STRANGER.generic("POST", path, b"", content_type, **headers, **body).status_code


def test_every_route_refuses_400_megabytes_without_reading_them(
    examples: dict[str, str],  # noqa: F811 - a fixture
) -> None:
    paths = {path_of(url, examples | {"token": "x"}) for url in URLS} | {"/nowhere/", "/static/nowhere.js"}
    for path in paths:
        # Health checks and Prometheus are answered before everything else, and to GET only.
        expected = 405 if path in {"/healthz/", "/readyz/", "/metrics/"} else 413
        assert announced(path, 400_000_000, "multipart/form-data; boundary=x") == expected, path


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "a/b", ""])
def test_a_large_body_of_any_type_is_not_read(content_type: str) -> None:
    for path in ("/accounts/login/", "/statements/verify/", "/payments/webhook/paystack/", "/nowhere/"):
        assert announced(path, 400_000_000, content_type) == 413, path


def test_a_form_may_be_64_kilobytes_and_no_longer(client: Client) -> None:
    rest = len("login=")
    fitting = client.post(
        "/accounts/login/", f"login={'x' * (FORM_BYTES - rest)}", "application/x-www-form-urlencoded"
    )
    assert fitting.status_code == 422
    too_long = client.post(
        "/accounts/login/", f"login={'x' * FORM_BYTES}", "application/x-www-form-urlencoded"
    )
    assert too_long.status_code == 413
    assert '<h1 id="error-h">That’s too large to send</h1>' in too_long.text


def test_htmx_gets_a_notice_beside_the_form(saver_client: Client) -> None:
    response = saver_client.post("/profile/", {"name": LARGE}, headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Reswap"]) == (413, "none")
    assert "That’s too large to send" in response.text
    assert "<html" not in response.text


@pytest.mark.parametrize(
    ("path", "begins"), [("/profile/", "That’s too large".encode()), ("/payments/webhook/paystack/", b"")]
)
def test_a_program_gets_plain_text(client: Client, path: str, begins: bytes) -> None:
    response = client.post(path, LARGE, "application/json", headers={"Accept": "application/json"})
    assert (response.status_code, response["Content-Type"]) == (413, "text/plain; charset=utf-8")
    assert response.content.startswith(begins)


def test_the_webhook_answers_nothing_but_a_status(client: Client) -> None:
    path = "/payments/webhook/paystack/"
    refusals: dict[int, dict[str, Any]] = {
        413: {},
        400: {"CONTENT_LENGTH": "x"},
        411: {"HTTP_TRANSFER_ENCODING": "chunked"},
    }
    for status, extra in refusals.items():
        response = client.generic("POST", path, LARGE, "application/json", **extra)
        assert (response.status_code, response.content) == (status, b"")


@pytest.mark.parametrize("size", ["-1", "1e9", "9" * 5_000, "0" * 20 + "9" * 9, "١٢", "x"])
def test_a_length_that_is_none_is_refused(size: str) -> None:
    assert announced("/accounts/login/", size, "text/plain") in {400, 413}


def test_a_body_without_a_length_is_refused() -> None:
    assert announced("/accounts/login/", "", "text/plain", HTTP_TRANSFER_ENCODING="chunked") == 411


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/admin/login/", "/profile/", "/messages/unsubscribe/x/"]
)
def test_a_route_without_a_field_for_a_file_takes_none(
    saver_client: Client, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for files in (1, 50):
        attached = {f"file{number}": SimpleUploadedFile("a.txt", b"x" * 100) for number in range(files)}
        # A view without a form never reads the body.
        assert saver_client.post(path, {"name": "A", **attached}).status_code in {302, 400, 403, 404}
    assert not list(tmp_path.rglob("*"))


def test_a_form_with_a_file_it_has_no_field_for_changes_nothing(saver_client: Client, saver: User) -> None:
    file = SimpleUploadedFile("a.txt", b"x")
    response = saver_client.post("/profile/", {"name": "Changed", "file": file})
    assert response.status_code == 400
    assert "Something went wrong with that request" in response.text
    saver.refresh_from_db()
    assert saver.name != "Changed"


def test_too_many_fields_are_refused(client: Client) -> None:
    body = "&".join(f"a{number}=" for number in range(1_001))
    assert client.post("/accounts/login/", body, "application/x-www-form-urlencoded").status_code == 400


def test_the_check_of_a_statement_takes_a_large_file_and_no_large_form(client: Client) -> None:
    path = "/statements/verify/"
    multipart = "multipart/form-data; boundary=x"
    assert announced(path, uploads.MOST_BYTES * 2, multipart) == 413
    assert client.post(path, LARGE, "application/x-www-form-urlencoded").status_code == 413
    file = SimpleUploadedFile("statement.csv", b"x" * 1_000_000)
    assert client.post(path, {"code": "x", "closing": "1", "file": file}).status_code in {200, 422}
    assert client.post(path, {"code": LARGE, "closing": "1"}).status_code == 413


def test_only_the_check_of_a_statement_takes_files() -> None:
    assert set(body_limits._UPLOADS) == {"statements:verify"}


@pytest.mark.parametrize(
    "path",
    ["/accounts/login/", "/nowhere/", "/static/nowhere.js", "/healthz/", "/help/", "/statements/verify/"],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_rest_of_a_body_is_read_before_the_server_answers(client: Client, path: str, method: str) -> None:
    """Otherwise the proxy, which still sends, loses the connection and with it the answer."""
    for size in (100, FORM_BYTES, FORM_BYTES * 2, 1_000_000):
        for content_type in ("text/plain", "multipart/form-data; boundary=x"):
            body = io.BytesIO(b"x" * size)
            sent: dict[str, Any] = {"CONTENT_LENGTH": str(size), "wsgi.input": body}
            client.generic(method, path, b"", content_type, **sent)
            assert body.tell() == size, (size, content_type)


def test_the_longest_body_that_nginx_passes_on_is_read() -> None:
    found = re.findall(r"client_max_body_size\s+(\d+)m;", (ROOT / "deploy/nginx.conf").read_text())
    assert max(map(int, found)) * 1024 * 1024 == body_limits.LONGEST_PASSED_ON_BYTES


def test_a_client_that_goes_while_its_body_is_read_changes_nothing(client: Client) -> None:
    class Gone(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError("the client has gone")

    gone: dict[str, Any] = {"CONTENT_LENGTH": "10", "wsgi.input": Gone()}
    assert client.generic("POST", "/nowhere/", b"", "text/plain", **gone).status_code == 404


@pytest.fixture
def connection(server: str) -> Iterator[socket.socket]:  # noqa: F811 - a fixture
    """A connection to the site as in production."""
    address = urlsplit(server)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as opened:
        yield opened


HEAD = (
    "POST /accounts/login/ HTTP/1.1\r\nHost: savings.example\r\nX-Forwarded-Proto: https\r\n"
    "Content-Type: multipart/form-data; boundary=x\r\n"
)


@pytest.mark.parametrize(
    ("size", "status"),
    [("Content-Length: 400000000\r\n", b" 413 "), ("Transfer-Encoding: chunked\r\n", b" 411 ")],
)
def test_granian_answers_before_the_body_has_come(
    connection: socket.socket, size: str, status: bytes
) -> None:
    begun = time.monotonic()
    connection.sendall((HEAD + size + "\r\n").encode())
    assert status in connection.recv(100)
    assert time.monotonic() - begun < 5
