"""The payment provider of the demo: answers the gateway in this process, as the story says each payment went."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import httpx
from django.conf import settings

Document = dict[str, Any]


class Provider(httpx.BaseTransport):
    """Takes the gateway's calls in place of the network."""

    def __init__(self) -> None:
        self.payments: dict[str, Document] = {}
        # Away, it takes no connection: payments can then be asked for here and not be announced there.
        self.is_away = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_away:
            raise httpx.ConnectError("The provider is away.")
        if request.url.path == "/transaction/initialize":
            return self._announce(json.loads(request.content))
        payment = self.payments.get(request.url.path.rpartition("/")[2])
        if payment is None:
            return httpx.Response(404, json={"status": False, "message": "Transaction reference not found"})
        return httpx.Response(
            200, json={"status": True, "message": "Verification successful", "data": payment}
        )

    def pay(self, reference: str, *, amount_kobo: int | None = None) -> None:
        """Let a payment succeed, with another sum (kobo) than was asked for if one is given."""
        payment = self.payments[reference]
        amount_kobo = amount_kobo or payment["requested_amount"]
        # 1.5 % and a hundred naira, which small payments are spared, and never above two thousand.
        fee_kobo = min(amount_kobo * 15 // 1000 + (100_00 if amount_kobo >= 2_500_00 else 0), 2_000_00)
        card = {
            "brand": "visa",
            "last4": payment["card"],
            "reusable": True,
            "authorization_code": "AUTH_demo",
        }
        payment.update(
            status="success",
            amount=amount_kobo,
            fees=fee_kobo,
            channel="card",
            gateway_response="Successful",
            authorization=card,
        )

    def say(self, reference: str, status: str, message: str) -> None:
        """Let a payment have come to something else."""
        self.payments[reference].update(status=status, gateway_response=message)

    def know(self, reference: str, amount_kobo: int, *, card: str = "0417") -> None:
        """Have a payment that nobody here asked for, if it was not announced."""
        self.payments[reference] = {
            "id": 4_100_000_000 + len(self.payments),
            "reference": reference,
            "status": "abandoned",
            "amount": amount_kobo,
            "requested_amount": amount_kobo,
            "currency": settings.CURRENCY,
            "fees": None,
            "channel": "",
            "gateway_response": "The transaction was not completed",
            "card": card,
            "customer": {"email": "somebody@example.com"},
        }

    def event(self, name: str, reference: str) -> tuple[bytes, str]:
        """Return an event about a payment, as it would be sent, and its signature."""
        body = json.dumps({"event": name, "data": self.payments[reference]}).encode()
        key = settings.PROVIDER_SECRET_KEY.encode()
        return body, hmac.new(key, body, hashlib.sha512).hexdigest()

    def _announce(self, asked: Document) -> httpx.Response:
        reference = asked["reference"]
        # Everybody has their own card.
        card = f"{int(hashlib.sha256(asked['email'].encode()).hexdigest(), 16) % 10_000:04}"
        self.know(reference, asked["amount"], card=card)
        checkout = {
            "authorization_url": f"{settings.PROVIDER_CHECKOUT_ORIGIN}/pay/{reference.lower()}",
            "access_code": reference.lower(),
            "reference": reference,
        }
        return httpx.Response(
            200, json={"status": True, "message": "Authorization URL created", "data": checkout}
        )
