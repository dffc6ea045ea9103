"""The doctor's page for staff: who may open it, and the findings behind its button."""

from __future__ import annotations

import pytest
from django.urls import reverse
from pytest_django.fixtures import Settings

from savings.models import LedgerProof
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db

PATH = "admin:doctor"


def test_it_examines_only_after_the_button(settings: Settings) -> None:
    settings.DEBUG = True
    client = sign_in(make_staff("Operations"))
    text = client.get(reverse(PATH)).text
    assert "Examine the installation" in text
    assert "never proved" not in text
    text = client.post(reverse(PATH)).text
    assert "The books were never proved. Run manage.py check_ledger" not in text
    assert "The books were never proved." in text
    assert "Examine again" in text
    assert "DEBUG is on" in text


def test_a_finding_that_is_fixed_is_gone(settings: Settings) -> None:
    settings.DEBUG = True
    client = sign_in(make_staff("Auditor"))
    LedgerProof.objects.create(command="check_ledger", wrong=2)
    assert "never proved" in client.post(reverse(PATH)).text
    LedgerProof.objects.create(command="check_ledger", ended_at="2026-01-01T00:00:00Z")
    text = client.post(reverse(PATH)).text
    assert "never proved" not in text
    assert "The last proof of the books is" in text


def test_it_sees_how_the_request_of_staff_arrived(settings: Settings) -> None:
    settings.SITE_URL = "https://testserver"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    client = sign_in(make_staff("Operations"))
    text = client.post(reverse(PATH)).text
    assert "proxy-scheme" in text
    assert "proxy-address" in text
    arrived = {"X-Forwarded-For": "203.0.113.9"}
    text = client.post(reverse(PATH), headers=arrived, secure=True).text
    assert "proxy-" not in text


@pytest.mark.parametrize("role", ["Support"])
def test_it_is_closed_to_others(role: str) -> None:
    client = sign_in(make_staff(role))
    assert client.get(reverse(PATH)).status_code == 403
    assert client.post(reverse(PATH)).status_code == 403
