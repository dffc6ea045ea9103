"""The bank accounts of a saver: list, add, remove, and the link in the mail that removes a new one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from savings import payments, plans
from web.auth.fresh_sign_in import fresh_sign_in_required
from web.forms.payouts import AccountForm, TokenForm
from web.http import SaverRequest, redirect, render_part
from web.messages import payouts as messages
from web.notices import notify


def recipients(request: SaverRequest) -> HttpResponse:
    """The bank accounts to which the saver can withdraw."""
    current = list(request.user.recipients.current())
    context = {
        "recipients": current,
        "most": payments.MOST_RECIPIENTS,
        "is_full": len(current) >= payments.MOST_RECIPIENTS,
        "wait": _wait(),
    }
    return render(request, "payouts/recipients.html", context)


@fresh_sign_in_required
def add_recipient(request: SaverRequest) -> HttpResponse:
    """Look a bank account up, show whose it is, and add it once the saver has confirmed that."""
    if "token" in request.POST:
        return _add_found(request, TokenForm(request.POST))
    form = AccountForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.refusals():
            found = payments.find_account(request.user, **form.cleaned_data)
            return _render(request, {"found": found})
    return _render(request, {"form": form}, is_refused=bool(form.errors))


@require_POST
def remove_recipient(request: SaverRequest, recipient_id: int) -> HttpResponse:
    """Remove a bank account, and cancel the withdrawals to it that were not sent yet."""
    recipient = get_object_or_404(request.user.recipients, pk=recipient_id)
    cancelled = payments.remove_recipient(recipient)
    notify(request, messages.recipient_removed(str(recipient)), messages.cancelled_with_recipient(cancelled))
    return redirect(request, reverse("payouts:recipients"))


@require_POST
def make_default(request: SaverRequest, recipient_id: int) -> HttpResponse:
    """Let the withdrawal page propose this bank account."""
    recipient = get_object_or_404(request.user.recipients.current(), pk=recipient_id)
    payments.make_default(recipient)
    notify(request, messages.recipient_is_default(str(recipient)))
    return redirect(request, reverse("payouts:recipients"))


def undo_recipient(request: HttpRequest, token: str) -> HttpResponse:
    """Remove a bank account by the link in the mail about it, also signed out.

    A GET only asks, because programs that scan mails follow links.
    """
    recipient = payments.recipient_of_token(token)
    if recipient is None:
        return render(request, "payouts/link_gone.html", status=404)
    context: dict[str, Any] = {"recipient": recipient, "is_done": recipient.removed_at is not None}
    if request.method == "POST":
        cancelled = payments.remove_recipient(recipient)
        context |= {"is_done": True, "cancelled": messages.cancelled_with_recipient(cancelled)}
    return render(request, "payouts/undo_recipient.html", context)


def _add_found(request: SaverRequest, confirmed: TokenForm) -> HttpResponse:
    if confirmed.is_valid():
        with confirmed.refusals():
            recipient = payments.add_recipient(request.user, confirmed.cleaned_data["token"])
            notify(request, messages.recipient_added(str(recipient)), messages.MAILED)
            return redirect(request, reverse("payouts:recipients"))
    return _render(request, {"form": AccountForm(), "confirmed": confirmed}, is_refused=True)


def _render(request: SaverRequest, context: dict[str, Any], *, is_refused: bool = False) -> HttpResponse:
    context["wait"] = _wait()
    status = 422 if is_refused else 200
    return render_part(request, "payouts/add_recipient.html", "form", context, status=status)


def _wait() -> str:
    """Return how long a new account waits for its first withdrawal, in words; empty if it does not."""
    hours = int(settings.PAYOUTS.wait.total_seconds()) // 3600
    return plans.format_hours(hours) if hours else ""
