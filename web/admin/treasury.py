"""Coverage, closed months and manual postings for staff: read-only, with an alarm when coverage is below 100%."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse

from savings import money
from savings.models import ClosedMonth, CoverageDay, ManualPosting
from web.admin import shown
from web.admin.base import ReadOnlyAdmin


def _share(day: CoverageDay) -> str:
    return shown.percent_in_column(day.covered_bps)


@admin.register(CoverageDay)
class CoverageDayAdmin(ReadOnlyAdmin):
    list_display = ("day_on", "covered", "held_kobo", "owed_kobo", "surplus")
    phone_parts = {"covered": "sum", "held_kobo": "side", "owed_kobo": "more", "surplus": ""}
    user_path = ""
    change_form_template = "admin/coverage_day.html"
    fields = ("covered", "held_kobo", "owed_kobo", "surplus", "day_on", "as_of")
    head = ("covered", "held_kobo", "owed_kobo", "surplus")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        newest = CoverageDay.objects.order_by("-day_on").first()
        if newest is not None and newest.held_kobo < newest.owed_kobo:
            missing = money.naira(newest.owed_kobo - newest.held_kobo)
            self.message_user(
                request, f"Coverage of {newest} is {_share(newest)}: {missing} is missing.", messages.ERROR
            )
        return super().changelist_view(request, extra_context)

    @admin.display
    def covered(self, day: CoverageDay) -> str:
        return _share(day)

    @admin.display(description="Held beyond what is owed")
    def surplus(self, day: CoverageDay) -> str:
        return money.naira(day.held_kobo - day.owed_kobo)


@admin.register(ClosedMonth)
class ClosedMonthAdmin(ReadOnlyAdmin):
    list_display = ("month_on", "closed_at", "last_entry_id", "digest")
    user_path = ""
    fields = ("month_on", "ends_at", "closed_at", "last_entry_id", "sums", "digest")

    @admin.display
    def sums(self, month: ClosedMonth) -> str:
        return "\n".join(
            f"{key}: opening {money.naira(opening)}, debits {money.naira(debits)}, credits {money.naira(credited)},"
            f" closing {money.naira(closing)}"
            for key, opening, debits, credited, closing in month.lines
        )


@admin.register(ManualPosting)
class ManualPostingAdmin(ReadOnlyAdmin):
    list_display = ("transaction", "amount", "reason", "asked_by", "approved_by", "document", "posted_at")
    main_column = "reason"
    phone_parts = {"approved_by": "text"}
    relations = ("transaction", "asked_by", "approved_by")
    finds_by = ("transaction__reference",)
    user_path = ""
    search_help_text = "Full reference"
    fields = (
        "transaction",
        "amount",
        "asked_by",
        "approved_by",
        "reason",
        "document",
        "period_on",
        "posted_at",
    )

    @admin.display
    def amount(self, posting: ManualPosting) -> str:
        return money.naira(posting.transaction.amount_kobo)
