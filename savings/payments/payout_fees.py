"""The fees of withdrawals: the table of the settings, VAT and stamp duty."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from savings import money
from savings.ledger import WithdrawalFees


def fees_for(amount_kobo: int) -> WithdrawalFees:
    """Return what a withdrawal of an amount (kobo) costs its saver.

    The fee is that of the first band of `PAYOUT_FEES` that reaches the amount. VAT is a share of the fee, on top of it
    or contained in it, rounded down. The stamp duty is a fixed sum from an amount on (Nigeria Tax Act 2025: paid by the
    sender), unless the operator bears it.
    """
    rules = settings.PAYOUTS
    band = _band(amount_kobo)
    if band.is_vat_included:
        vat_kobo = money.contained_share(band.fee_kobo, rules.vat_bps)
        fee_kobo = band.fee_kobo - vat_kobo
    else:
        fee_kobo, vat_kobo = band.fee_kobo, money.share(band.fee_kobo, rules.vat_bps)
    bears_duty = amount_kobo >= rules.duty_from_kobo and not band.is_duty_borne
    return WithdrawalFees(fee_kobo, vat_kobo, rules.duty_kobo if bears_duty else 0)


def most_for(available_kobo: int) -> int:
    """Return the largest amount (kobo) whose amount and fees together are at most what is available; 0 for none.

    Fees change only where a band or the stamp duty begins. Between two such points more money is a larger amount, so
    the answer is the best of one candidate for each.
    """
    rules = settings.PAYOUTS
    beginnings = {1, rules.duty_from_kobo, *(band.most_kobo + 1 for band in rules.fees[:-1])}
    ends = [*(begin - 1 for begin in sorted(beginnings)[1:]), available_kobo]
    candidates = [min(end, available_kobo - fees_for(max(1, end)).total_kobo) for end in ends]
    return max((amount for amount in candidates if is_covered(amount, available_kobo)), default=0)


def is_covered(amount_kobo: int, available_kobo: int) -> bool:
    """Return whether an amount above zero and its fees are at most what is available. Kobo."""
    return amount_kobo > 0 and amount_kobo + fees_for(amount_kobo).total_kobo <= available_kobo


def _band(amount_kobo: int) -> Any:
    return next(band for band in settings.PAYOUTS.fees if amount_kobo <= band.most_kobo)
