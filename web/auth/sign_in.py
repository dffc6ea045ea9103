"""Who may see what without signing in: one list, the middleware that keeps to it, and what waits for a sign-in."""

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
from web.auth import guessing
from web.forms import ownership
from web.forms.fields import ReferenceField
from web.http import SaverRequest, redirect

# The URL names that strangers may open. Everything else asks to sign in, whatever its view says of itself.
PUBLIC = frozenset(
    {
        "landing:home",
        "healthz",
        "readyz",
        "security_txt",
        "change_password",
        "payments:webhook",
        # Whoever was shown a statement asks us whether it is ours.
        "statements:verify",
        # Development's mailbox, which is not there when mails are sent.
        "messages:mailbox",
        # Whoever has the mail may end its kind.
        "messages:unsubscribe",
        # Signing in and up, and getting back in.
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
        # The links in mails about a change of email address: their reader may not be able to sign in.
        "users:confirm_email_change",
        "users:undo_email_change",
    }
)

_UNSENT = "unsent"
_UNSENT_SECONDS = 60 * 60
_LONGEST_UNSENT = 8 * 1024
# The paths below these pages have forms with secrets, or with changes that make no sense a while later.
_NEVER_KEPT = ("users:security", "admin:index")
# The parameters of links that we send, as opposed to what people type and choose.
_QUERY_OF_LINKS = {"token"}


class SignInMiddleware(LoginRequiredMiddleware):
    """Asks everybody to sign in, but for what is in `PUBLIC`; a form that was sent is there again afterwards."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if request.user.is_authenticated:
            # The person, and no longer what finds them when asked: that costs each look at their name.
            request.user = vars(request)["_cached_user"]
            return None
        match = request.resolver_match
        if match is not None and match.view_name in PUBLIC:
            return None
        if request.method == "POST" and _keep(request):
            sign_in = f"{resolve_url(settings.LOGIN_URL)}?next={reverse('users:unsent')}"
            return redirect(cast("SaverRequest", request), sign_in)
        return self.handle_no_permission(request, view_func)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        ownership.note(request, response)
        return response

    def get_login_url(self, view_func: Any) -> str:
        # The admin would have its own door.
        return str(settings.LOGIN_URL)


class InvalidFormMiddleware:
    """Answers an invalid form with 422, as our own views do, where a class-based view of allauth says 200.

    One that was refused after too many tries is answered with 429, and says when to come back.
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
    """Return the path and fields of a form that this person sent within the last hour while not signed in; once."""
    kept = request.session.pop(_UNSENT, None)
    if not kept or time.time() - kept["at"] > _UNSENT_SECONDS or not _is_of(request.user, kept):
        return None
    return kept["path"], QueryDict(kept["fields"])


def safe_next(request: HttpRequest, user: User, url: str) -> str:
    """Return where to go after signing in; without the query of a page where somebody else was before.

    The path may be a link that this person was sent, and shows them nothing that is not theirs. What the other one
    searched for and filtered by stays with them.
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
    """Say whether a form that was kept was shown to this person: the browser knew, or its own reference says so."""
    if kept.get("user") is not None:
        return bool(kept["user"] == user.pk)
    return ReferenceField.is_minted_for(user, QueryDict(kept["fields"]).get("reference", ""))


def _keep(request: HttpRequest) -> bool:
    """Keep a form over the sign-in, for the person it was shown to. The CSRF check has said that it is ours.

    Where nothing says who that was it is not kept: the next to sign in here may be somebody else.
    """
    owner_id = ownership.user_id(request)
    fields = request.POST.copy()
    fields.pop("csrfmiddlewaretoken", None)
    if owner_id is None and "reference" not in fields:
        return False
    # Not without its password either: what was to be locked would be made open.
    has_password = bool(fields.get("password"))
    is_too_long = len(fields.urlencode()) > _LONGEST_UNSENT
    is_preview = request.path == reverse("plans:preview_start")
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
