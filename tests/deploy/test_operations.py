"""docs/operations.md: its commands, files and log lines exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from django.core.management import get_commands

from tests.test_conventions import ROOT, tracked

TEXT = (ROOT / "docs/operations.md").read_text()
ALARMS = TEXT.partition("Errors in the log.")[2].partition("\n\nWarnings")[0]
ROWS = [row.split("|")[1] for row in ALARMS.splitlines() if row.startswith("|")]
LINES = sorted({line for row in ROWS for line in re.findall(r"`([^`]*…[^`]*)`", row)})


def logged() -> Iterator[str]:
    """Yield the format of each error that the site logs, with … for what differs."""
    for path in [*tracked("savings/*.py"), *tracked("web/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"error", "exception"}
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                yield re.sub(r"%[sr]", "…", str(node.args[0].value))


@pytest.fixture(scope="module")
def errors() -> set[str]:
    return set(logged())


@pytest.mark.parametrize("line", LINES)
def test_an_alarm_is_logged_in_these_words(errors: set[str], line: str) -> None:
    assert [error for error in errors if error.startswith(line)]


def test_the_alarms_are_found() -> None:
    assert len(LINES) > 15


def test_the_commands_exist() -> None:
    names = set(re.findall(r"(?:^|`)asusu ([a-z]\w+)", TEXT, re.MULTILINE))
    assert "check_ledger" in names
    assert names <= {*get_commands()}


def test_the_files_that_it_installs_exist() -> None:
    for name in set(re.findall(r"\bdeploy/[\w./-]+[\w]", TEXT)):
        assert (ROOT / name).exists(), name
    assert (ROOT / "deploy/systemd").is_dir()
