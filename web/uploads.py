"""Hashes an upload while it arrives, without storing it."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

# Enough for a sheet of half a million rows. The browser hashes larger files itself and sends nothing.
MOST_BYTES = 64 * 1024 * 1024


class HashedFile(UploadedFile):  # type: ignore[type-arg]
    """An upload reduced to its name, size and SHA-256."""

    def __init__(self, name: str, size: int, sha256: str) -> None:
        super().__init__(BytesIO(), name, size=size)
        self.sha256 = sha256


class HashingUploadHandler(FileUploadHandler):
    """Hashes each file of a request, and stops reading a file that is too large."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.is_too_large = False
        self._read_bytes = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._hash = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._read_bytes += len(raw_data)
        if self._read_bytes > MOST_BYTES:
            self.is_too_large = True
            raise StopUpload(connection_reset=True)
        self._hash.update(raw_data)

    def file_complete(self, file_size: int) -> HashedFile:
        return HashedFile(self.file_name or "", file_size, self._hash.hexdigest())
