"""Prepares amount forms: suggestions that fill the field, sources of the money, and what follows from the amount."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.forms import BaseForm

from savings import money
from savings.exceptions import BadAmount
from savings.models import Plan, SavedCard
from savings.plans import Instalment, suggest_amounts
from web.forms.cards import CardForm
from web.forms.plans import TopUpForm
from web.messages import amounts as messages
from web.messages import cards as card_messages
from web.messages import plans as plan_messages
from web.pages import cards

# Suggestions for a plan; more would be several rows on a phone.
MOST_CHIPS = 3


class Chip(NamedTuple):
    """A suggested amount: its text, what it puts into the field, and the URL of the page with the field filled.

    `tells` is whether it tells what the saver has or lacks: a browser that hides balances hides that.
    """

    text: str
    amount: str
    url: str
    sign: str
    tells: bool
    # What follows the sum, such as "to goal" or "a month".
    what_for: str
    # Whether the field has this amount already.
    is_typed: bool = False


class After(NamedTuple):
    """What an account holds after the amount. Texts in kobo for the script, because templates localise numbers."""

    now_kobo: str
    goal_kobo: str
    # 1 for money in, -1 for money out.
    sign: str
    # None without a valid amount.
    then_kobo: int | None
    percent: str
    # Of a goal, before the amount, in words.
    progress: str = ""
    to_go: str = ""
    # What is more than the goal after the amount; None without an amount, or if it does not reach the goal.
    over_kobo: int | None = None
    # Of a goal, before the amount.
    now_percent: str = ""


class ComesTo(NamedTuple):
    """What an amount comes to, by name with the result last; or the sentence that says why it is not possible.

    The result is large with `leads_with_result`, and `note` says what stays behind.
    """

    lines: list[tuple[str, str]] = []
    refusal: str = ""
    leads_with_result: bool = False
    note: str = ""


class Source(NamedTuple):
    """A row of where the money comes from. One that cannot be chosen says why."""

    value: str
    icon: str
    name: str
    note: str
    balance_kobo: int | None = None
    is_chosen: bool = False
    why_not: str = ""
    # A warning that does not keep it from being chosen.
    warning: str = ""


def chips(
    plan: Plan | None, form: BaseForm, instalment: Instalment | None = None, **query: str
) -> list[Chip]:
    """Return the suggestions for a payment into a plan, or with None into the stash. Their URLs keep the query."""
    suggested = suggest_amounts(plan, instalment)
    if plan:
        # Those that say what they are for, and as many round ones, the largest, as make three.
        what_for = [one for one in suggested if one.reaches_goal or one.every]
        others = [one for one in suggested if one not in what_for]
        suggested = sorted(
            [*others[len(what_for) - MOST_CHIPS :], *what_for], key=lambda one: one.amount_kobo
        )
    typed = typed_kobo(form)
    return [
        _chip(
            one.amount_kobo,
            query,
            is_typed=one.amount_kobo == typed,
            tells=one.reaches_goal or one.every is not None,
            what_for=messages.TO_GOAL if one.reaches_goal else messages.EVERY[one.every],
        )
        for one in suggested
    ]


def all_of_it(balance_kobo: int, form: BaseForm) -> list[Chip]:
    """Return the suggestion to take out everything; none if there is nothing."""
    is_typed = balance_kobo == typed_kobo(form)
    return [_chip(balance_kobo, {}, tells=True, is_typed=is_typed)] if balance_kobo else []


def after(form: BaseForm, balance_kobo: int, *, goal_kobo: int | None = None, sign: int = 1) -> After:
    """Return what a balance is after the form's amount: added, or with the sign -1 taken away."""
    amount_kobo = typed_kobo(form)
    then_kobo = None if amount_kobo is None else balance_kobo + sign * amount_kobo
    if then_kobo is not None and then_kobo < 0:
        then_kobo = None
    shown_kobo = balance_kobo if then_kobo is None else then_kobo
    if not goal_kobo:
        return After(str(balance_kobo), "", str(sign), then_kobo, "0")
    return After(
        str(balance_kobo),
        str(goal_kobo),
        str(sign),
        then_kobo,
        percent=str(_percent(shown_kobo, goal_kobo)),
        progress=plan_messages.progress(_percent(balance_kobo, goal_kobo), goal_kobo),
        to_go=plan_messages.to_go(goal_kobo - balance_kobo) if balance_kobo < goal_kobo else "",
        over_kobo=then_kobo - goal_kobo if then_kobo is not None and then_kobo >= goal_kobo else None,
        now_percent=str(_percent(balance_kobo, goal_kobo)),
    )


