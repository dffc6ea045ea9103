"""The balances at the end of each day for staff: a row for each day, with a column for each product."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from savings import money
from savings.models import BalanceDay, Product
from web import keyset
from web.admin import shown
from web.admin.base import ReadOnlyAdmin
from web.messages import lists


@admin.register(BalanceDay)
class BalanceDayAdmin(ReadOnlyAdmin):
    """Days. Each has one row for the stashes, always, and one for each product whose plans held money."""

    list_display = ("day_on", "total", "stashes")
    user_path = ""
    change_form_template = "admin/balance_day.html"
    fields = ("total",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BalanceDay]:
        rows: QuerySet[BalanceDay] = super().get_queryset(request).filter(product=None)
        return rows

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> BalanceDay | None:
        """Return the day of a row, also of the row of a product."""
        if not keyset.is_id(object_id):
            return None
        same = BalanceDay.objects.filter(pk=object_id).values("day_on")
        return self.get_queryset(request).filter(day_on__in=same).first()

    def prepare(self, rows: Sequence[Any]) -> None:
        """Read the balances of the products on the days."""
        parts: defaultdict[Any, dict[int, BalanceDay]] = defaultdict(dict)
        days = [row.day_on for row in rows]
        for part in BalanceDay.objects.filter(day_on__in=days, product__isnull=False):
            parts[part.day_on][part.product_id or 0] = part
        for row in rows:
            row.parts = parts[row.day_on]

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*super().get_list_display(request), *map(_column, _products()))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = cast("TemplateResponse", super().render_change_form(request, context, *args, **kwargs))
        row = context["original"]
        held = [(product.name, row.parts[product.pk]) for product in _products() if product.pk in row.parts]
        response.context_data = {**(response.context_data or {}), "parts": [(lists.STASHES, row), *held]}
        return response

    @admin.display(description="All")
    def total(self, row: Any) -> str:
        return money.naira(row.balance_kobo + sum(part.balance_kobo for part in row.parts.values()))

    @admin.display(description=lists.STASHES)
    def stashes(self, row: BalanceDay) -> str:
        return money.naira(row.balance_kobo)


def _products() -> QuerySet[Product]:
    return Product.objects.order_by("position", "pk")


def _column(product: Product) -> Callable[[Any], str]:
    @admin.display(description=product.name)
    def held(row: Any) -> str:
        part = row.parts.get(product.pk)
        return shown.naira(part.balance_kobo if part else None)

    # Django derives a CSS class from it.
    held.__name__ = f"product_{product.pk}"
    return held
