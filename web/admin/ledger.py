"""The ledger for staff: read-only, searched by reference or email address."""

from __future__ import annotations

import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from savings import backoffice, money
from savings.models import (
    Account,
    Entry,
    ForfeitedInterest,
    InterestPosting,
    RatePeriod,
    TaxRate,
    Transaction,
    User,
)
from web.admin import cells, row_pages, shown
from web.admin.base import ConditionFilter, OfUser, ReadOnlyAdmin, StaffAdmin
from web.admin.offered import WithActions
from web.forms.backoffice_products import PercentField
from web.messages import admin as words
from web.messages import lists
from web.pages.backoffice_cases import entries_of, entry_in_words, newest_entries_of
from web.staff_site import staff


class TransactionState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    conditions = {
        "review": ("Being checked", lambda rows: rows.filter(status=Transaction.Status.REVIEW)),
        "pending": ("On its way", lambda rows: rows.filter(status=Transaction.Status.PENDING)),
    }


@admin.register(Transaction)
class TransactionAdmin(WithActions):
    list_display = ("reference", "kind", "amount", "status", "user", "plan", "created_on")
    list_filter = (TransactionState, OfUser)
    second_lines = {"plan": "kind"}
    relations = ("user", "plan", "reverses")
    finds_by = ("reference", "email")
    search_help_text = "Full reference or full email address"
    fields = (
        "amount",
        "status",
        "kind",
        "user",
        "plan",
        "reference",
        "created_on",
        "settled_on",
        "failure_code",
        "reverses",
        "refunds",
        "part_of",
    )
    main_column = "kind"

    def offers(self, row: Transaction, by: User) -> list[backoffice.Offer]:
        return backoffice.offers_for_transaction(row, by)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: Transaction = context["original"]
        if staff(request).has_perm("savings.view_entry"):
            context["entries"] = entries_of([row.pk])
            context["entries_url"] = f"{reverse('admin:savings_entry_changelist')}?q={row.reference}"
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display
    def amount(self, movement: Transaction) -> str:
        return money.naira(movement.amount_kobo)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("account", "number", "user", "held", "rate_bps")
    second_lines = {"number": "account"}
    relations = ("user", "plan")
    finds_by = ("id", "email")
    search_help_text = "Number of an account, or full email address"
    fields = (
        "kind",
        "user",
        "plan",
        "provider",
        "balance",
        "rate_bps",
        "not_posted",
        "counted_to",
        "earns_until",
    )

    head = ("balance", "rate_bps", "user", "plan")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: Account = context["original"]
        if staff(request).has_perm("savings.view_entry"):
            context["entries"] = newest_entries_of(row)
            context["entries_title"] = "The last ten entries"
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display
    def account(self, account: Account) -> str:
        return cells.account_name(account)

    @admin.display
    def number(self, account: Account) -> str:
        """Return the number, with the kind where the name is that of a plan."""
        return str(account) if account.plan else lists.account_number(account.pk)

    @admin.display(description="Balance")
    def held(self, account: Account) -> str:
        # That of an account of the house is the sum of its entries.
        return shown.naira(account.balance_kobo)

    @admin.display(description="Interest counted, not posted")
    def not_posted(self, account: Account) -> str:
        return money.interest_for_reading(account.accrued_numerator)

    @admin.display(description="Interest counted up to")
    def counted_to(self, account: Account) -> str:
        return _ordinal(account.accrued_to)

    @admin.display(description="Earns interest until")
    def earns_until(self, account: Account) -> str:
        return _ordinal(account.accrues_until)

    @admin.display
    def balance(self, account: Account) -> str:
        return (
            "calculated from entries" if account.balance_kobo is None else money.naira(account.balance_kobo)
        )


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "transaction", "code", "debit_account", "credit_account", "amount", "posted_at")
    main_column = "code"
    phone_parts = {"debit_account": "side", "credit_account": "more", "id": "state"}
    relations = (
        "transaction",
        "debit_account__plan",
        "debit_account__user",
        "credit_account__plan",
        "credit_account__user",
    )
    finds_by = ("transaction__reference",)
    user_path = ""
    search_help_text = "Full reference"
    fields = (
        "amount",
        "taken_from",
        "given_to",
        "transaction",
        "code",
        "debit_account",
        "credit_account",
        "debit_balance_kobo",
        "credit_balance_kobo",
        "posted_at",
        "value_on",
    )

    head = ("amount", "taken_from", "given_to")

    @admin.display(description="From")
    def taken_from(self, entry: Entry) -> str:
        return entry_in_words(entry).debit

    @admin.display(description="To")
    def given_to(self, entry: Entry) -> str:
        return entry_in_words(entry).credit

    @admin.display
    def amount(self, entry: Entry) -> str:
        return money.naira(entry.amount_kobo)


def _ordinal(day: int | None) -> str:
    """Return a stored day; the last one of the calendar stands for no end."""
    if not day:
        return shown.NONE
    return (
        "No end"
        if day >= datetime.date.max.toordinal()
        else date_format(datetime.date.fromordinal(day), "j M Y")
    )


@admin.register(RatePeriod)
class RatePeriodAdmin(ReadOnlyAdmin):
    list_display = ("account", "begins_on", "rate_bps")
    relations = ("account__user", "account__plan")
    finds_by = ("email",)
    user_path = "account__user"
    search_help_text = "Full email address"
    fields = ("rate_bps", "begins_on", "saver", "plan", "account")
    head = ("rate_bps", "begins_on", "saver", "plan")

    @admin.display(description="Person")
    def saver(self, period: RatePeriod) -> str:
        return str(period.account.user or shown.NONE)

    @admin.display
    def plan(self, period: RatePeriod) -> str:
        return row_pages.linked(period.account.plan)

    @admin.display
    def begins_on(self, period: RatePeriod) -> datetime.date:
        return datetime.date.fromordinal(period.from_day)


@admin.register(ForfeitedInterest)
class ForfeitedInterestAdmin(ReadOnlyAdmin):
    list_display = ("transaction", "account", "interest", "created_at")
    relations = ("transaction", "account__user", "account__plan")
    finds_by = ("transaction__reference", "email")
    user_path = "account__user"
    search_help_text = "Full reference or full email address"
    fields = ("transaction", "account", "interest", "numerator", "created_at")

    @admin.display
    def interest(self, row: ForfeitedInterest) -> str:
        return money.naira(money.interest(row.numerator))


@admin.register(InterestPosting)
class InterestPostingAdmin(ReadOnlyAdmin):
    list_display = ("account", "begins_on", "ends_on", "gross", "withheld", "posted_at")
    relations = ("account__user", "account__plan", "interest", "tax")
    finds_by = ("interest__reference", "tax__reference", "email")
    user_path = "account__user"
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

    @admin.display(description="Person")
    def saver(self, posting: InterestPosting) -> str:
        return str(posting.account.user or shown.NONE)

    @admin.display
    def plan(self, posting: InterestPosting) -> str:
        return row_pages.linked(posting.account.plan)

    @admin.display
    def interest_posted_as(self, posting: InterestPosting) -> str:
        return row_pages.linked(posting.interest)

    @admin.display
    def tax_posted_as(self, posting: InterestPosting) -> str:
        return row_pages.linked(posting.tax)

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
            context |= row_pages.page_of(row, context["adminform"], ("rate_bps", "from_on"))
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
