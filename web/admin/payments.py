"""Payments and the provider's events for staff, with an action to ask the provider again."""

from __future__ import annotations

import datetime
import json
import re

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings import backoffice, money
from savings.models import Dispute, Payment, Refund, Settlement, User, WebhookEvent
from web.admin import shown
from web.admin.base import EVERYWHERE, ConditionFilter, ReadOnlyAdmin
from web.admin.offered import WithActions
from web.messages import admin as words
from web.messages import lists
from web.pages import badges
from web.pages.row_titles import event_in_words
from web.staff_site import staff

# Each request may take as long as the provider's timeout, while the browser waits.
MOST_AT_ONCE = 10
# What charges a card again, together with our key, is for nobody's eyes.
_AUTHORIZATION = re.compile(r'("(?:authorization_code|signature)"\s*:\s*")[^"]*')


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


class EventState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    conditions = {
        "staff": ("Needs staff", lambda rows: rows.filter(needs_staff=True)),
        "waiting": ("Waiting for a worker", lambda rows: rows.filter(due_at__isnull=False)),
    }


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = (
        "event_name",
        "amount",
        "state",
        "reference",
        "received_at",
        "times_received",
        "tries",
        "note",
        "error",
    )
    second_lines = {"note": "event_name"}
    phone_parts = {"reference": "text", "error": "text", "times_received": "", "tries": ""}
    head = ("state", "amount", "subject")
    folded = ("event", "tries", "due_at")
    cards = ("content",)
    list_filter = (EventState,)
    finds_by = ("reference",)
    user_path = ""
    search_help_text = "Full reference"
    fields = (
        "state",
        "amount",
        "subject",
        "reference",
        "received_at",
        "event",
        "provider",
        "times_received",
        "tries",
        "due_at",
        "processed_at",
        "needs_staff",
        "note",
        "error",
        "content",
        "key",
    )

    @admin.display(description="Event")
    def event_name(self, event: WebhookEvent) -> str:
        return event_in_words(event.event)

    @admin.display(description="Outcome")
    def state(self, event: WebhookEvent) -> SafeString:
        if event.due_at is not None:
            return badges.badge("waiting", "Waits for a worker")
        if event.needs_staff:
            return badges.badge("review", "Needs staff")
        return (
            badges.badge("processed", "Processed") if event.processed_at else badges.badge("dead", "Given up")
        )

    @admin.display
    def amount(self, event: WebhookEvent) -> str:
        """Return the amount that the content names, in kobo there."""
        try:
            data = json.loads(event.body)["data"]
            kobo = data.get("amount")
        except (ValueError, TypeError, KeyError, AttributeError):
            return shown.NONE
        is_amount = isinstance(kobo, int) and not isinstance(kobo, bool)
        return money.naira(kobo) if is_amount else shown.NONE

    @admin.display(description="About")
    def subject(self, event: WebhookEvent) -> SafeString | str:
        """Return a link to the payment that the event is about. All who see events see payments."""
        payment = Payment.objects.filter(transaction__reference=event.reference).only("pk").first()
        if payment is None:
            return shown.NONE
        url = reverse("admin:savings_payment_change", args=[payment.pk])
        return format_html('<a href="{}">Payment {}</a>', url, event.reference)

    @admin.display
    def content(self, event: WebhookEvent) -> SafeString:
        try:
            text = json.dumps(json.loads(event.body), indent=2, ensure_ascii=False)
        except ValueError:
            text = event.body
        shown_text = _AUTHORIZATION.sub(r"\1…", text)
        return format_html(
            "<details><summary>{}</summary><pre>{}</pre></details>", words.EVENT_CONTENT, shown_text
        )


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
        "provider_id",
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

    @admin.display(description="Saver")
    def user(self, dispute: Dispute) -> User | None:
        return dispute.payment.transaction.user

    @admin.display(description="The provider says")
    def said(self, dispute: Dispute) -> SafeString:
        return badges.of_words(dispute.status)
