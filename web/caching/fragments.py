"""Cached pages and fragments in Redis. Each carries a hash of its key; one request renders it while the others wait.

An entry that is cut off, or belongs to another page or another kind of value, counts as a miss.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import django
from django.conf import settings
from django.dispatch import receiver
from django.utils.autoreload import file_changed
from django_redis.cache import RedisCache
from django_redis.client import DefaultClient
from django_redis.exceptions import ConnectionInterrupted
from redis import Redis
from redis.exceptions import RedisError

from web.caching import reads
from web.caching.cache import Counted

# The longest wait for another request that is already rendering this page. Rendering takes a small part of this.
_MOST_SECONDS = 2
_FIRST_LOOK_SECONDS = 0.005
_LAST_LOOK_SECONDS = 0.05
_HEAD_BYTES = 32 + 8
# The files that a page depends on besides the database. A server with other code must not serve cached pages of this
# one.
_MADE_OF = ("savings/**/*.py", "web/**/*.py", "templates/**/*", "static/**/*", "requirements/base.txt")
# Returns the value of a key. If the value begins with a circle's id and its board's key, also returns the version of
# that board, so that reading a page of a circle and checking that it is current take one round trip. KEYS: the key.
# ARGV: the offset of the body.
_FIND = """
local value = redis.call('GET', KEYS[1])
local board = value and string.match(value, '^%d+ (board:%S+) ', ARGV[1])
local version = board and redis.pcall('HGET', board, 'version')
return {value, type(version) == 'string' and version}
"""
_HOW_TO_FIND = (_HEAD_BYTES + 1,)
# Operational settings, which no page shows. All other settings are part of the code version, so a new one is included.
_UNSEEN_SETTINGS = {
    "CACHES",
    "DATABASES",
    "ELASTIC_APM",
    "HUEY",
    "LEADERBOARD_REDIS_URL",
    "LEADERBOARD_UPKEEP_REDIS_URL",
    "LOGGING",
    "METRICS_TOKEN",
    "REDIS_URL",
    "STORAGES",
    "TEMPLATES",
}


class Found(NamedTuple):
    """A cached value, and the current version (as digits) of the board it shows, if it shows one."""

    body: bytes
    board_version: bytes | None


class RawClient(DefaultClient):
    """Stores raw bytes: decoding a page from JSON takes longer than the call to Redis."""

    def get(
        self, key: str, default: Any = None, version: int | None = None, client: Redis | None = None
    ) -> Any:
        client = client or self.get_client(write=False)
        try:
            found = Found(*client.eval(_FIND, 1, self.make_key(key, version=version), *_HOW_TO_FIND))
        except RedisError as error:
            raise ConnectionInterrupted(connection=client) from error
        return default if found.body is None else found

    def encode(self, value: Any, *, allow_int: bool = True) -> Any:
        return value

    def decode(self, value: Any) -> Any:
        return value


class FragmentCache(Counted, RedisCache):
    """The `template_fragments` cache, used by `{% cache %}` and for whole pages."""

    def get(self, key: str, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        found = self.find(key)
        return default if found is None else found.body.decode()

    def set(self, key: str, value: str | bytes, *args: Any, **kwargs: Any) -> Any:
        if key.startswith("template.cache.") and not reads.all_is_covered():
            # A page that uses the cached fragment would not record the reads behind it, and could be cached without
            # covering them.
            return False
        body = value.encode() if isinstance(value, str) else value
        return super().set(key, b"%b%b" % (_head(key, body), body), *args, **kwargs)

    def find(self, key: str) -> Found | None:
        """Return the value that was stored under a key, or None for anything else found there."""
        found = super().get(key)
        if found is None:
            return None
        body = found.body[_HEAD_BYTES:]
        return found._replace(body=body) if found.body.startswith(_head(key, body)) else None

    def once(
        self,
        key: str,
        make: Callable[[], tuple[bytes, int]],
        is_right: Callable[[Found], bool] = lambda _: True,
        found: Found | None = None,
    ) -> bytes:
        """Return the value of a key, or make it: one request does, and the others wait for its result.

        `make` returns the value and for how many seconds to cache it; 0 means not at all. `is_right` decides whether a
        value made by another request can be used, and `found` is the existing value that could not. No request waits
        longer than two seconds, and without Redis each makes its own at once.
        """
        ends_at, wait_seconds = time.monotonic() + _MOST_SECONDS, _FIRST_LOOK_SECONDS
        # `add` returns None if Redis is down. The lock expires instead of being deleted, so a late request finds
        # either the lock or the page. The lock key includes a hash of the stale value, so a request holding a newer
        # value gets its own lock.
        while self.add(lock := _lock(key, found), b"", _MOST_SECONDS) is False and time.monotonic() < ends_at:
            time.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, _LAST_LOOK_SECONDS)
            found = self.find(key)
            if found is not None and is_right(found):
                return found.body
        seconds = 0
        try:
            body, seconds = make()
        finally:
            if seconds:
                self.set(key, body, seconds)
            else:
                self.delete(lock)
        return body


@functools.cache
def code_version() -> str:
    """Return a digest of what a page depends on besides the database: code, templates, static files, settings.

    Where the operator names the release, its name stands for the files, which are then not read.
    """
    digest = hashlib.blake2b(django.__version__.encode(), digest_size=16)
    for name in sorted({name for name in dir(settings) if name.isupper()} - _UNSEEN_SETTINGS):
        # Paths and objects differ between servers and processes that render the same pages, so they are left out.
        value = json.dumps(getattr(settings, name), default=lambda _: None, sort_keys=True)
        digest.update(f"{name}={value}\n".encode())
    for pattern in () if settings.RELEASE else _MADE_OF:
        for path in sorted(Path(settings.BASE_DIR).glob(pattern)):
            if path.is_file():
                digest.update(path.relative_to(settings.BASE_DIR).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


@receiver(file_changed)
def _forget_version(**_: Any) -> None:
    """Recalculate the version after an edit: in development, files change while the server runs."""
    code_version.cache_clear()


def _lock(key: str, found: Found | None) -> str:
    return f"making:{key}:{zlib.crc32(found.body if found else b'')}"


def _head(key: str, body: bytes) -> bytes:
    """Return the head of a stored value: a hash of its key and the code version, and the length of the body."""
    whose = hashlib.blake2b(f"{code_version()}:{key}".encode(), digest_size=16).hexdigest()
    return b"%b%08x" % (whose.encode(), len(body))
