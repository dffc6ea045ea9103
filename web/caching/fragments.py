"""What is kept of pages in Redis: texts that carry their own key, made by one of all who need them.

Whatever else is found under a key (cut off, of another page, of another kind) counts as nothing found.
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
from django_redis.client import DefaultClient
from django_redis.exceptions import ConnectionInterrupted
from redis import Redis
from redis.exceptions import RedisError

from web.caching import counting, reads

# Who finds that somebody else is at it waits so long at most: many times what a page takes to make.
_MOST_SECONDS = 2
_FIRST_LOOK_SECONDS = 0.005
_LAST_LOOK_SECONDS = 0.05
_HEAD_BYTES = 32 + 8
# What a page is made of besides the database: a server with other code must not show the pages of the one before.
_MADE_OF = ("savings/**/*.py", "web/**/*.py", "templates/**/*", "static/**/*", "requirements/base.txt")
# What is kept under a key, and where that begins with the id of a circle and the key of its board, the version of that:
# a page of a circle and whether it is still right are one round trip. KEYS: the key. ARGV: where a body begins.
_FIND = """
local kept = redis.call('GET', KEYS[1])
local board = kept and string.match(kept, '^%d+ (board:%S+) ', ARGV[1])
local version = board and redis.pcall('HGET', board, 'version')
return {kept, type(version) == 'string' and version}
"""
_HOW_TO_FIND = (_HEAD_BYTES + 1,)
# Settings that say how the site is run, which no page shows. All others count: it fails closed.
_UNSEEN_SETTINGS = {
    "CACHES",
    "DATABASES",
    "ELASTIC_APM",
    "HUEY",
    "LEADERBOARD_REDIS_URL",
    "LEADERBOARD_UPKEEP_REDIS_URL",
    "LOGGING",
    "REDIS_URL",
    "STORAGES",
    "TEMPLATES",
}


class Found(NamedTuple):
    """What is kept under a key, and the digits of the version that the board it shows something of has by now."""

    body: bytes
    board_version: bytes | None


class Client(DefaultClient):
    """Stores bytes as they are: to read the JSON of a page takes longer than Redis does."""

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


class Cache(counting.Cache):
    """The `template_fragments` cache: `{% cache %}` uses it, and so do whole pages."""

    def get(self, key: str, default: Any = None, *args: Any, **kwargs: Any) -> Any:
        found = self.find(key)
        return default if found is None else found.body.decode()

    def set(self, key: str, value: str | bytes, *args: Any, **kwargs: Any) -> Any:
        if key.startswith("template.cache.") and not reads.all_is_covered():
            # Found there, it would hide from the page that shows it what it was made of.
            return False
        body = value.encode() if isinstance(value, str) else value
        return super().set(key, b"%b%b" % (_head(key, body), body), *args, **kwargs)

    def find(self, key: str) -> Found | None:
        """Return what was put under a key, and None for anything else that may be there."""
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
        """Return what is kept under a key, or make it: one of all who ask does, the others wait for that.

        `make` returns it and for how many seconds to keep it, 0 for not at all. `is_right` says whether what another
        has made will do, and `found` is what was there and did not. Nobody waits longer than two seconds, and without
        Redis everybody makes their own at once.
        """
        ends_at, wait_seconds = time.monotonic() + _MOST_SECONDS, _FIRST_LOOK_SECONDS
        # None: Redis is away. A lock is left to end by itself, so that who comes late finds either it or the page. It
        # is named by what is out of date, so that whoever has just replaced that keeps nobody from replacing theirs.
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
    """Return a digest of all that a page is made of besides the database: code, templates, files, settings."""
    digest = hashlib.blake2b(django.__version__.encode(), digest_size=16)
    for name in sorted({name for name in dir(settings) if name.isupper()} - _UNSEEN_SETTINGS):
        # Paths and objects are left out, which differ between servers and processes that show the same.
        value = json.dumps(getattr(settings, name), default=lambda _: None, sort_keys=True)
        digest.update(f"{name}={value}\n".encode())
    for pattern in _MADE_OF:
        for path in sorted(Path(settings.BASE_DIR).glob(pattern)):
            if path.is_file():
                digest.update(path.relative_to(settings.BASE_DIR).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


@receiver(file_changed)
def _forget_version(**_: Any) -> None:
    """In development a template may change while the server runs."""
    code_version.cache_clear()


def _lock(key: str, found: Found | None) -> str:
    return f"making:{key}:{zlib.crc32(found.body if found else b'')}"


def _head(key: str, body: bytes) -> bytes:
    """Return what stands before a body: whose it is, made of which code, and how long."""
    whose = hashlib.blake2b(f"{code_version()}:{key}".encode(), digest_size=16).hexdigest()
    return b"%b%08x" % (whose.encode(), len(body))
