"""The simulator's transfers: each outcome, its answer, its events, and the balance to the kobo."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.web.simulator.conftest import fund
from tests.web.simulator.test_money import at_once, events_sent, get
from web.simulator import agenda, money, store, transfer_states, transfers
from web.simulator.request_bodies import Declined

REFERENCE = "stw-0000000000001"
# ₦10,000 with the fee of ₦25 and the duty of ₦50, paid from ₦20,000.
AMOUNT, COST, FUNDS = 1_000_000, 7_500, 2_000_000
PAID, KEPT = FUNDS - AMOUNT - COST, FUNDS
HOUR, DAY = 3600, 86_400

# By outcome: status in the answer, status a minute later, events until then, and the balance then.
ENDS: dict[str, tuple[str, str, list[str], int]] = {
    "success": ("pending", "success", ["transfer.success"], PAID),
    "failed": ("pending", "failed", ["transfer.failed"], KEPT),
    "pending": ("pending", "pending", [], PAID),
    "reversed": ("pending", "reversed", ["transfer.reversed"], KEPT),
    "reversed-later": ("pending", "success", ["transfer.success"], PAID),
    "silent": ("pending", "success", [], PAID),
    "twice": ("pending", "success", ["transfer.success"] * 2, PAID),
    "otp": ("otp", "otp", [], PAID),
    "received": ("received", "received", [], PAID),
    "rejected": ("pending", "rejected", [], KEPT),
    "blocked": ("pending", "blocked", [], KEPT),
    "abandoned": ("pending", "abandoned", [], KEPT),
    "event-first": ("success", "success", ["transfer.success"], PAID),
    "instant": ("success", "success", ["transfer.success"], PAID),
}


def send(http: httpx.Client, account: str = "0123456789", **changes: object) -> httpx.Response:
    body = {
        "source": "balance",
        "recipient": f"RCP_058{account}",
        "reference": REFERENCE,
        "amount": AMOUNT,
    }
    return http.post("/transfer", json=body | changes)


def account_for(outcome: str) -> str:
    return "0123456" + next(ending for ending, name in transfers.ENDINGS.items() if name == outcome)


def choose(outcome: str, how: str) -> str:
    """Choose the outcome of the next transfer, and return the account to send it to."""
    if how == "script":
        transfers.script(outcome)
        return "0123456789"
    return account_for(outcome)


def wait(seconds: float = 60) -> None:
    agenda.catch_up(time.time() + seconds)


def verify(http: httpx.Client) -> Any:
    return get(http, f"/transfer/verify/{REFERENCE}")


@pytest.mark.parametrize("outcome", list(ENDS))
@pytest.mark.parametrize("how", ["script", "account"])
def test_each_outcome(http: httpx.Client, outcome: str, how: str) -> None:
    answered, ended, events, left = ENDS[outcome]
    fund(FUNDS)
    answer = send(http, choose(outcome, how))
    assert answer.json()["data"]["status"] == answered
    assert money.balance(money.BALANCE) == PAID
    wait()
    assert verify(http)["status"] == ended
    assert events_sent() == events
    assert get(http, "/balance")[0]["balance"] == left == get(http, "/balance/ledger")[0]["balance"]


def test_every_outcome_is_tested() -> None:
    assert ENDS.keys() | {"low-balance", "not-found", "timeout"} == transfers.OUTCOMES.keys()
    assert (transfers.ENDINGS["901"], transfers.ENDINGS["902"]) == ("failed", "pending")


def test_a_late_reversal_brings_the_money_back_a_day_later(http: httpx.Client) -> None:
    fund(FUNDS)
    send(http, account_for("reversed-later"))
    wait(23 * HOUR)
    assert (verify(http)["status"], money.balance(money.BALANCE)) == ("success", PAID)
    wait(DAY + HOUR)
    assert (verify(http)["status"], money.balance(money.BALANCE)) == ("reversed", KEPT)
    assert events_sent() == ["transfer.success", "transfer.reversed"]


@pytest.mark.parametrize("how", ["script", "account"])
def test_a_low_balance_refuses_once_and_then_takes_the_same_reference(http: httpx.Client, how: str) -> None:
    fund(FUNDS)
    account = choose("low-balance", how)
    refused = send(http, account)
    assert (refused.status_code, refused.json()["code"]) == (400, "insufficient_balance")
    assert (transfer_states.find(REFERENCE), money.balance(money.BALANCE)) == (None, KEPT)
    assert send(http, account).json()["data"]["status"] == "pending"
    wait()
    assert (verify(http)["status"], money.balance(money.BALANCE)) == ("success", PAID)


@pytest.mark.parametrize("how", ["script", "account"])
def test_a_recipient_that_is_not_found_leaves_no_transfer(http: httpx.Client, how: str) -> None:
    fund(FUNDS)
    refused = send(http, choose("not-found", how))
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_recipient")
    assert (transfer_states.newest_first(), money.balance(money.BALANCE)) == ([], KEPT)
    assert transfers.scripted() == []
    assert send(http).is_success


def test_a_balance_that_is_too_low_leaves_nothing_behind(http: httpx.Client) -> None:
    fund(AMOUNT + COST - 1)
    transfers.script("failed")
    assert send(http).json()["code"] == "insufficient_balance"
    assert (transfer_states.newest_first(), transfers.scripted()) == ([], ["failed"])
    # What the refused request wrote before the refusal is gone too.
    assert store.documents("recipient") == []
    money.post(money.BALANCE, 1, reason="Funding", model="Test", row=1, currency="NGN")
    assert send(http).is_success
    assert money.balance(money.BALANCE) == 0


@pytest.mark.parametrize("how", ["script", "account"])
def test_a_lost_answer_hides_a_transfer_that_was_made(http: httpx.Client, how: str) -> None:
    fund(FUNDS)
    account = choose("timeout", how)
    lost = send(http, account)
    assert (lost.status_code, lost.headers["Content-Type"]) == (504, "text/html; charset=utf-8")
    assert verify(http)["status"] == "pending"
    assert send(http, account).json()["code"] == "duplicate_reference"
    wait()
    assert (verify(http)["status"], money.balance(money.BALANCE)) == ("success", PAID)


@pytest.mark.parametrize(("outcome", "due"), [("event-first", 1), ("instant", 0)])
def test_an_event_is_due_before_the_answer_or_after_it(http: httpx.Client, outcome: str, due: int) -> None:
    fund(FUNDS)
    send(http, account_for(outcome))
    assert len(store.due_deliveries(time.time())) == due
    assert len(store.due_deliveries(time.time() + 10)) == 1


@pytest.mark.parametrize("status", ["pending", "success", "failed"])
def test_a_repeated_reference_moves_nothing(http: httpx.Client, status: str) -> None:
    fund(3 * FUNDS)
    transfers.script(status, "instant")
    send(http)
    wait()
    before = money.movements(money.BALANCE)
    assert send(http, amount=5).json()["code"] == "duplicate_reference"
    assert (money.movements(money.BALANCE), transfers.scripted()) == (before, ["instant"])
    assert (len(transfer_states.newest_first()), verify(http)["status"]) == (1, status)


@pytest.mark.parametrize(
    ("references", "paid"), [([REFERENCE] * 4, 1), ([f"{REFERENCE}-{number}" for number in range(4)], 2)]
)
def test_sending_at_once_pays_once_and_no_more_than_there_is(
    http: httpx.Client, references: list[str], paid: int
) -> None:
    fund(2 * (AMOUNT + COST))
    waiting = list(references)
    statuses = at_once(4, lambda client: send(client, reference=waiting.pop()).status_code)
    assert sorted(statuses) == [200] * paid + [400] * (4 - paid)
    assert money.balance(money.BALANCE) == (2 - paid) * (AMOUNT + COST)


def test_the_script_comes_before_the_account_and_in_its_order(http: httpx.Client) -> None:
    fund(FUNDS)
    transfers.script("otp", "received")
    transfers.script("instant")
    statuses = []
    for number in range(4):
        answer = send(http, account_for("failed"), reference=f"{REFERENCE}-{number}", amount=100)
        statuses.append(answer.json()["data"]["status"])
    assert statuses == ["otp", "received", "success", "pending"]


def test_the_script_refuses_an_unknown_outcome() -> None:
    with pytest.raises(Declined, match="There is no outcome lost"):
        transfers.script("success", "lost")
    assert transfers.scripted() == []


def test_a_click_replaces_the_steps_to_come(http: httpx.Client) -> None:
    fund(FUNDS)
    send(http, account_for("reversed-later"))
    transfer_states.click(REFERENCE, "failed")
    wait(2 * DAY)
    assert (verify(http)["status"], money.balance(money.BALANCE)) == ("failed", KEPT)
    assert events_sent() == ["transfer.failed"]
    for status in ("success", "reversed", "failed"):
        with pytest.raises(Declined, match="has ended already"):
            transfer_states.click(REFERENCE, status)
