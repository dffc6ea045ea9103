"""What has to happen in the database after a backup of it was restored.

The site cannot find this out by itself with certainty: whatever the database counts goes back with it and may have
caught up by the time that anybody looks, and Redis, where a copy of the count could be, may be empty for other reasons.
So an operator says so: `manage.py restored`.
"""

from __future__ import annotations

from django.apps import apps
from django.db import connection, models, transaction
from django.utils import timezone

from savings import installation, mails
from savings.models import Installation, OutboxRow

# More rows than any table can have got between a backup and its restoration.
_SKIPPED_IDS = 10_000_000
_WHY_GIVEN_UP = (
    "This was waiting when the backup was made, and may have been sent since. Try again if it was not."
)


def begin_new_history() -> int:
    """Let the database begin a history of its own, and return how many mails were given up.

    It gets a new epoch, so that nothing of the lost history fits it that Redis or a browser remembers, and no row will
    have an id of the lost history, which stands in tasks, sessions and links. Mails that waited in the backup may have
    been sent since: they are given up, and staff decide about them in the admin. Run while nothing else runs; a second
    run does the same again.
    """
    with transaction.atomic():
        installation.renew_epoch()
        _skip_ids()
        waiting = OutboxRow.objects.filter(kind__in=mails.KINDS, due_at__isnull=False)
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
