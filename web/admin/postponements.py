"""Rows that background tasks failed on, for staff: the reason and the time of the next try."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from savings.models import Postponement
from web.admin.base import EVERYWHERE, ReadOnlyAdmin


@admin.register(Postponement)
class PostponementAdmin(ReadOnlyAdmin):
    list_display = ("task", "row_id", "failures", "first_failed_at", "retry_at", "reason")
    finds_by = ("task",)
    user_path = ""
    search_help_text = "Full name of a task"
    fields = list_display
    actions = ("try_again",)

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("savings.change_postponement")

    @admin.action(description="Retry at the task’s next run", permissions=["try_again"], location=EVERYWHERE)
    def try_again(self, request: HttpRequest, chosen: QuerySet[Postponement]) -> None:
        def act(postponement: Postponement) -> str:
            Postponement.objects.filter(pk=postponement.pk).update(retry_at=timezone.now())
            return "will be retried at the task’s next run"

        self.do_to_each(request, chosen, act)
