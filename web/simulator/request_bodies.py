"""Parses the body of a request, JSON or a form, and checks it against the fields that the provider documents."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from web.simulator.store import Document

_FORM = "application/x-www-form-urlencoded"
# JSON numbers are exact up to this.
_MOST = 2**53
_CURRENCIES = {"GHS", "KES", "NGN", "ZAR", "USD"}
_CHANNELS = {"card", "bank", "ussd", "qr", "eft", "mobile_money", "bank_transfer"}


class Declined(Exception):
    """Raised for a request that the provider declines, with the HTTP status and code of the response."""

    def __init__(self, message: str, *, status: int = 400, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a body: `str`, `int`, `dict` or `list`, and its allowed values, if they are limited."""

    kind: type
    is_required: bool = False
    words: frozenset[str] = frozenset()


TEXT, NUMBER, OBJECT = Field(str), Field(int), Field(dict)
NEEDED_TEXT, NEEDED_NUMBER = Field(str, is_required=True), Field(int, is_required=True)
_SHARED = {
    "email": NEEDED_TEXT,
    "amount": NEEDED_NUMBER,
    "currency": TEXT,
    "reference": TEXT,
    "split_code": TEXT,
    "split": OBJECT,
    "subaccount": TEXT,
    "transaction_charge": TEXT,
    "bearer": Field(str, words=frozenset({"account", "subaccount"})),
    "metadata": OBJECT,
}
INITIALIZE = _SHARED | {
    "channels": Field(list, words=frozenset(_CHANNELS)),
    "callback_url": TEXT,
    "plan": TEXT,
    "invoice_limit": NUMBER,
    "label": TEXT,
}
CHARGE_AUTHORIZATION = _SHARED | {"authorization_code": NEEDED_TEXT, "queue": Field(bool)}
DEACTIVATE_AUTHORIZATION = {"authorization_code": NEEDED_TEXT}
TRANSFER_RECIPIENT = {
    "type": Field(
        str, is_required=True, words=frozenset({"nuban", "ghipss", "mobile_money", "basa", "authorization"})
    ),
    "name": NEEDED_TEXT,
    "account_number": NEEDED_TEXT,
    "bank_code": NEEDED_TEXT,
    "currency": TEXT,
    "authorization_code": TEXT,
    "metadata": OBJECT,
}
TRANSFER = {
    "source": NEEDED_TEXT,
    "amount": NEEDED_NUMBER,
    "recipient": NEEDED_TEXT,
    "reference": NEEDED_TEXT,
    "reason": TEXT,
    "currency": Field(str, words=frozenset({"NGN", "ZAR", "KES", "GHS"})),
}
REFUND = {
    "transaction": NEEDED_TEXT,
    "amount": NUMBER,
    "currency": Field(str, words=frozenset(_CURRENCIES)),
    "customer_note": TEXT,
    "merchant_note": TEXT,
}
EVIDENCE = {
    "customer_email": NEEDED_TEXT,
    "customer_name": NEEDED_TEXT,
    "customer_phone": NEEDED_TEXT,
    "service_details": NEEDED_TEXT,
    "delivery_address": TEXT,
    "delivery_date": TEXT,
}
RESOLVE = {
    "resolution": Field(str, is_required=True, words=frozenset({"merchant-accepted", "declined"})),
    "message": NEEDED_TEXT,
    "refund_amount": NEEDED_NUMBER,
    "uploaded_filename": NEEDED_TEXT,
    "evidence": NUMBER,
}


def read(request: HttpRequest, fields: Mapping[str, Field]) -> Document:
    """Return a request's body, checked against `fields`. Raises Declined if it does not match."""
    try:
        text = request.body.decode()
    except (UnicodeDecodeError, UnreadablePostError) as error:
        raise Declined("Send UTF-8", code="invalid_params") from error
    except RequestDataTooBig as error:
        raise Declined("Request body too large", status=413) from error
    is_form = request.content_type == _FORM
    body = _form(text, fields) if is_form else _json(text)
    for name, field in fields.items():
        _check(name, field, body)
    return body


def amount(body: Document) -> int:
    """Return the amount in kobo. Raises Declined for an amount that nobody can pay."""
    number: int = body["amount"]
    if not 0 < number <= _MOST:
        raise Declined("Invalid Amount Sent", code="invalid_amount")
    return number


def currency(body: Document) -> str:
    """Return the currency; the site's own if none was given."""
    named = body.get("currency", settings.CURRENCY)
    if named not in _CURRENCIES | {settings.CURRENCY}:
        raise Declined("Currency not supported by merchant", code="unsupported_currency")
    return str(named)


def link(address: str) -> str:
    """Return a URL that a browser can be redirected to. Raises Declined for any other."""
    try:
        parts = urlsplit(address)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_one = False
    if not is_one or re.search(r"[\s\x00-\x1f\x7f]", address):
        raise Declined("Invalid callback URL", code="invalid_callback_url")
    return address


def _json(text: str) -> Document:
    try:
        body: Any = json.loads(text, parse_constant=_refuse_constant)
        # Refuse lone surrogates, which only JSON can represent.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Declined("Send a JSON object", code="invalid_params")
    return _with_metadata(body)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _form(text: str, fields: Mapping[str, Field]) -> Document:
    """Parse a form, in which numbers, lists and objects are text. The last of several fields with one name counts."""
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=100
        )
    except ValueError as error:
        raise Declined("Send a form", code="invalid_params") from error
    body: Document = {}
    for name, value in pairs:
        field = fields.get(name.removesuffix("[]"), TEXT)
        if name.endswith("[]") or (field.kind is list and not value.startswith("[")):
            body.setdefault(name.removesuffix("[]"), []).append(value)
        else:
            body[name] = value if field.kind is str or name == "metadata" else _value(value)
    return _with_metadata(body)


def _value(text: str) -> Any:
    """Return the number, list or object in a form's text; the text itself if it is none of them."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text


def _with_metadata(body: Document) -> Document:
    """Parse metadata sent as JSON text, as the provider's documentation asks; any other text stays as it is.

    Metadata that is neither a text nor an object is stored as JSON text, since an answer has only these two.
    """
    metadata = body.get("metadata")
    if isinstance(metadata, str):
        found = _value(metadata)
        return body | {"metadata": found if isinstance(found, dict) else metadata}
    if metadata is None or isinstance(metadata, dict):
        return body
    return body | {"metadata": json.dumps(metadata)}


def _check(name: str, field: Field, body: Document) -> None:
    if name not in body:
        if field.is_required:
            raise Declined(_message(name, "is required"), code=_code(name))
        return
    value = body[name]
    # A `bool` is an `int` to Python.
    is_kind = type(value) is field.kind or name == "metadata"
    if not is_kind or (field.is_required and value == ""):
        raise Declined(_message(name, "is not valid"), code=_code(name))
    words = value if isinstance(value, list) else [value]
    if field.words and not all(isinstance(word, str) and word in field.words for word in words):
        raise Declined(_message(name, "is not valid"), code=_code(name))


def _message(name: str, what: str) -> str:
    usual = {"email": "Invalid Email Address Passed", "amount": "Invalid Amount Sent"}
    return usual.get(name, f"{name} {what}")


def _code(name: str) -> str:
    return "invalid_email_address" if name == "email" else f"invalid_{name}"
