"""The settings of withdrawals and saved cards: fees, limits and waiting times, read from the environment."""

from __future__ import annotations

import dataclasses
import datetime
import re
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

from web.environment import MOST_NUMBER, Env, parsed

# NGN 10 up to NGN 5,000, NGN 25 up to NGN 50,000, NGN 50 above: what transfers usually cost in Nigeria.
_DEFAULT_FEES = "5000:10, 50000:25, *:50"
_BAND = re.compile(r"(?P<most>\*|\d+):(?P<fee>\d+(?:\.\d{2})?)(?P<words>(?: (?:vat-included|duty-borne))*)")


class FeeBand(NamedTuple):
    """The fee of withdrawals up to an amount, in kobo."""

    most_kobo: int
    fee_kobo: int
    # Whether the fee contains the VAT, which otherwise comes on top.
    is_vat_included: bool
    # Whether the operator pays the stamp duty, which the saver pays otherwise.
    is_duty_borne: bool


@dataclasses.dataclass(frozen=True)
class PayoutSettings:
    """The rules of withdrawals. Amounts are kobo, rates basis points."""

    # Rising by amount; the last one covers every amount.
    fees: tuple[FeeBand, ...]
    vat_bps: int
    # The stamp duty on the sender, and the smallest amount that bears it.
    duty_kobo: int
    duty_from_kobo: int
    min_kobo: int
    max_kobo: int
    # The most that one person withdraws on one local day, without fees.
    day_max_kobo: int
    # How long a withdrawal can be cancelled before it is sent.
    delay: datetime.timedelta
    # From this amount on a withdrawal waits for approval by staff; None: never.
    approval_from_kobo: int | None
    # How long money cannot leave to a new bank account, and after a change of password, email address or second step.
    wait: datetime.timedelta
    # Whether money goes only to accounts in the saver's own name.
    own_accounts_only: bool


@dataclasses.dataclass(frozen=True)
class CardSettings:
    """The rules of saved cards. Amounts are kobo."""

    # Above this amount a saver signs in afresh before a saved card is charged.
    without_sign_in_max_kobo: int
    # The smallest amount that an auto-save charges.
    autosave_min_kobo: int


def card_settings(env: Env) -> CardSettings:
    """Return the settings of saved cards. Raises ImproperlyConfigured for invalid ones."""
    return CardSettings(
        without_sign_in_max_kobo=env.number("CARD_CHARGE_WITHOUT_SIGN_IN_MAX_KOBO", default=100_000_00),
        autosave_min_kobo=env.number("AUTOSAVE_CARD_MIN_KOBO", default=1_000_00, least=1),
    )


def payout_settings(env: Env) -> PayoutSettings:
    """Return the settings of withdrawals. Raises ImproperlyConfigured for invalid ones."""
    min_kobo = env.number("PAYOUT_MIN_KOBO", default=100_00, least=1)
    max_kobo = env.number("PAYOUT_MAX_KOBO", default=5_000_000_00, least=min_kobo)
    approval_from_kobo = env.number("PAYOUT_APPROVAL_FROM_KOBO", default=0)
    return PayoutSettings(
        fees=parsed("PAYOUT_FEES", lambda: fee_bands(env.str("PAYOUT_FEES", default=_DEFAULT_FEES))),
        vat_bps=env.number("VAT_BPS", default=750, most=10_000),
        duty_kobo=env.number("STAMP_DUTY_KOBO", default=50_00),
        duty_from_kobo=env.number("STAMP_DUTY_FROM_KOBO", default=10_000_00, least=1),
        min_kobo=min_kobo,
        max_kobo=max_kobo,
        day_max_kobo=env.number("PAYOUT_DAY_MAX_KOBO", default=10_000_000_00, least=min_kobo),
        delay=datetime.timedelta(minutes=env.number("PAYOUT_DELAY_MINUTES", default=0, most=7 * 24 * 60)),
        approval_from_kobo=approval_from_kobo or None,
        wait=datetime.timedelta(hours=env.number("PAYOUT_WAIT_HOURS", default=24, most=30 * 24)),
        own_accounts_only=env.flag("PAYOUT_OWN_ACCOUNTS_ONLY", default=False),
    )


def fee_bands(text: str) -> tuple[FeeBand, ...]:
    """Read a fee table such as `5000:10, 50000:25 vat-included, *:50 duty-borne`: the most and the fee in naira."""
    bands: list[FeeBand] = []
    for part in text.split(","):
        found = _BAND.fullmatch(" ".join(part.split()))
        if found is None:
            raise ImproperlyConfigured("PAYOUT_FEES must be bands in naira, such as 5000:10, 50000:25, *:50.")
        naira, _, rest = found["fee"].partition(".")
        most_kobo = MOST_NUMBER if found["most"] == "*" else int(found["most"]) * 100
        words = found["words"]
        fee_kobo = int(naira) * 100 + int(rest or 0)
        bands.append(FeeBand(most_kobo, fee_kobo, "vat-included" in words, "duty-borne" in words))
    limits = [band.most_kobo for band in bands]
    if (
        limits != sorted(set(limits))
        or limits[-1] != MOST_NUMBER
        or max(limits[:-1], default=0) >= MOST_NUMBER
    ):
        raise ImproperlyConfigured(
            "PAYOUT_FEES must list the smallest band first and end with one for all other amounts, such as *:50."
        )
    return tuple(bands)
