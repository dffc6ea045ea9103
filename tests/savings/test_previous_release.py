"""The previous release must keep working between `migrate` and its restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, AlterField, CreateModel

from savings.models import OutboxRow, Payment, User, WebhookEvent
from tests.factories import make_transaction, make_user

OURS = "savings"


def changed_in_tables_in_use() -> Iterator[tuple[str, AddField | AlterField]]:
    """Yield each operation that adds or alters a column of a table that an earlier migration created."""
    migrations = MigrationLoader(None).disk_migrations
    for (app, name), migration in sorted(migrations.items()):
        made = {one.name_lower for one in migration.operations if isinstance(one, CreateModel)}
        for operation in migration.operations if app == OURS else []:
            if isinstance(operation, (AddField, AlterField)) and operation.model_name_lower not in made:
                yield name, operation


def test_an_insert_can_omit_a_column_added_to_a_table_in_use() -> None:
    """An INSERT of the previous release names only the columns it knows; the others need a database default."""
    added = [(name, one) for name, one in changed_in_tables_in_use() if isinstance(one, AddField)]
    assert len(added) > 10
    for name, operation in added:
        columns = {field.name: field for field in apps.get_model(OURS, operation.model_name)._meta.fields}
        # A column that a later migration removed does not matter.
        field = columns.get(operation.name)
        assert field is None or field.null or field.has_db_default(), (
            f"{operation.model_name}.{operation.name} of {name} needs a db_default."
        )


def test_no_nullable_column_becomes_required() -> None:
    """The previous release still writes NULL into it."""
    may_be_empty: dict[tuple[str, str], bool] = {}
    for name, operation in changed_in_tables_in_use():
        key = operation.model_name_lower, operation.name_lower
        assert operation.field.null or not may_be_empty.get(key), f"{key} of {name}"
        may_be_empty[key] = operation.field.null


# The columns of each table as the first release wrote them.
FIRST: dict[type[models.Model], tuple[str, ...]] = {
    User: (
        "password", "is_superuser", "email", "name", "theme", "wants_receipts", "is_staff", "is_active",
        "date_joined", "version",
    ),
    OutboxRow: (
        "kind", "dedupe_key", "payload", "created_at", "due_at", "tries", "error", "to", "subject", "text", "html",
    ),
    WebhookEvent: (
        "key", "provider", "event", "reference", "body", "received_at", "times_received", "due_at", "tries", "error",
    ),
    Payment: (
        "transaction_id", "provider", "checkout_url", "provider_status", "provider_message", "currency", "channel",
        "card", "review_reason", "polls",
    ),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("model", FIRST)
def test_a_row_of_the_first_release_is_accepted(model: type[models.Model]) -> None:
    movement = make_transaction("stash_deposit", 100, user=make_user())
    values: dict[type[models.Model], dict[str, Any]] = {
        User: {"email": "new@example.com", "name": "New", "password": "!"},
        Payment: {"transaction": movement},
    }
    row = model(**values.get(model, {}))
    fields = [field for field in model._meta.concrete_fields if field.attname in FIRST[model]]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    given = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({marks})", given)
    stored = model._default_manager.latest("pk")
    assert not hasattr(stored, "wants_weekly_digest") or stored.wants_weekly_digest
