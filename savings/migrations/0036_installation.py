from __future__ import annotations

from typing import Any

from django.db import migrations, models

import savings.models.installation


def add_the_row(apps: Any, schema_editor: Any) -> None:
    apps.get_model("savings", "Installation").objects.get_or_create(
        pk=1, defaults={"epoch": savings.models.installation.new_epoch()}
    )


class Migration(migrations.Migration):
    dependencies = [("savings", "0023_one_email_address")]

    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "epoch",
                    models.CharField(default=savings.models.installation.new_epoch, max_length=32),
                ),
                ("version", models.BigIntegerField(db_default=0, default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="installation_single_row")
                ],
            },
        ),
        migrations.RunPython(add_the_row, migrations.RunPython.noop),
    ]
