"""Adds the interest that is forfeited because its money went back."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("savings", "0044_closed_months"),
    ]

    operations = [
        migrations.CreateModel(
            name="ForfeitedInterest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("numerator", models.BigIntegerField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="forfeited_interest",
                        to="savings.account",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="forfeited_interest",
                        to="savings.transaction",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "forfeited interest",
                "indexes": [
                    models.Index(fields=["transaction"], name="forfeited_by_transaction"),
                    models.Index(fields=["account"], name="forfeited_by_account"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("numerator", 0), _negated=True),
                        name="forfeited_interest_not_zero",
                    )
                ],
            },
        ),
    ]
