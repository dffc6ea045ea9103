"""The simulator's API for transfers: cost, recipients, list and events, as the provider describes them."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from django.conf import settings

from savings.models import WebhookEvent
from tests.provider import Provider
from tests.web.simulator.conftest import KEY, fund
from tests.web.simulator.test_money import events_sent, get
from tests.web.simulator.test_transfers import (
    AMOUNT,
    COST,
    DAY,
    FUNDS,
    HOUR,
    KEPT,
    REFERENCE,
    account_for,
    send,
    verify,
    wait,
)
from web.simulator import clock, money, store, transfer_states


@pytest.mark.parametrize(
    ("amount", "fee", "parts"),
    [
        (500_000, 1_000, [("transfer", "1000")]),
        (999_999, 2_500, [("transfer", "2500")]),
        (1_000_000, 7_500, [("transfer", "2500"), ("stamp_duty", "5000")]),
        (5_000_001, 10_000, [("transfer", "5000"), ("stamp_duty", "5000")]),
    ],
)
def test_a_transfer_tells_what_it_cost(http: httpx.Client, amount: int, fee: int, parts: object) -> None:
    fund(10_000_000)
    send(http, amount=amount)
    wait()
    told = get(http, f"/transfer/TRF_{REFERENCE}")
    assert told["fee_charged"] == fee
    assert [(part["type"], part["amount"]) for part in told["fees_breakdown"]] == parts
    assert money.balance(money.BALANCE) == 10_000_000 - amount - fee


@pytest.mark.parametrize("outcome", ["failed", "reversed", "rejected", "blocked", "abandoned"])
def test_nothing_stays_charged_after_the_money_came_back(http: httpx.Client, outcome: str) -> None:
    fund(FUNDS)
    send(http, account_for(outcome))
    assert get(http, f"/transfer/TRF_{REFERENCE}")["fee_charged"] == COST
    wait()
    told = get(http, f"/transfer/TRF_{REFERENCE}")
    assert (told["fee_charged"], told["fees_breakdown"]) == (0, None)
    assert told["gateway_response"].startswith("The ")


def test_a_recipient_of_another_store_is_registered_by_its_transfer(http: httpx.Client) -> None:
    fund(FUNDS)
    assert send(http, "5123456789").is_success
    recipient = verify(http)["recipient"]
    assert (recipient["name"], recipient["details"]["account_name"]) == ("Chídì EZE", "Chídì EZE")
    assert len(store.documents("recipient")) == 1


@pytest.mark.parametrize(
    "code",
    [
        "RCP_x",
        "RCP_0584041234567",
        "RCP_9990123456789",
        "RCP_0300123456789",
        "RCP_058012345678",
        "RCP_058０１２３４５６７８９",
    ],
)
def test_a_transfer_to_nobody_is_refused(http: httpx.Client, code: str) -> None:
    fund(FUNDS)
    answer = send(http, recipient=code)
    assert 400 <= answer.status_code < 500
    assert answer.json()["status"] is False
    assert (transfer_states.newest_first(), money.balance(money.BALANCE)) == ([], KEPT)


def test_the_transfers_are_listed_newest_first_by_page(http: httpx.Client) -> None:
    fund(FUNDS)
    for number in range(5):
        send(http, reference=f"{REFERENCE}-{number}", amount=100)
    # A change of an old one does not move it.
    transfer_states.click(f"{REFERENCE}-0", "success")
    answer = http.get("/transfer?per_page=2&page=2")
    assert [row["reference"][-1] for row in answer.json()["data"]] == ["2", "1"]
    assert answer.json()["meta"] == {"total": 5, "skipped": 2, "perPage": 2, "page": 2, "pageCount": 3}
    assert len(get(http, "/transfer?perPage=3")) == 3
    assert [row["fee_charged"] for row in get(http, "/transfer")] == [1_000] * 5


def test_the_list_is_cut_by_status_recipient_and_time(http: httpx.Client) -> None:
    fund(FUNDS)
    send(http, account_for("otp"), amount=100)
    with clock.at(time.time() - DAY):
        send(http, reference=f"{REFERENCE}-old", amount=100)
    an_hour_ago = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(time.time() - HOUR))}Z"
    for query in ("status=otp", f"recipient=RCP_058{account_for('otp')}", f"from={an_hour_ago}"):
        assert [row["reference"] for row in get(http, f"/transfer?{query}")] == [REFERENCE], query
    assert get(http, "/transfer?status=blocked") == []


def shape(value: object) -> object:
    return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else None


@pytest.mark.parametrize("outcome", ["success", "failed", "reversed"])
def test_an_event_is_shaped_like_the_provider_s(http: httpx.Client, outcome: str) -> None:
    fund(FUNDS)
    send(http, account_for(outcome))
    wait()
    (delivery,) = store.due_deliveries(time.time() + 60)
    body = json.loads(delivery.body)
    example = json.loads((settings.BASE_DIR / f"tests/payloads/transfer.{outcome}.json").read_text())
    assert shape(body) == shape(example)
    assert (body["event"], body["data"]["status"]) == (example["event"], example["data"]["status"])
    assert (body["data"]["reference"], body["data"]["amount"]) == (REFERENCE, AMOUNT)


@pytest.mark.django_db
def test_an_event_can_reach_the_site_before_the_answer(provider: Provider) -> None:
    fund(FUNDS)
    provider.delivers_first = True
    with httpx.Client(transport=provider, base_url="http://simulator", headers=KEY) as client:
        assert send(client, account_for("event-first")).json()["data"]["status"] == "success"
    assert WebhookEvent.objects.get().event == "transfer.success"
    assert events_sent() == []
