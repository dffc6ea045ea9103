"""Prepares the pages of withdrawals: the question, the confirmation, money on its way out, and lines of the receipt."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.http import QueryDict
from django.utils import timezone

from savings import money, payments
from savings.ledger import WithdrawalFees
from savings.models import Recipient, User
from savings.payments import PayoutQuote
from web.forms.payouts import PayoutForm


class RecipientChoice(NamedTuple):
    """A bank account among those to choose from."""

    recipient: Recipient
    is_new: bool
    is_chosen: bool


class FeeLine(NamedTuple):
    """A line of the fee table: the amounts, and what a withdrawal of such an amount costs."""

    amounts: str
    fee_with_vat: str
    duty: str


def initial(query: QueryDict, recipients: list[Recipient]) -> dict[str, Any]:
    """Return what the form shows at first: the amount of the link to it, and the account that was chosen."""
    usable = [recipient.pk for recipient in recipients if recipient.is_usable()]
    return {"amount": query.get("amount", "")[:20], "recipient": usable[0] if usable else None}


def ask(user: User, form: PayoutForm) -> dict[str, Any]:
    """Return the context of the page that asks for the amount and the bank account."""
    chosen = str(form["recipient"].value() or "")
    return {
        "form": form,
        "room": payments.room(user),
        "choices": [
            RecipientChoice(recipient, not recipient.is_usable(), str(pk) == chosen)
            for pk, recipient in form.recipients.items()
        ],
        "fee_lines": fee_lines(),
    }


def quoted(quote: PayoutQuote, form: PayoutForm, token: str) -> dict[str, Any]:
    """Return the context of the page that shows what a withdrawal comes to, and asks for the confirmation."""
    return {
        "quote": quote,
        "token": token,
        # What the form sends, so that it can be shown again as it is then.
        "is_all": form.is_all,
        "amount": money.figures(quote.amount_kobo),
        "lines": [("Amount", money.naira(quote.amount_kobo)), *fee_amounts(quote.fees)],
        "is_delayed": settings.PAYOUTS.delay > datetime.timedelta(),
        "valid_until": timezone.localtime() + datetime.timedelta(seconds=payments.PAYOUT_QUOTE_SECONDS),
    }


def fee_amounts(fees: WithdrawalFees) -> list[tuple[str, str]]:
    """Return the fees of a withdrawal by name, without those that are zero."""
    named = [("Fee", fees.fee_kobo), ("VAT on the fee", fees.vat_kobo), ("Stamp duty", fees.duty_kobo)]
    return [(name, money.naira(kobo)) for name, kobo in named if kobo]


def fee_lines() -> list[FeeLine]:
    """Return what withdrawals cost, by amount; empty if they are free.

    A line begins where a band of the fees or the stamp duty begins.
    """
    rules = settings.PAYOUTS
    begins = {rules.duty_from_kobo, *(band.most_kobo + 1 for band in rules.fees[:-1])}
    starts = [rules.min_kobo, *sorted(kobo for kobo in begins if rules.min_kobo < kobo <= rules.max_kobo)]
    merged: list[tuple[int, WithdrawalFees]] = []
    for start in starts:
        fees = payments.fees_for(start)
        if not merged or merged[-1][1] != fees:
            merged.append((start, fees))
    if not any(fees.total_kobo for _, fees in merged):
        return []
    ends = [start - 1 for start, _ in merged[1:]]
    amounts = [f"Up to {money.naira(end).removesuffix('.00')}" for end in ends]
    amounts.append(f"Above {money.naira(ends[-1]).removesuffix('.00')}" if ends else "Any amount")
    return [_fee_line(name, fees) for name, (_, fees) in zip(amounts, merged, strict=True)]


def _fee_line(amounts: str, fees: WithdrawalFees) -> FeeLine:
    return FeeLine(amounts, money.naira(fees.fee_kobo + fees.vat_kobo), money.naira(fees.duty_kobo))
