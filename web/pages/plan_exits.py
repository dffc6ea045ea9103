"""Prepares the pages of an early exit: the question for the amount, the quote, and what the receipt says."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from savings import money, plans
from savings.dashboard import Saving
from savings.exceptions import Refused
from savings.leaderboards import ordinal
from savings.models import Plan, Transaction, User
from savings.models.plans import EarlyExit
from savings.plans import Quote
from web.forms.plans import ExitForm, QuoteForm
from web.messages import plan_exits as messages
from web.pages import plan_terms
from web.pages.amounts import ComesTo
from web.pages.plans import card


class QuotedDay(NamedTuple):
    """A day of a quote as the page shows it: its amounts by name, and the sum that arrives."""

    title: str
    day: datetime.date
    amounts: list[tuple[str, str]]
    arriving_kobo: int
    note: str


def ask(plan: Plan, form: QuoteForm) -> dict[str, Any]:
    """Return the context of the page that asks how much to take out."""
    refusal, penalty_kobo, today = "", 0, timezone.localdate()
    balance_kobo = plan.account.balance_kobo or 0
    try:
        plans.check_can_exit(plan, today)
        penalty_kobo = plans.exit_penalty_kobo(plan, balance_kobo, today)
    except Refused as refused:
        refusal = str(refused)
    return {
        "plan": plan,
        "form": form,
        "balance_kobo": balance_kobo,
        "penalty_kobo": penalty_kobo,
        "all_arrives_kobo": balance_kobo - penalty_kobo,
        # Of an amount in the form, also without a script.
        "after": preview(plan, form) if form.is_bound else ComesTo(),
        "beside": [card(Saving.from_plan(plan), today)],
        "exit_sentences": plan_terms.exit_sentences(plan, plan.matures_on),
        "refusal": refusal,
    }


def preview(plan: Plan, form: QuoteForm) -> ComesTo:
    """Return what taking out the form's amount today comes to, or why that is not possible."""
    if not form.is_valid():
        return ComesTo()
    try:
        quote = plans.quote_exit(plan, form.amount_kobo, on=timezone.localdate())
    except Refused as refused:
        return ComesTo(refusal=str(refused))
    lines = [(messages.TAKEN_OUT, money.naira(quote.amount_kobo))]
    if quote.is_full and quote.gross_kobo:
        lines += _interest(quote)
    if quote.penalty_kobo:
        lines.append((messages.penalty_of(plan.penalty_bps), money.naira(-quote.penalty_kobo)))
    if quote.forfeited_kobo:
        lines.append((messages.INTEREST_LOST, money.naira(quote.forfeited_kobo)))
    lines.append((messages.IN_YOUR_STASH, money.naira(quote.arriving_kobo)))
    left_kobo = quote.balance_kobo - quote.amount_kobo
    note = "" if quote.is_full else messages.leaves(left_kobo, plan.target_kobo)
    return ComesTo(lines, leads_with_result=True, note=note)


def quoted(plan: Plan, user: User, form: ExitForm, quotes: list[Quote]) -> dict[str, Any]:
    """Return the context of the page that shows a quote. The first of the quotes is that of today."""
    today = quotes[0]
    return {
        "plan": plan,
        "form": form,
        "balance_kobo": today.balance_kobo,
        "quote": today,
        # What the form sends, so that a new quote can be shown for the same request.
        "amount": "" if today.is_full else money.figures(today.amount_kobo),
        "token": plans.sign_quote(user, today),
        "valid_until": timezone.localtime() + datetime.timedelta(seconds=plans.QUOTE_SECONDS),
        "days": [_day(plan, quote) for quote in quotes],
        "interest_stays": not today.is_full,
        "rank_sentence": _rank_sentence(today),
    }


def receipt_lines(movement: Transaction) -> list[tuple[str, str]]:
    """Return what an early exit came to, by name, for the receipt of its move; empty for any other transaction."""
    told = plans.exit_of(movement)
    if told is None:
        return []
    lines = [(messages.TAKEN_OUT_OF_PLAN, money.naira(told.asked_kobo))]
    if told.gross_kobo:
        lines += [
            (messages.INTEREST, money.naira(told.gross_kobo)),
            (messages.TAX_ON_INTEREST, money.naira(-told.tax_kobo)),
        ]
    if told.penalty_kobo:
        lines.append((messages.PENALTY, money.naira(-told.penalty_kobo)))
    if told.forfeited_kobo:
        lines.append((messages.INTEREST_LOST, money.naira(told.forfeited_kobo)))
    return [*lines, (messages.ARRIVED_IN_STASH, money.naira(told.arrived_kobo))]


def _day(plan: Plan, quote: Quote) -> QuotedDay:
    amounts = [(messages.TAKEN_OUT, money.naira(quote.amount_kobo))]
    if quote.is_full:
        amounts += _interest(quote)
    amounts.append((messages.PENALTY, money.naira(-quote.penalty_kobo)))
    if plan.early_exit == EarlyExit.FORFEIT:
        amounts.append((messages.INTEREST_LOST, money.naira(quote.forfeited_kobo)))
    renews = quote.day == plan.matures_on and plan.at_maturity in Plan.RENEWING
    return QuotedDay(
        title=_title(plan, quote.day),
        day=quote.day,
        amounts=amounts,
        arriving_kobo=quote.arriving_kobo,
        note=messages.RENEWS if renews else "",
    )


def _interest(quote: Quote) -> list[tuple[str, str]]:
    return [
        (messages.INTEREST, money.naira(quote.gross_kobo)),
        (messages.TAX_ON_INTEREST, money.naira(-quote.tax_kobo)),
    ]


def _title(plan: Plan, day: datetime.date) -> str:
    if day == plan.matures_on:
        return messages.AT_MATURITY
    days = (day - timezone.localdate()).days
    return messages.quoted_in_days(days) if days else messages.TODAY


def _rank_sentence(quote: Quote) -> str:
    """Return what an exit costs in the plan's circle; empty without a rank there."""
    if quote.rank_before is None:
        return ""
    before = ordinal(quote.rank_before)
    if quote.rank_after is None:
        return messages.rank_lost(before)
    if quote.rank_after == quote.rank_before:
        return messages.rank_stays(before)
    return messages.rank_changes(before, ordinal(quote.rank_after))
