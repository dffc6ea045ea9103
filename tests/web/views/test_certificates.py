"""Asking for a certificate of interest and tax."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from savings import ledger
from savings.models import User
from tests.factories import make_plan, make_product, make_user
from tests.statements import try_to_write
from tests.web.form_filling import filled_in

pytestmark = pytest.mark.django_db
URL = "/statements/certificate/"


@pytest.fixture
def paid(saver: User) -> Iterator[User]:
    """A saver to whom interest was posted in 2026."""
    with time_machine.travel("2026-01-11T12:00:00Z", tick=False) as clock:
        plan = make_plan(saver, make_product(), name="Rent", holding_kobo=100_000_00)
        clock.move_to("2026-02-01T12:00:00Z")
        ledger.post_interest(plan, until=datetime.date(2026, 2, 1))
        yield saver


def test_a_certificate_is_asked_for_like_a_statement(saver_client: Client, paid: User) -> None:
    saver_client.force_login(paid)
    response = saver_client.post(URL, filled_in(saver_client, URL, year="2026"))
    assert response["Location"] == "/statements/"
    statement = paid.statements.get()
    assert (statement.is_certificate, statement.format, statement.state) == (True, "pdf", "queued")
    assert "Certificate of interest and tax" in saver_client.get("/statements/").text
    try_to_write(statement)
    page = saver_client.get(f"/statements/{statement.pk}/").text
    assert "Interest after tax" in page
    assert "Opening balance" not in page


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"year": "2024"}, "No interest was posted in this year."),
        ({"year": "x"}, "No interest was posted in this year."),
        ({"year": ""}, "Choose a year."),
        ({"year": "2026", "format": "xlsx"}, "Choose one of these."),
    ],
)
def test_bad_input_is_answered_beside_its_field(
    saver_client: Client, paid: User, values: dict[str, str], message: str
) -> None:
    saver_client.force_login(paid)
    response = saver_client.post(URL, filled_in(saver_client, URL) | values)
    assert response.status_code == 422
    assert message in response.text
    assert not paid.statements.exists()


def test_without_interest_there_is_no_year_to_choose(saver_client: Client) -> None:
    page = saver_client.get(URL).text
    assert "You haven’t been paid interest yet" in page
    assert "Make certificate" not in page
    assert saver_client.post(URL, {"year": "2026", "format": "pdf"}).status_code == 422


def test_another_user_finds_nothing(client: Client, paid: User, saver_client: Client) -> None:
    saver_client.force_login(paid)
    saver_client.post(URL, filled_in(saver_client, URL, year="2026"))
    statement = try_to_write(paid.statements.get())
    client.force_login(make_user())
    assert client.get(f"/statements/{statement.pk}/").status_code == 404
    assert client.get(f"/statements/{statement.pk}/download/").status_code == 404
    assert "2026" not in client.get(URL).context["form"].years
