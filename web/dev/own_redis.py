"""Runs a management command again with a private Redis where none is set: the settings are read at the start."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

from web.dev import embedded_redis


def run_again(*words: str) -> int | None:
    """Run a command with a private Redis, and return its exit code; None if REDIS_URL is set and nothing was run."""
    if os.environ.get("REDIS_URL"):
        return None
    redis = embedded_redis.start(settings.VAR_DIR / f"redis-{words[0]}.sock")
    try:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *words]
        environment = os.environ | {"REDIS_URL": redis.url}
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 (our own words)
    finally:
        redis.stop()
