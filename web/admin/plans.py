"""Products and plans for staff: products with their rates are edited here, plans belong to their owners."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from savings import money
from savings.models import Plan, Product, ProductRate
from web.admin.base import ReadOnlyAdmin, StaffAdmin


class RateInline(admin.TabularInline):
    model = ProductRate
    extra = 1


@admin.register(Product)
class ProductAdmin(StaffAdmin):
    """Changes hold for plans that start from now on: a plan keeps the terms it started on."""

    list_display = (
        "name",
        "kind",
        "early_exit",
        "interest_paid",
        "min_term_days",
        "max_term_days",
        "is_offered",
    )
    user_path = ""
    inlines = (RateInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # One that is offered no more is still what its plans were opened from.
        return False


@admin.register(ProductRate)
class ProductRateAdmin(ReadOnlyAdmin):
    list_display = ("product", "from_days", "rate_bps")
    relations = ("product",)


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "product", "balance", "rate_bps", "started_on", "matures_on", "closed_at")
    relations = ("user", "product", "account")
    finds_by = ("reference", "email")
    search_help_text = "A whole reference or a whole e-mail address"
    fields = (
        "reference",
        "name",
        "user",
        "product",
        "balance",
        "target",
        "rate_bps",
        "early_exit",
        "penalty_bps",
        "notice_hours",
        "interest_paid",
        "at_maturity",
        "started_on",
        "matures_on",
        "created_at",
        "closed_at",
    )

    @admin.display
    def balance(self, plan: Plan) -> str:
        return money.naira(plan.account.balance_kobo or 0)

    @admin.display(empty_value="")
    def target(self, plan: Plan) -> str | None:
        return None if plan.target_kobo is None else money.naira(plan.target_kobo)
