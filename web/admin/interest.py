"""Interest for staff: rates of plans, what was posted and given up, and the rates of the tax."""

from __future__ import annotations

import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from savings import money
from savings.models import ForfeitedInterest, InterestPosting, Plan, RatePeriod, TaxRate, Transaction, User
from web.admin import cells, row_pages, shown
from web.admin.base import ReadOnlyAdmin, StaffAdmin
from web.forms.backoffice_products import PercentField
from web.messages import admin as words


class OfAccount(ReadOnlyAdmin):
    """Rows about the account of a plan or stash."""

    user_path = "account__user"

    @admin.display(description="Plan")
    def about(self, row: Any) -> str:
        """Return the name of the plan, or what else the account holds."""
        return cells.account_name(row.account)

    @admin.display(description="Saver")
    def saver(self, row: Any) -> User | None:
        user: User | None = row.account.user
        return user


@admin.register(RatePeriod)
class RatePeriodAdmin(OfAccount):
    list_display = ("about", "saver", "begins_on", "rate_bps")
    relations = ("account__user", "account__plan")
    finds_by = ("email",)
    search_help_text = "Full email address"
    fields = ("saver", "earns")
    head = ("saver", "earns")

    @admin.display(description="For")
    def earns(self, period: RatePeriod) -> object:
        return period.account.plan or period.account

    def meaning(self, row: RatePeriod) -> str:
        return words.RATE_OF_PLAN if row.account.plan_id else words.RATE_OF_STASH

    @admin.display
    def begins_on(self, period: RatePeriod) -> datetime.date:
        return datetime.date.fromordinal(period.from_day)


@admin.register(ForfeitedInterest)
class ForfeitedInterestAdmin(OfAccount):
    list_display = ("about", "saver", "interest", "transaction", "created_at")
    relations = ("transaction", "account__user", "account__plan")
    finds_by = ("transaction__reference", "email")
    search_help_text = "Full reference or full email address"
    fields = ("transaction", "account", "interest", "numerator", "created_at")

    @admin.display
    def interest(self, row: ForfeitedInterest) -> str:
        return money.naira(money.interest(row.numerator))


@admin.register(InterestPosting)
class InterestPostingAdmin(OfAccount):
    list_display = ("about", "saver", "gross", "withheld", "begins_on", "ends_on", "posted_at")
    phone_parts = {"posted_at": "when", "withheld": "more"}
    relations = ("account__user", "account__plan", "interest", "tax")
    finds_by = ("interest__reference", "tax__reference", "email")
    search_help_text = "Full reference or full email address"
    fields = (
        "gross",
        "withheld",
        "net",
        "saver",
        "plan",
        "account",
        "begins_on",
        "ends_on",
        "tax_rate_bps",
        "interest_posted_as",
        "tax_posted_as",
        "posted_at",
        "numerator",
        "remainder",
        "tax_remainder",
    )
    head = ("gross", "withheld", "net", "saver")

    @admin.display
    def net(self, posting: InterestPosting) -> str:
        return money.naira(posting.gross_kobo - posting.tax_kobo)

    @admin.display
    def plan(self, posting: InterestPosting) -> Plan | None:
        return posting.account.plan

    @admin.display
    def interest_posted_as(self, posting: InterestPosting) -> Transaction | None:
        return posting.interest

    @admin.display
    def tax_posted_as(self, posting: InterestPosting) -> Transaction | None:
        return posting.tax

    @admin.display
    def begins_on(self, posting: InterestPosting) -> datetime.date:
        return datetime.date.fromordinal(posting.period_start)

    @admin.display(description="ends before")
    def ends_on(self, posting: InterestPosting) -> datetime.date:
        return datetime.date.fromordinal(posting.period_end)

    @admin.display
    def gross(self, posting: InterestPosting) -> str:
        return money.naira(posting.gross_kobo)

    @admin.display(description="tax")
    def withheld(self, posting: InterestPosting) -> str:
        return money.naira(posting.tax_kobo)


class TaxRateForm(forms.ModelForm):
    """A new rate in percent, for the interest that is posted from a later day on."""

    from_on = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Interest that is posted before this day keeps the rate of before.",
    )
    rate_bps = PercentField(label="Rate", help_text="Of the interest, such as 10 or 7.5.")


@admin.register(TaxRate)
class TaxRateAdmin(StaffAdmin):
    """Rates can be added and not changed: interest was posted at them."""

    list_display = ("from_on", "rate_bps")
    form = TaxRateForm

    def get_fieldsets(self, request: HttpRequest, obj: TaxRate | None = None) -> Any:
        rate = shown.column(TaxRate, "rate_bps") if obj else "rate_bps"
        return [(None, {"fields": ["from_on", rate]})]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context["original"]
        if row is not None:
            # Its title has both fields.
            context |= row_pages.page_of(row, context["adminform"], ()) | {"details": []}
            context["meaning"] = words.tax_of(money.percent(row.rate_bps), row.from_on)
        elif today := TaxRate.objects.filter(from_on__lte=timezone.localdate()).order_by("-from_on").first():
            context["lead"] = words.tax_today(money.percent(today.rate_bps), today.from_on)
        response = super().render_change_form(request, context, *args, **kwargs)
        if row is not None:
            cast("TemplateResponse", response).template_name = "admin/row.html"
        return response

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
