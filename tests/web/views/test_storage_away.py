"""The storage of statements is down: an error page, a log line, and no download counted."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ResponseStreamingError
from django.core.files import File
from django.core.files.storage import InMemoryStorage
from django.test import Client
from pytest_django.fixtures import Settings

from savings import statements
from savings.models import Statement, User
from tests.statements import ask, try_to_write
from tests.web.shelf import CONTENT, written
from web.downloads import BLOCK_BYTES
from web.observability.log_lines import RequestIdFilter

pytestmark = pytest.mark.django_db

NOBODY_THERE = "http://127.0.0.1:1"


class Bucket(BaseHTTPRequestHandler):
    """Answers HEAD and GET for a file with the statuses chosen by the test."""

    look_status, file_status = 200, 200

    def do_HEAD(self) -> None:
        self.answer(self.look_status)

    def do_GET(self) -> None:
        self.answer(self.file_status)
        if self.file_status == 200:
            self.wfile.write(CONTENT)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(CONTENT) if status == 200 else 0))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def bucket(look_status: int, file_status: int) -> Iterator[str]:
    """Run such a bucket, and yield its URL."""
    statuses = {"look_status": look_status, "file_status": file_status}
    server = HTTPServer(("127.0.0.1", 0), type("Given", (Bucket,), statuses))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class BreakingFile(io.BytesIO):
    """A file whose connection breaks off after the first block."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise ResponseStreamingError(error="IncompleteRead(8388608 bytes read, 1 more expected)")
        return super().read(size)


class Breaking(InMemoryStorage):
    """A storage that returns only the first block of a file."""

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        return File(BreakingFile(super().open(name, mode).read()))


class Shrinking(InMemoryStorage):
    """A storage that has lost the end of each file."""

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        return File(io.BytesIO(super().open(name, mode).read()[:-1]))


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[str, str]]]:
    """The log lines from WARNING up, with their request ids."""
    caplog.handler.addFilter(RequestIdFilter())
    caplog.set_level(logging.WARNING)
    return lambda: [(vars(record)["request_id"], record.getMessage()) for record in caplog.records]


def keep_in(settings: Settings, storage: str, **options: Any) -> None:
    backend = {"BACKEND": storage, "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"statements": backend}


def keep_in_bucket(settings: Settings, address: str) -> None:
    keep_in(
        settings,
        "storages.backends.s3.S3Storage",
        bucket_name="statements",
        endpoint_url=address,
        region_name="eu-west-1",
        access_key="key",
        secret_key="secret",
        client_config=Config(retries={"total_max_attempts": 1}),
    )


def link(statement: Statement) -> str:
    return f"/statements/{statement.pk}/download/?token={statements.link_token(statement)}"


def downloads(statement: Statement) -> int:
    statement.refresh_from_db()
    return statement.downloads


@pytest.mark.parametrize("statuses", [None, (503, 200), (403, 200), (200, 500)])
def test_a_file_that_cannot_be_fetched_is_a_page_to_try_again_from(
    saver_client: Client, saver: User, settings: Settings, lines: Any, statuses: tuple[int, int] | None
) -> None:
    statement = written(saver)
    with bucket(*(statuses or (200, 200))) as address:
        keep_in_bucket(settings, address if statuses else NOBODY_THERE)
        response = saver_client.get(link(statement))
    assert response.status_code == 503
    assert "We can’t fetch the file right now" in response.text
    assert "isn’t answering" in response.text
    assert response["X-Request-ID"] in response.text
    ((request_id, said),) = lines()
    assert request_id == response["X-Request-ID"]
    assert said.startswith(f"the file of statement {statement.pk} cannot be fetched: ")
    assert downloads(statement) == 0
    again = response.context["row"].download_url
    assert f'href="{again}"' in response.text
    with bucket(200, 200) as address:
        keep_in_bucket(settings, address)
        assert saver_client.get(again).getvalue() == CONTENT
    assert downloads(statement) == 1


def test_a_download_that_breaks_off_is_logged_and_not_counted(
    saver_client: Client, saver: User, settings: Settings, lines: Any
) -> None:
    keep_in(settings, f"{__name__}.Breaking")
    statement = written(saver, b"x" * (BLOCK_BYTES + 1))
    response = saver_client.get(link(statement))
    blocks: Iterator[bytes] = iter(response)
    assert len(next(blocks)) == BLOCK_BYTES
    with pytest.raises(OSError, match="IncompleteRead"):
        next(blocks)
    ((request_id, said),) = lines()
    assert (request_id, "broke off" in said) == (response["X-Request-ID"], True)
    assert downloads(statement) == 0


def test_a_file_that_has_lost_its_end_is_logged_and_not_counted(
    saver_client: Client, saver: User, settings: Settings, lines: Any
) -> None:
    keep_in(settings, f"{__name__}.Shrinking")
    statement = written(saver)
    response = saver_client.get(link(statement))
    with pytest.raises(OSError, match="1 bytes shorter"):
        response.getvalue()
    assert [request_id for request_id, _ in lines()] == [response["X-Request-ID"]]
    assert downloads(statement) == 0


def test_a_partial_download_is_not_counted(saver_client: Client, saver: User) -> None:
    statement = written(saver, b"x" * (BLOCK_BYTES + 1))
    response = saver_client.get(link(statement))
    assert len(next(iter(response))) == BLOCK_BYTES
    assert downloads(statement) == 0
    response.close()


def test_a_statement_revoked_during_its_download_is_not_counted(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    response = saver_client.get(link(statement))
    statements.revoke(statement)
    assert response.getvalue() == CONTENT
    assert downloads(statement) == 0


def test_all_but_the_file_is_there_while_the_storage_is_away(
    saver_client: Client, saver: User, settings: Settings
) -> None:
    statement = written(saver)
    keep_in_bucket(settings, NOBODY_THERE)
    for page in ("/statements/", f"/statements/{statement.pk}/", "/statements/start/"):
        assert saver_client.get(page).status_code == 200, page
    refused = saver_client.post(f"/statements/{statement.pk}/delete/")
    assert (refused.status_code, "can’t delete its file right now" in refused.text) == (422, True)
    assert downloads(statement) == 0


def test_a_statement_written_meanwhile_is_stored_when_the_storage_is_back(
    saver: User, settings: Settings
) -> None:
    usual = settings.STORAGES
    keep_in_bucket(settings, NOBODY_THERE)
    statement = try_to_write(ask(saver))
    # The second try first removes what the first may have stored, and fails in the same way.
    for _ in range(2):
        try_to_write(statement)
        assert statement.state == Statement.State.FAILED
        assert statement.reason == "We couldn’t store the file. We’ll try again automatically."
    settings.STORAGES = usual
    assert try_to_write(statement).state == Statement.State.READY
