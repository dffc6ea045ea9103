"""How often each costly action may be asked for, per person and per IP address, in one table.

Counted by django-allauth, as sign-ins are: an IPv6 address is its /64, `TRUSTED_PROXIES` says whose X-Forwarded-For
counts, and while Redis is away each process counts by itself (web/caching/attempt_counters.py).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from web.auth.sign_in import PUBLIC
from web.http import notice_beside

_APP = "web"
Usage = ratelimit.RateLimitUsage
# Who has missed too often, until when. Each process notes it for itself, at the first miss that is one too many there:
# looking it up in Redis would cost everybody who follows an invitation.
blocked = LocMemCache("blocked", {"OPTIONS": {"MAX_ENTRIES": 10_000}})
_TITLE = "That was a little fast"
# The paths below these pages have forms with secrets, which no page may show.
_NEVER_SHOWN = ("users:security", "admin:index")


class Rule(NamedTuple):
    """The limits of one action in allauth's notation. Views with the same action share its counters."""

    action: str
    # What went through: the answer is a redirect. A form that comes back to be corrected costs nothing of these.
    done: str = ""
    # What found nothing: the answer is 404, as for a guessed code.
    misses: str = ""
    # Every request.
    tries: str = ""
    # Whether GET counts too, where it is not only looking.
    has_get: bool = False


_OPEN = Rule("open", done="20/h/user,60/d/user,200/h/ip", tries="60/m/user")
_PAY = Rule("pay", done="30/h/user,100/d/user,300/h/ip", tries="60/m/user")
_MOVE = Rule("move", done="60/h/user", tries="60/m/user")
_STATEMENT = Rule("statement", done="20/h/user,60/d/user,200/h/ip", tries="60/m/user")
_MAIL = Rule("mail", done="10/h/user,30/d/user,100/h/ip")
_INVITATION = Rule("invitation", done="10/h/user,30/d/user,100/h/ip")
_CODE = Rule("code", misses="10/m/user,60/h/user,120/h/ip", done="20/h/user,200/h/ip", has_get=True)
_CHANGE = Rule("change", tries="60/m/user,600/m/ip")
_STAFF = Rule("staff", tries="60/m/user")

# By the name of the URL. The offices of a company share an IP address: those limits are about ten people's.
RULES = {
    "plans:start": _OPEN,
    "circles:start": _OPEN,
    "circles:join": _OPEN,
    "circles:join_by_code": _CODE,
    "plans:top_up": _PAY,
    "stash:fund": _PAY,
    "payments:send_again": _PAY,
    # Asks the provider, while the browser waits.
    "payments:return_from_provider": Rule("ask_provider", tries="60/m/user", has_get=True),
    "plans:withdraw": _MOVE,
    "statements:start": _STATEMENT,
    "statements:ask_again": _STATEMENT,
    "statements:download": Rule("download", tries="60/m/user", has_get=True),
    "statements:resend_mail": _MAIL,
    # Wrong answers are counted in web/views/statement_files.py; this is about the files that are hashed.
    "statements:verify": Rule("verify", tries="30/m/ip,300/h/ip"),
    # Mail programs ask for many people from a few addresses: only what is no link of ours is counted.
    "messages:unsubscribe": Rule("unsubscribe", misses="20/m/ip,100/h/ip"),
    "circles:rotate_code": _INVITATION,
    # Links in mails: only what is no link of ours is counted.
    "users:confirm_email_change": Rule("email_link", misses="20/m/ip,100/h/ip", has_get=True),
    "users:undo_email_change": Rule("email_link", misses="20/m/ip,100/h/ip", has_get=True),
    "account_email": Rule("email", done="30/h/user,100/h/ip"),
    "mfa_activate_totp": _CHANGE,
    "mfa_generate_recovery_codes": _CHANGE,
    "users:profile": _CHANGE,
    "users:theme": _CHANGE,
    "users:end_session": _CHANGE,
    "users:end_other_sessions": _CHANGE,
    "users:forget_device": _CHANGE,
    # With each change of the form.
    "plans:preview_start": Rule("preview", tries="240/m/user"),
    "plans:edit": _CHANGE,
    "plans:close": _CHANGE,
    "circles:leave": _CHANGE,
    "circles:appearance": _CHANGE,
    "circles:edit": _CHANGE,
    "circles:remove": _CHANGE,
    "circles:hand_over": _CHANGE,
    "statements:revoke": _CHANGE,
    "statements:delete": _CHANGE,
    "statements:unsubscribe": _CHANGE,
}
# Every session of a visitor is a row. The second limit alone holds where allauth has one of its own by the minute.
_SESSIONS_AT_THE_DOOR = "300/h/ip,1000/d/ip"
_SESSIONS = f"30/m/ip,{_SESSIONS_AT_THE_DOOR}"
_LIMITED_BY_ALLAUTH = {"account_login", "account_signup", "account_reset_password"}


