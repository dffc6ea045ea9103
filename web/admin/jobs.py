"""The jobs of the timetable for staff: the latest run of each, its failures, and an alarm for those that are late."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from savings import jobs
from savings.models import BalanceDay, JobRun
from web.admin import shown
from web.admin.base import ReadOnlyAdmin


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    list_display = ("job", "state", "started_at", "took", "rows_done", "runs", "failures", "failed_at")
    finds_by = ("job",)
    search_help_text = "Full name of a job"
    user_path = ""
    fields = (
        "job",
        "state",
        "started_at",
        "ended_at",
        "took",
        "rows_done",
        "runs",
        "failures",
        "failed_at",
        "error",
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        late, new = jobs.late_and_new(timezone.now())
        if late:
            said = f"Late: {', '.join(late)}. Each has missed three of its runs. Check that the worker is running."
            self.message_user(request, said, messages.ERROR)
        if new:
            self.message_user(request, f"Not run yet: {', '.join(new)}.", messages.WARNING)
        return super().changelist_view(request, extra_context)

    @admin.display
    def state(self, run: JobRun) -> str:
        job = jobs.TIMETABLE.get(run.job)
        if job is None and run.job not in jobs.BY_HAND:
            return "Not in the timetable any more"
        if job is not None and job.is_late(run, timezone.now()):
            return "Late"
        if run.ended_at is None:
            return "Running, or was killed"
        return "Failed" if run.has_failed else "Well"

    @admin.display
    def took(self, run: JobRun) -> str:
        return f"{run.duration_ms / 1000:,.2f} s" if run.ended_at else shown.NONE


@admin.register(BalanceDay)
class BalanceDayAdmin(ReadOnlyAdmin):
    list_display = ("day_on", "what", "accounts", "balance_kobo")
    relations = ("product",)
    user_path = ""
    fields = list_display

    @admin.display
    def what(self, row: BalanceDay) -> str:
        return f"Plans: {row.product}" if row.product else "Stashes"
