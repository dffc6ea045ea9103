"""The stored proofs of the ledger, and the money of each day, for staff: read-only."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from savings.models import LedgerProof, MoneyDay
from web.admin.base import ReadOnlyAdmin
from web.pages import badges


@admin.register(LedgerProof)
class LedgerProofAdmin(ReadOnlyAdmin):
    list_display = ("began_at", "state", "command", "asked_by", "checks", "wrong", "error", "ended_at")
    relations = ("asked_by",)
    user_path = ""
    fields = ("state", "began_at", "ended_at", "command", "asked_by", "wrong", "error", "found")

    @admin.display
    def state(self, proof: LedgerProof) -> SafeString:
        if proof.ended_at is None:
            return badges.badge("running", "Running, or was stopped")
        return badges.badge("right", "Right") if proof.is_right else badges.badge("wrong", "Wrong")

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
    list_display = (
        "day_on",
        "in_kobo",
        "out_kobo",
        "payments_paid",
        "payments_failed",
        "payouts_paid",
        "payouts_failed",
        "counted_at",
    )
    user_path = ""
    fields = list_display
