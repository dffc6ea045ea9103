"""The treasury page: the house's money, what is left to remit, and the way to ask for a movement."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice, ledger
from savings.models import CoverageDay, User
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in
from web.messages import backoffice as messages

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance() -> User:
    return make_staff("Finance")


@pytest.fixture
def client(finance: User) -> Client:
    return sign_in(finance)


def page(client: Client) -> str:
    response = client.get(reverse("admin:treasury"))
    assert response.status_code == 200
    return response.text


def test_every_purpose_can_be_asked_for(client: Client) -> None:
    text = page(client)
    assert set(messages.TREASURY_MOVEMENTS) == set(ledger.Purpose.values)
    for purpose in ledger.Purpose:
        form = client.get(f"{reverse('admin:ask', args=['treasury'])}?purpose={purpose}")
        assert form.status_code == 200
        assert form.context["form"]["purpose"].value() == purpose
        assert f"<h1>{ledger.Purpose(purpose).label}" in form.text
        assert ('name="period_on"' in form.text) == ("remittance" in purpose)
        assert f"?purpose={purpose}" in text


def test_a_shortfall_alarms(client: Client) -> None:
    assert "No day is stored yet" in page(client)
    CoverageDay.objects.create(
        day_on=date(2026, 11, 1),
        as_of=timezone.now(),
        owed_kobo=100_000_00,
        held_kobo=90_000_00,
        owed=[["Stashes", 100_000_00]],
        held=[["Bank, savers", 90_000_00]],
    )
    text = page(client)
    assert "Coverage was 90%" in text
    assert "₦90,000.00" in text


def test_what_waits_is_listed_in_constant_queries(client: Client, finance: User) -> None:
    make_staff("Approver")
    page(client)
    with CaptureQueriesContext(connection) as before:
        page(client)
    values = {"purpose": "capital_in", "amount_kobo": 100, "bank": "own"}
    backoffice.ask("treasury", values, asked_by=finance, reason="Slip 1")
    text = page(client)
    assert "Slip 1" in text
    with CaptureQueriesContext(connection) as after:
        page(client)
    assert len(after) == len(before)


@pytest.mark.parametrize(
    ("role", "status"), [("Auditor", 200), ("Approver", 200), ("Support", 403), ("Operations", 403)]
)
def test_who_sees_it(role: str, status: int) -> None:
    assert sign_in(make_staff(role)).get(reverse("admin:treasury")).status_code == status


def test_the_months_to_remit_add_up(client: Client) -> None:
    shown = client.get(reverse("admin:treasury")).context
    rows = [*(sums for _, sums in shown["months"]), shown["earlier"]]
    assert shown["together"] == [(name, sum(dict(row)[name] for row in rows)) for name, _ in shown["earlier"]]
