"""Pages on which staff act on a person's account. Each says what will happen, asks for a reason, and does one thing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.contrib import messages as notices
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from savings import backoffice, users
from savings.exceptions import Refused
from savings.models import User
from web import keyset
from web.forms import backoffice_people as forms
from web.messages import backoffice_people as messages
from web.staff_site import render_page, staff, staff_page

Act = Callable[..., object]


@dataclasses.dataclass(frozen=True)
class PersonPage:
    """One action on a person's account: its page, its form, and the service that acts."""

    title: str
    button: str
    will_happen: list[str]
    act: Act
    done: str
    form: Callable[..., forms.ReasonForm] = forms.ReasonForm
    # The page to go to afterwards; empty for the saver's.
    then: str = ""
    # It stops or ends something, so its button is red.
    is_danger: bool = False


def saver_url(user_id: int) -> str:
    """Return the page of a saver in the admin."""
    return reverse("admin:saver", args=[user_id])


def _answer(
    request: HttpRequest,
    object_id: int,
    page: PersonPage,
    *,
    more: dict[str, Any] | None = None,
    **form_values: Any,
) -> HttpResponse:
    user = get_object_or_404(User, pk=object_id)
    form = page.form(request.POST if request.method == "POST" else None, **form_values)
    if form.is_valid():
        with form.refusals():
            page.act(user.pk, by=staff(request), **form.values)
            notices.success(request, page.done)
            return HttpResponseRedirect(page.then or saver_url(user.pk))
    context = {
        **(more or {}),
        "page": page,
        "person": user,
        "form": form,
        "back": saver_url(user.pk),
        "refusal": _why_not(user, staff(request)),
    }
    status = 422 if form.errors else 200
    return render_page(request, "person_action.html", title=page.title, status=status, **context)


def _why_not(user: User, by: User) -> str:
    """Return why staff may not act on an account at all, before they type anything; the services check again."""
    try:
        backoffice.check_not_own(user, by)
    except Refused as refused:
        return str(refused)
    return "" if users.may_change(by, user) else messages.ONLY_SUPERUSERS


def _page(
    verb: str, name: str, permission: str, *, methods: tuple[str, ...] = ("GET", "HEAD", "POST")
) -> Callable[[Any], Any]:
    def register(view: Any) -> Any:
        checked = require_http_methods(list(methods))(view)
        return staff_page(f"savers/<int:object_id>/{verb}/", name=name, permission=f"savings.{permission}")(
            checked
        )

    return register


@_page("freeze", "freeze", "freeze_user")
def freeze(request: HttpRequest, object_id: int) -> HttpResponse:
    """Stop a saver's withdrawals, or every movement."""
    page = PersonPage(
        "Freeze an account",
        "Freeze the account",
        messages.FREEZE,
        backoffice.freeze,
        messages.FROZEN,
        forms.FreezeForm,
        is_danger=True,
    )
    return _answer(request, object_id, page)


@_page("unfreeze", "unfreeze", "freeze_user")
def unfreeze(request: HttpRequest, object_id: int) -> HttpResponse:
    """End a freeze."""
    page = PersonPage(
        "End a freeze", "End the freeze", messages.UNFREEZE, backoffice.unfreeze, messages.UNFROZEN
    )
    return _answer(request, object_id, page)


@_page("end-sessions", "end_sessions", "help_user")
def end_sessions(request: HttpRequest, object_id: int) -> HttpResponse:
    """Sign a person out everywhere."""
    page = PersonPage(
        "Sign a saver out everywhere",
        "End all sessions",
        messages.END_SESSIONS,
        backoffice.end_sessions,
        messages.SESSIONS_ENDED,
        forms.SignOutForm,
    )
    return _answer(request, object_id, page, by=staff(request))


@_page("remove-second-step", "remove_second_step", "help_user")
def remove_second_step(request: HttpRequest, object_id: int) -> HttpResponse:
    """Remove a second step that its owner has lost."""
    page = PersonPage(
        "Remove a lost second step",
        "Remove the second step",
        messages.REMOVE_SECOND_STEP,
        backoffice.remove_second_step,
        messages.SECOND_STEP_REMOVED,
        forms.CheckedForm,
        is_danger=True,
    )
    return _answer(request, object_id, page)