class RateLimitMiddleware:
    """Answers 429 with `Retry-After` instead of the view, once an action was asked for too often."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        done: ratelimit.RateLimitUsage | None = getattr(request, "rate_limit_done", None)
        if done is not None and "Location" not in response and "HX-Redirect" not in response:
            done.rollback()
        if response.status_code == 404 and (rule := rule_of(request)) and rule.misses:
            return _count_miss(request, rule) or response
        return response

    def process_view(
        self, request: HttpRequest, view: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        rule = rule_of(request)
        if rule is None:
            return None
        if rule.misses and (seconds := _blocked_seconds(request, rule)):
            return too_many_requests(request, seconds)
        if rule.tries and not isinstance(tried := _consume(request, rule.action, "tries", rule.tries), Usage):
            return too_many_requests(request, tried)
        if rule.done and request.method == "POST":
            # Before the view, so that many at once cannot all find room; taken back where it did nothing.
            done = _consume(request, rule.action, "done", rule.done)
            if not isinstance(done, Usage):
                return too_many_requests(request, done)
            request.rate_limit_done = done  # type: ignore[attr-defined]
        return None


class NewSessionMiddleware:
    """Keeps a visitor from making any number of sessions, each of which is a row in the database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        session = request.session
        is_new = session.modified and session.session_key is None and not session.is_empty()
        if not is_new or SESSION_KEY in session or not settings.RATE_LIMITS:
            return response
        name = request.resolver_match.view_name if request.resolver_match else ""
        rates = _SESSIONS_AT_THE_DOOR if name in _LIMITED_BY_ALLAUTH else _SESSIONS
        usage = _consume(request, "session", "new", rates)
        if isinstance(usage, Usage):
            return response
        session.clear()
        return too_many_requests(request, usage)


def rule_of(request: HttpRequest) -> Rule | None:
    """Return the limits of what a request asks for, if it has any."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    rule = RULES.get(name) or (_STAFF if name.startswith("admin:") else None)
    if not settings.RATE_LIMITS or (request.method != "POST" and not (rule and rule.has_get)):
        return None
    # A visitor is only asked to sign in. What they sent waits in a session, and those have a limit of their own.
    return rule if request.user.is_authenticated or name in PUBLIC else None


def too_many_requests(request: HttpRequest, seconds: int, rule: str = "") -> HttpResponse:
    """Answer 429: a notice for htmx, else a page from which the same form can be sent again later."""
    note = rule or f"Nothing was changed. Try again in {_in_words(seconds)}."
    if request.htmx:  # type: ignore[attr-defined]
        response = notice_beside(_TITLE, note, status=429)
    else:
        response = render(request, "429.html", {"rule": note, "again": _fields_again(request)}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def _count_miss(request: HttpRequest, rule: Rule) -> HttpResponse | None:
    """Count what found nothing; return 429 where that was one too many, and for a while whatever is asked for next."""
    usage = _consume(request, rule.action, "misses", rule.misses)
    if isinstance(usage, Usage):
        return None
    blocked.set(_asker(request, rule), time.time() + usage, usage)
    return too_many_requests(request, usage)


def _blocked_seconds(request: HttpRequest, rule: Rule) -> int:
    until: float = blocked.get(_asker(request, rule), 0.0)
    return max(0, math.ceil(until - time.time()))


def _asker(request: HttpRequest, rule: Rule) -> str:
    return f"{rule.action}:{request.user.pk if request.user.is_authenticated else ratelimit.get_ip(request)}"


def _consume(request: HttpRequest, action: str, kind: str, limits: str) -> ratelimit.RateLimitUsage | int:
    """Take one of an action's allowance, or return in how many seconds there is one more."""
    name, rates = f"{action}_{kind}", _rates(limits, request)
    usage = ratelimit.consume(request, app=_APP, action=name, config={name: rates}, limit_get=True)
    return seconds_left(request, _APP, name, rates) if usage is None else usage


def _rates(limits: str, request: HttpRequest) -> str:
    """Return the limits that apply: per person only where there is one, and per IP address times the setting."""
    kept = []
    for rate in ratelimit.parse_rates(limits):
        if rate.per == "ip":
            kept.append(f"{rate.amount * settings.IP_RATE_LIMIT_FACTOR}/{rate.duration}s/ip")
        elif request.user.is_authenticated:
            kept.append(f"{rate.amount}/{rate.duration}s/user")
    return ",".join(kept)


def seconds_left(request: HttpRequest, app: str, action: str, rates: str, key: str | None = None) -> int:
    """Return in how many seconds all of the limits allow one more."""
    longest = 1.0
    for rate in ratelimit.parse_rates(rates):
        moments = cache.get(ratelimit.get_cache_key(request, app=app, action=action, rate=rate, key=key), [])
        # Newest first: room comes when the oldest of the last so many is over.
        if len(moments) >= rate.amount:
            longest = max(longest, moments[rate.amount - 1] + rate.duration - time.time())
    return int(longest) + 1


def _in_words(seconds: int) -> str:
    if seconds <= 90:
        return f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes" if seconds <= 90 * 60 else f"{-(-seconds // 3600)} hours"


def _fields_again(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the fields of a form that may be written into a page, to be sent once more."""
    has_secrets = request.path.startswith(tuple(map(reverse, _NEVER_SHOWN)))
    is_kept = request.method == "POST" and not has_secrets and not request.FILES
    if not is_kept or request.POST.get("password"):
        return []
    names = [name for name in request.POST if name != "csrfmiddlewaretoken"]
    return [(name, value) for name in names for value in request.POST.getlist(name)]
