"""The gateway: requests and answers as the provider describes them, and what a broken provider comes to."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.utils import timezone
from openapi_core.testing import MockRequest
from openapi_core.validation.request.exceptions import InvalidRequestBody

from savings.exceptions import ProviderRefused, ProviderUnavailable
from savings.payments import paystack, provider_money, transfers
from savings.payments.paystack_answers import Charge, Checkout
from tests.provider import CONTRACT, Provider, contract
from web.simulator import money

REFERENCE = "TOP01M85MW6EM6C1D15Q"
described = pytest.mark.skipif(not CONTRACT.exists(), reason="needs the folder ../shared/reference")


def announce(amount_kobo: int = 2_500_000) -> Checkout:
    return paystack.initialize(
        reference=REFERENCE,
        amount_kobo=amount_kobo,
        email="ada@example.com",
        callback_url="https://asusu.example/payments/return/x/",
        origin={"user": 7, "plan": 8},
    )


def pay(provider: Provider, outcome: str = "success") -> Charge:
    with httpx.Client(transport=provider.simulator) as browser:
        browser.post(announce().url, data={"outcome": outcome})
    return paystack.verify(REFERENCE)


def answering(status: int, body: str | dict[str, Any]) -> Any:
    content = body if isinstance(body, str) else json.dumps(body)
    return lambda request: httpx.Response(status, content=content, headers={"Location": "/elsewhere"})


@described
def test_every_call_is_as_the_provider_describes_it(provider: Provider) -> None:
    charge = pay(provider)
    again = paystack.charge_authorization(
        reference=REFERENCE + "-2",
        amount_kobo=100_00,
        email="ada@example.com",
        authorization_code=charge.authorization_code,
        origin={"user": 7, "card": 9},
    )
    listed = provider_money.list_payments_since(timezone.now() - datetime.timedelta(hours=1))
    assert [found.origin for found in listed] == [{"user": 7, "card": 9}, {"user": 7, "plan": 8}]
    paystack.deactivate_authorization(charge.authorization_code)
    recipient = transfers.create_recipient(name="Ada Okafor", account_number="0123456789", bank_code="058")
    money.post(money.BALANCE, 100_00, reason="Funding", model="Test", row=1, currency="NGN")
    sent = transfers.send_transfer(
        reference="STW01M85MW6EM6C1D15Q", amount_kobo=50_00, recipient_code=recipient.code, reason="Savings"
    )
    assert isinstance(again, Charge)
    assert (again.status, again.amount_kobo) == ("success", 100_00)
    assert (sent.reference, sent.status, sent.amount_kobo) == ("STW01M85MW6EM6C1D15Q", "pending", 50_00)
    assert provider.paths() == [
        "POST /transaction/initialize",
        f"GET /transaction/verify/{REFERENCE}",
        "POST /transaction/charge_authorization",
        "GET /transaction",
        "POST /customer/authorization/deactivate",
        "POST /transferrecipient",
        "POST /transfer",
    ]


@described
def test_the_contract_is_really_held_against_the_calls(provider: Provider) -> None:
    nonsense = MockRequest(
        "https://api.paystack.co",
        "post",
        "/transaction/initialize",
        headers={"Authorization": "Bearer x"},
        data=b'{"email": "a@b.c"}',
    )
    with pytest.raises(InvalidRequestBody):
        contract().validate_request(nonsense)


def test_a_payment_that_went_well(provider: Provider) -> None:
    charge = pay(provider)
    assert charge.status == "success"
    assert (charge.amount_kobo, charge.fee_kobo) == (2_500_000, 47_500)
    assert (charge.currency, charge.card, charge.email) == ("NGN", "Visa ··4081", "ada@example.com")
    assert charge.is_reusable


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("declined", "failed"), ("abandon", "abandoned"), ("late", "pending"), ("silent", "success")],
)
def test_what_became_of_a_payment(provider: Provider, outcome: str, status: str) -> None:
    assert pay(provider, outcome).status == status


def test_the_key_goes_with_every_call_and_the_answer_is_read_whole(provider: Provider) -> None:
    announce()
    assert provider.requests[0].headers["Authorization"] == "Bearer sk_test_simulator"


def test_an_unknown_reference_is_a_no_with_its_reason(provider: Provider) -> None:
    with pytest.raises(ProviderRefused) as refused:
        paystack.verify("TOP00000000000000000")
    assert refused.value.code == paystack.NOT_FOUND


@pytest.mark.parametrize("reference", ["", "..", "../transfer", "a/b", "ä", "a b", "a?b=c"])
def test_what_cannot_be_a_reference_never_leaves_the_house(provider: Provider, reference: str) -> None:
    with pytest.raises(ProviderRefused) as refused:
        paystack.verify(reference)
    assert refused.value.code == paystack.NOT_FOUND
    assert provider.requests == []


def test_a_reference_can_be_announced_only_once(provider: Provider) -> None:
    announce()
    with pytest.raises(ProviderRefused) as refused:
        announce()
    assert refused.value.code == paystack.DUPLICATE_REFERENCE


def test_a_wrong_key_is_a_no(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.instead = answering(401, {"status": False, "message": "Invalid key"})
    with pytest.raises(ProviderRefused, match="Invalid key"):
        announce()


def test_a_status_of_false_is_a_no_whatever_the_code(provider: Provider) -> None:
    provider.instead = answering(200, {"status": False, "message": "Not today"})
    with pytest.raises(ProviderRefused, match="Not today"):
        announce()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"status": False, "message": "Internal error"}),
        (502, "<html>Bad gateway</html>"),
        (429, {"status": False, "message": "Too many requests"}),
        (302, ""),
        (200, ""),
        (200, "<html>Sign in to the hotel's network</html>"),
        (403, "<html>Blocked</html>"),
        (200, "[]"),
        (200, "null"),
        (200, "[" * 100_000),
        (200, {"status": True, "message": "ok"}),
        (200, {"status": True, "message": "ok", "data": None}),
        (200, {"status": True, "message": "ok", "data": {"reference": REFERENCE}}),
        (200, {"status": True, "message": "ok", "data": {"reference": 5, "authorization_url": None}}),
        (200, {"status": "true", "message": "ok", "data": {"reference": "A", "authorization_url": "B"}}),
        (400, {"status": True, "message": "ok", "data": {"reference": "A", "authorization_url": "B"}}),
        (400, {"error": "from somebody in between"}),
    ],
)
def test_an_answer_that_makes_no_sense_means_that_nobody_knows(
    provider: Provider, status: int, body: str | dict[str, Any]
) -> None:
    provider.instead = answering(status, body)
    with pytest.raises(ProviderUnavailable):
        announce()


@pytest.mark.parametrize("amount", ["2500000", 2_500_000.0, True, None])
def test_an_amount_that_is_no_integer_is_not_guessed_at(provider: Provider, amount: object) -> None:
    data = {"reference": REFERENCE, "status": "success", "amount": amount, "currency": "NGN"}
    provider.instead = answering(200, {"status": True, "message": "ok", "data": data})
    with pytest.raises(ProviderUnavailable):
        paystack.verify(REFERENCE)


def test_an_answer_about_another_payment_is_not_taken(provider: Provider) -> None:
    data = {"reference": "ANOTHER", "status": "success", "amount": 1, "currency": "NGN"}
    provider.instead = answering(200, {"status": True, "message": "ok", "data": data})
    with pytest.raises(ProviderUnavailable):
        paystack.verify(REFERENCE)


def facts(provider: Provider, **said: object) -> Charge:
    data = {"reference": REFERENCE, "status": "success", "amount": 500, "currency": "NGN"} | said
    provider.instead = answering(200, {"status": True, "message": "ok", "data": data})
    return paystack.verify(REFERENCE)


def test_the_facts_of_a_payment(provider: Provider) -> None:
    charge = facts(
        provider,
        id=4099260516,
        paid_at="2026-11-24T08:40:12.000Z",
        channel="card",
        authorization={"country_code": "ng"},
    )
    assert (charge.provider_id, charge.channel, charge.card_country) == (4099260516, "card", "NG")
    assert charge.paid_at == datetime.datetime(2026, 11, 24, 8, 40, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize("number", [None, "4099260516", 0, -4, 1.5, True, 2**63, [1]])
def test_a_payment_without_a_usable_number(provider: Provider, number: object) -> None:
    assert facts(provider, id=number).provider_id is None
    assert facts(provider).provider_id is None


@pytest.mark.parametrize(
    "moment", [None, 5, "", "yesterday", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", {}]
)
def test_a_payment_without_a_usable_moment(provider: Provider, moment: object) -> None:
    assert facts(provider, paid_at=moment).paid_at is None
    assert facts(provider).paid_at is None


def test_a_moment_without_a_zone_is_in_utc(provider: Provider) -> None:
    paid_at = facts(provider, paid_at="2026-11-24T08:40:12").paid_at
    assert paid_at == datetime.datetime(2026, 11, 24, 8, 40, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "authorization", [None, "x", {}, {"country_code": None}, {"country_code": "Nigeria"}]
)
def test_a_card_without_a_country(provider: Provider, authorization: object) -> None:
    assert facts(provider, authorization=authorization).card_country == ""


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadTimeout, httpx.ConnectTimeout, httpx.RemoteProtocolError]
)
def test_no_answer_means_that_nobody_knows(provider: Provider, error: type[httpx.HTTPError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("gone")

    provider.instead = fail
    with pytest.raises(ProviderUnavailable):
        announce()


class _Drip(httpx.SyncByteStream):
    def __init__(self, chunk: bytes) -> None:
        self.chunk = chunk

    def __iter__(self) -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield self.chunk


def test_an_answer_that_drips_is_given_up_in_time(provider: Provider) -> None:
    provider.instead = lambda request: httpx.Response(200, stream=_Drip(b" "))
    began = time.monotonic()
    with pytest.raises(ProviderUnavailable):
        paystack.verify(REFERENCE, timeout_seconds=0.2)
    assert time.monotonic() - began < 1


def test_an_endless_answer_is_given_up(provider: Provider) -> None:
    provider.instead = lambda request: httpx.Response(200, stream=_Drip(b" " * 300_000))
    with pytest.raises(ProviderUnavailable):
        paystack.verify(REFERENCE)
