"""The simulator's money: fees, settlements, refunds and disputes, and the equations between them."""

from __future__ import annotations

import datetime
import json
import random
import threading
import time
from typing import Any

import httpx
import pytest
from django.conf import settings

from tests.provider import CONTRACT, check_contract
from tests.web.simulator.conftest import KEY, fund
from web.simulator import agenda, clock, disputes, money, notices, payments, settlements, store, switches
from web.simulator.app import application

HOUR = 3600
FEE = 47_500


def moment(text: str) -> float:
    """A time on the site's clock."""
    return datetime.datetime.fromisoformat(f"{text}+01:00").timestamp()


WEDNESDAY, FRIDAY = moment("2026-11-25T10:00"), moment("2026-11-27T23:30")


def pay(
    http: httpx.Client, reference: str = "first", amount: int = 2_500_000, outcome: str = "success"
) -> int:
    """Pay, and return the provider's number of the payment."""
    body = {"email": "ada@example.com", "amount": amount, "reference": reference}
    page = http.post("/transaction/initialize", json=body).json()["data"]["authorization_url"]
    assert http.post(page, data={"outcome": outcome}).status_code == 303
    return int(get(http, f"/transaction/verify/{reference}")["id"])


def get(http: httpx.Client, path: str) -> Any:
    """The `data` of an answer, which is as described."""
    return data_of(http.get(path))


