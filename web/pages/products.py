"""What staff see of a product's terms: in words, what changes, and what a saver would see."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from savings import backoffice, money
from savings.ledger import TaxRates
from savings.models import Product
from savings.models.plans import EarlyExit, InterestPaid
from web.messages import admin as words
from web.messages import lists
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


class Term(NamedTuple):
    """One term of a product, as it is (empty for a new product) and as it would be."""

    label: str
    now: str
    new: str

    @property
    def has_changed(self) -> bool:
        return self.now != self.new


@dataclasses.dataclass(frozen=True)
class NewTerms:
    """New terms of a product: what changes, and how savers would read them."""

    terms: dict[str, Any]
    rates: list[list[int]]
    changes: list[Term]
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


def changes(old: Terms, new: Terms) -> list[Term]:
    """Return the terms that change, and all rates if one of them changes; a new product has no terms yet."""
    before = dict(in_words(old[0])) if old[0] else {}
    terms = [Term(label, before.get(label, ""), text) for label, text in in_words(new[0])]
    return [term for term in terms if term.has_changed] + _changed_rates(old[1], new[1])


def only_rates_change(old: Terms, new: Terms) -> bool:
    """Return whether new terms differ from those of today in nothing but the rates."""
    return old[0] == new[0]


def in_words(terms: dict[str, Any]) -> list[Row]:
    """Return each term as a label and a text, amounts in naira and shares in percent."""
    return [
        (words.field(name, name.replace("_", " ")), _text(name, terms[name])) for name in backoffice.TERMS
    ]


def _changed_rates(old: list[list[int]], new: list[list[int]]) -> list[Term]:
    """Return the rate of each term in days as it is and as it would be; nothing if no rate changes."""
    if old == new:
        return []
    now, later = ({rate[0]: rate[1] for rate in rates} for rates in (old, new))
    return [
        Term(
            lists.rate_from(days),
            *(money.percent(rates[days]) if days in rates else lists.NO_RATE for rates in (now, later)),
        )
        for days in sorted(now | later)
    ]


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
