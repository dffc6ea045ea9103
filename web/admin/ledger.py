"""The ledger for staff: read-only, searched by reference or email address."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

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
from web.admin import shown
from web.admin.base import ConditionFilter, OfUser, ReadOnlyAdmin, StaffAdmin
from web.admin.offered import WithActions


class TransactionState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    conditions = {
        "review": ("Being checked", lambda rows: rows.filter(status=Transaction.Status.REVIEW)),
        "pending": ("On its way", lambda rows: rows.filter(status=Transaction.Status.PENDING)),
    }


class EntryInline(admin.TabularInline):
    model = Entry
    fields = ("code", "debit_account", "credit_account", "amount", "after_debit", "after_credit", "posted_at")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        return super().get_queryset(request).select_related("debit_account", "credit_account").order_by("id")

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("savings.view_entry")

    @admin.display
    def amount(self, entry: Entry) -> str:
        return money.naira(entry.amount_kobo)

    @admin.display
    def after_debit(self, entry: Entry) -> str:
        return shown.naira(entry.debit_balance_kobo)

    @admin.display
    def after_credit(self, entry: Entry) -> str:
        return shown.naira(entry.credit_balance_kobo)


@admin.register(Transaction)
class TransactionAdmin(WithActions):
    list_display = ("reference", "kind", "amount", "status", "user", "plan", "created_on", "settled_on")
    list_filter = (TransactionState, OfUser)
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
    inlines = (EntryInline,)

    def offers(self, row: Transaction, by: User) -> list[backoffice.Offer]:
        return backoffice.offers_for_transaction(row, by)

    @admin.display
    def amount(self, movement: Transaction) -> str:
        return money.naira(movement.amount_kobo)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "user", "plan", "provider", "balance", "rate_bps")
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
        "accrued_numerator",
        "accrued_to",
        "accrues_until",
    )

    @admin.display
    def balance(self, account: Account) -> str:
        return (
            "calculated from entries" if account.balance_kobo is None else money.naira(account.balance_kobo)
        )


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "transaction", "code", "debit_account", "credit_account", "amount", "posted_at")
    relations = ("transaction", "debit_account", "credit_account")
    finds_by = ("transaction__reference",)
    user_path = ""
    search_help_text = "Full reference"
    fields = (
        "transaction",
        "code",
        "debit_account",
        "credit_account",
        "amount",
        "debit_balance_kobo",
        "credit_balance_kobo",
        "posted_at",
        "value_on",
    )

    @admin.display
    def amount(self, entry: Entry) -> str:
        return money.naira(entry.amount_kobo)


@admin.register(RatePeriod)
class RatePeriodAdmin(ReadOnlyAdmin):
    list_display = ("account", "begins_on", "rate_bps")
    relations = ("account",)
    finds_by = ("email",)
    user_path = "account__user"
    search_help_text = "Full email address"
    fields = ("account", "begins_on", "rate_bps")

    @admin.display
    def begins_on(self, period: RatePeriod) -> datetime.date:
        return datetime.date.fromordinal(period.from_day)


@admin.register(ForfeitedInterest)
class ForfeitedInterestAdmin(ReadOnlyAdmin):
    list_display = ("transaction", "account", "interest", "created_at")
    relations = ("transaction", "account")
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
    relations = ("account", "interest", "tax")
    finds_by = ("interest__reference", "tax__reference", "email")
    user_path = "account__user"
    search_help_text = "Full reference or full email address"
    fields = (
        "account",
        "begins_on",
        "ends_on",
        "numerator",
        "gross",
        "remainder",
        "tax_rate_bps",
        "withheld",
        "tax_remainder",
        "interest",
        "tax",
        "posted_at",
    )

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


@admin.register(TaxRate)
class TaxRateAdmin(StaffAdmin):
    """Rates can be added and not changed: interest was posted at them."""

    list_display = ("from_on", "rate_bps")

    def get_fieldsets(self, request: HttpRequest, obj: TaxRate | None = None) -> Any:
        rate = shown.column(TaxRate, "rate_bps") if obj else "rate_bps"
        return [(None, {"fields": ["from_on", rate]})]

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
