"""Links in mails about a change of email address: the new one confirms it, the old one undoes it.

Both work signed out, for anybody who reads the mail. A GET only asks, because programs that scan mails follow links.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from savings import users
from savings.models import EmailChange
from web.forms.refusals import RefusableForm


def confirm_email_change(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm the email address that staff have proposed."""
    return _answer(request, token, "confirm", users.email_proposal, users.confirm_email)


def undo_email_change(request: HttpRequest, token: str) -> HttpResponse:
    """Restore the former email address of the account."""
    return _answer(request, token, "undo", users.undoable_email_change, users.undo_email_change)


def _answer(
    request: HttpRequest,
    token: str,
    verb: str,
    find: Callable[[str], EmailChange | None],
    act: Callable[[EmailChange], None],
) -> HttpResponse:
    template = f"users/{verb}_email_change.html"
    # A form without fields: only its button is sent.
    form = RefusableForm(request.POST if request.method == "POST" else None)
    try:
        change = find(token)
        if change is None:
            raise Http404
        context = {"change": change, "form": form, "was_proposed": not change.effective_at}
        if form.is_valid():
            with form.refusals():
                act(change)
                return render(request, template, context | {"is_done": True})
    except users.LinkExpired:
        return render(request, "users/email_link_gone.html", status=410)
    return render(request, template, context, status=422 if form.errors else 200)
