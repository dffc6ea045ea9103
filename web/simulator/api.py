"""The provider's API for payments: initialize, verify and repeat them, and forget a card."""

from __future__ import annotations

import re
import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from web.simulator import cards, payments, request_bodies, shapes
from web.simulator.answering import decline, page_of, view, yes
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_GO_ON = "Please, redirect your customer to the authorization url provided"
_REFERENCE = re.compile(r"[A-Za-z0-9.=-]{1,100}")


@view("POST")
def initialize(request: HttpRequest) -> JsonResponse:
    """Initialize a payment."""
    body = request_bodies.read(request, request_bodies.INITIALIZE)
    callback = request_bodies.link(body.get("callback_url") or settings.SITE_URL)
    payment = _announce(body, callback=callback)
    return yes("Authorization URL created", shapes.checkout(payment, settings.SIMULATOR_URL))


@view("GET")
def verify(request: HttpRequest, reference: str) -> JsonResponse:
    """Return the state of a payment."""
    payment = payments.find(reference)
    if payment is None:
        raise Declined("Transaction reference not found", status=404)
    return yes("Verification successful", shapes.payment(payment))


@view("GET")
def list_payments(request: HttpRequest) -> JsonResponse:
    """List the payments, newest first; with `status` some of them."""
    status = request.GET.get("status", "")
    every = [payment for payment in payments.newest_first() if status in {"", payment["status"]}]
    found, meta = page_of(request, every)
    volume = sum(payment["amount"] for payment in every if payment["status"] == "success")
    rows = [shapes.listed(payment) for payment in found]
    return yes("Transactions retrieved", rows, meta=meta | {"total_volume": volume})


@view("POST")
def charge_authorization(request: HttpRequest) -> HttpResponse:
    """Charge a card that was used before with the same email address."""
    body = request_bodies.read(request, request_bodies.CHARGE_AUTHORIZATION)
    card = cards.find(body["authorization_code"], body["email"])
    cards.check_reusable(card)
    # After a challenge the provider sends the browser to the page in its settings.
    payment = _announce(body, callback=settings.SITE_URL + _returned())
    try:
        cards.charge(payment, card)
        return yes("Charge attempted", shapes.charged(payment))
    except cards.Paused:
        return yes(_GO_ON, shapes.challenge(payment, settings.SIMULATOR_URL))
    except cards.Repeated:
        return decline(Declined("Duplicate Transaction Reference", code="duplicate_reference"))
    except cards.NoAnswer:
        return HttpResponse("Gateway Timeout", status=504)
    finally:
        payments.save(payment)


@view("POST")
def deactivate_authorization(request: HttpRequest) -> JsonResponse:
    """Delete a card that was used before."""
    body = request_bodies.read(request, request_bodies.DEACTIVATE_AUTHORIZATION)
    cards.deactivate(body["authorization_code"])
    return yes("Authorization has been deactivated", None)


def _returned() -> str:
    """Return the path that an operator enters at the provider for people who come back from a challenge."""
    return reverse("payments:find_returned")


def _announce(body: Document, *, callback: str) -> Document:
    """Store a requested payment, once per reference; one is generated if missing, as at the provider."""
    if not _EMAIL.fullmatch(body["email"]):
        raise Declined("Invalid Email Address Passed", code="invalid_email_address")
    reference = body.get("reference", secrets.token_hex(5))
    if not _REFERENCE.fullmatch(reference):
        raise Declined("Invalid transaction reference", code="invalid_reference")
    payment = payments.announce(
        reference=reference,
        amount=request_bodies.amount(body),
        currency=request_bodies.currency(body),
        email=body["email"],
        metadata=body.get("metadata") or {},
        callback=callback,
    )
    if payment is None:
        raise Declined("Duplicate Transaction Reference", code="duplicate_reference")
    return payment
