"""The payment provider's answers as typed values. An answer that breaks its description raises UnclearAnswer."""

from __future__ import annotations

import dataclasses
import datetime
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


def checkout(data: object) -> Checkout:
    """Read the answer to a payment announced. Raises UnclearAnswer."""
    answer = checked(data)
    return Checkout(reference=text(answer, "reference"), url=url(answer, "authorization_url"))


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
    )


def _card(authorization: dict[str, Any]) -> str:
    """Return a card as people know it, `Visa ··4242`; never more of its number."""
    last_digits = words(authorization, "last4")[-4:]
    brand = (words(authorization, "brand") or words(authorization, "bank") or "Card").strip().title()
    return f"{brand[:20]} ··{last_digits}" if last_digits else ""


def _country(authorization: dict[str, Any]) -> str:
    country = words(authorization, "country_code").strip().upper()
    return country if re.fullmatch("[A-Z]{2}", country) else ""
