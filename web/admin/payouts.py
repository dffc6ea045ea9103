"""Payouts for staff: those that need a person, approving and refusing, and the balance that pays for them."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from savings import backoffice, ledger, money, typed_text
from savings.models import Account, Payout, User
from web import keyset
from web.admin import shown
from web.admin.base import EVERYWHERE, OfUser, ReadOnlyAdmin
from web.admin.payout_filters import PayoutState
from web.forms.fields import LineField
from web.forms.refusals import RefusableForm
from web.messages import lists
from web.messages.backoffice_cases import ANOTHER_DECIDES_PAYOUT
from web.pages.backoffice_cases import payout_facts


class RefusalForm(RefusableForm):
    """Why a withdrawal is refused."""

    reason = LineField(
        max_length=200,
        widget=AdminTextareaWidget({"rows": 3}),
        help_text="The saver gets this reason by email.",
    )


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    change_list_template = "admin/payouts.html"
    list_display = (
        "reference",
        "amount",
        "state",
        "user",
        "recipient",
        "staff_note",
        "age",
        "asked_at",
    )
    second_lines = {"age": "state"}
    main_column = "user"
    phone_parts = {"reference": "text"}
    list_filter = (PayoutState, OfUser)
    relations = ("transaction", "user", "recipient", "decided_by")
    finds_by = ("transaction__reference",)
    search_help_text = "Full reference, full account number or full email address"
    fields = (
        "amount",
        "state",
        "staff_note",
        "user",
        "recipient",
        "holder",
        "fee_kobo",
        "vat",
        "duty",
        "transaction",
        "asked_at",
        "send_at",
        "sent_at",
        "next_try_at",
        "tries",
        "provider",
        "transfer_code",
        "provider_status",
        "provider_message",
        "transferred_at",
        "cost_kobo",
        "events",
        "decided_by",
        "decided_at",
    )
    actions = ("approve", "refuse", "ask_now")

    def fits(self, row: Payout, action: str) -> bool:
        if action == "approve":
            return row.state == Payout.State.APPROVAL
        return row.can_be_cancelled if action == "refuse" else row.state == Payout.State.SENT

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        by, payout = _staff(request), cast("Payout", context["original"])
        context["facts"] = list(payout_facts(payout, by))
        if payout.state == Payout.State.APPROVAL and not self.has_decide_permission(request):
            context["lead"] = ANOTHER_DECIDES_PAYOUT
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display
    def reference(self, payout: Payout) -> str:
        return payout.transaction.reference

    @admin.display
    def amount(self, payout: Payout) -> str:
        return money.naira(payout.transaction.amount_kobo)

    @admin.display(description="VAT")
    def vat(self, payout: Payout) -> str:
        return money.naira(payout.vat_kobo)

    @admin.display(description="Stamp duty")
    def duty(self, payout: Payout) -> str:
        return money.naira(payout.duty_kobo)

    @admin.display(description="Name at the bank")
    def holder(self, payout: Payout) -> str:
        return payout.recipient.account_name

    @admin.display(description="On its way for")
    def age(self, payout: Payout) -> str:
        return lists.waited(timesince(payout.asked_at, depth=1)) if payout.is_in_flight else shown.NONE

    @admin.display(description="Provider events")
    def events(self, payout: Payout) -> SafeString:
        # The provider writes the references of transfers in lower case.
        query = urlencode({"q": payout.transaction.reference.lower()})
        return format_html(
            '<a href="{}?{}">Events about this withdrawal</a>',
            reverse("admin:savings_webhookevent_changelist"),
            query,
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Payout], search_term: str
    ) -> tuple[QuerySet[Payout], bool]:
        term = typed_text.line(search_term)
        # A condition of its own: PostgreSQL has no index for one joined by OR to that of another table.
        if len(term) == 10 and keyset.is_id(term):
            return queryset.filter(recipient__account_number=term), False
        return super().get_search_results(request, queryset, search_term)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        funds = _funds() if request.method == "GET" and self.has_view_permission(request) else {}
        waits = {"waits": request.user.has_perm("savings.view_staffrequest")}
        return super().changelist_view(request, {**(extra_context or {}), **waits, **funds})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.refuse_view)
        return [path("<int:object_id>/refuse/", view, name="savings_payout_refuse"), *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("savings.change_payout")

    @admin.action(description="Approve", permissions=["decide"], location=EVERYWHERE)
    def approve(self, request: HttpRequest, chosen: QuerySet[Payout]) -> None:
        def act(payout: Payout) -> str:
            backoffice.approve_payout(payout, by=_staff(request))
            return "approved; the worker sends it when it is due"

        self.do_to_each(request, chosen, act)

    @admin.action(
        description="Refuse…",
        permissions=["decide"],
        location=EVERYWHERE,
    )
    def refuse(self, request: HttpRequest, chosen: QuerySet[Payout]) -> HttpResponse | None:
        rows = list(chosen[:2])
        if len(rows) != 1 or not rows[0].can_be_cancelled:
            said = "Choose one withdrawal that was not sent yet. Each refusal needs its own reason."
            self.message_user(request, said, messages.ERROR)
            return None
        return HttpResponseRedirect(reverse("admin:savings_payout_refuse", args=[rows[0].pk]))

    @admin.action(
        description="Ask the provider now",
        permissions=["decide"],
        location=EVERYWHERE,
    )
    def ask_now(self, request: HttpRequest, chosen: QuerySet[Payout]) -> None:
        def act(payout: Payout) -> str:
            return backoffice.ask_about_payout(payout, by=_staff(request))

        self.do_to_each(request, chosen, act)

    def refuse_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask for the reason, give the money back, and return to the payout."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        payout = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = RefusalForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            with form.refusals():
                reason = form.cleaned_data["reason"]
                backoffice.refuse_payout(payout, by=_staff(request), reason=reason)
                self.log_change(request, payout, f"refused: {reason}")
                self.message_user(
                    request, f"{payout}: refused. The money is back in the stash.", messages.SUCCESS
                )
                return HttpResponseRedirect(reverse("admin:savings_payout_change", args=[payout.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": "Refuse a withdrawal",
            "opts": self.opts,
            "payout": payout,
            "amount": money.naira(payout.transaction.amount_kobo),
            "form": form,
        }
        return TemplateResponse(
            request, "admin/refuse_payout.html", context, status=422 if form.errors else 200
        )


def _funds() -> dict[str, Any]:
    """Return the balance for transfers in the books beside what it has to pay for: on its way, and not approved yet."""
    balance_kobo = ledger.balance_kobo(ledger.house_account(Account.Kind.PROVIDER_BALANCE, "paystack"))
    amounts = Payout.objects.in_flight().aggregate(
        kobo=Sum("transaction__amount_kobo", default=0),
        waits=Sum("transaction__amount_kobo", filter=Q(state=Payout.State.APPROVAL), default=0),
    )
    in_flight_kobo, waits_kobo = int(amounts["kobo"]), int(amounts["waits"])
    missing_kobo = in_flight_kobo - balance_kobo
    return {
        "balance": money.naira(balance_kobo),
        "in_flight": money.naira(in_flight_kobo),
        "on_its_way": money.naira(in_flight_kobo - waits_kobo),
        "for_approval": money.naira(waits_kobo) if waits_kobo else "",
        "missing": money.naira(missing_kobo) if missing_kobo > 0 else "",
    }


def _staff(request: HttpRequest) -> User:
    return cast("User", request.user)
