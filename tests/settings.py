"""The settings of the tests. From the environment only DATABASE_URL and REDIS_URL are used."""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

from web.dev import embedded_redis

_root = Path(__file__).resolve().parent.parent
_folder = Path(tempfile.mkdtemp(prefix="asusu-tests-"))
atexit.register(shutil.rmtree, _folder, ignore_errors=True)

# A developer's keys and URLs must not reach a test, neither from .env nor from the shell.
for _name in re.findall(r"^#? ?([A-Z_]+)=", (_root / ".env.example").read_text(), re.MULTILINE):
    if _name not in {"DATABASE_URL", "REDIS_URL"}:
        os.environ.pop(_name, None)
# A program that a test starts uses the real settings and not this file.
os.environ |= {
    "DEBUG": "1",
    "DEBUG_TOOLBAR": "0",
    "ENV_FILE": os.devnull,
    "DJANGO_SETTINGS_MODULE": "web.settings",
}
if not os.environ.get("REDIS_URL"):
    _redis = embedded_redis.start(_folder / "redis.sock")
    atexit.register(_redis.stop)
    os.environ["REDIS_URL"] = _redis.url
else:
    # Each worker of pytest-xdist uses and empties its own databases, none of them the first four.
    _worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    # Workers inherit the URL as the parent process changed it, so the parent stores the original one.
    _url = os.environ.setdefault("REDIS_URL_AS_GIVEN", os.environ["REDIS_URL"])
    os.environ["REDIS_URL"] = f"{_url}{'&' if '?' in _url else '?'}db={4 * (_worker + 1)}"

from web.settings import *  # noqa: E402, F403 (the environment comes first)
from web.settings import CACHES, DATABASES, STORAGES, redis_database  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, because threads share an in-memory database without waiting for locks. synchronous=OFF, because no test
    # cuts the power.
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# On a busy machine Redis must not look unreachable: the query counts would differ.
for _cache in CACHES.values():
    _cache["OPTIONS"] |= {"SOCKET_CONNECT_TIMEOUT": 10, "SOCKET_TIMEOUT": 10}
LEADERBOARD_REDIS_URL = redis_database(2, socket_timeout=10, socket_connect_timeout=10)
LEADERBOARD_UPKEEP_REDIS_URL = LEADERBOARD_REDIS_URL
# Files of statements are deleted after the tests.
STATEMENTS_DIR = _folder / "statements"
STORAGES["statements"]["OPTIONS"]["location"] = STATEMENTS_DIR / "files"
