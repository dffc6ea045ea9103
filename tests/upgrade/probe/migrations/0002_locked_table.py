"""Locks a table of the site, as adding a column does."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def lock(_: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("LOCK TABLE savings_user IN ACCESS EXCLUSIVE MODE")


class Migration(migrations.Migration):
    dependencies = [("probe", "0001_table")]
    operations = [migrations.RunPython(lock, migrations.RunPython.noop)]
