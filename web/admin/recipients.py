"""Bank accounts of savers for staff: read-only, with a warning where another saver has the same one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from savings import payments
from savings.exceptions import Refused
from savings.models import Recipient
from web.admin import shown
from web.admin.base import EVERYWHERE, OfUser, ReadOnlyAdmin
from web.messages import lists
from web.pages import badges

# The most other savers with the same account that are named.
_MOST_OTHERS = 20


@admin.register(Recipient)
class RecipientAdmin(ReadOnlyAdmin):
    change_form_template = "admin/recipient.html"
    list_display = (
        "bank_account",
        "account_name",
        "user",
        "state",
        "others",
        "added_at",
    )
    list_filter = (OfUser,)
    relations = ("user",)
    finds_by = ("account_number",)
    search_help_text = "Full account number or full email address"
    fields = (
        "state",
        "user",
        "bank_name",
        "bank_code",
        "account_number",
        "account_name",
        "is_default",
        "added_at",
        "usable_at",
        "removed_at",
        "provider",
        "code",
    )
    actions = ("remove",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Recipient]:
        # As `payments.same_account`, for all rows of a page at once.
        same = Recipient.objects.filter(
            account_number=OuterRef("account_number"), bank_code=OuterRef("bank_code")
        ).exclude(user=OuterRef("user"))
        rows: QuerySet[Recipient] = super().get_queryset(request).annotate(is_shared=Exists(same))
        return rows

    def fits(self, row: Recipient, action: str) -> bool:
        return row.removed_at is None

    @admin.display
    def state(self, recipient: Recipient) -> SafeString:
        if recipient.removed_at:
            return badges.badge("removed", "Removed")
        if not recipient.is_usable():
            return badges.badge("waiting", lists.usable_from(recipient.usable_at))
        return badges.badge("ready", "Default" if recipient.is_default else "Usable")

    @admin.display(description="Bank account")
    def bank_account(self, recipient: Recipient) -> str:
        return str(recipient)

    @admin.display(description="Other savers")
    def others(self, recipient: Recipient) -> str:
        return "Also another saver’s" if recipient.is_shared else shown.NONE  # type: ignore[attr-defined] # annotated

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        recipient = context["original"]
        context["others"] = payments.same_account(recipient)[:_MOST_OTHERS]
        return super().render_change_form(request, context, *args, **kwargs)

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("savings.change_recipient")

    @admin.action(
        description="Remove, and cancel unsent withdrawals to it",
        description_plural="Remove, and cancel unsent withdrawals to them",
        permissions=["remove"],
        location=EVERYWHERE,
    )
    def remove(self, request: HttpRequest, chosen: QuerySet[Recipient]) -> None:
        self.do_to_each(request, chosen, _remove)


def _remove(recipient: Recipient) -> str:
    if recipient.removed_at is not None:
        raise Refused("This bank account is already removed.")
    cancelled = payments.remove_recipient(recipient)
    if not cancelled:
        return "removed"
    withdrawals = ngettext("%(count)d withdrawal", "%(count)d withdrawals", cancelled) % {"count": cancelled}
    return f"removed; {withdrawals} cancelled"
