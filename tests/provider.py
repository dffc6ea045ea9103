"""The payment provider for tests: the simulator, called in-process, with every call held to the provider's contract."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path
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
    """Carries the gateway's calls to the simulator, and holds both sides to the OpenAPI description if it is there."""

    def __init__(self) -> None:
        self.simulator = httpx.WSGITransport(app=application)
        if CONTRACT.exists():
            # Now, since reading it within the first call would use up that call's time.
            contract()
        self.requests: list[httpx.Request] = []
        # Put an answer here to have the provider break in some way.
        self.instead: Answer | None = None
        # Or here, by the path of the call, to have it break for one payment.
        self.answers: dict[str, Answer] = {}
        # Payments that a test changed by hand: the contract binds the provider, not the test.
        self._changed: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        instead = self.answers.get(request.url.path, self.instead)
        if instead is not None:
            return instead(request)
        response = self.simulator.handle_request(request)
        response.read()
        if CONTRACT.exists() and request.url.path.rpartition("/")[2] not in self._changed:
            check_contract(request, response)
        return response

    def paths(self) -> list[str]:
        """Return what was called, in order."""
        return [f"{request.method} {request.url.path}" for request in self.requests]

    def pay(self, payment: Payment, outcome: str = "success") -> httpx.Response:
        """Press a button on the simulator's pay page, and return its answer."""
        with httpx.Client(transport=self.simulator) as browser:
            return browser.post(payment.checkout_url, data={"outcome": outcome})

    def announce(self, reference: str, amount: int, *, currency: str = "", outcome: str = "") -> None:
        """Have a payment there that we did not start."""
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
        """Have the provider say something else about a payment, also what its contract rules out."""
        self._changed.add(reference)
        payment = payments.find(reference)
        assert payment is not None
        payments.save(payment | changes)

    def deliver(self, *, after_seconds: float = 0) -> int:
        """Send the webhook events that are due by then, and return how many the site took."""
        return events.deliver_due(time.time() + after_seconds)


def to_the_site(request: httpx.Request) -> httpx.Response:
    """Carry an event of the simulator to the site, with the test's own database connection."""
    answer = Client().generic(
        request.method, request.url.path, request.content, headers=dict(request.headers.items())
    )
    return httpx.Response(answer.status_code, content=answer.content)


@functools.cache
def contract() -> OpenAPI:
    """Return the provider's description, which takes a second to read."""
    return OpenAPI.from_dict(yaml.load(CONTRACT.read_text(), Loader=yaml.CSafeLoader))


def check_contract(request: httpx.Request, response: httpx.Response) -> None:
    """Raise when a request to the provider, or its answer, is not as the provider describes it."""
    url = urlsplit(str(request.url))
    # The description knows one server; ours may be the simulator.
    asked = MockRequest(
        "https://api.paystack.co",
        request.method.lower(),
        url.path,
        headers=dict(request.headers),
        data=request.content or None,
        content_type=request.headers.get("Content-Type", ""),
    )
    answered = MockResponse(response.content, response.status_code, content_type="application/json")
    contract().validate_request(asked)
    # Its default answer, for any other status, has no shape to be held to.
    if response.status_code in {200, 201, 401, 404}:
        contract().validate_response(asked, answered)
