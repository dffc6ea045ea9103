"""The user's own pages: profile, theme, security, and a form sent while signed out."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.internal.flows.sessions import end_sessions
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from savings import plans, users
from savings.models import User
from web import hidden_balances
from web.auth import second_step as steps
from web.auth import sign_in
from web.forms.profile import ProfileForm
from web.http import SaverRequest, redirect, render_part
from web.messages import users as messages
from web.notices import notify
from web.pages import security as security_page

# More than anybody has; older ones do not help on a page.
_MOST_SHOWN = 20


def profile(request: SaverRequest) -> HttpResponse:
    """Name, email preferences, interest and theme."""
    user = request.user
    initial = {name: getattr(user, name) for name in ProfileForm.base_fields}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        with form.refusals():
            _change(user, form.changes)
            notify(request, messages.SAVED)
            return redirect(request, reverse("users:profile"))
    return render_part(
        request, "users/profile.html", "form", {"form": form}, status=422 if form.errors else 200
    )


@require_POST
def theme(request: SaverRequest) -> HttpResponse:
    """Change the theme from the menu, and return to the open page."""
    try:
        users.change_theme(request.user, request.POST.get("theme", ""))
    except ValueError:
        return HttpResponseBadRequest(messages.NO_SUCH_THEME)
    return _back(request)


@require_POST
def hide_balances(request: SaverRequest) -> HttpResponse:
    """Hide the sums in this browser or show them again, and return to the open page."""
    response = _back(request)
    hidden_balances.remember(response, hidden=bool(request.POST.get("hide")))
    return response


def security(request: SaverRequest) -> HttpResponse:
    """Sign-in methods, sessions and known devices."""
    found = list(Authenticator.objects.filter(user=request.user).order_by("created_at"))
    by_type = {authenticator.type: authenticator.wrap() for authenticator in found}
    passkeys = [a for a in found if a.type == Authenticator.Type.WEBAUTHN]
    codes = by_type.get(Authenticator.Type.RECOVERY_CODES)
    has_app = Authenticator.Type.TOTP in by_type
    context = {
        "has_app": has_app,
        "has_password": request.user.has_usable_password(),
        "second_step": _second_step(request.user, has_app=has_app, has_passkey=bool(passkeys)),
        "passkeys": passkeys,
        "codes_left": len(codes.get_unused_codes()) if codes else None,
        "has_second_step": has_app or bool(passkeys),
        "sessions": security_page.sessions(
            _live_sessions(request.user)[:_MOST_SHOWN], request.session.session_key
        ),
        "device_groups": security_page.device_groups(
            request.user.devices.order_by("-last_seen_at")[:_MOST_SHOWN]
        ),
    }
    return render(request, "users/security.html", context)


@require_POST
def end_session(request: SaverRequest, session_id: int) -> HttpResponse:
    """Sign out another browser."""
    session = get_object_or_404(UserSession, pk=session_id, user=request.user)
    end_sessions(request, [session])
    notify(request, messages.SIGNED_OUT_THERE)
    return redirect(request, reverse("users:security", fragment="sessions"))


@require_POST
def end_other_sessions(request: SaverRequest) -> HttpResponse:
    """Sign out every browser but this one."""
    others = UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key)
    end_sessions(request, list(others))
    notify(request, messages.SIGNED_OUT_ELSEWHERE)
    return redirect(request, reverse("users:security", fragment="sessions"))


@require_POST
def forget_device(request: SaverRequest, device_id: int) -> HttpResponse:
    """Forget a device, so that its next sign-in sends an email again."""
    if not users.forget_device(request.user, device_id):
        raise Http404
    notify(request, messages.DEVICE_FORGOTTEN, messages.DEVICE_WILL_BE_MAILED)
    return redirect(request, reverse("users:security", fragment="devices"))


def second_step(request: SaverRequest) -> HttpResponse:
    """Explain to staff why the admin requires a second step, and let them choose one."""
    if not request.user.is_staff or steps.has_set_up(request.user):
        return redirect(request, reverse("users:security"))
    return render(request, "users/second_step.html")


def unsent(request: SaverRequest) -> HttpResponse:
    """Show the form that this user sent while signed out, once, to send it or discard it."""
    kept = sign_in.take_unsent(request)
    if kept is None:
        return redirect(request, reverse("dashboard:home"))
    path, fields = kept
    pairs = [(name, value) for name in fields for value in fields.getlist(name)]
    typed = [
        (name.replace("_", " ").capitalize(), value)
        for name, value in pairs
        if value and name != "reference" and not name.startswith("initial-")
    ]
    return render(request, "users/unsent.html", {"path": path, "pairs": pairs, "typed": typed})


@transaction.atomic
def _change(user: User, changes: dict[str, Any]) -> None:
    interest = changes.pop("earns_interest", None)
    users.change_profile(user, **changes)
    if interest is not None:
        plans.switch_all_interest(user, on=interest)


def _second_step(user: User, *, has_app: bool, has_passkey: bool) -> str:
    """Return the text beside "Authenticator app": what is required after the password."""
    if not user.has_usable_password():
        return messages.ON_WITHOUT_PASSWORD if has_app else messages.OFF_WITHOUT_PASSWORD
    return {
        (False, False): messages.OFF,
        (False, True): messages.OFF_WITH_PASSKEY,
        (True, False): messages.ON,
        (True, True): messages.ON_WITH_PASSKEY,
    }[has_app, has_passkey]


def _live_sessions(user: User) -> QuerySet[UserSession]:
    """Return the valid sessions, newest first; allauth does not delete the others until the next sign-in."""
    live = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return UserSession.objects.filter(user=user, session_key__in=live).order_by("-created_at")


def _back(request: SaverRequest) -> HttpResponse:
    """Return to the page that a form of the menu was on."""
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(request, back if is_ours else reverse("users:profile"))
