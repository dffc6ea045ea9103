"""The payment provider for tests: the simulator, called in-process, with every call checked against the contract."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml
from django.conf import settings
from django.test import Client
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from savings.models import Payment
from web.simulator import events, payments
from web.simulator.app import application

CONTRACT = Path(settings.BASE_DIR).parent / "shared/reference/paystack/paystack.yaml"
Answer = Callable[[httpx.Request], httpx.Response]


class Provider(httpx.BaseTransport):
    """Passes the calls to the simulator, and checks both sides against the OpenAPI description if it is present."""

    def __init__(self) -> None:
        self.simulator = httpx.WSGITransport(app=application)
        if CONTRACT.exists():
            # Read here, because reading it in the first call would exceed the timeout of that call.
            contract()
        self.requests: list[httpx.Request] = []
        # Set an answer here to make the provider fail.
        self.instead: Answer | None = None
        # Or here, by the path of the call, to make it fail for one payment.
        self.answers: dict[str, Answer] = {}
        # Set this to let due events reach the site before the answer of each call.
        self.delivers_first = False
        # Payments that a test changed: the contract does not apply to them.
        self._changed: set[str] = set()
        # What `verify` says of a payment instead of the simulator, by its reference.
        self._said: dict[str, dict[str, Any]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        instead = self.answers.get(request.url.path, self.instead)
        if instead is not None:
            return instead(request)
        response = self.simulator.handle_request(request)
        response.read()
        said = self._said.get(request.url.path.rpartition("/")[2])
        if said is not None and response.status_code == 200:
            answer = response.json()
            _merge(answer["data"], said)
            response = httpx.Response(
                200, content=json.dumps(answer), headers={"Content-Type": "application/json"}
            )
        if (
            CONTRACT.exists()
            and request.url.path.rpartition("/")[2] not in self._changed
            and not _is_challenge(response)
        ):
            check_contract(request, response)
        if self.delivers_first:
            self.deliver()
        return response

    def paths(self) -> list[str]:
        """Return the method and path of each call, in order."""
        return [f"{request.method} {request.url.path}" for request in self.requests]

    def pay(self, payment: Payment, outcome: str = "success") -> httpx.Response:
        """Press a button on the simulator's pay page, and return its answer."""
        with httpx.Client(transport=self.simulator) as browser:
            return browser.post(payment.checkout_url, data={"outcome": outcome})

    def announce(self, reference: str, amount: int, *, currency: str = "", outcome: str = "") -> None:
        """Create a payment at the provider that we did not start."""
        payment = payments.announce(
            reference=reference,
            amount=amount,
            currency=currency or settings.CURRENCY,
            email="somebody@example.com",
            metadata={},
            callback="",
        )
        assert payment is not None
        if outcome:
            payments.OUTCOMES[outcome](payment)
            payments.save(payment)

    def change(self, reference: str, **changes: object) -> None:
        """Change a payment at the provider, also in ways that its contract rules out."""
        self._changed.add(reference)
        payment = payments.find(reference)
        assert payment is not None
        payments.save(payment | changes)

    def say(self, payment: Payment, **said: object) -> None:
        """Let `verify` answer with these fields of a payment, also in ways that its contract rules out."""
        self._changed.add(payment.transaction.reference)
        self._said.setdefault(payment.transaction.reference, {}).update(said)

    def pay_abroad(self, payment: Payment, country: str = "GB") -> None:
        """Pay with a card of another country, for which the provider keeps more."""
        self.pay(payment)
        kobo = payment.transaction.amount_kobo
        self.say(payment, fees=fee(kobo, is_foreign=True), authorization={"country_code": country})

    def deliver(self, *, after_seconds: float = 0) -> int:
        """Send the webhook events that are due by then, and return the number that the site accepted."""
        return events.deliver_due(time.time() + after_seconds)


def fee(amount_kobo: int, *, is_foreign: bool = False) -> int:
    """Return the provider's fee in kobo: 1.5 % + ₦100, at most ₦2,000, the ₦100 waived below ₦2,500.

    3.9 % + ₦100 for a foreign card.
    """
    if is_foreign:
        return amount_kobo * 39 // 1000 + 100_00
    return min(amount_kobo * 15 // 1000 + (100_00 if amount_kobo >= 2_500_00 else 0), 2_000_00)


def _merge(data: dict[str, Any], said: dict[str, Any]) -> None:
    for name, value in said.items():
        if isinstance(value, dict) and isinstance(data.get(name), dict):
            data[name].update(value)
        else:
            data[name] = value


def _is_challenge(response: httpx.Response) -> bool:
    """Return whether a charge waits for its payer, an answer that the provider's description leaves out."""
    is_json = response.headers.get("Content-Type", "") == "application/json"
    data = response.json().get("data") if is_json else None
    return isinstance(data, dict) and data.get("paused") is True


def to_the_site(request: httpx.Request) -> httpx.Response:
    """Pass an event of the simulator to the site, with the test's own database connection."""
    answer = Client().generic(
        request.method, request.url.path, request.content, headers=dict(request.headers.items())
    )
    return httpx.Response(answer.status_code, content=answer.content)


@functools.cache
def contract() -> OpenAPI:
    """Return the provider's OpenAPI description, which takes a second to read."""
    return OpenAPI.from_dict(yaml.load(CONTRACT.read_text(), Loader=yaml.CSafeLoader))


def check_contract(request: httpx.Request, response: httpx.Response) -> None:
    """Raise when a request to the provider or its answer violates the provider's description."""
    url = urlsplit(str(request.url))
    # The description names one server; ours may be the simulator.
    mock_request = MockRequest(
        "https://api.paystack.co",
        request.method.lower(),
        url.path,
        headers=dict(request.headers),
        data=request.content or None,
        content_type=request.headers.get("Content-Type", ""),
    )
    mock_response = MockResponse(response.content, response.status_code, content_type="application/json")
    contract().validate_request(mock_request)
    # The description has no schema for other statuses, and calls the lists about settlements objects.
    if response.status_code in {200, 201, 401, 404} and not url.path.startswith("/settlement"):
        contract().validate_response(mock_request, mock_response)
