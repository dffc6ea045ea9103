"""The stored proofs of the ledger, and the money of each day, for staff: read-only."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from savings import money
from savings.models import LedgerProof, MoneyDay
from web.admin import shown
from web.admin.base import ReadOnlyAdmin
from web.messages import lists
from web.pages import badges


@admin.register(LedgerProof)
class LedgerProofAdmin(ReadOnlyAdmin):
    list_display = ("began_at", "state", "way", "asked_by", "checks", "wrong", "error", "ended_at")
    phone_parts = {"ended_at": ""}
    relations = ("asked_by",)
    user_path = ""
    fields = ("state", "began_at", "ended_at", "command", "asked_by", "wrong", "error", "found")

    @admin.display
    def state(self, proof: LedgerProof) -> SafeString:
        if proof.ended_at is None:
            return badges.badge("running", "Running, or was stopped")
        return badges.badge("right", "Right") if proof.is_right else badges.badge("wrong", "Wrong")

    @admin.display(description="Started by")
    def way(self, proof: LedgerProof) -> str:
        return lists.FROM_PAGE if proof.command == LedgerProof.PAGE else lists.FROM_COMMAND_LINE

    @admin.display
    def checks(self, proof: LedgerProof) -> int:
        return len(proof.results)

    @admin.display(description="Results")
    def found(self, proof: LedgerProof) -> str:
        return "\n".join(
            f"{result['check']}: {'; '.join(result['wrong']) or 'right'} ({result['seconds']} s)"
            for result in proof.results
        )


@admin.register(MoneyDay)
class MoneyDayAdmin(ReadOnlyAdmin):
    list_display = ("day_on", "in_kobo", "out_kobo", "difference", "payments", "payouts")
    user_path = ""
    fields = ("in_kobo", "out_kobo", "difference", "payments", "payouts", "counted_at")
    head = ("in_kobo", "out_kobo", "difference", "payments", "payouts")
    phone_parts = {"out_kobo": "side", "payments": "more", "payouts": "text", "difference": ""}

    @admin.display
    def difference(self, day: MoneyDay) -> str:
        return money.signed(day.in_kobo - day.out_kobo)

    @admin.display
    def payments(self, day: MoneyDay) -> str:
        return lists.ended(day.payments_paid, day.payments_failed) or shown.NONE

    @admin.display(description="Withdrawals")
    def payouts(self, day: MoneyDay) -> str:
        return lists.ended(day.payouts_paid, day.payouts_failed) or shown.NONE
