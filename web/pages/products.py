"""What staff see of a product's terms: in words, what changes, and what a saver would see."""

from __future__ import annotations

import dataclasses
from typing import Any

from savings import backoffice, money
from savings.ledger import TaxRates
from savings.models import Product
from savings.models.plans import EarlyExit, InterestPaid
from web.pages import plan_start
from web.pages.plan_start import ProductChoice

Row = tuple[str, str]
# The terms of a product by column, and its rates.
Terms = tuple[dict[str, Any], list[list[int]]]
_CHOICES = {
    "kind": dict(Product.Kind.choices),
    "early_exit": dict(EarlyExit.choices),
    "interest_paid": dict(InterestPaid.choices),
}


@dataclasses.dataclass(frozen=True)
class NewTerms:
    """New terms of a product: what changes, and how savers would read them."""

    terms: dict[str, Any]
    rates: list[list[int]]
    # The label, the present text (empty for a new product) and the new text of everything that changes.
    changes: list[tuple[str, str, str]]
    # As on the page where a plan is started; None for a product that is not offered.
    shown: ProductChoice | None


def new_terms(product: Product | None, terms: dict[str, Any], rates: list[list[int]]) -> NewTerms:
    """Return what new terms change, and what a saver would see."""
    old = backoffice.terms_of(product) if product is not None else ({}, [])
    shown = None
    if terms["is_offered"] and rates:
        candidate = backoffice.with_terms(product, terms, rates)
        shown = plan_start.choice_of(candidate, taxes=TaxRates.read())
    return NewTerms(terms, rates, changes(old, (terms, rates)), shown)


def changes(old: Terms, new: Terms) -> list[tuple[str, str, str]]:
    """Return the label, the present text and the new text of everything that changes; new products have no terms."""
    before = dict(all_in_words(*old)) if old[0] else {}
    return [
        (label, before.get(label, ""), text)
        for label, text in all_in_words(*new)
        if before.get(label) != text
    ]


def in_words(terms: dict[str, Any]) -> list[Row]:
    """Return each term as a label and a text, amounts in naira and shares in percent."""
    return [(_label(name), _text(name, terms[name])) for name in backoffice.TERMS]


def all_in_words(terms: dict[str, Any], rates: list[list[int]]) -> list[Row]:
    """Return the terms and rates of a product as labels and texts."""
    steps = ", ".join(f"{money.percent(rate_bps)} from {from_days} days" for from_days, rate_bps in rates)
    return [*in_words(terms), ("Rates", steps or "none")]


def _label(name: str) -> str:
    words = name.removesuffix("_kobo").removesuffix("_bps").replace("_", " ")
    return words[:1].upper() + words[1:]


def _text(name: str, value: Any) -> str:
    if value is None or value == "":
        return "none"
    if name.endswith("_kobo"):
        return money.naira(value)
    if name.endswith("_bps"):
        return money.percent(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(_CHOICES.get(name, {}).get(value, value))
