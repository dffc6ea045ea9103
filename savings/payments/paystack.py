"""The payment provider, Paystack: the only HTTP client, one function per call, typed answers.

Each function raises ProviderRefused if the provider refused, and ProviderUnavailable if the outcome is unknown:
CallFailed for a 5xx, a timeout or a broken body, UnclearAnswer for an answer that contradicts the provider's own
description, and ProviderUnavailable itself if the provider cannot be reached. Amounts are integers in kobo.
Source of the shapes: the provider's OpenAPI description. The tests check every call against it.
"""

from __future__ import annotations

import datetime
import functools
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
from django.conf import settings

from savings import typed_text
from savings.exceptions import CallFailed, ProviderRefused, ProviderUnavailable, UnclearAnswer
from savings.payments import paystack_answers
from savings.payments.paystack_answers import Announced, Challenge, Charge, Checkout

PROVIDER = "paystack"
# The reasons of a refusal that callers treat in their own way.
NOT_FOUND = "transaction_not_found"
DUPLICATE_REFERENCE = "duplicate_reference"
BAD_KEY = "bad_key"
# Replaced by tests and by the demo's past, which run the provider in their own process.
transport: httpx.BaseTransport | None = None

_LONGEST_ANSWER_BYTES = 1024 * 1024
# Answers that say "not now" rather than "no". 429 says it of all calls.
_TRY_LATER = {408, 425}
_TOO_MANY_REQUESTS = 429
# Errors before a connection stands: they concern the provider's host, not the call.
_NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
# What `is_answering` asks about. No payment has this reference, so a working provider answers 404.
_PROBE = "asusu.is.anybody.there"
_PROBE_SECONDS = 3
# How the provider says that it does not know an authorization, with status 400 or 404.
_UNKNOWN_AUTHORIZATION = re.compile("not found|not exist|invalid|deactivated", re.IGNORECASE)
_REFERENCE = re.compile(r"[A-Za-z0-9.=_-]*[A-Za-z0-9][A-Za-z0-9.=_-]*")


@contextmanager
def using_transport(replacement: httpx.BaseTransport) -> Iterator[None]:
    """Send the calls within the block through another transport."""
    global transport  # noqa: PLW0603 - one per process, as the client that uses it
    before, transport = transport, replacement
    try:
        yield
    finally:
        transport = before


def initialize(
    *, reference: str, amount_kobo: int, email: str, callback_url: str, origin: dict[str, int]
) -> Checkout:
    """Announce a payment and return the page on which to pay it.

    `origin` are ids of rows, which the provider returns with the payment. ProviderRefused has the code
    DUPLICATE_REFERENCE when this reference was announced before.
    """
    asked = {
        "reference": reference,
        "amount": amount_kobo,
        "currency": settings.CURRENCY,
        "email": email,
        "callback_url": callback_url,
        "metadata": {"cancel_action": callback_url, **origin},
    }
    return call("POST", "/transaction/initialize", asked, read=paystack_answers.checkout)


def verify(reference: str, *, timeout_seconds: float | None = None) -> Charge:
    """Return what the provider knows of a payment. ProviderRefused has the code NOT_FOUND when it knows nothing."""
    return look_up(reference, timeout_seconds=timeout_seconds).charge


def look_up(reference: str, *, timeout_seconds: float | None = None) -> Announced:
    """Return what the provider knows of a payment, with what we told it when we announced it. Raises as `verify`."""
    if not _REFERENCE.fullmatch(reference):
        raise ProviderRefused("That cannot be a reference.", code=NOT_FOUND)
    path = f"/transaction/verify/{quote(reference, safe='')}"
    found = call("GET", path, read=paystack_answers.announced, timeout_seconds=timeout_seconds)
    if found.charge.reference != reference:
        raise UnclearAnswer(f"The provider answered about another payment, {found.charge.reference[:100]}.")
    return found


def is_answering() -> bool:
    """Tell whether the provider answers at all, by asking about a payment that does not exist."""
    try:
        verify(_PROBE, timeout_seconds=_PROBE_SECONDS)
    except ProviderRefused as error:
        return error.code != BAD_KEY
    except UnclearAnswer:
        return True
    except ProviderUnavailable:
        return False
    return True


class CheckUp(NamedTuple):
    """How the provider answered a question of `manage.py doctor`, and its clock if it says the time."""

    answers: bool
    accepts_key: bool
    clock: datetime.datetime | None


def check_up() -> CheckUp:
    """Ask about a payment that does not exist. Raises nothing: a provider that is away does not answer."""
    path = f"/transaction/verify/{_PROBE}"
    headers = {"Authorization": f"Bearer {settings.PROVIDER_SECRET_KEY}"}
    try:
        client = _client(settings.PROVIDER_URL, transport)
        response = client.get(path, headers=headers, timeout=_PROBE_SECONDS)
    except httpx.HTTPError:
        return CheckUp(answers=False, accepts_key=False, clock=None)
    try:
        clock = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        clock = None
    return CheckUp(response.status_code < 500, response.status_code != 401, clock)