def _percent(part_kobo: int, whole_kobo: int) -> int:
    return min(100, part_kobo * 100 // whole_kobo)


def typed_kobo(form: BaseForm) -> int | None:
    """Return the amount in the field, as it was filled or typed; None for what is no amount of money above zero."""
    value = form["amount"].value()
    if isinstance(value, str):
        try:
            value = money.parse(value)
        except BadAmount:
            return None
    return value if value and value <= money.MOST_KOBO else None


def card_sources(form: CardForm, card_note: str) -> list[Source]:
    """Return the saved cards that can be charged, and another card. The chosen one, or else the first, is chosen."""
    saved = [card_source(value, card) for value, card in form.cards.items()]
    name = card_messages.ANOTHER_CARD if saved else messages.MY_CARD
    return with_choice([*saved, Source(form.CARD, "card", name, card_note)], form)


def card_source(value: str, card: SavedCard) -> Source:
    """Return the row of a saved card, with a warning if it expires this month."""
    return Source(value, "card", str(card), cards.details(card), warning=cards.expires_soon(card))


def sources(form: TopUpForm, stash_kobo: int, card_note: str) -> list[Source]:
    """Return the cards and the stash. A stash with less than the least top-up cannot be chosen."""
    least_kobo = settings.TOP_UP_MIN_KOBO
    why_not = ""
    if stash_kobo < least_kobo:
        why_not = messages.less_than_least(least_kobo) if stash_kobo else messages.NOTHING_TO_MOVE
    stash = Source(
        TopUpForm.STASH, "stash", messages.MY_STASH, messages.MOVED_AT_ONCE, stash_kobo, why_not=why_not
    )
    return with_choice([*card_sources(form, card_note), stash], form)


def with_choice(rows: list[Source], form: BaseForm) -> list[Source]:
    """Return sources with the one that the form asks for chosen, or else the first that can be."""
    asked = form["source"].value()
    possible = [row.value for row in rows if not row.why_not]
    chosen = asked if asked in possible else next(iter(possible), "")
    return [row._replace(is_chosen=row.value == chosen) for row in rows]


def top_up(
    plan: Plan, form: TopUpForm, instalment: Instalment | None, *, stash_kobo: int, card_note: str
) -> dict[str, Any]:
    """Return what the top-up page shows besides the plan: suggestions, sources, and the plan afterwards."""
    rows = sources(form, stash_kobo, card_note)
    chosen = next(row.value for row in rows if row.is_chosen)
    suggested = chips(plan, form, instalment, **{"from": chosen})
    return {
        "chips": suggested,
        # Offered where more is typed.
        "instead": next((chip for chip in suggested if chip.what_for == messages.TO_GOAL), None),
        "sources": rows,
        "after": after(form, plan.account.balance_kobo or 0, goal_kobo=plan.target_kobo),
        "amount_kobo": typed_kobo(form),
    }


def _chip(
    amount_kobo: int, query: dict[str, str], *, tells: bool, is_typed: bool, what_for: str = ""
) -> Chip:
    text, sign = money.short(amount_kobo), settings.CURRENCY_SIGN
    amount = text.removeprefix(sign)
    return Chip(text, amount, "?" + urlencode({"amount": amount, **query}), sign, tells, what_for, is_typed)
