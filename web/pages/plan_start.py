"""Prepares the page on which a plan starts: the products to choose from, and the preview of the interest."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from django.forms import BoundField, ValidationError
from django.utils import timezone

from savings import ledger, money
from savings.models import Product, User
from web.forms.plans import StartForm
from web.pages.plan_notices import notice_sentence
from web.pages.plan_terms import exit_sentences, interest_off_for_new
from web.pages.plans import ICONS


def start(form: StartForm, user: User) -> dict[str, Any]:
    """Return the context of the start page: the form, the products to choose from, and the preview."""
    return {
        "form": form,
        "products": products_to_choose(form["product"], form.products),
        "preview": _preview(form, earns_interest=user.earns_interest),
        "interest_off": interest_off_for_new(user),
    }


def products_to_choose(
    field: BoundField, products: Iterable[Product]
) -> list[tuple[Product, str, str, str, bool, str]]:
    """Return each product with its icon, rate, cost of an early exit, whether it is selected, and its notice."""
    chosen = str(field.value() or "")
    return [
        (
            product,
            ICONS[Product.Kind(product.kind)],
            _rates(product),
            " ".join(exit_sentences(product)),
            str(product.pk) == chosen,
            notice_sentence(product),
        )
        for product in products
    ]


def _rates(product: Product) -> str:
    """Return a product's rate as text, or the highest if it depends on the term."""
    rates = [rate.rate_bps for rate in product.rates.all()]
    if not rates:
        return money.percent(0)
    return money.percent(rates[0]) if len(set(rates)) == 1 else f"up to {money.percent(max(rates))}"


def _preview(form: StartForm, *, earns_interest: bool) -> dict[str, Any] | None:
    """Return the preview from the valid fields of the form; None if too few are valid."""
    values = {name: _clean(form, name) for name in ("product", "target", "matures_on", "first", "monthly")}
    product: Product | None = next((p for p in form.products if values["product"] == p), None)
    today = timezone.localdate()
    if product is None or (product.has_term and not _may_end_on(values["matures_on"], product, today)):
        return None
    ends_on = values["matures_on"] if product.has_term else None
    first_kobo, monthly_kobo = values["first"] or 0, values["monthly"]
    suggested_kobo = None
    if values["target"] and ends_on:
        suggested_kobo = ledger.suggested_monthly_kobo(
            target_kobo=values["target"], first_kobo=first_kobo, ends_on=ends_on, today=today
        )
    if monthly_kobo is None:
        monthly_kobo = suggested_kobo or 0
    ahead = ledger.preview_interest(
        product, matures_on=ends_on, first_kobo=first_kobo, monthly_kobo=monthly_kobo, today=today
    )
    if not earns_interest:
        ahead = dataclasses.replace(ahead, rate_bps=0, interest_kobo=0, tax_kobo=0)
    return {"ahead": ahead, "suggested_kobo": suggested_kobo, "monthly_kobo": monthly_kobo}


def _may_end_on(day: datetime.date | None, product: Product, today: datetime.date) -> bool:
    """Return whether a plan may end on this day, for the preview.

    The preview calculates each month until then, and dates have an upper limit, so the day must be within the longest
    term.
    """
    return day is not None and 0 < (day - today).days <= (product.max_term_days or 0)


def _clean(form: StartForm, name: str) -> Any:
    """Return one field's value, or None if it is missing or invalid."""
    field = form.fields[name]
    try:
        return field.clean(form[name].value())
    except ValidationError:
        return None
