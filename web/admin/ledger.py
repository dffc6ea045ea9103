"""The ledger for staff: read-only, searched by reference or email address."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format

from savings import backoffice, ledger, money
from savings.models import (
    Account,
    CoverageDay,
    Entry,
    Transaction,
    User,
)
from savings.models.ledger import TransactionQuerySet
from web.admin import cells, shown
from web.admin.base import ConditionFilter, KeysetList, OfUser, ReadOnlyAdmin
from web.admin.offered import WithActions
from web.messages import lists
from web.pages.backoffice_cases import arrived, booked_by, entries_of, entry_in_words, newest_entries_of
from web.staff_site import staff

# There is one account for each kind, and one for each bank account and provider.
_MOST_OF_HOUSE = 100


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
    # The payout says whether a withdrawal waits for approval.
    relations = ("user", "plan", "reverses", "refunds", "part_of", "payout")
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

    def prepare(self, rows: Sequence[Any]) -> None:
        """Read what the house's money was moved for."""
        ids = [row.pk for row in rows if row.kind == Transaction.Kind.TREASURY]
        entries = Entry.objects.filter(transaction__in=ids).select_related("debit_account", "credit_account")
        purposes = {entry.transaction_id: _purpose(entry) for entry in entries}
        for row in rows:
            row.purpose = purposes.get(row.pk, "")

    @admin.display(ordering="kind")
    def kind(self, movement: Any) -> str:
        return str(movement.purpose or movement.get_kind_display())

    def offers(self, row: Transaction, by: User) -> list[backoffice.Offer]:
        return backoffice.offers_for_transaction(row, by)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: Transaction = context["original"]
        context["facts"] = [*arrived(row), *booked_by(row, staff(request))]
        if staff(request).has_perm("savings.view_entry"):
            context["entries"] = entries_of([row.pk])
            context["entries_url"] = f"{reverse('admin:savings_entry_changelist')}?q={row.reference}"
        return super().render_change_form(request, context, *args, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return cast("TransactionQuerySet", super().get_queryset(request)).with_moved()

    @admin.display
    def amount(self, movement: Any) -> str:
        return money.naira(movement.moved_kobo)


class AccountList(KeysetList):
    """The accounts of the house by kind, on the first page, and those of savers, newest first."""

    def get_results(self, request: HttpRequest) -> None:
        rows = self.queryset
        is_first = not self.query and not {"before", "after"} & set(request.GET)
        if not self.query:
            self.queryset = rows.filter(user__isnull=False)
        super().get_results(request)
        if is_first:
            kinds = list(Account.Kind)
            # Without the order by number, for which a database might read all accounts.
            found = rows.filter(user__isnull=True).order_by()[:_MOST_OF_HOUSE]
            house = sorted(found, key=lambda row: (kinds.index(row.kind), row.provider, row.pk))
            self.model_admin.prepare(house)
            self.result_list = [*house, *self.result_list]
            self.page = dataclasses.replace(self.page, rows=self.result_list)
            self.result_count = self.full_result_count = len(self.result_list)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Accounts. The house's own come first, and have their balances of the last stored day."""

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

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AccountList

    def prepare(self, rows: Sequence[Any]) -> None:
        """Read what the accounts of the house held at the end of the last day: their entries are too many to sum."""
        house = [row for row in rows if row.user_id is None]
        day = CoverageDay.objects.order_by("-day_on").first() if house else None
        stored = ledger.stored_balances(day) if day else {}
        for row in rows:
            row.stored_kobo = stored.get((row.kind, row.provider)) if row.user_id is None else None
            row.stored_on = day.day_on if day and row.stored_kobo is not None else None

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
        """Return the number, with the kind where the name is that of a plan, and the day of a stored balance."""
        if account.plan:
            return str(account)
        return lists.account_number(account.pk, getattr(account, "stored_on", None))

    @admin.display(description="Balance")
    def held(self, account: Account) -> str:
        stored_kobo = getattr(account, "stored_kobo", None)
        return shown.naira(account.balance_kobo if stored_kobo is None else stored_kobo)

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
    list_display = ("code", "transaction", "debited", "credited", "amount", "posted_at", "id")
    phone_parts = {"debited": "side", "credited": "more", "id": "", "transaction": ""}
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
    def debited(self, entry: Entry) -> Account:
        return entry.debit_account

    @admin.display(description="To")
    def credited(self, entry: Entry) -> Account:
        return entry.credit_account

    @admin.display(description="From")
    def taken_from(self, entry: Entry) -> str:
        return entry_in_words(entry).debit

    @admin.display(description="To")
    def given_to(self, entry: Entry) -> str:
        return entry_in_words(entry).credit

    @admin.display
    def amount(self, entry: Entry) -> str:
        return money.naira(entry.amount_kobo)


def _purpose(entry: Entry) -> str:
    """Return what a treasury transaction was posted for: by a person, or for the interest of a month."""
    purpose = ledger.purpose_of(entry)
    return str(purpose.label) if purpose else lists.ACCRUALS.get(entry.debit_account.kind, "")


def _ordinal(day: int | None) -> str:
    """Return a stored day; the last one of the calendar stands for no end."""
    if not day:
        return shown.NONE
    return (
        "No end"
        if day >= datetime.date.max.toordinal()
        else date_format(datetime.date.fromordinal(day), "j M Y")
    )