def data_of(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    if CONTRACT.exists():
        check_contract(answer.request, answer)
    return answer.json()["data"]


def refund(http: httpx.Client, transaction: object = "first", **more: object) -> httpx.Response:
    return http.post("/refund", json={"transaction": str(transaction), **more})


def resolve(http: httpx.Client, dispute: int, resolution: str, amount: int) -> httpx.Response:
    said = {"message": "Here is the receipt.", "refund_amount": amount, "uploaded_filename": "receipt.pdf"}
    return http.put(f"/dispute/{dispute}/resolve", json={"resolution": resolution, **said})


def open_dispute(reference: str = "first") -> int:
    payment = payments.known(reference)
    return int(disputes.open_for(payment)["id"])


def events_sent() -> list[str]:
    """The names of the events so far, in order."""
    return [json.loads(delivery.body)["event"] for delivery in store.due_deliveries(time.time() + 10**9)]


def assert_equations(http: httpx.Client) -> None:
    """All money that came in is pending, settled or gone; each last row is its balance."""
    rows = get(http, "/balance/ledger?perPage=100")
    balance = get(http, "/balance")[0]["balance"]
    moved = [row for place in (money.PENDING, money.BALANCE, money.BANK) for row in money.movements(place)]
    settled = settlements.newest_first()
    pending, bank = money.balance(money.PENDING), money.balance(money.BANK)
    # Collected - fees - refunds - disputes.
    rest = sum(row.amount for row in moved if row.reason in {"Charge", "Fee", "Refund", "Dispute"})
    assert rest == pending + balance + bank
    from_balance = sum(
        row.amount for row in moved if row.place == money.BALANCE and row.reason in {"Refund", "Dispute"}
    )
    assert rest == pending + sum(one["net"] for one in settled) + from_balance
    for one in settled:
        back = sum(part["amount"] for part in one["deductions"])
        assert one["net"] == one["gross"] - one["fees"] - back >= 0
        paid = get_settled(http, one["id"])
        assert sum(each["amount"] - each["fees"] for each in paid) == one["gross"] - one["fees"]
    assert (rows[0]["balance"] if rows else 0) == balance == sum(row["difference"] for row in rows)
    to_bank = sum(one["net"] for one in settled if one["to"] == money.BANK)
    top_ups = sum(row.amount for row in money.movements(money.BANK) if row.reason == "Top-up")
    assert bank == to_bank + top_ups >= 0


def get_settled(http: httpx.Client, settlement_id: int) -> list[dict[str, Any]]:
    answer = http.get(f"/settlement/{settlement_id}/transactions?perPage=100")
    assert answer.is_success
    if CONTRACT.exists():
        check_contract(answer.request, answer)
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@pytest.mark.parametrize(
    ("amount", "local", "foreign"),
    [
        (100_00, 150, 10_390),
        (2_499_99, 3_749, 19_749),
        (2_500_00, 13_750, 19_750),
        (25_000_00, 47_500, 107_500),
        (126_666_66, 199_999, 503_999),
        (1_000_000_00, 200_000, 3_910_000),
    ],
)
def test_the_fee_is_as_the_provider_publishes_it(amount: int, local: int, foreign: int) -> None:
    assert (money.fee(amount), money.fee(amount, is_foreign=True)) == (local, foreign)


@pytest.mark.parametrize(
    ("outcome", "fee", "country"), [("success", 47_500, "NG"), ("foreign", 107_500, "US")]
)
def test_a_payment_tells_its_fee_time_and_card(
    http: httpx.Client, outcome: str, fee: int, country: str
) -> None:
    with clock.at(WEDNESDAY):
        pay(http, outcome=outcome)
    told = get(http, "/transaction/verify/first")
    assert (told["fees"], told["paid_at"], told["channel"]) == (fee, "2026-11-25T09:00:00.000Z", "card")
    assert (told["authorization"]["country_code"], told["requested_amount"]) == (country, 2_500_000)
    event = json.loads(store.due_deliveries(time.time())[0].body)["data"]
    assert (event["id"], event["fees"]) == (told["id"], fee)


@pytest.mark.parametrize(
    ("paid", "settled"),
    [
        ("2026-11-25T10:00", "2026-11-26T06:00"),
        ("2026-11-26T00:00", "2026-11-27T06:00"),
        ("2026-11-27T23:30", "2026-11-30T06:00"),
        ("2026-11-28T10:00", "2026-11-30T06:00"),
        ("2026-11-29T23:59", "2026-11-30T06:00"),
        ("2026-11-30T00:30", "2026-12-01T06:00"),
    ],
)
def test_money_is_settled_on_the_next_working_day(paid: str, settled: str) -> None:
    assert clock.next_settlement(moment(paid)) == moment(settled)


def test_a_settlement_goes_to_the_bank_once(http: httpx.Client) -> None:
    with clock.at(WEDNESDAY):
        number = pay(http)
        assert (money.balance(money.PENDING), money.balance(money.BANK)) == (2_500_000 - FEE, 0)
    for _ in range(2):
        agenda.catch_up(WEDNESDAY + 24 * HOUR)
        settlements.run(everything=True)
    [settlement] = http.get("/settlement").json()["data"]
    assert settlement["settlement_date"] == "2026-11-26T05:00:00.000Z"
    assert (settlement["total_processed"], settlement["total_fees"]) == (2_500_000, FEE)
    assert settlement["effective_amount"] == money.balance(money.BANK) == 2_452_500
    assert [one["id"] for one in get_settled(http, settlement["id"])] == [number]
    assert money.balance(money.PENDING) == 0
    assert_equations(http)


def test_the_totals_tell_what_is_not_settled(http: httpx.Client) -> None:
    pay(http)
    told = get(http, "/transaction/totals")
    assert (told["total_transactions"], told["total_volume"]) == (1, 2_500_000)
    assert told["pending_transfers_by_currency"] == [{"currency": "NGN", "amount": 2_500_000 - FEE}]
    settlements.run(everything=True)
    told = get(http, "/transaction/totals")
    assert (told["total_volume"], told["pending_transfers"]) == (2_500_000, 0)


def test_a_settlement_to_the_balance_is_in_its_ledger(http: httpx.Client) -> None:
    switches.turn("settles_to_balance", on=True)
    pay(http)
    settlements.run(everything=True)
    [row] = get(http, "/balance/ledger")
    assert (row["balance"], row["difference"], row["model_responsible"]) == (
        2_452_500,
        2_452_500,
        "Settlement",
    )
    assert get(http, "/balance") == [{"currency": "NGN", "balance": 2_452_500}]
    assert_equations(http)


def test_a_simulator_that_was_off_settles_each_day_afterwards(http: httpx.Client) -> None:
    for day in range(5):
        with clock.at(WEDNESDAY + day * 24 * HOUR):
            pay(http, f"day-{day}")
    assert [one["gross"] for one in settlements.newest_first()] == [2_500_000, 2_500_000]
    agenda.catch_up(WEDNESDAY + 10 * 24 * HOUR)
    assert [one["gross"] for one in settlements.newest_first()] == [7_500_000, 2_500_000, 2_500_000]
    assert_equations(http)


@pytest.mark.parametrize("by", ["reference", "id"])
def test_a_refund_is_pending_then_processed_from_what_is_pending(http: httpx.Client, by: str) -> None:
    number = pay(http)
    created = data_of(refund(http, "first" if by == "reference" else number, amount=1_000_000))
    assert (created["status"], created["amount"], created["deducted_amount"]) == ("pending", 1_000_000, 0)
    assert money.balance(money.PENDING) == 2_452_500
    agenda.catch_up(time.time() + 60)
    found = get(http, f"/refund/{created['id']}")
    assert (found["status"], found["transaction_reference"], found["refund_type"]) == (
        "processed",
        "first",
        "partial",
    )
    assert get(http, "/refund") == [found]
    assert money.balance(money.PENDING) == 1_452_500
    assert get(http, "/transaction/verify/first")["status"] == "success"
    assert events_sent() == ["charge.success", "refund.pending", "refund.processed"]
    assert_equations(http)


def test_never_more_is_refunded_than_is_left(http: httpx.Client) -> None:
    pay(http)
    assert refund(http, amount=2_000_000).is_success
    assert refund(http, amount=500_001).json()["code"] == "invalid_amount"
    assert refund(http, amount=0).json()["code"] == "invalid_amount"
    assert data_of(refund(http))["amount"] == 500_000
    assert refund(http).status_code == 400
    # The fee does not come back, so a whole refund waits for other money.
    agenda.catch_up(time.time() + 60)
    pay(http, "second")
    agenda.catch_up(time.time() + 7 * 24 * HOUR)
    assert get(http, "/transaction/verify/first")["status"] == "reversed"
    assert get(http, "/transaction/verify/first")["fees"] == FEE
    assert {one["status"] for one in get(http, "/refund")} == {"processed"}
    assert_equations(http)


@pytest.mark.parametrize("how", ["switch", "button"])
def test_a_refund_that_fails_takes_nothing_and_can_be_made_again(http: httpx.Client, how: str) -> None:
    pay(http)
    switches.turn("refunds_fail", on=how == "switch")
    number = refund(http, amount=1_000_000).json()["data"]["id"]
    if how == "button":
        assert http.post("/", data={"do": "fail-refund", "refund": number}).status_code == 303
    agenda.catch_up(time.time() + 60)
    assert get(http, f"/refund/{number}")["status"] == "failed"
    assert money.balance(money.PENDING) == 2_452_500
    assert events_sent()[-1] == "refund.failed"
    switches.turn("refunds_fail", on=False)
    assert refund(http, amount=2_500_000).is_success
    assert_equations(http)


def test_a_refund_after_the_settlement_is_taken_from_the_balance(http: httpx.Client) -> None:
    switches.turn("settles_to_balance", on=True)
    pay(http)
    settlements.run(everything=True)
    pay(http, "second", 100_000)
    refund(http, amount=1_000_000)
    agenda.catch_up(time.time() + 60)
    assert (money.balance(money.PENDING), money.balance(money.BALANCE)) == (0, 2_452_500 - 901_500)
    assert get(http, "/balance/ledger")[0]["model_responsible"] == "Refund"
    assert_equations(http)


def test_an_unanswered_dispute_is_accepted_when_it_is_due(http: httpx.Client) -> None:
    with clock.at(WEDNESDAY):
        pay(http)
        number = open_dispute()
        told = get(http, f"/dispute/{number}")
        assert (told["dueAt"], told["status"]) == ("2026-11-26T01:00:00.000Z", "awaiting-merchant-feedback")
        assert refund(http).json()["code"] == "transaction_disputed"
        assert money.balance(money.PENDING) == 2_452_500
    agenda.catch_up(WEDNESDAY + 17 * HOUR)
    found = get(http, f"/dispute/{number}")
    assert (found["resolution"], found["resolvedAt"]) == ("auto-accepted", told["dueAt"])
    # The whole amount goes, the fee does not come back: the rest reduces the next payouts.
    assert money.balance(money.PENDING) == -FEE
    assert [name.rpartition(".")[2] for name in events_sent()] == ["success", "create", "remind", "resolve"]
    assert get(http, "/transaction/verify/first")["status"] == "reversed"
    with clock.at(FRIDAY):
        pay(http, "second")
    agenda.catch_up(moment("2026-11-30T07:00"))
    [settlement] = settlements.newest_first()
    assert (settlement["net"], len(settlement["deductions"])) == (2 * 2_452_500 - 2_500_000, 1)
    assert_equations(http)


@pytest.mark.parametrize(
    ("resolution", "amount", "taken"), [("declined", 0, 0), ("merchant-accepted", 1_000_000, 1_000_000)]
)
def test_a_dispute_is_resolved_once(http: httpx.Client, resolution: str, amount: int, taken: int) -> None:
    pay(http)
    number = open_dispute()
    resolved = data_of(resolve(http, number, resolution, amount))
    assert (resolved["status"], resolved["resolution"]) == ("resolved", resolution)
    assert resolve(http, number, "merchant-accepted", 500_000).json()["code"] == "dispute_resolved"
    agenda.catch_up(time.time() + 20 * HOUR)
    assert money.balance(money.PENDING) + money.balance(money.BANK) == 2_452_500 - taken
    assert events_sent().count("charge.dispute.resolve") == 1
    assert "charge.dispute.remind" not in events_sent()
    assert [one["id"] for one in get(http, "/dispute?status=resolved")] == [number]
    assert get(http, "/dispute?status=pending") == []
    assert_equations(http)


def test_evidence_is_taken_until_the_dispute_is_resolved(http: httpx.Client) -> None:
    pay(http)
    number = open_dispute()
    said = dict.fromkeys(("customer_email", "customer_name", "customer_phone", "service_details"), "text")
    for name in said:
        refused = http.post(f"/dispute/{number}/evidence", json={k: v for k, v in said.items() if k != name})
        assert refused.status_code == 400
    evidence = data_of(http.post(f"/dispute/{number}/evidence", json=said))
    assert get(http, f"/dispute/{number}")["evidence"] == evidence["id"]
    assert get(http, f"/dispute/{number}/upload_url")["fileName"]
    resolve(http, number, "declined", 0)
    again = http.post(f"/dispute/{number}/evidence", json=said)
    assert again.json()["code"] == "dispute_resolved"
    assert http.post("/dispute/1/evidence", json=said).status_code == 404


def test_a_dispute_is_resolved_by_a_form_too(http: httpx.Client) -> None:
    pay(http)
    form = {"resolution": "merchant-accepted", "message": "Sorry.", "uploaded_filename": "x.pdf"}
    path = f"/dispute/{open_dispute()}/resolve"
    assert http.put(path, data=form).json()["code"] == "invalid_refund_amount"
    assert data_of(http.put(path, data=form | {"refund_amount": "500000"}))["refund_amount"] == 500_000


def test_a_dispute_takes_no_more_than_refunds_have_left(http: httpx.Client) -> None:
    pay(http)
    refund(http, amount=2_000_000)
    agenda.catch_up(time.time() + 60)
    number = open_dispute()
    assert get(http, f"/dispute/{number}")["refund_amount"] == 500_000
    assert resolve(http, number, "merchant-accepted", 500_001).json()["code"] == "invalid_amount"
    assert resolve(http, number, "perhaps", 500_000).status_code == 400


@pytest.mark.parametrize("path", ["/refund/7", "/dispute/7", "/settlement/7/transactions", "/transfer/TRF_x"])
def test_what_is_not_there_is_404(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 404
    assert http.get(path, headers={"Authorization": ""}).status_code == 401


@pytest.mark.parametrize("query", ["perPage=x", "perPage=0", "page=-1", "from=yesterday", "page=²"])
@pytest.mark.parametrize("path", ["/balance/ledger", "/refund", "/dispute", "/settlement", "/transfer"])
def test_a_list_refuses_a_wrong_page_or_time(http: httpx.Client, path: str, query: str) -> None:
    assert http.get(f"{path}?{query}").status_code == 400


def test_lists_are_paged_newest_first_and_cut_by_time(http: httpx.Client) -> None:
    for day in range(5):
        with clock.at(WEDNESDAY + day):
            fund(1_000 + day)
    answer = http.get("/balance/ledger?perPage=2&page=2").json()
    assert [row["difference"] for row in answer["data"]] == [1_002, 1_001]
    assert answer["meta"] == {"total": 5, "skipped": 2, "perPage": 2, "page": 2, "pageCount": 3}
    rows = http.get("/balance/ledger?from=2026-11-25T09:00:03Z").json()["data"]
    assert [row["difference"] for row in rows] == [1_004, 1_003]


def test_what_is_optional_is_left_out_when_asked(http: httpx.Client) -> None:
    switches.turn("leaves_out", on=True)
    told = []
    for number in range(4):
        pay(http, f"pay-{number}")
        told.append(get(http, f"/transaction/verify/pay-{number}"))
    assert {} in [one["authorization"] for one in told]
    assert not any("country_code" in one["authorization"] for one in told)
    number = open_dispute("pay-0")
    assert "receipt_number" not in get(http, f"/dispute/{number}")["transaction"]
    refund(http, "pay-1")
    bodies = [json.loads(one.body) for one in store.due_deliveries(time.time())]
    assert "id" not in next(one["data"] for one in bodies if one["event"] == "refund.pending")


def at_once(calls: int, act: Any) -> list[Any]:
    """Do something in threads that start together, each with a client of its own; return what came."""
    came: list[Any] = []
    barrier = threading.Barrier(calls)

    def run() -> None:
        transport = httpx.WSGITransport(app=application)
        with httpx.Client(transport=transport, base_url="http://simulator", headers=KEY) as http:
            barrier.wait()
            came.append(act(http))

    threads = [threading.Thread(target=run) for _ in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


def test_two_refunds_at_once_never_give_back_more_than_was_paid(http: httpx.Client) -> None:
    pay(http)
    statuses = at_once(4, lambda client: refund(client, amount=1_500_000).status_code)
    assert sorted(statuses) == [200, 400, 400, 400]


def test_two_payments_of_one_page_at_once_collect_once(http: httpx.Client) -> None:
    body = {"email": "ada@example.com", "amount": 2_500_000, "reference": "first"}
    page = http.post("/transaction/initialize", json=body).json()["data"]["authorization_url"]
    statuses = at_once(4, lambda client: client.post(page, data={"outcome": "success"}).status_code)
    assert sorted(statuses) == [200, 200, 200, 303]
    assert money.balance(money.PENDING) == 2_452_500


def test_settling_at_once_pays_out_once(http: httpx.Client) -> None:
    pay(http)
    at_once(4, lambda client: client.post("/", data={"do": "settle"}).status_code)
    assert (money.balance(money.BANK), len(settlements.newest_first())) == (2_452_500, 1)


def test_resolving_at_once_takes_the_money_once(http: httpx.Client) -> None:
    pay(http)
    number = open_dispute()
    statuses = at_once(4, lambda client: resolve(client, number, "merchant-accepted", 2_000_000).status_code)
    assert sorted(statuses) == [200, 400, 400, 400]
    assert money.balance(money.PENDING) == 452_500


class Quarter:
    """Random days at the provider, with everything that moves money."""

    def __init__(self, http: httpx.Client, seed: int) -> None:
        self.http = http
        self.chance = random.Random(seed)
        self.references: list[str] = []

    def act(self) -> None:
        acts = [
            self.pay,
            self.pay,
            self.pay,
            self.refund,
            self.dispute,
            self.answer,
            self.top_up,
            self.switch,
        ]
        self.chance.choice(acts)()

    def pay(self) -> None:
        self.references.append(f"pay-{len(self.references)}")
        outcome = self.chance.choice(["success", "foreign", "wrong-amount", "late"])
        pay(self.http, self.references[-1], self.chance.randrange(5_000, 5_000_000), outcome)

    def refund(self) -> None:
        refund(self.http, self._one(), amount=self.chance.randrange(1, 3_000_000))

    def dispute(self) -> None:
        self.http.post("/", data={"do": "dispute", "payment": self._one()})

    def answer(self) -> None:
        for found in disputes.newest_first()[:1]:
            resolve(self.http, found["id"], self.chance.choice(["declined", "merchant-accepted"]), 1_000)

    def top_up(self) -> None:
        naira, once = self.chance.randrange(1, 20_000), self.chance.randrange(1, 2**50)
        self.http.post("/", data={"do": "top-up", "naira": naira, "once": once})

    def switch(self) -> None:
        name = self.chance.choice(["settles_to_balance", "refunds_fail"])
        switches.turn(name, on=self.chance.random() < 0.4)

    def _one(self) -> str:
        return self.chance.choice(self.references or ["none"])


@pytest.mark.parametrize("seed", range(3))
def test_the_equations_hold_over_a_quarter(http: httpx.Client, seed: int) -> None:
    quarter, now = Quarter(http, seed), WEDNESDAY
    for step in range(90):
        now += quarter.chance.randrange(1, 48 * HOUR)
        with clock.at(now):
            quarter.act()
            if step % 30 == 0:
                assert_equations(http)
    switches.turn("refunds_fail", on=False)
    with clock.at(now + 30 * 24 * HOUR):
        assert_equations(http)
    assert len(settlements.newest_first()) > 10


def test_another_currency_is_kept_apart(http: httpx.Client) -> None:
    payment = payments.announce(
        reference="usd", amount=5_000, currency="USD", email="a@b.c", metadata={}, callback=""
    )
    assert payment is not None
    payments.succeed(payment)
    payments.save(payment)
    settlements.run(everything=True)
    assert (money.balance(money.BANK), money.balance(money.BANK, "USD")) == (0, 4_925)
    assert [one["currency"] for one in get(http, "/balance")] == ["NGN", "USD"]


def test_events_of_the_money_are_signed(http: httpx.Client) -> None:
    pay(http)
    refund(http)
    told = store.due_deliveries(time.time())[-1]
    assert told.signature == notices.signature(told.body, settings.PROVIDER_SECRET_KEY)
