"""Amounts in kobo: the only module that parses, formats and rounds money."""

from __future__ import annotations

import re

from django.conf import settings

from savings import typed_text
from savings.exceptions import BadAmount

KOBO_PER_NAIRA = 100
# Ten trillion naira: more than any real amount, and below 2^53, so exact in JSON, in a browser and as a Redis score.
MOST_KOBO = 10**15
# The balance_kobo x rate_bps x days that earn one kobo of interest: 10,000 basis points x 365 days.
INTEREST_DENOMINATOR = 3_650_000
# Thousands separators are optional, but must be in the right places. A point is always the decimal point: "1.250" means
# one thousand two hundred and fifty to some people and one and a quarter to others, so it is refused.
_AMOUNT = re.compile(r"(?P<naira>\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d+)(?:\.(?P<kobo>\d{1,2}))?")
_LONGEST = 24
# Errors of a typed amount. Forms and the ledger share them.
AMOUNT_MISSING = "Enter an amount."
NOT_ABOVE_ZERO = "Enter an amount above zero."
NOT_FIGURES = "Enter an amount in figures, such as 25,000 or 1,250.50."
BELOW_ONE_KOBO = "Enter at most two digits after the point: the smallest amount is one kobo."
_NARROW_NO_BREAK_SPACE = "\u202f"
_MINUS = "\u2212"


def parse(text: str, *, most_kobo: int = MOST_KOBO) -> int:
    """Return the kobo in an amount typed in naira: `1250`, `₦1,250.50`, `ngn 1250`, `20 000`, digits of any script.

    The currency may be in front, behind or both, and invisible characters are ignored. Raises BadAmount, with a
    sentence for the user, for anything else: a sign, an exponent, a third decimal. A text that is too long for any
    amount is refused with the limit `most_kobo`, which is not checked otherwise.
    """
    cleaned = _without_currency(typed_text.figures(text).strip())
    if not cleaned:
        raise BadAmount(AMOUNT_MISSING)
    if cleaned.startswith(("-", _MINUS)):
        raise BadAmount(NOT_ABOVE_ZERO)
    match = _AMOUNT.fullmatch(cleaned)
    if match is None:
        if re.fullmatch(r"[\d, ]+\.\d{3,}", cleaned):
            raise BadAmount(BELOW_ONE_KOBO)
        raise BadAmount(NOT_FIGURES)
    if len(cleaned) > _LONGEST:
        raise BadAmount(too_large(most_kobo))
    kobo = (match["kobo"] or "").ljust(2, "0")
    return int(re.sub(r"[, ]", "", match["naira"])) * KOBO_PER_NAIRA + int(kobo)


def too_large(most_kobo: int) -> str:
    """Return the sentence about an amount above a limit in kobo."""
    return f"That amount is too large. Enter up to {short(most_kobo)}."


def _without_currency(text: str) -> str:
    """Return an amount without the currency names around it. Each name is removed once at most: `₦1,250 NGN`."""
    names = [settings.CURRENCY_SIGN.lower(), settings.CURRENCY.lower()]
    if settings.CURRENCY == "NGN":
        # People type the last two on keyboards without a naira sign.
        names += ["naira", "n", "=n=", "#"]
    while name := next((name for name in names if text.lower().startswith(name)), ""):
        names.remove(name)
        text = text[len(name) :].lstrip()
    while name := next((name for name in names if text.lower().endswith(name)), ""):
        names.remove(name)
        text = text[: -len(name)].rstrip()
    return text


def naira(amount_kobo: int) -> str:
    """Return an amount for people: `₦1,250.50`. A negative amount starts with a minus sign."""
    sign = _MINUS + _NARROW_NO_BREAK_SPACE if amount_kobo < 0 else ""
    return f"{sign}{settings.CURRENCY_SIGN}{figures(abs(amount_kobo))}"


def figures(amount_kobo: int) -> str:
    """Return an amount without its currency, for a column whose heading names it: `1,250.50`."""
    whole, kobo = divmod(abs(amount_kobo), KOBO_PER_NAIRA)
    return f"{_MINUS if amount_kobo < 0 else ''}{whole:,}.{kobo:02d}"


def decimal(amount_kobo: int) -> str:
    """Return an amount for programs: `1250.50`, `-0.05`. Exact, because no float is involved."""
    whole, kobo = divmod(abs(amount_kobo), KOBO_PER_NAIRA)
    return f"{'-' if amount_kobo < 0 else ''}{whole}.{kobo:02d}"


def short(amount_kobo: int) -> str:
    """Return an amount without kobo where they are zero, for sentences and buttons: `₦25,000`."""
    return naira(amount_kobo).removesuffix(".00")


def signed(amount_kobo: int) -> str:
    """Return an amount with a plus or minus sign in front: `+ ₦1,250.50`. Zero has no sign."""
    if amount_kobo > 0:
        return "+" + _NARROW_NO_BREAK_SPACE + naira(amount_kobo)
    return naira(amount_kobo)


def percent(rate_bps: int) -> str:
    """Return a rate in basis points as a percentage for people: 1350 is `13.5%`, 1100 is `11%`."""
    return f"{rate_bps // 100}.{rate_bps % 100:02d}".rstrip("0").rstrip(".") + "%"


def share(amount_kobo: int, rate_bps: int) -> int:
    """Return a share of an amount in kobo, rounded down: 1 % (100 bps) of 12,345 kobo is 123."""
    return amount_kobo * rate_bps // 10_000


def contained_share(amount_kobo: int, rate_bps: int) -> int:
    """Return the share that an amount in kobo contains, rounded down: 10,750 with 7.5 % (750 bps) VAT has 750 of it."""
    return amount_kobo * rate_bps // (10_000 + rate_bps)


def round_up(amount_kobo: int, step_kobo: int) -> int:
    """Return the least multiple of a step that is not below an amount, both in kobo."""
    return -(-amount_kobo // step_kobo) * step_kobo


def round_down(amount_kobo: int, step_kobo: int) -> int:
    """Return the greatest multiple of a step that is not above an amount, both in kobo."""
    return amount_kobo // step_kobo * step_kobo


def ratio_bps(part_kobo: int, whole_kobo: int) -> int:
    """Return a part as a share of a whole above zero, in basis points, rounded down: 1 kobo of 3 is 3,333."""
    return part_kobo * 10_000 // whole_kobo


def interest_for_reading(numerator: int) -> str:
    """Return interest that is not in whole kobo as text, rounded towards zero: `₦76.84`, below one naira `₦0.0821`.

    For reading alone: what is posted is the exact numerator (see `interest`), divided once.
    """
    size = abs(numerator)
    kobo, rest = divmod(size, INTEREST_DENOMINATOR)
    if not rest or kobo >= KOBO_PER_NAIRA:
        return naira(-kobo if numerator < 0 else kobo)
    hundredths = size * 100 // INTEREST_DENOMINATOR
    sign = _MINUS + _NARROW_NO_BREAK_SPACE if numerator < 0 else ""
    return (
        f"{sign}{settings.CURRENCY_SIGN}0.{hundredths:04d}"
        if hundredths
        else f"below {settings.CURRENCY_SIGN}0.0001"
    )


def interest(numerator: int) -> int:
    """Return the interest in whole kobo for a numerator (balance_kobo x rate_bps x days), rounded down.

    Simple interest, actual/365: NGN 100,000 at 8.5 % for 90 days is
    10,000,000 x 850 x 90 / 3,650,000 = 209,589 kobo. The remainder stays on the account.
    """
    return numerator // INTEREST_DENOMINATOR
