"""Mails and tasks (the outbox) for staff: their states and errors, and actions to retry and send again."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings import backoffice, mails
from savings.models import OutboxRow
from web.admin import shown
from web.admin.base import EVERYWHERE, ConditionFilter, OfUser
from web.admin.sign_ins import OfPerson
from web.pages import badges
from web.pages.row_titles import kind_in_words
from web.staff_site import staff


class OutboxState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    conditions = {
        "dead": ("Given up", lambda rows: rows.filter(dead_at__isnull=False)),
        "waiting": ("Waiting", lambda rows: rows.filter(due_at__isnull=False)),
    }


@admin.register(OutboxRow)
class OutboxRowAdmin(OfPerson):
    list_display = ("title", "sends", "user", "created_at", "state", "tries", "error")
    second_lines = {"sends": "title"}
    phone_parts = {"error": "text"}
    list_filter = (OutboxState, OfUser)
    relations = ("user", "transaction")
    finds_by = ("dedupe_key", "email")
    search_help_text = (
        "Full email address of a person, or the whole key that a row’s page names for technicians"
    )
    # Without the payload and the stored mail: a waiting mail still contains its link or code.
    fields = (
        "state",
        "user",
        "subject_sent",
        "sends",
        "to",
        "transaction",
        "created_at",
        "due_at",
        "tries",
        "error",
        "text_sent",
        "dedupe_key",
    )
    head = ("state", "user", "created_at")
    folded = ("kind",)
    cards = ("text_sent",)
    actions = ("try_again", "send_again")

    def fits(self, row: OutboxRow, action: str) -> bool:
        return row.dead_at is not None if action == "try_again" else bool(row.done_at and row.text)

    @admin.display(description="Mail or task")
    def title(self, row: OutboxRow) -> str:
        """Return the subject of a mail, or what a row sends or does while there is none."""
        return mails.subject_for_staff(row) or kind_in_words(row.kind)

    @admin.display(description="Subject")
    def subject_sent(self, row: OutboxRow) -> str:
        return mails.subject_for_staff(row) or shown.NONE

    @admin.display(description="What")
    def sends(self, row: OutboxRow) -> str:
        return kind_in_words(row.kind)

    @admin.display
    def state(self, row: OutboxRow) -> SafeString:
        return badges.mail_state(row)

    @admin.display(description="Text")
    def text_sent(self, row: OutboxRow) -> SafeString:
        text = mails.text_for_staff(row)
        return format_html("<pre>{}</pre>", text) if text else SafeString("")

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("savings.change_outboxrow")

    @admin.action(description="Retry rows that were given up", permissions=["try_again"], location=EVERYWHERE)
    def try_again(self, request: HttpRequest, chosen: QuerySet[OutboxRow]) -> None:
        def act(row: OutboxRow) -> str:
            backoffice.retry_mail(row, by=staff(request))
            return "will be retried now"

        self.do_to_each(request, chosen, act)

    @admin.action(description="Send a mail again", permissions=["try_again"], location=EVERYWHERE)
    def send_again(self, request: HttpRequest, chosen: QuerySet[OutboxRow]) -> None:
        def act(row: OutboxRow) -> str:
            again = backoffice.resend_mail(row, by=staff(request))
            return "will be sent again now" if again else "was sent again a moment ago"

        self.do_to_each(request, chosen.select_related("user", "transaction", "statement"), act)