def charge_authorization(
    *, reference: str, amount_kobo: int, email: str, authorization_code: str, origin: dict[str, int]
) -> Charge | Challenge:
    """Charge a card again that its owner has used before. The status may be anything that `verify` can say.

    `origin` are ids of rows, as for `initialize`. A Challenge has the page on which its owner has to approve the
    charge. ProviderRefused has the code DUPLICATE_REFERENCE when there is a charge with this reference.
    """
    asked = {
        "reference": reference,
        "amount": amount_kobo,
        "currency": settings.CURRENCY,
        "email": email,
        "authorization_code": authorization_code,
        # Here the description wants it as text.
        "metadata": json.dumps(origin),
    }
    path = "/transaction/charge_authorization"
    answer = call("POST", path, asked, read=paystack_answers.repeated_charge)
    if isinstance(answer, Charge) and answer.reference != reference:
        raise UnclearAnswer(f"The provider answered about another payment, {answer.reference[:100]}.")
    return answer


def deactivate_authorization(authorization_code: str) -> None:
    """Delete a saved card at the provider. ProviderRefused has the code NOT_FOUND if the provider does not know it."""
    path = "/customer/authorization/deactivate"
    try:
        call("POST", path, {"authorization_code": authorization_code}, read=lambda _: None)
    except ProviderRefused as error:
        if error.code == BAD_KEY or not _UNKNOWN_AUTHORIZATION.search(str(error)):
            raise
        raise ProviderRefused(str(error), code=NOT_FOUND) from error


def call[Answer](
    method: str,
    path: str,
    asked: dict[str, Any] | None = None,
    *,
    read: Callable[[object], Answer],
    timeout_seconds: float | None = None,
) -> Answer:
    """Make one call and return what `read` makes of the answer's `data`."""
    timeout = timeout_seconds or settings.PROVIDER_TIMEOUT_SECONDS
    try:
        status, body = _exchange(method, path, asked, timeout)
    except _NOT_REACHED as error:
        raise ProviderUnavailable(f"{type(error).__name__} at {path}") from error
    except httpx.HTTPError as error:
        raise CallFailed(f"{type(error).__name__} at {path}") from error
    if status == _TOO_MANY_REQUESTS:
        raise ProviderUnavailable(f"HTTP {status} at {path}")
    if status >= 500 or status in _TRY_LATER or 300 <= status < 400:
        raise CallFailed(f"HTTP {status} at {path}")
    answer = _json_object(status, body, path)
    if answer.get("status") is False:
        raise _refused(status, answer)
    if answer.get("status") is not True or status >= 300:
        raise CallFailed(f"HTTP {status} with neither a yes nor a no at {path}")
    try:
        return read(answer.get("data"))
    except UnclearAnswer as error:
        raise UnclearAnswer(f"{path}: {error}") from error


def _json_object(status: int, body: bytes, path: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CallFailed(f"HTTP {status} with a body that is no JSON at {path}") from error
    if not isinstance(answer, dict):
        raise CallFailed(f"HTTP {status} with a body that is no JSON object at {path}")
    return answer


def _exchange(method: str, path: str, asked: dict[str, Any] | None, timeout: float) -> tuple[int, bytes]:
    """Send a request and read the whole answer, within a time and a size that a slow drip cannot stretch."""
    until = time.monotonic() + timeout
    headers = {"Authorization": f"Bearer {settings.PROVIDER_SECRET_KEY}"}
    body = b""
    client = _client(settings.PROVIDER_URL, transport)
    with client.stream(method, path, json=asked, headers=headers, timeout=timeout) as response:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _LONGEST_ANSWER_BYTES:
                raise httpx.ReadError("The answer is too long.")
            if time.monotonic() > until:
                raise httpx.ReadTimeout("The answer took too long.")
    return response.status_code, body


@functools.cache
def _client(base_url: str, through: httpx.BaseTransport | None) -> httpx.Client:
    """Return the client of this process, whose open connections save a handshake per call."""
    return httpx.Client(base_url=base_url, transport=through, follow_redirects=False, trust_env=False)


def _refused(status: int, answer: dict[str, Any]) -> ProviderRefused:
    message = typed_text.storable(str(answer.get("message") or f"HTTP {status}"))
    code = typed_text.storable(str(answer.get("code") or ""))
    if status == 404:
        code = NOT_FOUND
    elif status == 401:
        code = BAD_KEY
    elif "duplicate" in message.lower():
        code = DUPLICATE_REFERENCE
    return ProviderRefused(message, code=code)
