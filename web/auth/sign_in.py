"""The list of public pages, the middleware that requires sign-in for all others, and forms that wait for a sign-in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.forms import BaseForm
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.urls import reverse

from savings.models import User
from web.auth import guessing, ownership
from web.http import SaverRequest, redirect
from web.signed_references import is_signed_for

# URL names that are open to visitors. All others require sign-in, whatever their view declares.
PUBLIC = frozenset(
    {
        "landing:home",
        "help:home",
        "healthz",
        "readyz",
        # For Prometheus and `manage.py doctor`, which have a token.
        "metrics",
        "echo",
        "security_txt",
        "change_password",
        "payments:webhook",
        # People who received a statement verify it here.
        "statements:verify",
        # The development mailbox, which does not exist if mails are really sent.
        "messages:mailbox",
        # Anybody with the mail may unsubscribe from its kind.
        "messages:unsubscribe",
        # Calendar programs have no session: the token in the URL is enough.
        "calendar:read_feed",
        # Sign-in, sign-up and recovery.
        "account_login",
        "account_logout",
        "account_signup",
        "account_inactive",
        "account_email_verification_sent",
        "account_confirm_login_code",
        "account_reset_password",
        "account_confirm_password_reset_code",
        "account_complete_password_reset",
        "account_password_reset_completed",
        "mfa_authenticate",
        "mfa_login_webauthn",
        # Links in mails about a change of email address: the reader may be unable to sign in.
        "users:confirm_email_change",
        "users:undo_email_change",
        # The link in the mail about a new bank account, which may be somebody else's doing.
        "payouts:undo_recipient",
    }
)

# Pages that visitors may read, while their forms require sign-in.
READABLE = frozenset(
    {
        # The code in an invite link shows a circle's summary to anyone who has it.
        "circles:join_by_code",
    }
)

_UNSENT = "unsent"
_UNSENT_SECONDS = 60 * 60
_LONGEST_UNSENT = 8 * 1024
# Forms below these pages contain secrets or make no sense later.
_NEVER_KEPT = ("users:security", "admin:index", "payouts:withdraw", "payouts:add_recipient")
# Query parameters of links that we send; the others are typed or chosen by users.
_QUERY_OF_LINKS = {"token"}


class SignInMiddleware(LoginRequiredMiddleware):
    """Requires sign-in except for `PUBLIC`; a form sent while signed out is offered again afterwards."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if request.user.is_authenticated:
            # Replace the lazy user with the user itself; attribute access is then direct.
            request.user = vars(request)["_cached_user"]
            return None
        if is_open_to_visitors(request):
            return None
        if request.method == "POST" and _keep(request):
            sign_in = f"{resolve_url(settings.LOGIN_URL)}?next={reverse('users:unsent')}"
            return redirect(cast("SaverRequest", request), sign_in)
        return self.handle_no_permission(request, view_func)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        ownership.note(request, response)
        return response

    def get_login_url(self, view_func: Any) -> str:
        # The admin would redirect to its own sign-in page.
        return str(settings.LOGIN_URL)


def is_open_to_visitors(request: HttpRequest) -> bool:
    """Return whether visitors may make this request: any to a public page, reading only of a readable one."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    return name in PUBLIC or (name in READABLE and request.method in {"GET", "HEAD"})


class InvalidFormMiddleware:
    """Answers an invalid form of allauth's class-based views with 422 instead of 200, as our own views do.

    A form refused after too many tries is answered with 429 and Retry-After.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        forms = [value for value in (response.context_data or {}).values() if isinstance(value, BaseForm)]
        if request.method == "POST" and response.status_code == 200 and any(form.errors for form in forms):
            response.status_code = 422
            if wait_seconds := max(guessing.wait_seconds(form) for form in forms):
                response.status_code = 429
                response["Retry-After"] = str(wait_seconds)
        return response


def take_unsent(request: SaverRequest) -> tuple[str, QueryDict] | None:
    """Return the path and fields of a form this user sent while signed out, once. It expires after an hour."""
    kept = request.session.pop(_UNSENT, None)
    if not kept or time.time() - kept["at"] > _UNSENT_SECONDS or not _is_of(request.user, kept):
        return None
    return kept["path"], QueryDict(kept["fields"])


def safe_next(request: HttpRequest, user: User, url: str) -> str:
    """Return the URL to open after sign-in, without the query if another user was signed in before.

    The path may be a link sent to this user, and shows them only their own data. What the other user searched and
    filtered for must not be shown.
    """
    if ownership.user_id(request) in {None, user.pk}:
        return url
    parts = urlsplit(url)
    query = QueryDict(parts.query, mutable=True)
    for name in query.keys() - _QUERY_OF_LINKS:
        del query[name]
    return parts._replace(query=query.urlencode()).geturl()


@receiver(user_logged_in)
def _drop_the_form_of_another(request: HttpRequest, user: User, **_: Any) -> None:
    kept = request.session.get(_UNSENT)
    if kept and not _is_of(user, kept):
        del request.session[_UNSENT]


def _is_of(user: User, kept: dict[str, Any]) -> bool:
    """Return whether a stored form was shown to this user: by the ownership cookie, or by its signed reference."""
    if kept.get("user") is not None:
        return bool(kept["user"] == user.pk)
    return is_signed_for(user, QueryDict(kept["fields"]).get("reference", ""))


def _keep(request: HttpRequest) -> bool:
    """Store a form for the user it was shown to, until they sign in. The CSRF check has already passed.

    If that user is unknown, the form is not stored: the next to sign in here may be somebody else.
    """
    owner_id = ownership.user_id(request)
    fields = request.POST.copy()
    fields.pop("csrfmiddlewaretoken", None)
    if owner_id is None and "reference" not in fields:
        return False
    # A form with a password is not stored, not even without the password: the statement would then be unprotected.
    has_password = bool(fields.get("password"))
    is_too_long = len(fields.urlencode()) > _LONGEST_UNSENT
    is_preview = request.path.endswith("/preview/")
    is_never_kept = request.path.startswith(tuple(map(reverse, _NEVER_KEPT)))
    if is_never_kept or is_preview or has_password or request.FILES or is_too_long:
        return False
    request.session[_UNSENT] = {
        "user": owner_id,
        "path": request.path,
        "fields": fields.urlencode(),
        "at": time.time(),
    }
    return True
