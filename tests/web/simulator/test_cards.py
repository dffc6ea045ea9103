"""The simulator's test cards: each has its own outcome when it is charged again."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.provider import Provider
from web.simulator import payments

EMAIL = "ada@example.com"


def card_of(http: httpx.Client, outcome: str) -> str:
    asked = {"email": EMAIL, "amount": 2_500_000, "reference": "first"}
    page = http.post("/transaction/initialize", json=asked).json()["data"]["authorization_url"]
    http.post(page, data={"outcome": outcome})
    return str(http.get("/transaction/verify/first").json()["data"]["authorization"]["authorization_code"])


def charge(http: httpx.Client, code: str, reference: str = "again") -> httpx.Response:
    asked = {"email": EMAIL, "amount": 500_00, "authorization_code": code, "reference": reference}
    return http.post("/transaction/charge_authorization", json=asked)


def verified(http: httpx.Client, reference: str = "again") -> dict[str, Any]:
    data: dict[str, Any] = http.get(f"/transaction/verify/{reference}").json()["data"]
    return data


def test_every_card_pays_on_the_page(http: httpx.Client) -> None:
    for number, name in enumerate(payments.TEST_CARDS):
        asked = {"email": EMAIL, "amount": 500, "reference": f"ref-{number}"}
        page = http.post("/transaction/initialize", json=asked).json()["data"]["authorization_url"]
        http.post(page, data={"outcome": f"card-{name}"})
        assert verified(http, f"ref-{number}")["status"] == "success"


@pytest.mark.parametrize(
    ("outcome", "words"), [("card-no-funds", "Insufficient Funds"), ("card-expired", "Expired Card")]
)
def test_a_card_without_money_or_expired_fails(http: httpx.Client, outcome: str, words: str) -> None:
    data = charge(http, card_of(http, outcome)).json()["data"]
    assert (data["status"], data["gateway_response"]) == ("failed", words)


def test_a_card_that_is_not_reusable_is_declined_and_nothing_is_stored(http: httpx.Client) -> None:
    answer = charge(http, card_of(http, "card-not-reusable"))
    assert (answer.status_code, answer.json()["status"]) == (400, False)
    assert http.get("/transaction/verify/again").status_code == 404


@pytest.mark.parametrize(("press", "status"), [("success", "success"), ("declined", "failed")])
def test_a_challenge_leads_to_a_page_that_approves_or_declines(
    http: httpx.Client, press: str, status: str
) -> None:
    data = charge(http, card_of(http, "card-challenge")).json()["data"]
    assert data["paused"] is True
    assert verified(http)["status"] == "ongoing"
    assert "Approve the charge" in http.get(data["authorization_url"]).text
    answer = http.post(data["authorization_url"], data={"outcome": press})
    assert "/payments/return/?trxref=again&reference=again" in answer.headers["Location"]
    assert verified(http)["status"] == status


def test_a_lost_answer_is_paid_later(http: httpx.Client, provider: Provider) -> None:
    assert charge(http, card_of(http, "card-timeout")).status_code == 504
    assert verified(http)["status"] == "pending"
    payment = payments.find("again")
    assert payment is not None
    payments.save(payment | {"succeeds_at": 1.0})
    assert verified(http)["status"] == "success"


def test_a_repeated_request_is_answered_as_one_and_has_paid(http: httpx.Client) -> None:
    answer = charge(http, card_of(http, "card-duplicate"))
    assert answer.json()["code"] == "duplicate_reference"
    assert verified(http)["status"] == "success"


def test_a_deactivated_card_is_not_charged_and_not_known(http: httpx.Client) -> None:
    code = card_of(http, "success")
    body = {"authorization_code": code}
    assert http.post("/customer/authorization/deactivate", json=body).json()["status"] is True
    assert charge(http, code).status_code == 400
    assert http.post("/customer/authorization/deactivate", json=body).status_code == 404
