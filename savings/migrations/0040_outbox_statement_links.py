"""Indexes the outbox by statement, and links the rows of earlier releases to their statements.

Beside the previous release: the index is built without a lock, and each batch commits by itself. A second run after an
interrupted one continues. `statements.link_outbox_rows` links what the previous release writes after this migration.
"""

from django.db import migrations, models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

BATCH = 1_000


class AddIndexBesideWrites(migrations.AddIndex):
    """Adds an index without blocking writes on PostgreSQL, and first removes what an interrupted run has left."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self.index.name}")
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.add_index(model, self.index, concurrently=True)


def link(apps, schema_editor):
    rows = apps.get_model("savings", "OutboxRow").objects.filter(
        kind__in=["statement", "statement_ready", "statement_failed"], statement=None
    )
    named = Cast(KeyTextTransform("statement", OuterRef("payload")), models.BigIntegerField())
    statements = apps.get_model("savings", "Statement").objects.filter(pk=named)
    last = 0
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.filter(pk__in=ids).update(statement=Subquery(statements.values("pk")))
        last = ids[-1]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("savings", "0039_outbox_statement")]

    operations = [
        AddIndexBesideWrites(
            "outboxrow",
            models.Index(
                fields=["statement", "-id"],
                name="outbox_by_statement",
                condition=Q(statement__isnull=False),
            ),
        ),
        migrations.RunPython(link, migrations.RunPython.noop, elidable=False),
    ]
