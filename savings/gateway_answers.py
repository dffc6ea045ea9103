"""What the payment provider answers, as typed values. Whatever is not as it should be raises, and is not guessed at."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Checkout:
    """The provider's page on which a person pays."""

    reference: str
    url: str


@dataclasses.dataclass(frozen=True)
class Charge:
    """What the provider knows of one payment. Sums are in the smallest unit of `currency`."""

    reference: str
    # success, failed, abandoned, reversed, pending or ongoing; another word is not conclusive either.
    status: str
    amount_kobo: int
    # What was asked for. The amount is larger where the payer bears the fee.
    requested_kobo: int
    currency: str
    fee_kobo: int | None
    channel: str
    message: str
    card: str
    # With these a card can be charged again without its owner, if it is reusable and the e-mail is the same.
    authorization_code: str
    is_reusable: bool
    email: str


@dataclasses.dataclass(frozen=True)
class Recipient:
    """A bank account that money can be sent to, and the name that the bank has for it."""

    code: str
    account_name: str
    bank_name: str


@dataclasses.dataclass(frozen=True)
class Transfer:
    """Money on its way to a bank account. Sums in kobo."""

    reference: str
    code: str
    # Conclusive: success, failed, reversed, abandoned, blocked, rejected. Not: pending, otp, received.
    status: str
    amount_kobo: int


def checkout(data: dict[str, Any]) -> Checkout:
    """Read the answer to a payment announced. Raises KeyError or TypeError."""
    return Checkout(reference=_text(data, "reference"), url=_text(data, "authorization_url"))


def charge(data: dict[str, Any]) -> Charge:
    """Read what `verify` and charging a card again answer. Raises KeyError, TypeError or AttributeError."""
    amount = _number(data, "amount")
    authorization = data.get("authorization") or {}
    return Charge(
        reference=_text(data, "reference"),
        status=_text(data, "status"),
        amount_kobo=amount,
        requested_kobo=amount if data.get("requested_amount") is None else _number(data, "requested_amount"),
        currency=_text(data, "currency"),
        fee_kobo=None if data.get("fees") is None else _number(data, "fees"),
        channel=str(data.get("channel") or ""),
        message=str(data.get("gateway_response") or data.get("message") or ""),
        card=_card(authorization),
        authorization_code=str(authorization.get("authorization_code") or ""),
        is_reusable=authorization.get("reusable") is True,
        email=str((data.get("customer") or {}).get("email") or ""),
    )


def _card(authorization: dict[str, Any]) -> str:
    """Return a card as people know it, `Visa ··4242`; never more of its number."""
    last_digits = str(authorization.get("last4") or "")[-4:]
    brand = str(authorization.get("brand") or authorization.get("bank") or "Card").strip().title()
    return f"{brand[:20]} ··{last_digits}" if last_digits else ""


def recipient(data: dict[str, Any]) -> Recipient:
    """Read the answer to a bank account registered. Raises KeyError, TypeError or AttributeError."""
    details = data["details"]
    return Recipient(
        code=_text(data, "recipient_code"),
        account_name=str(details.get("account_name") or ""),
        bank_name=_text(details, "bank_name"),
    )


def transfer(data: dict[str, Any]) -> Transfer:
    """Read the answer to money sent. Raises KeyError or TypeError."""
    return Transfer(
        reference=_text(data, "reference").upper(),
        code=_text(data, "transfer_code"),
        status=_text(data, "status"),
        amount_kobo=_number(data, "amount"),
    )


def _text(data: dict[str, Any], name: str) -> str:
    if not isinstance(data[name], str):
        raise TypeError(name)
    return str(data[name])


def _number(data: dict[str, Any], name: str) -> int:
    if type(data[name]) is not int:
        raise TypeError(name)
    return int(data[name])
