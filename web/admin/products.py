"""Products for staff: their terms in naira and percent, changed with a preview and a second person."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings import backoffice
from savings.models import Product, ProductChange, ProductRate
from web.admin import shown
from web.admin.base import ReadOnlyAdmin
from web.forms.backoffice_products import ProductTermsForm, RateFormSet, initial_of
from web.messages import admin as admin_words
from web.messages import backoffice as words
from web.messages import lists
from web.pages import products as pages
from web.pages.backoffice_cases import Step
from web.staff_site import render_page, staff, staff_page

_MAY_ASK = "savings.ask_product"


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    """Products. Their terms are changed on a page of their own."""

    change_list_template = "admin/products.html"
    list_display = (
        "name",
        "kind",
        "yearly_rate",
        "term",
        "early_exit",
        "interest_paid",
        "is_offered",
        "change_terms",
    )
    second_lines = {"kind": "name"}
    phone_parts = {"yearly_rate": "sum"}
    user_path = ""
    fields = (*backoffice.TERMS, "rates")
    head = ("rates", "early_exit", "notice_hours", "penalty_bps", "is_offered")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        rows: QuerySet[Product] = super().get_queryset(request).prefetch_related("rates")
        return rows

    @admin.display(description="Rate")
    def yearly_rate(self, product: Product) -> str:
        """Return the lowest and the highest rate, by the term."""
        rates = sorted(rate.rate_bps for rate in product.rates.all())
        return lists.between(*map(shown.percent, (rates[0], rates[-1]))) if rates else shown.NONE

    @admin.display
    def term(self, product: Product) -> str:
        return lists.term(product.min_term_days, product.max_term_days)

    @admin.display
    def rates(self, product: Product) -> str:
        _, rates = backoffice.terms_of(product)
        return shown.steps(rates)

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        names = super().get_list_display(request)
        may_ask = request.user.has_perm(_MAY_ASK)
        return names if may_ask else tuple(name for name in names if name != "change_terms")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if request.user.has_perm(_MAY_ASK):
            url = reverse("admin:product_terms", args=[context["original"].pk])
            context["steps"] = [Step("Change terms", url, "")]
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="New terms")
    def change_terms(self, product: Product) -> SafeString:
        return format_html('<a href="{}">Change terms</a>', reverse("admin:product_terms", args=[product.pk]))


@admin.register(ProductRate)
class ProductRateAdmin(ReadOnlyAdmin):
    list_display = ("product", "term", "rate_bps")
    fields = ("product",)
    head = ("product",)
    relations = ("product",)
    user_path = ""

    def meaning(self, row: ProductRate) -> str:
        return admin_words.product_rate(row.product.name, row.from_days)

    @admin.display(description="From a term of", ordering="from_days")
    def term(self, rate: ProductRate) -> str:
        return lists.term_from(rate.from_days)


@admin.register(ProductChange)
class ProductChangeAdmin(ReadOnlyAdmin):
    """Changes of products that two people agreed on."""

    list_display = ("id", "product", "valid_from", "asked_by", "approved_by", "applied_at", "reason")
    relations = ("product", "asked_by", "approved_by")
    user_path = ""
    fields = (
        "product",
        "valid_from",
        "all_terms",
        "rates_by_term",
        "reason",
        "asked_by",
        "approved_by",
        "approved_at",
        "applied_at",
    )

    @admin.display(description="Terms")
    def all_terms(self, change: ProductChange) -> str:
        return "\n".join(f"{label}: {value}" for label, value in pages.in_words(change.terms))

    @admin.display(description="Rates")
    def rates_by_term(self, change: ProductChange) -> str:
        return shown.steps(change.rates)


@staff_page("products/<int:product_id>/terms/", name="product_terms", permission=_MAY_ASK)
def change_terms(request: HttpRequest, product_id: int) -> HttpResponse:
    """Show what savers would see with new terms of a product, and ask a second person for them."""
    return _terms_page(request, get_object_or_404(Product, pk=product_id))


@staff_page("products/new/", name="product_new", permission=_MAY_ASK)
def new_product(request: HttpRequest) -> HttpResponse:
    """The same for a new product."""
    return _terms_page(request, None)


def _terms_page(request: HttpRequest, product: Product | None) -> HttpResponse:
    initial, rates = initial_of(product)
    data = request.POST if request.method == "POST" else None
    form = ProductTermsForm(data, initial=initial, product=product)
    formset = RateFormSet(data, initial=rates, prefix="rates")
    preview = pages.new_terms(product, *backoffice.terms_of(product)) if product and data is None else None
    if data is not None and form.is_valid() & formset.is_valid():
        with form.refusals():
            preview = _checked(form, formset)
            if "confirm" in data:
                return _confirmed(request, form, preview)
    context: dict[str, Any] = {
        "form": form,
        "formset": formset,
        "product": product,
        "preview": preview,
        # The typed terms, not those of today.
        "is_new": product is None or data is not None,
        "is_alone": backoffice.may_change_alone(),
        "waiting": ProductChange.objects.filter(product=product, applied_at=None) if product else [],
    }
    title = f"Change {product}" if product else "New product"
    is_refused = bool(form.errors) or any(formset.errors) or bool(formset.non_form_errors())
    return render_page(
        request,
        "product_terms.html",
        title=title,
        status=422 if data is not None and is_refused else 200,
        **context,
    )


def _checked(form: ProductTermsForm, formset: Any) -> pages.NewTerms:
    """Return what the new terms come to. Raises Refused as `backoffice.check_terms`."""
    rates = sorted(
        [row["from_days"], row["rate"]] for row in formset.cleaned_data if row.get("from_days") is not None
    )
    backoffice.check_terms(form.product, form.terms, rates)
    return pages.new_terms(form.product, form.terms, rates)


def _confirmed(request: HttpRequest, form: ProductTermsForm, new: pages.NewTerms) -> HttpResponse:
    """Ask for the change, or make it at once in an installation without plans. Raises Refused."""
    by, reason = staff(request), form.cleaned_data["reason"]
    if "valid_from" not in form.fields:
        changed = backoffice.change_alone(form.product, new.terms, new.rates, by=by, reason=reason)
        messages.success(request, words.product_changed(changed.name))
        return HttpResponseRedirect(reverse("admin:savings_product_changelist"))
    values = {
        "product": form.product.pk if form.product else None,
        "terms": new.terms,
        "rates": new.rates,
        "valid_from": form.cleaned_data["valid_from"].isoformat(),
    }
    backoffice.ask("product", values, asked_by=by, reason=reason)
    messages.success(request, words.PRODUCT_ASKED)
    return HttpResponseRedirect(reverse("admin:savings_staffrequest_changelist"))
