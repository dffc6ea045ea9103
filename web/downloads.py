"""A stored file on its way to a browser, which counts as fetched once the server has taken all of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.files import File
from django.http import HttpRequest

logger = logging.getLogger(__name__)

# A worker has one thread for requests, and waits with a block until the one before it is out. Most files are one block:
# then a slow line keeps nobody waiting. What is larger needs a proxy that buffers.
BLOCK_BYTES = 8 * 1024 * 1024


class Outgoing:
    """What a server reads a file through, block by block.

    The first block is read at once. Storages that are asked over a network fetch only then, and as long as nothing is
    out, a page can still say that they do not answer: making one raises OSError for it.
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
        """Return the next block, and nothing at the end. `size` is that of all blocks."""
        block, self._first = self._first, b""
        try:
            block = block or self._next(size)
        except OSError as error:
            # Status and length are out: all that is left is to break off, by which a browser knows that it has a part.
            # The middleware is through with this request, so the line gets its id from the request itself.
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
            # Each kind of storage has errors of its own.
            raise OSError(f"{type(error).__name__}: {error}") from error
        self._left_bytes -= len(block)
        if not block and self._left_bytes:
            raise OSError(f"the file is {self._left_bytes} bytes shorter than it was")
        return block
