from typing import Any

from django.db import migrations, models

import savings.models.installation


def begin_first_epoch(apps: Any, schema_editor: Any) -> None:
    """Name the history that the database holds."""
    installation = apps.get_model("savings", "Installation")
    installation.objects.get_or_create(pk=1)
    installation.objects.filter(pk=1, epoch="").update(epoch=savings.models.installation.new_epoch())


class Migration(migrations.Migration):
    dependencies = [("savings", "0034_postponements")]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="epoch",
            field=models.CharField(
                blank=True, db_default="", default=savings.models.installation.new_epoch, max_length=32
            ),
        ),
        migrations.AddField(
            model_name="installation",
            name="version",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.RunPython(begin_first_epoch, migrations.RunPython.noop),
    ]
