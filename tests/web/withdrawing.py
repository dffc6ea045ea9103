"""What tests of withdrawals need on the web: a browser that has proved who sits there, and a provider that answers."""

from __future__ import annotations

import time
from typing import Any

import httpx
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client
from django.utils import timezone

from savings.models import Payout, User
from savings.payments import payout_outcomes
from savings.payments.transfers import Transfer
from tests.provider import Provider
from web.auth.fresh_sign_in import session_of_password


def sign_in(user: User, client: Client, method: str = "password", *, ago: float = 0, **more: Any) -> None:
    """Sign a user in, who has proved some seconds ago who they are."""
    client.force_login(user)
    session = client.session
    session.update(session_of_password(user))
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": method, "at": time.time() - ago} | more]
    session.save()


def serve_banks(provider: Provider, count: int) -> None:
    """Let the provider list many banks, in pages."""
    banks = [{"code": f"9{number:04}", "name": f"Microfinance Bank {number}"} for number in range(count)]

    def answer(request: httpx.Request) -> httpx.Response:
        number, size = int(request.url.params["page"]), int(request.url.params["perPage"])
        data = banks[(number - 1) * size : number * size]
        return httpx.Response(200, json={"status": True, "message": "Banks retrieved", "data": data})

    provider.answers["/bank"] = answer


def say(payout: Payout, status: str, message: str = "") -> None:
    """Book that the provider says this of a payout, which was sent before."""
    Payout.objects.filter(pk=payout.pk, state=Payout.State.WAITING).update(
        state=Payout.State.SENT, sent_at=timezone.now()
    )
    movement = payout.transaction
    said = Transfer(
        movement.reference, "TRF_1", status, movement.amount_kobo, "NGN", message, timezone.now(), 25_00, 0
    )
    payout_outcomes.apply(payout, said)
    payout.refresh_from_db()
