"""The landing page: what Asusu is, what it pays and what it costs."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from savings import ledger
from savings.models import Product
from web.pages import plans as plan_pages

EXAMPLE_KOBO = 25_000_00


def home(request: HttpRequest) -> HttpResponse:
    """The offer with the products' current rates. A signed-in user is redirected to the dashboard."""
    if request.user.is_authenticated:
        return redirect("dashboard:home")
    products = list(Product.objects.offered().prefetch_related("rates"))
    context = {
        "products": [
            (
                product,
                plan_pages.icon(product.kind, product.early_exit),
                max((rate.rate_bps for rate in product.rates.all()), default=0),
            )
            for product in products
        ],
        "example": _example(products),
        "example_kobo": EXAMPLE_KOBO,
        "penalties": [product for product in products if product.penalty_bps],
        "least_kobo": settings.TOP_UP_MIN_KOBO,
    }
    return render(request, "landing/home.html", context)


def _example(products: list[Product]) -> tuple[Product, ledger.Preview] | None:
    """Return the result of a monthly payment for a year, in a target plan or else the first that allows a year."""
    fitting = [product for product in products if not product.has_term or _lasts_a_year(product)]
    if not fitting:
        return None
    product = min(fitting, key=lambda one: not one.needs_target)
    today = timezone.localdate()
    ahead = ledger.preview_interest(
        product,
        matures_on=today + datetime.timedelta(days=ledger.DAYS_PER_YEAR) if product.has_term else None,
        first_kobo=EXAMPLE_KOBO,
        monthly_kobo=EXAMPLE_KOBO,
        today=today,
    )
    return product, ahead


def _lasts_a_year(product: Product) -> bool:
    return (product.min_term_days or 0) <= ledger.DAYS_PER_YEAR <= (product.max_term_days or 0)
