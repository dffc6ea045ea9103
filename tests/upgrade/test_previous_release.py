"""The previous release reads, takes payments and signs savers in on the schema that this release has migrated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AlterModelTable,
    DeleteModel,
    RemoveField,
    RenameField,
    RenameModel,
)

from tests.processes import database_url
from tests.upgrade import previous

# None of these commits: they share the database of this test.
FILES = [
    "tests/savings/payments/test_checkout.py",
    "tests/savings/plans/test_stash.py",
    "tests/web/auth/test_sign_in.py",
    "tests/web/views/test_dashboard.py",
    "tests/web/views/test_stash.py",
    "tests/web/views/test_top_up.py",
    "tests/web/views/test_transactions.py",
    "tests/web/views/test_webhook.py",
]
# On a busy machine its embedded Redis looks unreachable, and its pages then make more queries.
OMITTED = "not queries and not costs_the_same"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_its_own_tests_pass_on_the_new_schema(tmp_path: Path) -> None:
    """They insert and update rows as it does: a new column without a default, or a new constraint, would fail them."""
    if not previous.is_there():
        pytest.skip(f"this clone lacks {previous.COMMIT}: git fetch --unshallow")
    release = previous.unpack(tmp_path)
    assert not [file for file in FILES if "transaction=True" in (release / file).read_text()]
    connections.close_all()
    server, _, name = database_url().rpartition("/")
    # Its settings choose an embedded Redis without the variable, so it empties no database of another worker.
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("REDIS_URL", "PYTEST_", "COV_"))
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--reuse-db", "-k", OMITTED]
    tests = subprocess.run(
        [*command, *FILES],
        cwd=release,
        # pytest-django puts "test_" in front, and with `--reuse-db` finds the database of this test.
        env=environment | {"DATABASE_URL": f"{server}/{name.removeprefix('test_')}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout[-5000:]
    assert " passed" in tests.stdout


def test_nothing_that_it_uses_is_removed_or_renamed() -> None:
    """Its queries name every column of its models. A column may go one release after the code that used it."""
    loader = MigrationLoader(None)
    last = ("savings", previous.LAST_MIGRATION)
    known = loader.project_state(last).models
    for key in loader.graph.forwards_plan(loader.graph.leaf_nodes("savings")[0]):
        if key[0] != "savings" or key in loader.graph.forwards_plan(last):
            continue
        for operation in loader.graph.nodes[key].operations:
            table = known.get(("savings", getattr(operation, "model_name_lower", "")))
            if isinstance(operation, RemoveField | RenameField) and table:
                field = operation.name if isinstance(operation, RemoveField) else operation.old_name
                assert field not in table.fields, f"{key}: {operation.describe()}"
            if isinstance(operation, RenameModel):
                assert ("savings", operation.old_name_lower) not in known, f"{key}: {operation.describe()}"
            if isinstance(operation, DeleteModel | AlterModelTable):
                assert ("savings", operation.name_lower) not in known, f"{key}: {operation.describe()}"


def test_it_is_the_newest_in_the_changelog() -> None:
    released = [
        line.split()[1]
        for line in (settings.BASE_DIR / "CHANGELOG.md").read_text().splitlines()
        if line.startswith("## ") and line != "## Unreleased"
    ]
    assert released[0] == previous.VERSION, "Name the new release in tests/upgrade/previous.py."
