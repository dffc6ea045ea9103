"""What tests of withdrawals need on the web: a browser that has proved who sits there, and a provider with banks."""

from __future__ import annotations

import time
from collections.abc import Callable
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

BANKS = [("058", "Guaranty Trust Bank"), ("011", "First Bank of Nigeria"), ("044", "Access Bank")]
NAME = "ADA OBI"


def sign_in(user: User, client: Client, method: str = "password", *, ago: float = 0, **more: Any) -> None:
    """Sign a user in, who has proved some seconds ago who they are."""
    client.force_login(user)
    session = client.session
    session.update(session_of_password(user))
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": method, "at": time.time() - ago} | more]
    session.save()


def answer(data: object, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    """Return an answer of the provider."""
    body = {"status": status == 200, "message": "Said", "data": data}
    return lambda _: httpx.Response(status, json=body)


def serve_banks(provider: Provider, *, more: int = 0) -> None:
    """Let the provider know some banks, and whose every account is."""
    banks = [*BANKS, *((f"9{number:04}", f"Microfinance Bank {number}") for number in range(more))]
    answers = {
        f"page={page}": [{"code": code, "name": name} for code, name in banks[start : start + 100]]
        for page, start in enumerate(range(0, len(banks) + 1, 100), 1)
    }
    provider.answers["/bank"] = lambda request: answer(
        answers[request.url.query.decode().rpartition("&")[2]]
    )(request)
    provider.answers["/bank/resolve"] = answer({"account_number": "0123456789", "account_name": NAME})


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
