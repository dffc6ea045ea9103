"""The payment provider's answers as typed values. An answer that breaks its description raises UnclearAnswer."""

from __future__ import annotations

import dataclasses
import datetime
import re
from typing import Any

from savings import typed_text
from savings.exceptions import UnclearAnswer

# JSON numbers are exact up to here in every language that may have written them, and the database holds no more.
_MOST_KOBO = 2**53
_LONGEST_URL = 500
# Moments outside of these years are mistakes, and some have no local day.
_YEARS = range(2000, 3000)


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
    currency: str
    # Unknown (None) until the provider has settled on it.
    fee_kobo: int | None
    # The provider's own number of the payment; None where it is missing or is none.
    provider_id: int | None
    paid_at: datetime.datetime | None
    channel: str
    message: str
    card: str
    # Two capital letters, or empty where the provider does not name the country.
    card_country: str
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


def checkout(data: object) -> Checkout:
    """Read the answer to a payment announced. Raises UnclearAnswer."""
    answer = _checked(data)
    return Checkout(reference=_text(answer, "reference"), url=_url(answer, "authorization_url"))


def charge(data: object) -> Charge:
    """Read what `verify` and charging a card again answer. Raises UnclearAnswer.

    Every field that decides about money is checked. Descriptive fields, such as the card, are dropped if malformed, so
    they never block a credit.
    """
    answer = _checked(data)
    authorization = _part(answer, "authorization")
    return Charge(
        reference=_text(answer, "reference"),
        status=_text(answer, "status"),
        amount_kobo=_kobo(answer, "amount"),
        currency=_text(answer, "currency"),
        fee_kobo=_kobo_or_none(answer, "fees"),
        provider_id=_number_or_none(answer, "id"),
        paid_at=_moment_or_none(answer, "paid_at"),
        channel=_words(answer, "channel"),
        message=_words(answer, "gateway_response") or _words(answer, "message"),
        card=_card(authorization),
        card_country=_country(authorization),
        authorization_code=_words(authorization, "authorization_code"),
        is_reusable=authorization.get("reusable") is True,
        email=_words(_part(answer, "customer"), "email"),
    )


def recipient(data: object) -> Recipient:
    """Read the answer to a bank account registered. Raises UnclearAnswer."""
    answer = _checked(data)
    details = _part(answer, "details")
    return Recipient(
        code=_text(answer, "recipient_code"),
        account_name=_words(details, "account_name"),
        bank_name=_text(details, "bank_name"),
    )


def transfer(data: object) -> Transfer:
    """Read the answer to money sent. Raises UnclearAnswer."""
    answer = _checked(data)
    return Transfer(
        reference=_text(answer, "reference").upper(),
        code=_text(answer, "transfer_code"),
        status=_text(answer, "status"),
        amount_kobo=_kobo(answer, "amount"),
    )


def _card(authorization: dict[str, Any]) -> str:
    """Return a card as people know it, `Visa ··4242`; never more of its number."""
    last_digits = _words(authorization, "last4")[-4:]
    brand = (_words(authorization, "brand") or _words(authorization, "bank") or "Card").strip().title()
    return f"{brand[:20]} ··{last_digits}" if last_digits else ""


def _country(authorization: dict[str, Any]) -> str:
    country = _words(authorization, "country_code").strip().upper()
    return country if re.fullmatch("[A-Z]{2}", country) else ""


def _checked(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise UnclearAnswer(f"`data` is {_shown(data)} and not an object")
    return data


def _part(data: dict[str, Any], name: str) -> dict[str, Any]:
    part = data.get(name)
    return part if isinstance(part, dict) else {}


def _text(data: dict[str, Any], name: str) -> str:
    """Return a text that has to be there."""
    value = data.get(name)
    if not isinstance(value, str) or not typed_text.storable(value):
        raise UnclearAnswer(f"`{name}` is {_shown(value)} and not a text")
    return typed_text.storable(value)


def _url(data: dict[str, Any], name: str) -> str:
    url = _text(data, name)
    if not url.startswith(("https://", "http://")) or len(url) > _LONGEST_URL:
        raise UnclearAnswer(f"`{name}` is {_shown(url)} and not a link that can be stored")
    return url


def _words(data: dict[str, Any], name: str) -> str:
    """Return a text that may be missing."""
    value = data.get(name)
    return typed_text.storable(value) if isinstance(value, str) else ""


def _kobo(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    # `True` is an integer to Python, and 15000.0 is a float: the provider describes integers.
    if type(value) is not int or not 0 <= value <= _MOST_KOBO:
        raise UnclearAnswer(f"`{name}` is {_shown(value)} and not a whole number of kobo")
    return value


def _kobo_or_none(data: dict[str, Any], name: str) -> int | None:
    return None if data.get(name) is None else _kobo(data, name)


def _number_or_none(data: dict[str, Any], name: str) -> int | None:
    """Return a number above zero that the database can hold; None for anything else."""
    value = data.get(name)
    return value if type(value) is int and 0 < value < 2**63 else None


def _moment_or_none(data: dict[str, Any], name: str) -> datetime.datetime | None:
    """Return a moment, in UTC unless it names another zone; None for anything else."""
    try:
        moment = datetime.datetime.fromisoformat(_words(data, name))
    except ValueError:
        return None
    if moment.year not in _YEARS:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _shown(value: object) -> str:
    """Return a value for a log line: short, since the provider chooses how long it is."""
    return typed_text.storable(repr(value))[:60]
