"""The jobs of the timetable for staff: the latest run of each, its failures, and an alarm for those that are late."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from savings import jobs
from savings.models import JobRun
from web.admin import cells, shown
from web.admin.base import KeysetList, ReadOnlyAdmin
from web.messages import admin as words
from web.pages import badges
from web.pages.row_titles import job_in_words, jobs_in_words


class JobList(KeysetList):
    """The jobs, which fit on one page: those that need somebody first, then by name."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = sorted(self.result_list, key=lambda run: (_rank(run), job_in_words(run.job)))


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    change_list_template = "admin/jobs.html"
    list_display = (
        "name",
        "state",
        "started_at",
        "next_run",
        "took",
        "rows_done",
        "failures",
        "failed_at",
    )
    phone_parts = {"next_run": "text", "failures": "more"}
    finds_by = ("job",)
    search_help_text = "Full name of a job"
    user_path = ""
    head = ("state", "started_at", "next_run")
    fields = (
        "purpose",
        "state",
        "why_late",
        "started_at",
        "next_run",
        "ended_at",
        "took",
        "rows_done",
        "runs",
        "failures",
        "failed_at",
        "error",
        "job",
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        late, new = jobs.late_and_new(JobRun.objects.all(), timezone.now())
        said = {"late": words.jobs_late(len(late)), "new": jobs_in_words(new)}
        return super().changelist_view(request, {**(extra_context or {}), **said})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return JobList

    @admin.display(description="Job")
    def name(self, run: JobRun) -> SafeString:
        return cells.two_lines(job_in_words(run.job), _purpose(run))

    @admin.display
    def state(self, run: JobRun) -> SafeString:
        return badges.badge(*_state(run))

    @admin.display(description="Next run")
    def next_run(self, run: JobRun) -> str:
        job = jobs.TIMETABLE.get(run.job)
        return (
            date_format(timezone.localtime(job.next_due(timezone.now())), "j M Y, H:i") if job else shown.NONE
        )

    @admin.display(description="What it does")
    def purpose(self, run: JobRun) -> str:
        return _purpose(run) or shown.NONE

    @admin.display(description="Why late")
    def why_late(self, run: JobRun) -> str:
        job = jobs.TIMETABLE.get(run.job)
        return words.JOB_LATE if job is not None and job.is_late(run, timezone.now()) else shown.NONE

    @admin.display
    def took(self, run: JobRun) -> str:
        return f"{run.duration_ms / 1000:,.2f} s" if run.ended_at else shown.NONE


def _purpose(run: JobRun) -> str:
    """Return what a job does; nothing for one that is not in the timetable."""
    job = jobs.TIMETABLE.get(run.job)
    return job.purpose if job else ""


def _state(run: JobRun) -> tuple[str, str]:
    job = jobs.TIMETABLE.get(run.job)
    if job is None and run.job not in jobs.BY_HAND:
        return "ended", "Not in the timetable any more"
    if job is not None and job.is_late(run, timezone.now()):
        return "late", "Late"
    if run.ended_at is None:
        return "running", "Running, or was killed"
    return ("failed", "Failed") if run.has_failed else ("well", "On time")


def _rank(run: JobRun) -> int:
    """Return where a job stands in the list: the late ones first, then those that failed."""
    kind, _ = _state(run)
    return ("late", "failed").index(kind) if kind in {"late", "failed"} else 2
