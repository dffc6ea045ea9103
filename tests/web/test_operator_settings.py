"""The settings about the operator: what is read, and what is refused by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from django.core.exceptions import ImproperlyConfigured

from web.environment import Env
from web.operator_settings import Operator, Question, metrics_token, operator_settings, parse_questions


def read(**environment: str) -> Operator:
    with mock.patch.dict(os.environ, environment):
        return operator_settings(Env())


def test_nothing_is_claimed_by_default() -> None:
    assert read() == Operator()
    assert read().line == ""


def test_the_operator_is_named_in_one_line() -> None:
    operator = read(OPERATOR_NAME="  Ọjà  Savings ", OPERATOR_CONTACT="help@example.com")
    assert operator.line == "Run by Ọjà Savings, help@example.com"
    assert operator.contact_url == "mailto:help@example.com"
    assert operator.issuer == "Ọjà Savings"
    assert read(OPERATOR_CONTACT="help@example.com").line == "Contact: help@example.com"
    assert read(OPERATOR_NAME="Ọjà Savings").line == "Run by Ọjà Savings"


def test_a_contact_may_be_a_page() -> None:
    operator = read(OPERATOR_CONTACT="https://example.com/help/@ada/")
    assert operator.contact_url == "https://example.com/help/@ada"
    assert operator.contact_text == "example.com/help/@ada"


def test_statements_may_have_another_issuer() -> None:
    assert read(OPERATOR_NAME="Ọjà Savings Ltd", ISSUER="Ọjà").issuer == "Ọjà"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPERATOR_NAME", "x" * 81),
        ("OPERATOR_NAME", "Ada\u202e"),
        ("OPERATOR_CONTACT", "secret"),
        ("OPERATOR_CONTACT", "javascript:alert(secret)"),
        ("OPERATOR_CONTACT", "https://"),
        ("TERMS_URL", "secret/terms"),
        ("PRIVACY_URL", "ftp://secret"),
        ("SOURCE_URL", "javascript:secret"),
        ("HELP_FILE", "/secret/of/nobody"),
    ],
)
def test_an_invalid_value_is_named_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} must") as refused:
        read(**{name: value})
    assert "secret" not in str(refused.value)


def test_questions_are_read_from_a_text_file(tmp_path: Path) -> None:
    file = tmp_path / "help.txt"
    file.write_text(
        "## Where is your office?\r\n12 Allen Avenue,\r\nIkeja.\r\n\r\nOpen on weekdays.\n\n"
        "##  When?\nAt nine. ## no.\n"
    )
    assert read(HELP_FILE=str(file)).questions == (
        Question("Where is your office?", ("12 Allen Avenue, Ikeja.", "Open on weekdays.")),
        Question("When?", ("At nine. ## no.",)),
    )


@pytest.mark.parametrize("text", ["Hello\n## Where?\nHere.", "## Where?\n\n## When?\nNow.", "## \nHere."])
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="HELP_FILE must"):
        parse_questions(text)


def test_cached_pages_depend_on_the_operator() -> None:
    """Settings that are no JSON are left out of the version of cached pages."""
    assert "Ada" in json.dumps(read(OPERATOR_NAME="Ada"), default=lambda _: None)


def test_the_checks_of_a_deployment_name_each_empty_setting() -> None:
    command = [sys.executable, "manage.py", "check", "--deploy"]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment |= {"ENV_FILE": "tests/production.env", "TERMS_URL": "", "SOURCE_URL": "", "DEBUG": "0"}
    checked = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    warned = [line for line in checked.stderr.splitlines() if "is empty" in line]
    assert [line.partition(": ")[2].split(" ")[1] for line in warned] == ["TERMS_URL", "SOURCE_URL"]


@pytest.mark.parametrize("given", ["", "0123456789abcdef0123456789abcdef", "a-b_c.d~e+f/g=0123456789"])
def test_a_token_for_metrics_is_taken_as_it_is(given: str) -> None:
    with mock.patch.dict(os.environ, {"METRICS_TOKEN": given}):
        assert metrics_token(Env()) == given


@pytest.mark.parametrize("given", ["short", "0123456789 abcdef 0123456789", "0123456789abcdefghịjklmnop"])
def test_a_token_for_metrics_that_can_be_guessed_or_sent_by_nobody_is_refused(given: str) -> None:
    with (
        mock.patch.dict(os.environ, {"METRICS_TOKEN": given}),
        pytest.raises(ImproperlyConfigured, match="METRICS_TOKEN") as refused,
    ):
        metrics_token(Env())
    assert given not in str(refused.value)
