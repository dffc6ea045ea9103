"""Lets plans and circles keep the terms they started on, and the database refuse an earlier maturity."""

from django.db import migrations, models

PLAN_TERMS = {
    "product_name": "name",
    "product_kind": "kind",
    "min_term_days": "min_term_days",
    "max_term_days": "max_term_days",
}
CIRCLE_TERMS = PLAN_TERMS | {
    "product_description": "description",
    "min_target_kobo": "min_target_kobo",
    "early_exit": "early_exit",
    "penalty_bps": "penalty_bps",
    "notice_hours": "notice_hours",
    "interest_paid": "interest_paid",
}
# As JSON: pairs of days and basis points, shortest first.
RATES = {
    "postgresql": """(
        SELECT COALESCE(jsonb_agg(jsonb_build_array(from_days, rate_bps) ORDER BY from_days), '[]')
        FROM savings_productrate WHERE product_id = NEW.product_id
    )""",
    "sqlite": """(
        SELECT json_group_array(json_array(from_days, rate_bps)) FROM (
            SELECT from_days, rate_bps FROM savings_productrate WHERE product_id = NEW.product_id ORDER BY from_days
        )
    )""",
}
NOT_EARLIER = "OLD.matures_on IS NOT NULL AND (NEW.matures_on IS NULL OR NEW.matures_on < OLD.matures_on)"


def copying(vendor, table, terms):
    """Return the statements that make the trigger which copies a product's terms into a row that lacks them."""
    name = f"{table}_keeps_terms"
    rates = RATES[vendor] if table == "circle" else None
    if vendor == "sqlite":
        values = [f"{column} = (SELECT {term} FROM savings_product WHERE id = NEW.product_id)" for column, term in terms.items()]
        values += [f"rates = {rates}"] if rates else []
        return [
            f"""
            CREATE TRIGGER {name} AFTER INSERT ON savings_{table} WHEN NEW.product_name = ''
            BEGIN UPDATE savings_{table} SET {", ".join(values)} WHERE id = NEW.id; END
            """
        ]
    into = ", ".join(f"NEW.{column}" for column in terms)
    return [
        f"""
        CREATE FUNCTION savings_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            SELECT {", ".join(terms.values())} INTO {into} FROM savings_product WHERE id = NEW.product_id;
            {f"NEW.rates = {rates};" if rates else ""}
            RETURN NEW;
        END $$
        """,
        f"""
        CREATE TRIGGER {name} BEFORE INSERT ON savings_{table} FOR EACH ROW WHEN (NEW.product_name = '')
        EXECUTE FUNCTION savings_{name}()
        """,
    ]


CREATE = {
    vendor: [*copying(vendor, "plan", PLAN_TERMS), *copying(vendor, "circle", CIRCLE_TERMS)]
    for vendor in ("postgresql", "sqlite")
}
CREATE["postgresql"] += [
    """
    CREATE FUNCTION savings_plan_matures_not_earlier() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'plan_matures_not_earlier' USING ERRCODE = 'check_violation';
    END $$
    """,
    f"""
    CREATE TRIGGER plan_matures_not_earlier BEFORE UPDATE OF matures_on ON savings_plan
    FOR EACH ROW WHEN ({NOT_EARLIER}) EXECUTE FUNCTION savings_plan_matures_not_earlier()
    """,
]
CREATE["sqlite"] += [
    f"""
    CREATE TRIGGER plan_matures_not_earlier BEFORE UPDATE OF matures_on ON savings_plan WHEN {NOT_EARLIER}
    BEGIN SELECT RAISE(ABORT, 'plan_matures_not_earlier'); END
    """
]
TRIGGERS = {"plan_keeps_terms": "plan", "circle_keeps_terms": "circle", "plan_matures_not_earlier": "plan"}


def create(apps, schema_editor):
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for name, table in TRIGGERS.items():
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}" + (f" ON savings_{table}" if is_postgresql else ""))
        if is_postgresql:
            schema_editor.execute(f"DROP FUNCTION IF EXISTS savings_{name}")


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0028_defaults_for_the_release_before'),
    ]

    operations = [
        migrations.AddField(
            model_name='plan',
            name='product_name',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='plan',
            name='product_kind',
            field=models.CharField(blank=True, choices=[('flexible', 'Flexible'), ('target', 'Target'), ('locked', 'Locked'), ('emergency', 'Emergency')], db_default='', default='', max_length=10),
        ),
        migrations.AddField(
            model_name='plan',
            name='min_term_days',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='plan',
            name='max_term_days',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='circle',
            name='product_name',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AddField(
            model_name='circle',
            name='product_kind',
            field=models.CharField(blank=True, choices=[('flexible', 'Flexible'), ('target', 'Target'), ('locked', 'Locked'), ('emergency', 'Emergency')], db_default='', default='', max_length=10),
        ),
        migrations.AddField(
            model_name='circle',
            name='product_description',
            field=models.CharField(blank=True, db_default='', default='', max_length=120),
        ),
        migrations.AddField(
            model_name='circle',
            name='min_term_days',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='circle',
            name='max_term_days',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='circle',
            name='min_target_kobo',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='circle',
            name='early_exit',
            field=models.CharField(choices=[('free', 'Any time'), ('penalty', 'With a penalty'), ('blocked', 'Not before maturity')], db_default='free', default='free', max_length=10),
        ),
        migrations.AddField(
            model_name='circle',
            name='penalty_bps',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='circle',
            name='notice_hours',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='circle',
            name='interest_paid',
            field=models.CharField(choices=[('monthly', 'Monthly'), ('maturity', 'At maturity')], db_default='monthly', default='monthly', max_length=10),
        ),
        migrations.AddField(
            model_name='circle',
            name='rates',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.RunPython(create, drop),
    ]
