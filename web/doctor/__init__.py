"""The doctor: says what is wrong with this installation and what to do. One list, for the command and for staff.

What needs the network or a disk is asked in threads of its own, all at the same time and with a deadline: a service
that never answers must not keep the rest waiting. docs/monitoring.md lists the checks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from savings import backoffice
from web.doctor import books, machine, parts, services, site
from web.doctor.findings import Finding as Finding
from web.doctor.proxies import Seen
from web.doctor.proxies import seen as seen
from web.messages import doctor as messages
from web.middleware.database import waiting_at_most

logger = logging.getLogger(__name__)

type Check = Callable[[], Iterable[Finding]]

# For each answer of the database, and for all checks together that ask something else.
_DATABASE_SECONDS = 5
_OTHERS_SECONDS = 12

_HERE: dict[str, Check] = {
    "debug": machine.debug,
    "provider-key": machine.provider_key,
    "sender": machine.sender,
    "deploy": machine.deployment,
}
_OUTSIDE: dict[str, Check] = {
    "redis": services.redis,
    "mail-server": services.mail_server,
    "provider": services.provider,
    "disk": machine.disks,
}


def examine(arrived: Seen | None = None) -> list[Finding]:
    """Return what is wrong with this installation, an empty list if nothing is. Takes at most some twenty seconds.

    `arrived` is how a request of the caller arrived. Without it, the doctor sends requests to SITE_URL itself; a server
    cannot do that, because it might wait for itself.
    """
    asked = _OUTSIDE | {"site": site.site if arrived is None else lambda: site.arrived(arrived)}
    answers = _begin(asked)
    # Django's checks ask the database too.
    with waiting_at_most(_DATABASE_SECONDS):
        found = [finding for name, check in _HERE.items() for finding in _findings_of(name, check)]
        found += _in_database()
    return [*found, *answers()]


def _in_database() -> list[Finding]:
    state = parts.database()
    if state != "ok":
        return [Finding("database", *messages.database(state))]
    missing = parts.migrations()
    if missing != "ok":
        # The other checks may need the tables that are missing.
        return [Finding("migrations", *messages.migrations(missing))]
    try:
        known = backoffice.monitored(timezone.now())
    except DatabaseError:
        logger.exception("the database could not be read")
        return [Finding("database", *messages.database(messages.CANNOT_BE_READ))]
    asked: dict[str, Check] = {"disk": machine.database_disk}
    for name, check in books.CHECKS.items():
        asked[name] = lambda check=check: check(known)  # type: ignore[misc]
    return [finding for name, check in asked.items() for finding in _findings_of(name, check)]


def _findings_of(name: str, check: Check) -> list[Finding]:
    """Run a check. One that fails is a finding too, and keeps no other from running."""
    try:
        return list(check())
    except Exception as error:
        logger.exception("the check %s failed", name)
        return [Finding(name, *messages.check_failed(type(error).__name__))]


def _begin(checks: dict[str, Check]) -> Callable[[], list[Finding]]:
    """Run checks in the background, and return a function that waits for their findings until the deadline."""
    ends_at = time.monotonic() + _OTHERS_SECONDS
    found: dict[str, list[Finding]] = {}

    def run(name: str, check: Check) -> None:
        found[name] = _findings_of(name, check)

    # Daemons, because a call that never returns must not keep the process from ending.
    threads = {
        name: threading.Thread(target=run, args=(name, check), daemon=True) for name, check in checks.items()
    }
    for thread in threads.values():
        thread.start()

    def gather() -> list[Finding]:
        for name, thread in threads.items():
            thread.join(max(0.0, ends_at - time.monotonic()))
            found.setdefault(name, [Finding(name, *messages.no_answer(_OTHERS_SECONDS))])
        return [finding for name in checks for finding in found[name]]

    return gather


def is_development() -> bool:
    """Return whether the checks that only concern a server are left out."""
    return bool(settings.DEBUG)
