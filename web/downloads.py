"""Streams a stored file to the browser, and calls back once the server has read all of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.files import File
from django.http import HttpRequest

logger = logging.getLogger(__name__)

# A worker has one thread for requests, and waits for each block to be sent before the next. Most files are one block,
# so a slow client does not occupy the worker. Larger files need a buffering proxy.
BLOCK_BYTES = 8 * 1024 * 1024


class Outgoing:
    """A file object that the server reads block by block.

    The first block is read at once. A network storage fetches the file only then, and as long as nothing has been
    sent, the response can still be an error page; the constructor raises OSError.
    """

    def __init__(
        self, request: HttpRequest, file: File[Any], size_bytes: int, when_out: Callable[[], object]
    ) -> None:
        self._request = request
        self._file = file
        self._left_bytes = size_bytes
        self._when_out = when_out
        try:
            self._first = self._next(BLOCK_BYTES)
        except OSError:
            file.close()
            raise

    def read(self, size: int) -> bytes:
        """Return the next block, or empty bytes at the end. `size` is the size of all blocks."""
        block, self._first = self._first, b""
        try:
            block = block or self._next(size)
        except OSError as error:
            # Status and length have been sent, so the only option is to abort, which tells the browser that the file
            # is incomplete. The middleware has finished with this request, so the log line takes its id from the
            # request.
            logger.warning("a download broke off: %s", error, extra={"request": self._request})
            raise
        if not block:
            self._when_out()
        return block

    def close(self) -> None:
        self._file.close()

    def _next(self, size: int) -> bytes:
        try:
            block: bytes = self._file.read(size)
        except Exception as error:
            # Each kind of storage raises its own exceptions.
            raise OSError(f"{type(error).__name__}: {error}") from error
        self._left_bytes -= len(block)
        if not block and self._left_bytes:
            raise OSError(f"the file is {self._left_bytes} bytes shorter than it was")
        return block
