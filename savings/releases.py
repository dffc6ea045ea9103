"""The release that a process runs, and the releases that the workers say they run.

Each worker writes its release into Redis once a minute, so that `manage.py doctor` finds a worker that still runs the
code of before an upgrade.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import os
import socket
from pathlib import Path

from django.conf import settings
from django_redis import get_redis_connection

_KEY = "asusu:workers"
# A worker that has not written for this long has ended. It writes once a minute.
_SILENT_AFTER = datetime.timedelta(minutes=3)


@functools.cache
def release_name() -> str:
    """Return the name of the code that this process runs: ASUSU_RELEASE, or else a digest of the Python files.

    The first call of a process reads the files, so it belongs at the start: later they may be those of an upgrade.
    """
    if settings.RELEASE:
        return str(settings.RELEASE)
    digest = hashlib.blake2b(digest_size=6)
    for folder in ("savings", "web"):
        for path in sorted(Path(settings.BASE_DIR, folder).rglob("*.py")):
            digest.update(path.relative_to(settings.BASE_DIR).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def note_worker(now: datetime.datetime) -> None:
    """Write the release of this worker into Redis. Raises RedisError while Redis is down."""
    noted = json.dumps({"release": release_name(), "at": now.isoformat()})
    get_redis_connection("default").hset(_KEY, f"{socket.gethostname()}:{os.getpid()}", noted)


def releases_of_workers(now: datetime.datetime) -> set[str]:
    """Return the releases of the workers that are running. Raises RedisError while Redis is down."""
    redis = get_redis_connection("default")
    running = set()
    for worker, noted in redis.hgetall(_KEY).items():
        found = json.loads(noted)
        if datetime.datetime.fromisoformat(found["at"]) < now - _SILENT_AFTER:
            redis.hdel(_KEY, worker)
        else:
            running.add(found["release"])
    return running
