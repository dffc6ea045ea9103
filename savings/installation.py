"""Facts about this database as a whole: which history it holds, and the settings that must stay once there is money.

The *epoch* names the history. Counters of rows go back when a backup is restored, and then count up again; the epoch
does not. Whatever is keyed by such a counter in Redis or in a browser is keyed by the epoch as well.

The currency, and the time zone that days begin in, are recorded with the first money and compared when a server or a
worker starts, and again by each process before the first money that it writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models, transaction
from django.utils import timezone

from savings.models import Installation, OutboxRow
from savings.models.installation import new_epoch

_known: ContextVar[str | None] = ContextVar("epoch", default=None)


def epoch() -> str:
    """Return the epoch of the database: the one that this request has read already, else with one query."""
    return _known.get() or Installation.objects.the_row().epoch


def note_epoch(found: str) -> None:
    """Remember the epoch for the rest of the block of `forgetting_epoch` around it."""
    _known.set(found)


@contextmanager
def forgetting_epoch() -> Iterator[None]:
    """Begin a request without an epoch, and forget what it has noted at its end: the next one may see another."""
    token = _known.set(None)
    try:
        yield
    finally:
        _known.reset(token)


def renew_epoch() -> str:
    """Give the database a new epoch and return it: what is cached of the history before is not found any more."""
    row = Installation.objects.the_row()
    row.epoch = new_epoch()
    row.save(update_fields=["epoch"])
    return row.epoch


# More rows than any table can have got between a backup and its restoration.
_SKIPPED_IDS = 10_000_000
_WHY_GIVEN_UP = (
    "This was waiting when the backup was made, and may have been sent since. Try again if it was not."
)

# Each recorded column, the setting that it has to equal, and what depends on that.
KEPT = {
    "currency": ("CURRENCY", "Every amount in it is in that currency."),
    "time_zone": ("TIME_ZONE", "Its days, and the interest of each, were calculated in that time zone."),
}

# The settings that this process has compared with the database; None before.
_confirmed: dict[str, str] | None = None


def confirm() -> None:
    """Record the settings of this process with the first money; afterwards, make sure that they are the same.

    Part of the transaction that writes the money. Costs a query once in a process. Raises ImproperlyConfigured.
    """
    mine = _settings()
    if mine == _confirmed:
        return
    with transaction.atomic():
        is_recorded = all(_recorded().values())
        if not is_recorded:
            _record(mine)
        if found := conflicts():
            raise ImproperlyConfigured(" ".join(found))
    if is_recorded:
        _remember(mine)
    else:
        # A rollback takes what has just been recorded away again.
        transaction.on_commit(lambda: _remember(mine))


def conflicts() -> list[str]:
    """Return, for each setting that is not what this database was used with, what to do about it."""
    mine = _settings()
    return [
        f"This database was used with {setting}={recorded}, and {setting} is {mine[name]} now. {why}"
        f" Set {setting}={recorded}, or use another database."
        for name, (setting, why) in KEPT.items()
        if (recorded := _recorded()[name]) and recorded != mine[name]
    ]


def _settings() -> dict[str, str]:
    return {name: getattr(settings, setting) for name, (setting, _) in KEPT.items()}


def _recorded() -> dict[str, str]:
    row = Installation.objects.filter(pk=Installation.ONLY).values(*KEPT).first()
    return dict(row) if row else dict.fromkeys(KEPT, "")


def _record(values: dict[str, str]) -> None:
    """Write down what is not recorded yet. Of two processes at once the first one's settings count for both."""
    Installation.objects.get_or_create(pk=Installation.ONLY)
    for name, value in values.items():
        Installation.objects.filter(pk=Installation.ONLY, **{name: ""}).update(**{name: value})


def _remember(values: dict[str, str]) -> None:
    global _confirmed  # noqa: PLW0603 - one per process, as its settings are
    _confirmed = values


def begin_new_history(mail_kinds: Iterable[str]) -> int:
    """Let the database begin a history of its own, and return how many mails were given up.

    It gets a new epoch, so that nothing of the lost history fits it that Redis or a browser remembers, and no row will
    have an id of the lost history, which stands in tasks, sessions and links. Mails that waited in the backup may have
    been sent since: they are given up, and staff decide about them in the admin. Run while nothing else runs; a second
    run does the same again.
    """
    with transaction.atomic():
        renew_epoch()
        _skip_ids()
        waiting = OutboxRow.objects.filter(kind__in=mail_kinds, due_at__isnull=False)
        return waiting.update(dead_at=timezone.now(), due_at=None, error=_WHY_GIVEN_UP)


def _skip_ids() -> None:
    for model in apps.get_app_config("savings").get_models():
        if model is Installation or not isinstance(model._meta.pk, models.BigAutoField):
            continue
        table = model._meta.db_table
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    "SELECT setval(name, nextval(name) + %s) FROM pg_get_serial_sequence(%s, 'id') AS name",
                    [_SKIPPED_IDS, table],
                )
            else:
                # A table that has never had a row has no line there.
                cursor.execute(
                    "INSERT INTO sqlite_sequence (name, seq) SELECT %s, 0"
                    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = %s)",
                    [table, table],
                )
                cursor.execute(
                    "UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s", [_SKIPPED_IDS, table]
                )
