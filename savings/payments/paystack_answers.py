"""The payment provider's answers as typed values. An answer that breaks its description raises UnclearAnswer."""

from __future__ import annotations

import calendar
import dataclasses
import datetime
import json
import re
from typing import Any

from savings.payments.json_fields import (
    checked,
    kobo,
    kobo_or_none,
    moment_or_none,
    number_or_none,
    part,
    text,
    url,
    words,
)

# The names in the metadata of a payment, each with the id of our row. They are no personal data.
ORIGIN = ("user", "plan", "card")


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
    # The provider's name for the number of the card; the same card has the same one.
    signature: str = ""
    brand: str = ""
    last4: str = ""
    bank: str = ""
    # The last day on which the card can be charged.
    card_expires_on: datetime.date | None = None


@dataclasses.dataclass(frozen=True)
class Announced:
    """A payment with what we told the provider when we announced it."""

    charge: Charge
    # What was to be paid, in the smallest unit of the currency.
    requested_kobo: int
    # Our ids of what the payment is for, by name; without those that the provider does not return.
    origin: dict[str, int]

    @property
    def id(self) -> str:
        """The reference, under which a list has it once."""
        return self.charge.reference


@dataclasses.dataclass(frozen=True)
class Challenge:
    """The answer to a charge that its payer has to approve on the provider's page first."""

    url: str


def checkout(data: object) -> Checkout:
    """Read the answer to a payment announced. Raises UnclearAnswer."""
    answer = checked(data)
    return Checkout(reference=text(answer, "reference"), url=url(answer, "authorization_url"))


def repeated_charge(data: object) -> Charge | Challenge:
    """Read the answer to a card charged again. Raises UnclearAnswer.

    A challenge says `paused` and has the page on which to go on, and none of the other fields.
    """
    answer = checked(data)
    if answer.get("paused") is True or words(answer, "authorization_url"):
        return Challenge(url(answer, "authorization_url"))
    return charge(answer)


def charge(data: object) -> Charge:
    """Read what `verify` and charging a card again answer. Raises UnclearAnswer.

    Every field that decides about money is checked. Descriptive fields, such as the card, are dropped if malformed, so
    they never block a credit.
    """
    answer = checked(data)
    authorization = part(answer, "authorization")
    return Charge(
        reference=text(answer, "reference"),
        status=text(answer, "status"),
        amount_kobo=kobo(answer, "amount"),
        currency=text(answer, "currency"),
        fee_kobo=kobo_or_none(answer, "fees"),
        provider_id=number_or_none(answer, "id"),
        paid_at=moment_or_none(answer, "paid_at"),
        channel=words(answer, "channel"),
        message=words(answer, "gateway_response") or words(answer, "message"),
        card=_card(authorization),
        card_country=_country(authorization),
        authorization_code=words(authorization, "authorization_code"),
        is_reusable=authorization.get("reusable") is True,
        email=words(part(answer, "customer"), "email"),
        signature=words(authorization, "signature"),
        brand=_brand(authorization),
        last4=words(authorization, "last4")[-4:],
        bank=words(authorization, "bank"),
        card_expires_on=_expires_on(authorization),
    )


def announced(data: object) -> Announced:
    """Read a payment with what it is for. Raises UnclearAnswer as `charge`."""
    answer, found = checked(data), charge(data)
    requested_kobo = number_or_none(answer, "requested_amount") or found.amount_kobo
    return Announced(found, requested_kobo, _origin(answer.get("metadata")))


def _origin(metadata: object) -> dict[str, int]:
    """Return the ids in metadata, which the provider returns as an object or as its text."""
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            return {}
    if not isinstance(metadata, dict):
        return {}
    numbers = {name: _id_or_none(metadata, name) for name in ORIGIN}
    return {name: number for name, number in numbers.items() if number is not None}


def _id_or_none(metadata: dict[str, Any], name: str) -> int | None:
    """Return an id, which comes back as a number or as its text."""
    text_of_id = words(metadata, name)
    if re.fullmatch("[0-9]{1,18}", text_of_id):
        return number_or_none({name: int(text_of_id)}, name)
    return number_or_none(metadata, name)


def _card(authorization: dict[str, Any]) -> str:
    """Return a card as people know it, `Visa ··4242`; never more of its number."""
    last_digits = words(authorization, "last4")[-4:]
    return f"{_brand(authorization)} ··{last_digits}" if last_digits else ""


def _brand(authorization: dict[str, Any]) -> str:
    brand = words(authorization, "brand") or words(authorization, "bank") or "Card"
    return brand.strip().title()[:20]


def _expires_on(authorization: dict[str, Any]) -> datetime.date | None:
    """Return the last day of the month in which a card expires; None where the provider does not name it."""
    month, year = (str(authorization.get(name, "")).strip() for name in ("exp_month", "exp_year"))
    if not (re.fullmatch("0?[1-9]|1[0-2]", month) and re.fullmatch("20[0-9]{2}", year)):
        return None
    return datetime.date(int(year), int(month), calendar.monthrange(int(year), int(month))[1])


def _country(authorization: dict[str, Any]) -> str:
    country = words(authorization, "country_code").strip().upper()
    return country if re.fullmatch("[A-Z]{2}", country) else ""
