"""Makes the database itself refuse to change or delete a ledger entry."""

from django.db import migrations

MESSAGE = "ledger entries are append-only"

CREATE = {
    "postgresql": [
        f"""
        CREATE FUNCTION savings_refuse_entry_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """,
        """
        CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE ON savings_entry
        FOR EACH ROW EXECUTE FUNCTION savings_refuse_entry_change()
        """,
        """
        CREATE TRIGGER entry_not_truncated BEFORE TRUNCATE ON savings_entry
        FOR EACH STATEMENT EXECUTE FUNCTION savings_refuse_entry_change()
        """,
    ],
    "sqlite": [
        f"""
        CREATE TRIGGER entry_not_updated BEFORE UPDATE ON savings_entry
        BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END
        """,
        f"""
        CREATE TRIGGER entry_not_deleted BEFORE DELETE ON savings_entry
        BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END
        """,
    ],
}
DROP = {
    "postgresql": [
        "DROP TRIGGER IF EXISTS entry_append_only ON savings_entry",
        "DROP TRIGGER IF EXISTS entry_not_truncated ON savings_entry",
        "DROP FUNCTION IF EXISTS savings_refuse_entry_change",
    ],
    "sqlite": ["DROP TRIGGER IF EXISTS entry_not_updated", "DROP TRIGGER IF EXISTS entry_not_deleted"],
}


def create(apps, schema_editor):
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("savings", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
