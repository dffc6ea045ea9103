"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from django.core.handlers.wsgi import WSGIHandler
from pytest_django.fixtures import Settings

from savings import gateway
from tests.provider import Provider
from web.simulator import events


@pytest.fixture
def provider(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The payment provider: the simulator in this process, whose events arrive at the site in this process."""
    settings.VAR_DIR = tmp_path
    provider = Provider()
    monkeypatch.setattr(gateway, "transport", provider)
    site = httpx.WSGITransport(app=WSGIHandler())
    monkeypatch.setattr(events, "transport", site)
    return provider
