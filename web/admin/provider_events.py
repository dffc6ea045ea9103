"""The provider's events for staff: what each says, whose money it is about, and what came of it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings.models import Transaction, User, WebhookEvent
from web.admin import shown
from web.admin.base import ConditionFilter, ReadOnlyAdmin
from web.messages import admin as words
from web.messages import lists
from web.pages import badges

# What charges a card again, together with our key, is for nobody's eyes.
_AUTHORIZATION = re.compile(r'("(?:authorization_code|signature)"\s*:\s*")[^"]*')


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
        "saver",
        "subject",
        "state",
        "received_at",
        "times_received",
        "tries",
        "note",
        "error",
    )
    second_lines = {"note": "event_name"}
    phone_parts = {"subject": "text", "error": "text", "times_received": "", "tries": ""}
    head = ("state", "amount", "saver", "subject")
    folded = ("event", "tries", "due_at")
    cards = ("content",)
    list_filter = (EventState,)
    finds_by = ("reference",)
    user_path = ""
    search_help_text = "Full reference"
    fields = (
        "state",
        "amount",
        "saver",
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
        return lists.event(event.event)

    @admin.display(description="Outcome")
    def state(self, event: WebhookEvent) -> SafeString:
        if event.due_at is not None:
            return badges.badge("waiting", "Waits for a worker")
        if event.needs_staff:
            return badges.badge("review", "Needs staff")
        return (
            badges.badge("processed", "Processed") if event.processed_at else badges.badge("dead", "Given up")
        )

    def prepare(self, rows: Sequence[Any]) -> None:
        """Find the transactions that events are about by their references, which savers and staff know in capitals."""
        references = {row.reference.upper() for row in rows} - {""}
        found = Transaction.objects.filter(reference__in=references)
        related = ("user", "payment__transaction", "payout__transaction", "refund__transaction")
        movements = {movement.reference: movement for movement in found.select_related(*related)}
        for row in rows:
            row.movement = movements.get(row.reference.upper())

    @admin.display
    def amount(self, event: Any) -> str:
        """Return the amount that the content names, in kobo there, or else that of what the event is about."""
        movement = event.movement
        return shown.naira(_amount_in(event.body) or (movement.amount_kobo if movement else None))

    @admin.display(description="Saver")
    def saver(self, event: Any) -> User | None:
        user: User | None = event.movement.user if event.movement else None
        return user

    @admin.display(description="About")
    def subject(self, event: Any) -> Model | str:
        """Return the payment, withdrawal or refund that the event is about, or else the reference that it names."""
        movement = event.movement
        if movement is None:
            return str(event.reference) or shown.NONE
        rows = (getattr(movement, name, None) for name in ("payment", "payout", "refund"))
        found: Model = next((row for row in rows if row is not None), movement)
        return found

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


def _amount_in(body: str) -> int | None:
    """Return the kobo that the content of an event names."""
    try:
        kobo = json.loads(body)["data"].get("amount")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return kobo if isinstance(kobo, int) and not isinstance(kobo, bool) else None
