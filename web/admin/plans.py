"""Plans and notices for staff: read-only."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from savings import backoffice, money
from savings.models import Notice, Plan, User
from web.admin import shown
from web.admin.base import ConditionFilter, OfUser, ReadOnlyAdmin
from web.admin.offered import WithActions
from web.pages import badges


class PlanState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    # The newest plans run, so the list by id finds a page of them at once. The others have indexes.
    conditions = {
        "running": ("Running", lambda rows: rows.running(timezone.localdate())),
        "matured": ("Matured", lambda rows: rows.matured(timezone.localdate())),
        "closed": ("Ended", lambda rows: rows.closed()),
        "circles": ("Of circles", lambda rows: rows.filter(membership__isnull=False)),
    }


@admin.register(Plan)
class PlanAdmin(WithActions):
    list_display = ("name", "balance", "user", "product", "state", "rate_bps", "matures_on", "started_on")
    list_filter = (PlanState, OfUser)
    relations = ("user", "product", "account")
    finds_by = ("reference", "email")
    search_help_text = "Full reference or full email address"
    fields = (
        "reference",
        "balance",
        "state",
        "user",
        "product",
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

    head = ("balance", "target", "rate_bps", "matures_on", "state", "user")
    folded = ("product_name", "product_kind", "min_term_days", "max_term_days")

    def offers(self, row: Plan, by: User) -> list[backoffice.Offer]:
        return backoffice.offers_for_plan(row, by)

    @admin.display
    def state(self, plan: Plan) -> SafeString:
        if plan.is_closed:
            return badges.badge("ended", "Ended")
        is_matured = plan.is_matured(timezone.localdate())
        return badges.badge("ended", "Matured") if is_matured else badges.badge("active", "Running")

    @admin.display
    def balance(self, plan: Plan) -> str:
        return money.naira(plan.account.balance_kobo or 0)

    @admin.display
    def target(self, plan: Plan) -> str:
        return shown.naira(plan.target_kobo)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("reference", "user", "plan", "amount", "status", "asked_at", "due_at", "decided_at")
    main_column = "user"
    phone_parts = {"reference": "text", "due_at": "text"}
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
        "moves_on",
        "decided_at",
        "transaction",
    )
    head = ("amount", "status", "moves_on", "user", "plan")

    @admin.display(description="Moves on")
    def moves_on(self, notice: Notice) -> str:
        if notice.decided_at:
            return shown.NONE
        return date_format(timezone.localtime(notice.due_at), "j M, H:i")

    @admin.display
    def amount(self, notice: Notice) -> str:
        return money.naira(notice.amount_kobo)
