"""Fills the value dates of entries and the rate periods of accounts."""

import zoneinfo

from django.conf import settings
from django.db import migrations, transaction

CHUNK = 20_000
# Entries cannot be changed while this trigger exists. It is switched off for one chunk at a time, in the transaction
# that fills the chunk; on PostgreSQL other writers wait for that long.
WITHOUT_TRIGGER = {
    "postgresql": (
        "ALTER TABLE savings_entry DISABLE TRIGGER entry_append_only",
        "ALTER TABLE savings_entry ENABLE TRIGGER entry_append_only",
    ),
    "sqlite": (
        "DROP TRIGGER entry_not_updated",
        """
        CREATE TRIGGER entry_not_updated BEFORE UPDATE ON savings_entry
        BEGIN SELECT RAISE(ABORT, 'ledger entries are append-only'); END
        """,
    ),
}
LOCAL_DAY = {
    "postgresql": "(posted_at AT TIME ZONE %s)::date",
    "sqlite": "django_datetime_cast_date(posted_at, %s, 'UTC')",
}
FILL = "UPDATE savings_entry SET value_on = {day} WHERE value_on IS NULL AND id > %s AND id <= %s"
PERIODS = {
    "postgresql": """
        INSERT INTO savings_rateperiod (account_id, from_day, rate_bps)
        SELECT a.id, LEAST(p.started_on, (p.created_at AT TIME ZONE %s)::date) - DATE '0001-01-01' + 1, a.rate_bps
        FROM savings_account a JOIN savings_plan p ON p.id = a.plan_id
        WHERE a.id > %s AND a.id <= %s
        ON CONFLICT DO NOTHING
    """,
    "sqlite": """
        INSERT OR IGNORE INTO savings_rateperiod (account_id, from_day, rate_bps)
        SELECT a.id,
            CAST(julianday(MIN(p.started_on, django_datetime_cast_date(p.created_at, %s, 'UTC'))) - 1721424.5 AS integer),
            a.rate_bps
        FROM savings_account a JOIN savings_plan p ON p.id = a.plan_id
        WHERE a.id > %s AND a.id <= %s
    """,
}


def fill(apps, schema_editor):
    """Fill both tables in chunks that each commit, so a stopped migration continues where it was."""
    connection = schema_editor.connection
    fill_values = FILL.format(day=LOCAL_DAY[connection.vendor])
    without, again = WITHOUT_TRIGGER[connection.vendor]
    zone = zoneinfo.ZoneInfo(settings.TIME_ZONE).key
    for first in chunks(connection, "savings_entry"):
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(without)
            cursor.execute(fill_values, [zone, first, first + CHUNK])
            cursor.execute(again)
    for first in chunks(connection, "savings_account"):
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(PERIODS[connection.vendor], [zone, first, first + CHUNK])


def chunks(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}")
        [newest] = cursor.fetchone()
    return range(0, newest, CHUNK)


class Migration(migrations.Migration):
    # A long update must not hold the tables' locks that a migration's own transaction would.
    atomic = False

    dependencies = [("savings", "0041_chart_of_accounts")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
