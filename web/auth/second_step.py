"""Requires a second step for the admin; staff without one are sent to set it up first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.core import context
from allauth.mfa.models import Authenticator
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode

from savings.models import User
from web.http import SaverRequest, redirect
from web.messages import sign_in as messages
from web.notices import notify

_Type = Authenticator.Type
# allauth's second-step pages that are part of signing in. The others change a second step or show recovery codes.
_PROVING = {"mfa_authenticate", "mfa_login_webauthn", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"}
# Session key of the page that staff wanted when they were sent to set up a second step; linked to afterwards.
GOING_TO = "back_office"


class BackOfficeMiddleware:
    """Lets staff into the admin only if this session has completed a second step. Comes after `SignInMiddleware`.

    Changing second steps also needs one, if the user has any: a session from before the first one, together with the
    password, must not be enough to replace it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        # The admin itself refuses users who are not staff.
        if match is None or not getattr(request.user, "is_staff", False):
            return None
        opens_admin = "admin" in match.app_names
        if not opens_admin and not (match.view_name.startswith("mfa_") and match.view_name not in _PROVING):
            return None
        asked = cast("SaverRequest", request)
        steps = steps_of(asked.user)
        if steps and not has_completed(asked, steps):
            return _lead_to_step(asked)
        if opens_admin and not steps:
            return _lead_to_set_up(asked)
        if opens_admin:
            request.session.pop(GOING_TO, None)
        return None


def has_set_up(user: User) -> bool:
    """Return whether a user has an authenticator app or a passkey."""
    return bool(steps_of(user))


def steps_of(user: User) -> dict[int, float]:
    """Return the ids of a user's authenticator app and passkeys, with the time each was set up."""
    rows = Authenticator.objects.filter(user_id=user.pk).exclude(type=_Type.RECOVERY_CODES)
    return {pk: made_at.timestamp() for pk, made_at in rows.values_list("pk", "created_at")}


def has_completed(request: SaverRequest, steps: dict[int, float], *, since: float = 0) -> bool:
    """Return whether this session completed one of these steps, or used a recovery code for it, since a timestamp."""
    records = get_authentication_records(request, request.user)
    used = [step for step in records if step["method"] == "mfa" and step["at"] >= since]
    return any(
        # Recovery codes can be regenerated. A used one counts as long as a second step from before it exists.
        step["id"] in steps or (step["type"] == _Type.RECOVERY_CODES and step["at"] > min(steps.values()))
        for step in used
    )


def url_of_step(user: User) -> str:
    """Return the page that asks a signed-in user, who has a second step, for it."""
    ways = get_adapter().get_reauthentication_methods(user)
    return next(str(way["url"]) for way in ways if way["id"].startswith("mfa"))


@receiver(post_save, sender=Authenticator)
def note_set_up(instance: Authenticator, created: bool, **_: Any) -> None:  # noqa: FBT001 - Django's
    """Count setting up a second step as completing it in this session: both need the device."""
    request = context.request
    if not created or instance.type == _Type.RECOVERY_CODES or request is None:
        return
    if request.user.is_authenticated and request.user.pk == instance.user_id:
        record_authentication(request, request.user, "mfa", id=instance.pk, type=instance.type)


def _lead_to_set_up(request: SaverRequest) -> HttpResponseBase:
    request.session[GOING_TO] = _going_to(request)
    return redirect(request, reverse("users:second_step"))


def _lead_to_step(request: SaverRequest) -> HttpResponseBase:
    notify(request, messages.ONE_MORE_STEP, messages.NEEDS_SECOND_STEP)
    return redirect(request, f"{url_of_step(request.user)}?{urlencode({'next': _going_to(request)})}")


def _going_to(request: SaverRequest) -> str:
    """Return the page to continue with. A submitted form is not resent: its context may have changed by then."""
    is_page = request.method == "GET" and not request.htmx
    return request.get_full_path() if is_page else reverse("admin:index")
