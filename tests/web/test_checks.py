"""The system checks."""

from __future__ import annotations

import runpy

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from web.checks import no_simulator_in_production, real_money_needs_an_operator
from web.operator_settings import Operator


@pytest.mark.parametrize(
    ("debug", "allowed", "simulated", "refused"),
    [
        (False, False, True, ["web.E001"]),
        (True, False, True, []),
        (False, True, True, []),
        (False, False, False, []),
    ],
)
def test_production_refuses_the_simulator_unless_allowed(
    settings: Settings, *, debug: bool, allowed: bool, simulated: bool, refused: list[str]
) -> None:
    settings.DEBUG, settings.ALLOW_SIMULATOR, settings.USES_SIMULATOR = debug, allowed, simulated
    assert [message.id for message in no_simulator_in_production()] == refused


def test_a_server_does_not_start_with_what_the_checks_refuse(settings: Settings) -> None:
    settings.DEBUG, settings.ALLOW_SIMULATOR, settings.USES_SIMULATOR = False, False, True
    with pytest.raises(ImproperlyConfigured, match="ALLOW_SIMULATOR=1"):
        runpy.run_module("web.wsgi")


def test_a_server_starts_with_the_real_provider(settings: Settings) -> None:
    settings.DEBUG, settings.USES_SIMULATOR = False, False
    assert callable(runpy.run_module("web.wsgi")["application"])


WHOLE = Operator(
    name="Ada Savings",
    contact="help@example.com",
    terms_url="https://example.com/terms",
    privacy_url="https://example.com/privacy",
    tax_id="123",
    customers_bank="Bank ··1",
    own_bank="Bank ··2",
)


@pytest.mark.parametrize(
    ("key", "operator", "refused"),
    [
        ("sk_live_x", WHOLE, ""),
        ("sk_live_x", WHOLE._replace(tax_id=""), "empty: OPERATOR_TAX_ID."),
        ("sk_live_x", WHOLE._replace(name="", own_bank=""), "empty: OPERATOR_NAME, OWN_BANK."),
        ("sk_test_x", Operator(), ""),
        ("", Operator(), ""),
    ],
)
def test_real_money_needs_an_operator_banks_and_a_tax_number(
    settings: Settings, key: str, operator: Operator, refused: str
) -> None:
    settings.PAYSTACK_SECRET_KEY, settings.OPERATOR = key, operator
    found = [str(message.msg) for message in real_money_needs_an_operator()]
    assert len(found) == bool(refused)
    assert all(refused in message for message in found)
