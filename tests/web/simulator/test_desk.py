"""The simulator's page for developers."""

from __future__ import annotations

import httpx
import pytest

from tests.web.simulator.test_money import pay, refund
from web.simulator import disputes, money, payments, store, switches


def test_the_page_shows_where_the_money_is(http: httpx.Client) -> None:
    pay(http)
    page = http.get("/").text
    assert "No real card is charged." in page
    assert "₦24,525.00" in page
    assert "Nothing has been settled." in page
    assert "No refunds or disputes." in page
    assert '<div class="field">' in page
    http.post("/", data={"do": "settle"})
    assert "to the bank" in http.get("/").text


def test_a_dispute_is_opened_once(http: httpx.Client) -> None:
    pay(http)
    form = {"do": "dispute", "payment": "first"}
    assert http.post("/", data=form).status_code == 303
    again = http.post("/", data=form)
    assert (again.status_code, "This payment is disputed already" in again.text) == (400, True)
    assert len(disputes.newest_first()) == 1
    assert disputes.open_one(payments.known("first")) is not None
    assert "accepted automatically on" in http.get("/").text


def test_the_balance_is_topped_up_from_the_bank_once_per_form(http: httpx.Client) -> None:
    pay(http)
    form = {"do": "top-up", "naira": "20000", "once": "7"}
    assert http.post("/", data=form).status_code == 400
    http.post("/", data={"do": "settle"})
    for _ in range(2):
        assert http.post("/", data=form).status_code == 303
    assert (money.balance(money.BANK), money.balance(money.BALANCE)) == (452_500, 2_000_000)
    assert http.post("/", data=form | {"once": "8"}).status_code == 400


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"do": "nonsense"},
        {"do": "dispute"},
        {"do": "dispute", "payment": "nothing"},
        {"do": "fail-refund"},
        {"do": "fail-refund", "refund": "7"},
        {"do": "top-up"},
        {"do": "top-up", "naira": "-5", "once": "1"},
        {"do": "top-up", "naira": "9" * 30, "once": "1"},
        {"do": "top-up", "naira": "1.5", "once": "x"},
        {"do": "switch", "switch": "nothing", "on": "1"},
        {"do": "settle"},
    ],
)
def test_a_wrong_form_changes_no_money(http: httpx.Client, form: dict[str, str]) -> None:
    assert http.post("/", data=form).status_code < 500
    assert not store.rows("SELECT 1 FROM movement")


def test_another_method_gets_the_allowed_ones(http: httpx.Client) -> None:
    answer = http.put("/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("name", list(switches.SWITCHES))
def test_a_switch_is_turned_on_and_off(http: httpx.Client, name: str) -> None:
    for on in ("1", "0"):
        http.post("/", data={"do": "switch", "switch": name, "on": on})
        assert switches.is_on(name) is (on == "1")


def test_a_pending_refund_can_be_made_to_fail(http: httpx.Client) -> None:
    pay(http)
    refund(http)
    assert "Refund fails</button>" in http.get("/").text
