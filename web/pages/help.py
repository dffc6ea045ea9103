"""Prepares the help page: the figures in its answers, from the settings and products that the code itself uses."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.utils import timezone

from savings.ledger import TaxRates
from savings.models import Product
from web.messages import help as messages
from web.pages.payments import fee_sentence
from web.pages.payouts import fee_lines
from web.pages.plan_notices import notice_sentence
from web.pages.plan_terms import exit_sentences


class Terms(NamedTuple):
    """A product that is offered, with sentences: what leaving it costs, and its notice."""

    name: str
    description: str
    leaving: str


def answers() -> dict[str, Any]:
    """Return the figures of the answers. Costs one query for the products and one for the rate of tax."""
    payouts = settings.PAYOUTS
    return {
        "operator": settings.OPERATOR,
        "products": [_terms(product) for product in Product.objects.offered()],
        "tax_bps": TaxRates.read().on(timezone.localdate()),
        "least_kobo": settings.TOP_UP_MIN_KOBO,
        "most_kobo": settings.TOP_UP_MAX_KOBO,
        "card_fee": fee_sentence(),
        "payouts": payouts,
        "delay": _in_words(payouts.delay),
        "wait": _in_words(payouts.wait),
        "fee_lines": fee_lines(),
        "statement_days": settings.STATEMENT_DAYS,
        "email_undo_days": settings.EMAIL_UNDO_DAYS,
        "uses_simulator": settings.USES_SIMULATOR,
    }


def _terms(product: Product) -> Terms:
    sentences = [*exit_sentences(product), notice_sentence(product)]
    return Terms(product.name, product.description, " ".join(filter(None, sentences)))


def _in_words(length: datetime.timedelta) -> str:
    """Return a length of time in whole hours or minutes; empty for none."""
    minutes = int(length.total_seconds()) // 60
    if not minutes:
        return ""
    return messages.hours(minutes // 60) if minutes % 60 == 0 else messages.minutes(minutes)
