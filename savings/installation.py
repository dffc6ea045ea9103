"""Facts about this database as a whole: its epoch, and the settings that are fixed once there is money.

The *epoch* names the history that the database holds. Version counters of rows go back when a backup is restored, and
then count up again; the epoch does not repeat. Keys in Redis or in a browser that contain such a counter also contain
the epoch.

The currency and the time zone are recorded with the first money. They are compared when a server or a worker starts,
and again by each process before the first money that it writes.
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
    """Return the epoch of the database: the one noted for this request, otherwise from one query."""
    return _known.get() or Installation.objects.the_row().epoch


def note_epoch(value: str) -> None:
    """Remember the epoch until the end of the surrounding `forgetting_epoch` block."""
    _known.set(value)


@contextmanager
def forgetting_epoch() -> Iterator[None]:
    """Start a request without a noted epoch and forget the noted one at its end: the next request may see another."""
    token = _known.set(None)
    try:
        yield
    finally:
        _known.reset(token)


def renew_epoch() -> str:
    """Give the database a new epoch and return it. Nothing cached under the old epoch is found any more."""
    row = Installation.objects.the_row()
    row.epoch = new_epoch()
    row.save(update_fields=["epoch"])
    return row.epoch


# More rows than any table can gain between a backup and its restore.
_SKIPPED_IDS = 10_000_000
_WHY_GIVEN_UP = (
    "This mail waited when the backup was made and may have been sent since. Retry it only if it was not."
)

# For each recorded column: the setting that must equal it, and the reason.
FIXED_SETTINGS = {
    "currency": ("CURRENCY", "Every amount in the database is in that currency."),
    "time_zone": ("TIME_ZONE", "Its days and the interest of each day were calculated in that time zone."),
}

# The settings that this process has compared with the database; None before the first comparison.
_confirmed: dict[str, str] | None = None


def confirm_settings() -> None:
    """Record the settings of this process with the first money; afterwards, check that they are still the same.

    Runs inside the transaction that writes the money, and costs one query per process. Raises ImproperlyConfigured
    when a setting differs from the recorded one.
    """
    mine = _settings()
    if mine == _confirmed:
        return
    with transaction.atomic():
        is_recorded = all(_recorded().values())
        if not is_recorded:
            _record(mine)
        if messages := conflicts():
            raise ImproperlyConfigured(" ".join(messages))
    if is_recorded:
        _remember(mine)
    else:
        # Not before the commit: a rollback also removes the recorded settings.
        transaction.on_commit(lambda: _remember(mine))


def conflicts() -> list[str]:
    """Return a message for each setting that differs from the recorded one. It says what to do."""
    mine = _settings()
    return [
        f"This database was used with {setting}={recorded}, but {setting} is now {mine[name]}. {why}"
        f" Set {setting}={recorded}, or use another database."
        for name, (setting, why) in FIXED_SETTINGS.items()
        if (recorded := _recorded()[name]) and recorded != mine[name]
    ]


def _settings() -> dict[str, str]:
    return {name: getattr(settings, setting) for name, (setting, _) in FIXED_SETTINGS.items()}


def _recorded() -> dict[str, str]:
    row = Installation.objects.filter(pk=Installation.ONLY).values(*FIXED_SETTINGS).first()
    return dict(row) if row else dict.fromkeys(FIXED_SETTINGS, "")


def _record(values: dict[str, str]) -> None:
    """Record the settings that are not recorded yet. Of two processes at the same time the first one wins."""
    Installation.objects.get_or_create(pk=Installation.ONLY)
    for name, value in values.items():
        Installation.objects.filter(pk=Installation.ONLY, **{name: ""}).update(**{name: value})


def _remember(values: dict[str, str]) -> None:
    global _confirmed  # noqa: PLW0603 - one per process, as its settings are
    _confirmed = values


def begin_new_history(mail_kinds: Iterable[str]) -> int:
    """Start a new history after a restore, and return the number of waiting mails that were given up.

    The database gets a new epoch, so that nothing in Redis or a browser from the lost history matches it. Ids are
    skipped, so that no new row gets an id that tasks, sessions and links of the lost history contain. Mails that were
    waiting in the backup may have been sent since then: they are given up, and staff decide about them in the admin.
    Run it while nothing else runs. A second run does the same again.
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
                # sqlite_sequence has no row for a table that never had one.
                cursor.execute(
                    "INSERT INTO sqlite_sequence (name, seq) SELECT %s, 0"
                    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = %s)",
                    [table, table],
                )
                cursor.execute(
                    "UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s", [_SKIPPED_IDS, table]
                )