@_page("resend-confirmation", "resend_confirmation", "help_user")
def resend_confirmation(request: HttpRequest, object_id: int) -> HttpResponse:
    """Mail the link that confirms a new email address again."""
    page = PersonPage(
        "Send the confirmation of an email address again",
        "Send the link again",
        messages.RESEND_CONFIRMATION,
        backoffice.resend_confirmation,
        messages.CONFIRMATION_SENT,
    )
    return _answer(request, object_id, page)


@_page("undo-email-change", "undo_email_change", "help_user")
def undo_email_change(request: HttpRequest, object_id: int) -> HttpResponse:
    """Undo a change of email address that somebody else made."""
    page = PersonPage(
        "Undo a change of email address",
        "Undo the change",
        messages.UNDO_EMAIL_CHANGE,
        backoffice.undo_email_change,
        messages.EMAIL_CHANGE_UNDONE,
        forms.UndoForm,
    )
    user = get_object_or_404(User, pk=object_id)
    return _answer(request, object_id, page, changes=list(backoffice.undoable_changes(user)[:20]))


@_page("close", "close_account", "close_user")
def close_account(request: HttpRequest, object_id: int) -> HttpResponse:
    """Close an account for good, or say what stands in the way."""
    page = PersonPage(
        "Close an account",
        "Close the account for good",
        messages.CLOSE,
        backoffice.close_account,
        messages.CLOSED,
        is_danger=True,
    )
    user = get_object_or_404(User, pk=object_id)
    checks = [] if user.closed_at else [_check(*check) for check in backoffice.closing_checks(user).items()]
    blocking = [check for check in checks if check["obstacles"]]
    more = {
        "blocking": blocking,
        "fine": [check for check in checks if not check["obstacles"]],
        "verdict": messages.can_close(len(blocking)),
    }
    return _answer(request, object_id, page, more=more)


def _check(name: str, found: list[backoffice.Obstacle]) -> dict[str, Any]:
    """Return one check before closing: what it is, what is in the way and what to do about it, or that it is fine."""
    title, fine, remedy = messages.CLOSING_CHECKS[name]
    obstacles = [{"text": obstacle.text, "url": _url_of(obstacle.row, obstacle.row_id)} for obstacle in found]
    return {"title": title, "fine": fine, "remedy": remedy, "obstacles": obstacles}


@_page("export", "export_person", "hand_over_data")
def export_person(request: HttpRequest, object_id: int) -> HttpResponse:
    """Have a person's data written to a file, and list the files."""
    user = get_object_or_404(User, pk=object_id)
    page = PersonPage(
        "Export a person’s data",
        "Write the file",
        messages.EXPORT,
        backoffice.ask_for_export,
        messages.EXPORT_ASKED,
        then=request.path,
    )
    return _answer(request, object_id, page, more={"exports": backoffice.exports_of(user)[:10]})


@_page("export/download", "download_person", "hand_over_data", methods=("POST",))
def download_person(request: HttpRequest, object_id: int) -> HttpResponse | FileResponse:
    """Send the file of an export, once."""
    user = get_object_or_404(User, pk=object_id)
    export_id = request.POST.get("export", "")
    if not keyset.is_id(export_id):
        raise Http404
    try:
        file, name = backoffice.take_file(int(export_id), user.pk, by=staff(request))
    except Refused as refused:
        notices.error(request, str(refused))
        return HttpResponseRedirect(reverse("admin:export_person", args=[user.pk]))
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


@_page("erase", "erase_person", "hand_over_data")
def erase_person(request: HttpRequest, object_id: int) -> HttpResponse:
    """Ask for the erasure of a person's data, which somebody else has to approve."""

    def ask(user_id: int, *, by: User, reason: str) -> None:
        backoffice.ask("erase", {"user": user_id}, asked_by=by, reason=reason)

    page = PersonPage(
        "Erase a person’s data",
        "Ask for the erasure",
        messages.ERASE,
        ask,
        messages.ERASURE_ASKED,
        is_danger=True,
    )
    user = get_object_or_404(User, pk=object_id)
    report = backoffice.erasure_report(user) if user.erased_at else None
    return _answer(request, object_id, page, more={"report": report})


def _url_of(row: str, row_id: int) -> str:
    """Return the page of a row that stands in the way of closing an account."""
    if row == "user":
        return saver_url(row_id)
    return reverse(f"admin:savings_{_MODELS.get(row, row)}_change", args=[row_id])


_MODELS = {"request": "staffrequest"}
