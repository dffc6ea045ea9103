"""Checks of this machine and of the settings: disks, the key of the provider, the sender of mails, Django's checks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection, transaction
from django.template.defaultfilters import filesizeformat

from web.doctor.findings import Finding
from web.messages import doctor as messages

_LEAST_PERCENT, _LEAST_BYTES = 10, 2**30
# Of a large disk, a tenth is much: so many bytes are enough for some days.
_ENOUGH_BYTES = 20 * 2**30
_LIVE, _TEST = "sk_live_", "sk_test_"
_LOCAL = {"localhost", "127.0.0.1", "::1"}
# What other checks of the doctor say with more detail.
_SAID_ELSEWHERE = {"web.W001", "web.E001"}


def debug() -> Iterator[Finding]:
    host = urlsplit(settings.SITE_URL).hostname or ""
    if settings.DEBUG and host not in _LOCAL:
        yield Finding("debug", *messages.debug_on(host))


def provider_key() -> Iterator[Finding]:
    key = settings.PAYSTACK_SECRET_KEY
    if settings.DEBUG:
        if key.startswith(_LIVE):
            yield Finding("provider-key", *messages.LIVE_KEY_IN_DEVELOPMENT)
    elif not key:
        yield Finding("provider-key", *messages.SIMULATOR)
    elif key.startswith(_TEST):
        yield Finding("provider-key", *messages.key_is_for_tests(_TEST))
    elif not key.startswith(_LIVE):
        yield Finding("provider-key", *messages.key_of_unknown_kind())


def sender() -> Iterator[Finding]:
    """Accept a sender at the host of the site, at a host below it, and at the domain that it belongs to."""
    host = (urlsplit(settings.SITE_URL).hostname or "").removeprefix("www.")
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2].lower()
    is_ours = host == domain or host.endswith(f".{domain}") or domain.endswith(f".{host}")
    if not settings.DEBUG and not is_ours:
        yield Finding("sender", *messages.sender_elsewhere(domain, host))


def deployment() -> Iterator[Finding]:
    """Run Django's checks, as `manage.py check --deploy` does."""
    if settings.DEBUG:
        return
    for found in checks.run_checks(include_deployment_checks=True):
        if found.level >= checks.WARNING and not found.is_silenced() and found.id not in _SAID_ELSEWHERE:
            yield Finding("deploy", *messages.deploy_check(found.msg, found.hint or "", found.id or "?"))


def disks() -> Iterator[Finding]:
    """Look at the disk of VAR_DIR, and at those of statements and of the database if they are others."""
    places = {"VAR_DIR": Path(settings.VAR_DIR), "statements": Path(settings.STATEMENTS_DIR)}
    if connection.vendor == "sqlite":
        places["the database"] = Path(connection.settings_dict["NAME"]).parent
    seen: set[int] = set()
    for what, path in places.items():
        if path.is_dir() and (device := path.stat().st_dev) not in seen:
            seen.add(device)
            yield from _disk(what, path)


def database_disk() -> Iterator[Finding]:
    """Look at the disk of PostgreSQL, if it is another of this machine and the site's user may know where."""
    if connection.vendor != "postgresql" or connection.settings_dict["HOST"] not in {"", *_LOCAL}:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SHOW data_directory")
            path = Path(cursor.fetchone()[0])
    except DatabaseError:
        # Only superusers and members of pg_read_all_settings may ask.
        return
    if path.is_dir() and path.stat().st_dev != Path(settings.VAR_DIR).stat().st_dev:
        yield from _disk(messages.THE_DATABASE, path)


def _disk(what: str, path: Path) -> Iterator[Finding]:
    found = shutil.disk_usage(path)
    percent = found.free * 100 // found.total
    if found.free < _LEAST_BYTES or (percent < _LEAST_PERCENT and found.free < _ENOUGH_BYTES):
        free = filesizeformat(found.free).replace("\xa0", " ")
        yield Finding("disk", *messages.disk_full(what, str(path), free, percent))
