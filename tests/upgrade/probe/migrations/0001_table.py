"""Creates a table, which fails when it exists already."""

import time

from django.db import migrations


def wait(*_: object) -> None:
    """Give a second process the time to read the list of applied migrations."""
    time.sleep(0.5)


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.RunPython(wait, migrations.RunPython.noop),
        migrations.RunSQL("CREATE TABLE upgrade_probe (id integer)", "DROP TABLE upgrade_probe"),
    ]
