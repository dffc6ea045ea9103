"""Prepares the pages of withdrawals: the question, the confirmation, money on its way out, and lines of the receipt."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.conf import settings
from django.http import QueryDict
from django.utils import timezone

from savings import money, payments
from savings.ledger import WithdrawalFees
from savings.models import Payout, Recipient, Transaction, User
from savings.payments import PayoutQuote
from web.forms.fields import asked_amount
from web.forms.payouts import PayoutForm
from web.forms.plans import QuoteForm
from web.messages import amounts as amount_messages
from web.messages import payouts as messages
from web.pages import plan_notices
from web.pages.amounts import ComesTo
from web.pages.receipts import SumLine

MOST_ON_THE_WAY = 5


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


class OnTheWay(NamedTuple):
    """A withdrawal whose money is on hold, as the stash shows it."""

    reference: str
    amount_kobo: int
    # With VAT and stamp duty.
    fees_kobo: int
    account: str
    what: str
    # When it is sent, and how long that is; empty for one that does not wait for its time.
    send_at: datetime.datetime | None
    remaining: str
    can_be_cancelled: bool


def initial(query: QueryDict, recipients: list[Recipient]) -> dict[str, Any]:
    """Return what the form shows at first: the amount of the link to it, and the account that was chosen."""
    usable = [recipient.pk for recipient in recipients if recipient.is_usable()]
    return {"amount": asked_amount(query.get("amount", "")), "recipient": usable[0] if usable else None}


def on_the_way(user: User) -> list[OnTheWay]:
    """Return the newest withdrawals of a user whose money is on hold, in one query."""
    found = user.payouts.in_flight().select_related("transaction", "recipient")[:MOST_ON_THE_WAY]
    return [_on_the_way(payout) for payout in found]


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
        "is_delayed": _is_delayed(),
    }


def preview(form: QuoteForm) -> ComesTo:
    """Return what a withdrawal of the form's amount comes to; nothing without a valid amount."""
    amount_kobo = form.amount_kobo if form.is_valid() else None
    if not amount_kobo:
        return ComesTo()
    fees_kobo = payments.fees_for(amount_kobo).total_kobo
    fees = money.naira(fees_kobo) if fees_kobo else amount_messages.NO_FEES
    total = money.naira(amount_kobo + fees_kobo)
    lines = zip(amount_messages.WITHDRAWAL, (money.naira(amount_kobo), fees, total), strict=True)
    return ComesTo([*lines])


def quoted(quote: PayoutQuote, form: PayoutForm, token: str) -> dict[str, Any]:
    """Return the context of the page that shows what a withdrawal comes to, and asks for the confirmation."""
    return {
        "quote": quote,
        "token": token,
        # What the form sends, so that it can be shown again as it is then.
        "is_all": form.is_all,
        "amount": money.figures(quote.amount_kobo),
        "lines": [(messages.AMOUNT, money.naira(quote.amount_kobo)), *fee_amounts(quote.fees)],
        "is_delayed": _is_delayed(),
        "valid_until": timezone.localtime() + datetime.timedelta(seconds=payments.PAYOUT_QUOTE_SECONDS),
    }


def fee_amounts(fees: WithdrawalFees) -> list[tuple[str, str]]:
    """Return the fees of a withdrawal by name, without those that are zero."""
    named = [(messages.FEE, fees.fee_kobo), (messages.VAT, fees.vat_kobo), (messages.DUTY, fees.duty_kobo)]
    return [(name, money.naira(kobo)) for name, kobo in named if kobo]


def receipt(movement: Transaction, payout: Payout | None, others: Iterable[Transaction]) -> dict[str, Any]:
    """Return what the receipt of a withdrawal or its fee shows besides that of other transactions.

    Its fee is among the `others` of a withdrawal.
    """
    if payout is None:
        return {}
    is_over = not payout.is_in_flight and payout.state != Payout.State.PAID
    is_payout = payout.transaction_id == movement.pk
    # A withdrawal leads with what the bank gets: its fees and what leaves the stash follow.
    return {
        "payout": payout,
        "is_payout": is_payout,
        # The amount of another try.
        "try_again": money.figures(movement.amount_kobo) if is_over else "",
        "sum_lines": _receipt_lines(movement, payout, others),
        "fees": money.naira(payout.fees_kobo) if payout.fees_kobo else "",
    }


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
    later = [start for start, _ in merged[1:]]
    ends = [*(start - 1 for start in later), None]
    amounts = [messages.band(least, most) for least, most in zip([None, *later], ends, strict=True)]
    return [_fee_line(name, fees) for name, (_, fees) in zip(amounts, merged, strict=True)]


def _receipt_lines(movement: Transaction, payout: Payout, others: Iterable[Transaction]) -> list[SumLine]:
    """Return what a withdrawal or its fee comes to, by name; empty for a withdrawal without fees."""
    fees = payments.fees_of(payout)
    if movement.kind == Transaction.Kind.FEE:
        total = SumLine(messages.FEES_TOTAL, money.naira(fees.total_kobo), is_sum=True)
        return [*(SumLine(*line) for line in fee_amounts(fees)), total]
    if not fees.total_kobo:
        return []
    receipts = [other.reference for other in others if other.kind == Transaction.Kind.FEE]
    # The receipt of the fees is linked from the first of them.
    first, *more = fee_amounts(fees)
    total_kobo = movement.amount_kobo + fees.total_kobo
    return [
        SumLine(messages.TO_YOUR_BANK, money.naira(movement.amount_kobo)),
        SumLine(*first, reference=next(iter(receipts), "")),
        *(SumLine(*line) for line in more),
        SumLine(messages.WITH_FEES, money.naira(total_kobo), is_sum=True),
    ]


def _on_the_way(payout: Payout) -> OnTheWay:
    is_timed = payout.state == Payout.State.WAITING and payout.send_at > payout.asked_at
    return OnTheWay(
        reference=payout.transaction.reference,
        amount_kobo=payout.transaction.amount_kobo,
        fees_kobo=payout.fees_kobo,
        account=str(payout.recipient),
        what=messages.STATES[payout.state],
        send_at=payout.send_at if is_timed else None,
        remaining=plan_notices.remaining(payout.send_at) if is_timed else "",
        can_be_cancelled=payout.can_be_cancelled,
    )


def _is_delayed() -> bool:
    return settings.PAYOUTS.delay > datetime.timedelta()


def _fee_line(amounts: str, fees: WithdrawalFees) -> FeeLine:
    fee_kobo = fees.fee_kobo + fees.vat_kobo
    fee, duty = (
        money.naira(kobo) if kobo else amount_messages.NO_FEES for kobo in (fee_kobo, fees.duty_kobo)
    )
    return FeeLine(amounts, fee, duty)
