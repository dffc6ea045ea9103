"""Products, plans and notices for staff: products and their rates can be edited; the others are read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest

from savings import money, plans
from savings.models import Notice, Plan, Product, ProductRate
from savings.models.plans import EarlyExit, InterestPaid
from web.admin import shown
from web.admin.base import ReadOnlyAdmin, StaffAdmin
from web.forms.fields import MoneyField


class RateFormSet(BaseInlineFormSet):
    """Refuses to offer a product without a rate for its shortest term, because no plan could start from it."""

    def clean(self) -> None:
        super().clean()
        shortest_days = self.instance.min_term_days or 0
        gone = [
            form.instance.pk
            for form in self.initial_forms
            if form in self.deleted_forms or form.has_changed()
        ]
        kept = [form.cleaned_data for form in self.forms if form not in self.deleted_forms]
        steps = [rate["from_days"] for rate in kept if {"from_days", "rate_bps"} <= rate.keys()]
        # Rates that the form did not contain stay unchanged.
        steps += (
            ProductRate.objects.filter(product_id=self.instance.pk)
            .exclude(pk__in=gone)
            .values_list("from_days", flat=True)
        )
        has_rate = any(from_days <= shortest_days for from_days in steps)
        if self.instance.is_offered and not has_rate and not any(self.errors):
            raise ValidationError(
                f"Keep a rate for terms from {shortest_days} days or less, or untick “Is offered”."
                " Without such a rate no plan can start."
            )


class RateInline(admin.TabularInline):
    model = ProductRate
    formset = RateFormSet
    extra = 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        labels = {"from_days": "From how many days", "rate_bps": "Rate in basis points (850 is 8.5%)"}
        return super().get_formset(request, obj, labels=labels, **kwargs)


class ProductForm(ModelForm):
    """A product, with its minimum goal entered in naira."""

    min_target_kobo = MoneyField(label="Smallest goal")

    def clean(self) -> dict[str, Any]:
        """Say beside the field what the constraint `product_forfeits_at_maturity` would refuse."""
        values = super().clean() or self.cleaned_data
        forfeits = values.get("early_exit") == EarlyExit.FORFEIT
        if forfeits and values.get("interest_paid") == InterestPaid.MONTHLY:
            self.add_error(
                "interest_paid",
                "Choose “At maturity”. An early exit never takes back interest that was already posted.",
            )
        return values


@admin.register(Product)
class ProductAdmin(StaffAdmin):
    """Products. A change applies to new plans only: a plan copies its terms when it starts."""

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
    form = ProductForm
    inlines = (RateInline,)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001
        texts = {
            "early_exit": "“Without the interest on that amount” needs interest at maturity: posted interest stays.",
            "interest_paid": "“Monthly” posts on the 1st and at maturity. Running plans keep their own setting.",
            "penalty_bps": "In basis points of the amount taken out (100 is 1%).",
        }
        labels = {
            "min_term_days": "Shortest term in days",
            "max_term_days": "Longest term in days",
            "penalty_bps": "Penalty",
            "notice_hours": "Notice in hours",
        }
        return super().get_form(request, obj, change=change, **kwargs, help_texts=texts, labels=labels)

    def save_model(self, request: HttpRequest, obj: Product, form: ModelForm, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if "name" in form.changed_data and change:
            plans.copy_product_name(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A product that is no longer offered is still referenced by the plans opened from it.
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
    search_help_text = "Full reference or full email address"
    fields = (
        "reference",
        "name",
        "user",
        "product",
        "balance",
        "target",
        "product_name",
        "product_kind",
        "min_term_days",
        "max_term_days",
        "rate_bps",
        "early_exit",
        "penalty_bps",
        "notice_hours",
        "interest_paid",
        "at_maturity",
        "interest_to",
        "earns_interest",
        "started_on",
        "matures_on",
        "created_at",
        "closed_at",
    )

    @admin.display
    def balance(self, plan: Plan) -> str:
        return money.naira(plan.account.balance_kobo or 0)

    @admin.display
    def target(self, plan: Plan) -> str:
        return shown.naira(plan.target_kobo)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("reference", "user", "plan", "amount", "status", "asked_at", "due_at", "decided_at")
    relations = ("user", "plan", "transaction")
    finds_by = ("reference", "email")
    search_help_text = "Full reference or full email address"
    fields = (
        "reference",
        "user",
        "plan",
        "amount",
        "status",
        "asked_at",
        "due_at",
        "decided_at",
        "transaction",
    )

    @admin.display
    def amount(self, notice: Notice) -> str:
        return money.naira(notice.amount_kobo)
