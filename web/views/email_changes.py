"""Links in mails about a change of email address: the new one confirms it, the old one undoes it.

Both work signed out, for anybody who reads the mail. A GET only asks, because programs that scan mails follow links.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from savings import users
from savings.exceptions import Refused
from savings.models import EmailChange


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
    try:
        change = find(token)
        if change is None:
            raise Http404
        is_done = request.method == "POST"
        if is_done:
            act(change)
    except users.LinkExpired:
        return render(request, "users/email_link_gone.html", status=410)
    except Refused as refused:
        return render(request, template, {"change": change, "refused": str(refused)}, status=422)
    return render(
        request, template, {"change": change, "is_done": is_done, "was_proposed": not change.effective_at}
    )
