"""Posts the provider's fees of past payments, each as the cost entry that today's release posts with the money.

The entries are dated today and keep the value date of the payment. They are between two accounts of the house, so no
stored balance changes and nobody's row is locked. May run again at any time: it posts what the previous release has left
out during a deploy, and nothing twice.
"""

import zoneinfo

from django.conf import settings
from django.db import migrations, transaction
from django.utils import timezone

CHUNK = 20_000
LOCAL_DAY = {
    "postgresql": "(booked.posted_at AT TIME ZONE %s)::date",
    "sqlite": "django_datetime_cast_date(booked.posted_at, %s, 'UTC')",
}
# The surplus over the booked sum paid for the fee.
POST = """
INSERT INTO savings_entry (transaction_id, code, debit_account_id, credit_account_id, amount_kobo, posted_at, value_on)
SELECT p.transaction_id, 'cost', %s, booked.debit_account_id, p.fee_kobo - (p.paid_kobo - booked.amount_kobo), {now},
    COALESCE(booked.value_on, {day})
FROM savings_payment p
JOIN savings_entry booked ON booked.transaction_id = p.transaction_id AND booked.code IN ('primary', 'suspense')
JOIN savings_account a ON a.id = booked.debit_account_id AND a.kind = 'clearing'
WHERE p.id > %s AND p.id <= %s AND p.fee_kobo <= p.paid_kobo
    AND p.fee_kobo > p.paid_kobo - booked.amount_kobo
    AND NOT EXISTS (
        SELECT 1 FROM savings_entry cost WHERE cost.transaction_id = p.transaction_id AND cost.code = 'cost'
    )
ORDER BY p.id
ON CONFLICT DO NOTHING
"""
NOW = {"postgresql": "%s::timestamptz", "sqlite": "%s"}


def post(apps, schema_editor):
    """Post in chunks that each commit, so a stopped migration continues where it was."""
    connection = schema_editor.connection
    statement = POST.format(now=NOW[connection.vendor], day=LOCAL_DAY[connection.vendor])
    zone = zoneinfo.ZoneInfo(settings.TIME_ZONE).key
    account = None
    for first in chunks(connection):
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            account = account or provider_fees(apps)
            now = connection.ops.adapt_datetimefield_value(timezone.now())
            cursor.execute(statement, [account, now, zone, first, first + CHUNK])


def provider_fees(apps):
    """Return the id of the account of provider fees. The first call opens it."""
    accounts = apps.get_model("savings", "Account").objects
    return accounts.get_or_create(kind="provider_fees", provider="", user=None, plan=None)[0].pk


def chunks(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM savings_payment")
        [newest] = cursor.fetchone()
    return range(0, newest, CHUNK)


class Migration(migrations.Migration):
    # Each chunk commits by itself.
    atomic = False

    dependencies = [("savings", "0042_value_dates_and_rate_periods")]

    operations = [
        migrations.RunPython(post, migrations.RunPython.noop),
    ]
