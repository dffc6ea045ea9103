"""The system checks."""

from __future__ import annotations

import runpy

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from web.checks import no_simulator_in_production


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
