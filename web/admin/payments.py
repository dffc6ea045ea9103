"""Payments, settlements, refunds and disputes for staff, with an action to ask the provider again."""

from __future__ import annotations

import datetime

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from savings import backoffice, money
from savings.models import Dispute, Payment, Refund, Settlement, User
from web.admin import shown
from web.admin.base import EVERYWHERE, ConditionFilter, ReadOnlyAdmin
from web.admin.offered import WithActions
from web.messages import lists
from web.pages import badges
from web.staff_site import staff

# Each request may take as long as the provider's timeout, while the browser waits.
MOST_AT_ONCE = 10


class PaymentState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    conditions = {
        "asked": ("Not answered yet", lambda rows: rows.filter(next_poll_at__isnull=False)),
        "review": ("Being checked", lambda rows: rows.filter(transaction__status="review")),
    }


@admin.register(Payment)
class PaymentAdmin(WithActions):
    list_display = (
        "reference",
        "user",
        "asked_for",
        "paid",
        "status",
        "review_reason",
        "created_on",
    )
    main_column = "user"
    second_lines = {"review_reason": "status"}
    # What arrived stands in the list of a wider screen, and on the payment's page.
    phone_parts = {"paid": "", "reference": "side"}
    list_filter = (PaymentState,)
    relations = ("transaction__user", "meant_for", "saved_card")
    finds_by = ("transaction__reference", "email")
    user_path = "transaction__user"
    search_help_text = "Full reference or full email address"
    fields = (
        "asked_for",
        "paid",
        "status",
        "review_reason",
        "user",
        "transaction",
        "created_on",
        "fee",
        "currency",
        "channel",
        "card",
        "card_country",
        "saved_card",
        "mandate",
        "mandate_device",
        "provider",
        "provider_id",
        "paid_at",
        "provider_status",
        "provider_message",
        "foreign_reference",
        "meant_for",
        "sent_at",
        "polls",
        "next_poll_at",
    )
    actions = ("ask_again",)

    def offers(self, row: Payment, by: User) -> list[backoffice.Offer]:
        return backoffice.offers_for_transaction(row.transaction, by, payment=row)

    @admin.display
    def reference(self, payment: Payment) -> str:
        return payment.transaction.reference

    @admin.display(description="Saver")
    def user(self, payment: Payment) -> User | str:
        return payment.transaction.user or lists.UNKNOWN_PAYER

    @admin.display(description="State")
    def status(self, payment: Payment) -> SafeString:
        return badges.state_of(payment.transaction, "status")

    @admin.display(description="Begun")
    def created_on(self, payment: Payment) -> datetime.datetime:
        return payment.transaction.created_on

    @admin.display(description="Requested")
    def asked_for(self, payment: Payment) -> str:
        return money.naira(payment.transaction.amount_kobo)

    @admin.display
    def paid(self, payment: Payment) -> str:
        return shown.naira(payment.paid_kobo)

    @admin.display
    def fee(self, payment: Payment) -> str:
        return shown.naira(payment.fee_kobo)

    def has_ask_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("savings.change_payment")

    @admin.action(description="Ask the provider again", permissions=["ask"], location=EVERYWHERE)
    def ask_again(self, request: HttpRequest, chosen: QuerySet[Payment]) -> None:
        rows = list(chosen[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            self.message_user(request, f"Choose at most {MOST_AT_ONCE} payments.", messages.ERROR)
            return
        self.do_to_each(
            request, rows, lambda payment: backoffice.ask_about_payment(payment, by=staff(request))
        )

    def fits(self, row: Payment, action: str) -> bool:
        return row.next_poll_at is not None

    def name_in_messages(self, row: Payment) -> str:
        return row.transaction.reference


@admin.register(Settlement)
class SettlementAdmin(ReadOnlyAdmin):
    list_display = (
        "provider_id",
        "settled_on",
        "gross_kobo",
        "fees_kobo",
        "deductions_kobo",
        "net",
        "transaction",
    )
    phone_parts = {"net": "sum", "gross_kobo": "side", "fees_kobo": "more"}
    relations = ("transaction",)
    finds_by = ("transaction__reference",)
    user_path = ""
    search_help_text = "Full reference"
    fields = (
        "provider",
        "provider_id",
        "settled_on",
        "gross_kobo",
        "fees_kobo",
        "deductions_kobo",
        "net",
        "transaction",
    )
    head = ("gross_kobo", "fees_kobo", "deductions_kobo", "net")

    @admin.display
    def net(self, settlement: Settlement) -> str:
        return money.naira(settlement.net_kobo)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("transaction", "amount", "user", "state", "said", "created_on", "payment")
    second_lines = {"said": "state"}
    main_column = "user"
    relations = ("transaction__user", "payment__transaction")
    finds_by = ("transaction__reference", "email")
    user_path = "transaction__user"
    search_help_text = "Full reference or full email address"
    fields = (
        "amount",
        "state",
        "user",
        "said",
        "transaction",
        "payment",
        "provider",
        "provider_id",
        "sent_at",
        "next_poll_at",
    )

    @admin.display
    def amount(self, refund: Refund) -> str:
        return money.naira(refund.transaction.amount_kobo)

    @admin.display
    def state(self, refund: Refund) -> SafeString:
        return badges.state_of(refund.transaction, "status")

    @admin.display(description="Saver")
    def user(self, refund: Refund) -> User | None:
        return refund.transaction.user

    @admin.display(description="The provider says")
    def said(self, refund: Refund) -> SafeString:
        return badges.of_words(refund.provider_status)

    @admin.display(description="Begun")
    def created_on(self, refund: Refund) -> datetime.datetime:
        return refund.transaction.created_on


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = (
        "number",
        "amount_kobo",
        "user",
        "said",
        "payment",
        "opened_at",
        "due_at",
        "resolved_at",
    )
    relations = ("payment__transaction__user",)
    main_column = "user"
    phone_parts = {"due_at": "text"}
    finds_by = ("payment__transaction__reference", "email")
    user_path = "payment__transaction__user"
    search_help_text = "Full reference or full email address"
    fields = (
        "amount_kobo",
        "user",
        "said",
        "payment",
        "provider",
        "provider_id",
        "opened_at",
        "due_at",
        "resolved_at",
    )

    @admin.display(description="Number")
    def number(self, dispute: Dispute) -> int:
        """Return the number at the provider."""
        return dispute.provider_id

    @admin.display(description="Saver")
    def user(self, dispute: Dispute) -> User | None:
        return dispute.payment.transaction.user

    @admin.display(description="The provider says")
    def said(self, dispute: Dispute) -> SafeString:
        return badges.of_words(dispute.status)
