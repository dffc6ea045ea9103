"""The payment provider of the demo: a transport that answers the gateway in this process, as the story requires."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
from typing import Any

import httpx
from django.conf import settings
from django.utils import timezone

from savings.demo.transfers import Transfers

Document = dict[str, Any]


class Provider(httpx.BaseTransport):
    """Answers the gateway's requests instead of the network."""

    def __init__(self) -> None:
        self.payments: dict[str, Document] = {}
        # By the reference of the payment that is given back.
        self.refunds: dict[str, Document] = {}
        # The numbers of the payments that have been paid out.
        self.settled: set[int] = set()
        # What was given back and is not deducted from a payout yet.
        self.refunded_kobo = 0
        self.transfers = Transfers()
        # True refuses connections: a payment can then be started here without the provider knowing it.
        self.is_away = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_away:
            raise httpx.ConnectError("The provider is away.")
        if request.url.path == "/transaction/initialize":
            return self._initialize(json.loads(request.content))
        if request.url.path == "/transaction/charge_authorization":
            return self._charge(json.loads(request.content))
        if request.url.path.startswith(("/refund", "/balance/")):
            return self._answer_about_money(request)
        if request.url.path.startswith(("/bank", "/transfer", "/balance")):
            return self.transfers.answer(request)
        payment = self.payments.get(request.url.path.rpartition("/")[2])
        if payment is None:
            return httpx.Response(404, json={"status": False, "message": "Transaction reference not found"})
        return httpx.Response(
            200, json={"status": True, "message": "Verification successful", "data": payment}
        )

    def pay(self, reference: str, *, amount_kobo: int | None = None) -> None:
        """Mark a payment as successful, with `amount_kobo` instead of the requested amount if it is given."""
        payment = self.payments[reference]
        amount_kobo = amount_kobo or payment["requested_amount"]
        # 1.5% plus ₦100, at most ₦2,000. Payments below ₦2,500 do not pay the ₦100.
        fee_kobo = min(amount_kobo * 15 // 1000 + (100_00 if amount_kobo >= 2_500_00 else 0), 2_000_00)
        payment.update(
            status="success",
            amount=amount_kobo,
            fees=fee_kobo,
            channel="card",
            gateway_response="Successful",
            authorization=_authorization(payment["card"], payment["brand"], payment["expires"]),
            paid_at=timezone.now().isoformat(),
        )

    def set_status(self, reference: str, status: str, message: str) -> None:
        """Give a payment another status than success."""
        self.payments[reference].update(status=status, gateway_response=message)

    def add_payment(
        self, reference: str, amount_kobo: int, *, card: str = "0417", is_ours: bool = False
    ) -> None:
        """Add a payment that is not paid yet; it belongs to another shop unless `is_ours`."""
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
            "brand": "visa",
            "expires": "12/2030",
            "is_ours": is_ours,
            "customer": {"email": "somebody@example.com"},
        }

    def settle(self, *, before: datetime.date) -> Document | None:
        """Pay out what was paid before a day and not paid out yet, as arguments of `ledger.record_settlement`.

        None if there is nothing. Payments of another shop are paid out to that shop.
        """
        paid = [
            payment
            for payment in self.payments.values()
            if payment["status"] == "success"
            and payment["is_ours"]
            and payment["id"] not in self.settled
            and timezone.localdate(datetime.datetime.fromisoformat(payment["paid_at"])) < before
        ]
        if not paid:
            return None
        ids = [payment["id"] for payment in paid]
        self.settled.update(ids)
        gross_kobo, fees_kobo = (sum(payment[name] for payment in paid) for name in ("amount", "fees"))
        deductions_kobo = min(self.refunded_kobo, gross_kobo - fees_kobo)
        self.refunded_kobo -= deductions_kobo
        return {
            "provider_id": 3_000_000 + before.toordinal(),
            "gross_kobo": gross_kobo,
            "fees_kobo": fees_kobo,
            "deductions_kobo": deductions_kobo,
            "payment_ids": ids,
        }

    def make_refund(self, reference: str) -> None:
        """Give a payment back as requested; the next payouts are reduced by it."""
        self.refunds[reference]["status"] = "processed"
        self.refunded_kobo += self.refunds[reference]["amount"]

    def event(self, name: str, reference: str) -> tuple[bytes, str]:
        """Return the body of a webhook event about a payment, its refund or a transfer, and its signature."""
        told = {"refund": self.refunds, "charge": self.payments, "transfer": self.transfers.by_reference}
        kind = name.partition(".")[0]
        data = told[kind][reference.lower() if kind == "transfer" else reference]
        body = json.dumps({"event": name, "data": data}).encode()
        key = settings.PROVIDER_SECRET_KEY.encode()
        return body, hmac.new(key, body, hashlib.sha512).hexdigest()

    def _answer_about_money(self, request: httpx.Request) -> httpx.Response:
        """Begin a refund, or tell of it. The balance has no movements."""
        if request.url.path == "/balance/ledger":
            return _yes([])
        if request.method == "POST":
            order = json.loads(request.content)
            self.refunds[order["transaction"]] = {
                "id": 5_100_000_000 + len(self.refunds),
                "transaction": self.payments[order["transaction"]]["id"],
                "transaction_reference": order["transaction"],
                "status": "pending",
                **{name: order[name] for name in ("amount", "currency", "merchant_note")},
            }
            return _yes(self.refunds[order["transaction"]])
        number = int(request.url.path.rpartition("/")[2])
        return _yes(next(refund for refund in self.refunds.values() if refund["id"] == number))

    def _initialize(self, order: Document) -> httpx.Response:
        reference = order["reference"]
        # Each user has their own card.
        card = f"{int(hashlib.sha256(order['email'].encode()).hexdigest(), 16) % 10_000:04}"
        self.add_payment(reference, order["amount"], card=card, is_ours=True)
        self.payments[reference]["customer"] = {"email": order["email"]}
        checkout = {
            "authorization_url": f"{settings.PROVIDER_CHECKOUT_ORIGIN}/pay/{reference.lower()}",
            "access_code": reference.lower(),
            "reference": reference,
        }
        return httpx.Response(
            200, json={"status": True, "message": "Authorization URL created", "data": checkout}
        )

    def _charge(self, order: Document) -> httpx.Response:
        """Charge a saved card, which pays at once."""
        reference, code = order["reference"], order["authorization_code"]
        self.add_payment(reference, order["amount"], card=code[-4:], is_ours=True)
        self.payments[reference] |= {"brand": code.split("_")[2], "customer": {"email": order["email"]}}
        self.pay(reference)
        return _yes(self.payments[reference])


def _authorization(last4: str, brand: str, expires: str) -> Document:
    """Return a card. The simulator that runs with the site knows it by its code; see `web/simulator/cards.py`."""
    month, _, year = expires.partition("/")
    return {
        "brand": brand,
        "last4": last4,
        "exp_month": month,
        "exp_year": year,
        "bank": "Demo Bank",
        "country_code": settings.HOME_COUNTRY,
        "reusable": True,
        "authorization_code": f"AUTH_demo_{brand}_{last4}",
        "signature": f"SIG_demo_{brand}_{last4}",
    }


def _yes(data: object) -> httpx.Response:
    return httpx.Response(200, json={"status": True, "message": "As requested", "data": data})
