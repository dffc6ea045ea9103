"""The simulator's page for developers."""

from __future__ import annotations

import httpx
import pytest

from tests.web.simulator.conftest import fund
from tests.web.simulator.test_money import get, pay, refund
from tests.web.simulator.test_transfers import send
from web.simulator import disputes, money, payments, store, switches, transfers


def test_the_page_shows_where_the_money_is(http: httpx.Client) -> None:
    pay(http)
    page = http.get("/").text
    assert "No real card is charged." in page
    assert "₦24,525.00" in page
    assert "No settlements." in page
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
        {"do": "test-money"},
        {"do": "test-money", "naira": "0", "once": "1"},
        {"do": "test-money", "naira": "9" * 30, "once": "1"},
        {"do": "test-money", "naira": "5"},
        {"do": "end-transfer"},
        {"do": "end-transfer", "transfer": "nothing", "status": "success"},
        {"do": "script"},
        {"do": "script", "outcome": "nothing"},
        {"do": "clear-script"},
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
    assert "Fail this refund</button>" in http.get("/").text


def test_test_money_fills_the_empty_balance_once_per_form(http: httpx.Client) -> None:
    assert "It is empty, so no withdrawal can be paid" in http.get("/").text
    for _ in range(2):
        assert http.post("/", data={"do": "test-money", "naira": "50000", "once": "7"}).status_code == 303
    assert (money.balance(money.BALANCE), money.balance(money.BANK)) == (5_000_000, 0)
    assert get(http, "/balance/ledger")[0]["reason"] == "Test money"
    assert "it is empty" not in http.get("/").text


def test_a_transfer_is_shown_with_its_recipient(http: httpx.Client) -> None:
    assert "No transfers." in http.get("/").text
    fund(2_000_000)
    transfers.script("instant")
    send(http)
    page = http.get("/").text
    for shown in ("₦10,000.00", "OKAFOR ADA", "Guaranty Trust Bank", "0123456789", "stw-0000000000001"):
        assert shown in page
    assert ("Reverse</button>" in page, "Fail</button>" in page) == (True, False)


@pytest.mark.parametrize("begun", ["pending", "otp", "received", "instant"])
@pytest.mark.parametrize(
    ("status", "button", "left"),
    [("success", "Succeed", 992_500), ("failed", "Fail", 2_000_000), ("reversed", "Reverse", 2_000_000)],
)
def test_a_button_ends_a_transfer_once(
    http: httpx.Client, begun: str, status: str, button: str, left: int
) -> None:
    fund(2_000_000)
    transfers.script(begun)
    send(http)
    form = {"do": "end-transfer", "transfer": "stw-0000000000001", "status": status}
    is_offered = begun != "instant" or status == "reversed"
    assert (f"{button}</button>" in http.get("/").text) is is_offered
    assert http.post("/", data=form).status_code == (303 if is_offered else 400)
    again = http.post("/", data=form)
    assert (again.status_code, "has ended already" in again.text) == (400, True)
    assert money.balance(money.BALANCE) == (left if is_offered else 992_500)


def test_only_the_newest_transfers_are_shown(http: httpx.Client) -> None:
    fund(2_000_000)
    for number in range(21):
        send(http, reference=f"stw-00000000001{number:02}", amount=100)
    page = http.get("/").text
    assert ("stw-0000000000120" in page, "stw-0000000000100" in page) == (True, False)


def test_the_outcomes_of_the_next_transfers_are_chosen_and_cleared(http: httpx.Client) -> None:
    for outcome in ("low-balance", "failed"):
        assert http.post("/", data={"do": "script", "outcome": outcome}).status_code == 303
    assert "low-balance, then failed" in http.get("/").text
    http.post("/", data={"do": "clear-script"})
    assert transfers.scripted() == []


def test_the_page_tells_which_accounts_stand_for_what(http: httpx.Client) -> None:
    page = http.get("/").text
    for shown in ("…901 failed", "…907 low-balance", "Refused once: the balance is too low.", "Bọ́lá Adéyẹmí"):
        assert shown in page
    assert "None" not in page
