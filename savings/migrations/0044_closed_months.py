"""Stores when each closed month ended, and makes the database refuse entries that were posted before that."""

from django.db import migrations, models
from django.db.models.functions import Now

MESSAGE = "this month is closed: an entry can be posted today, with an earlier value date"

CREATE = {
    "postgresql": [
        f"""
        CREATE FUNCTION savings_refuse_closed_month() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT 1 FROM savings_closedmonth WHERE ends_at > NEW.posted_at) THEN
                RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER entry_not_into_closed_month BEFORE INSERT ON savings_entry
        FOR EACH ROW EXECUTE FUNCTION savings_refuse_closed_month()
        """,
    ],
    "sqlite": [
        f"""
        CREATE TRIGGER entry_not_into_closed_month BEFORE INSERT ON savings_entry
        WHEN EXISTS (SELECT 1 FROM savings_closedmonth WHERE ends_at > NEW.posted_at)
        BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END
        """,
    ],
}
DROP = {
    "postgresql": [
        "DROP TRIGGER IF EXISTS entry_not_into_closed_month ON savings_entry",
        "DROP FUNCTION IF EXISTS savings_refuse_closed_month",
    ],
    "sqlite": ["DROP TRIGGER IF EXISTS entry_not_into_closed_month"],
}


def create(apps, schema_editor):
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("savings", "0043_costs_of_past_payments")]
    operations = [
        migrations.AddField("closedmonth", "ends_at", models.DateTimeField(db_default=Now())),
        migrations.RunPython(create, drop),
    ]
