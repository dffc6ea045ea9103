"""Indexes for filters of the admin by state: people, plans, auto-saves that failed, and the audit log without looks.

Beside the previous release: each index is built without a lock. A second run after an interrupted one continues.
"""

from django.db import migrations, models
from django.db.models import Q

LOOKS = ("saver_seen", "page_seen", "evidence_seen", "searched")


class AddIndexBesideWrites(migrations.AddIndex):
    """Adds an index without blocking writes on PostgreSQL, and first removes what an interrupted run has left."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self.index.name}")
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.add_index(model, self.index, concurrently=True)


def without_looks():
    condition = Q()
    for look in LOOKS:
        condition &= ~Q(verb=look)
    return condition


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("savings", "0060_closing_roles")]

    operations = [
        AddIndexBesideWrites(
            "user",
            models.Index(fields=["-id"], name="user_frozen", condition=~Q(frozen="")),
        ),
        AddIndexBesideWrites(
            "user",
            models.Index(fields=["-id"], name="user_closed", condition=Q(closed_at__isnull=False)),
        ),
        AddIndexBesideWrites(
            "plan",
            models.Index(fields=["-id"], name="plan_closed", condition=Q(closed_at__isnull=False)),
        ),
        AddIndexBesideWrites(
            "plan",
            models.Index(
                fields=["-id", "matures_on"],
                name="plan_with_maturity",
                condition=Q(closed_at__isnull=True, matures_on__isnull=False),
            ),
        ),
        AddIndexBesideWrites(
            "autosaverun",
            models.Index(
                fields=["status", "-id"],
                name="autosave_run_not_done",
                condition=Q(status="failed") | Q(status="skipped"),
            ),
        ),
        AddIndexBesideWrites(
            "auditrow",
            models.Index(fields=["-id"], name="audit_actions", condition=without_looks()),
        ),
    ]
