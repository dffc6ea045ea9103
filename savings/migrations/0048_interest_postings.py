"""Adds the postings of interest, with what accounts, plans, users and products need for them."""

import importlib

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

EARLY_EXIT = [
    ("free", "Any time"),
    ("penalty", "With a penalty"),
    ("forfeit", "Without the interest of what is taken out"),
    ("blocked", "Not before maturity"),
]
terms = importlib.import_module("savings.migrations.0029_copied_terms")


def drop_triggers(apps, schema_editor):
    """Drop the triggers that SQLite would lose with the old tables: it rebuilds plans, and triggers read products."""
    if schema_editor.connection.vendor == "sqlite":
        terms.drop(apps, schema_editor)


def create_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        terms.create(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [
        ("savings", "0047_closed_reviews"),
    ]

    operations = [
        migrations.RunPython(drop_triggers, create_triggers),
        migrations.AddField(
            model_name="account",
            name="interest_due",
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="account",
            name="tax_remainder",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                condition=models.Q(("interest_due__isnull", False)),
                fields=["interest_due", "id"],
                name="account_by_interest_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("tax_remainder__lt", 10000)), name="account_tax_remainder_below_one_kobo"
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="earns_interest",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="plan",
            name="interest_to",
            field=models.CharField(
                choices=[("plan", "Into the plan"), ("stash", "To my stash")],
                db_default="plan",
                default="plan",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="earns_interest",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AlterField(
            model_name="circle",
            name="early_exit",
            field=models.CharField(choices=EARLY_EXIT, db_default="free", default="free", max_length=10),
        ),
        migrations.AlterField(
            model_name="plan",
            name="at_maturity",
            field=models.CharField(
                choices=[
                    ("stash", "Move to my stash"),
                    ("rollover", "Start again without the interest"),
                    ("compound", "Start again with the interest"),
                ],
                default="stash",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="plan",
            name="early_exit",
            field=models.CharField(choices=EARLY_EXIT, max_length=10),
        ),
        migrations.AlterField(
            model_name="product",
            name="early_exit",
            field=models.CharField(choices=EARLY_EXIT, default="free", max_length=10),
        ),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("early_exit", "forfeit"), _negated=True),
                    ("interest_paid", "maturity"),
                    _connector="OR",
                ),
                name="product_forfeits_at_maturity",
            ),
        ),
        migrations.CreateModel(
            name="InterestPosting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("period_start", models.IntegerField()),
                ("period_end", models.IntegerField()),
                ("numerator", models.BigIntegerField()),
                ("gross_kobo", models.BigIntegerField()),
                ("remainder", models.IntegerField()),
                ("tax_rate_bps", models.PositiveIntegerField()),
                ("tax_kobo", models.BigIntegerField()),
                ("tax_remainder", models.PositiveSmallIntegerField()),
                ("posted_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interest_postings",
                        to="savings.account",
                    ),
                ),
                (
                    "interest",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interest_posting",
                        to="savings.transaction",
                    ),
                ),
                (
                    "tax",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tax_of_posting",
                        to="savings.transaction",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "period_end"), name="interest_once_per_period"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("period_start__lte", models.F("period_end"))),
                        name="interest_period_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("gross_kobo__gte", 0),
                            ("numerator", models.F("gross_kobo") * 3_650_000 + models.F("remainder")),
                            ("remainder__gte", 0),
                            ("remainder__lt", 3_650_000),
                        ),
                        name="interest_numerator_divided",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("tax_kobo__gte", 0),
                            ("tax_kobo__lte", models.F("gross_kobo")),
                            ("tax_remainder__lt", 10000),
                        ),
                        name="interest_tax_within_gross",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                models.Q(("gross_kobo", 0), ("interest__isnull", True)),
                                models.Q(("gross_kobo__gt", 0), ("interest__isnull", False)),
                                _connector="OR",
                            ),
                            models.Q(
                                models.Q(("tax__isnull", True), ("tax_kobo", 0)),
                                models.Q(("tax__isnull", False), ("tax_kobo__gt", 0)),
                                _connector="OR",
                            ),
                        ),
                        name="interest_transactions_fit_amounts",
                    ),
                ],
            },
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
