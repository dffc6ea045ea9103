"""Rate limits of each costly action per user and per IP address, in one table.

django-allauth counts them, as it counts sign-ins: IPv6 addresses count by their /64, `TRUSTED_PROXIES` decides whose
X-Forwarded-For is believed, and while Redis is down each process counts for itself (web/caching/cache.py).
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

from web.auth.sign_in import is_open_to_visitors
from web.error_pages import too_many_requests

_APP = "web"
Usage = ratelimit.RateLimitUsage
# Clients with too many misses, and until when they are blocked. Each process has its own list, filled when a miss
# exceeds the limit there: a lookup in Redis would slow down everyone who follows an invitation.
blocked = LocMemCache("blocked", {"OPTIONS": {"MAX_ENTRIES": 10_000}})


class Rule(NamedTuple):
    """The limits of one action in allauth's notation. Views with the same action share its counters."""

    action: str
    # Successful requests, which answer with a redirect. An invalid form does not count.
    done: str = ""
    # Requests answered with 404, such as a guessed code.
    misses: str = ""
    # Every request.
    tries: str = ""
    # Whether GET counts too, because it does more than show a page.
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

# By URL name. A company's office shares an IP address, so the limits per IP address are about those of ten users.
RULES = {
    "plans:start": _OPEN,
    "autosave:start": _OPEN,
    "autosave:start_stash": _OPEN,
    "circles:start": _OPEN,
    "circles:join": _OPEN,
    "circles:join_by_code": _CODE,
    "plans:top_up": _PAY,
    "stash:fund": _PAY,
    "payments:send_again": _PAY,
    "payouts:confirm": _PAY,
    # Calls the provider while the browser waits.
    "payments:return_from_provider": Rule("ask_provider", tries="60/m/user", has_get=True),
    "plans:withdraw": _MOVE,
    "plans:give_notice": _MOVE,
    "plans:quote_exit": Rule("quote", tries="60/m/user"),
    "payouts:withdraw": Rule("quote", tries="60/m/user"),
    # The answer names the owner of any bank account.
    "payouts:add_recipient": Rule("resolve", tries="10/h/user,30/d/user,100/h/ip"),
    "plans:carry_out_exit": _MOVE,
    "statements:start": _STATEMENT,
    "statements:certificate": _STATEMENT,
    "statements:ask_again": _STATEMENT,
    "statements:download": Rule("download", tries="60/m/user", has_get=True),
    "statements:resend_mail": _MAIL,
    # Wrong answers are counted in web/views/statement_files.py; this limits the hashing of files.
    "statements:verify": Rule("verify", tries="30/m/ip,300/h/ip"),
    # Mail programs call this for many users from a few IP addresses, so only links that are not ours count.
    "messages:unsubscribe": Rule("unsubscribe", misses="20/m/ip,100/h/ip"),
    # The servers of a calendar service read the feeds of many users.
    "calendar:read_feed": Rule("feed", misses="20/m/ip,100/h/ip", tries="600/m/ip", has_get=True),
    "circles:rotate_code": _INVITATION,
    # Links in mails: only links that are not ours count.
    "users:confirm_email_change": Rule("email_link", misses="20/m/ip,100/h/ip", has_get=True),
    "users:undo_email_change": Rule("email_link", misses="20/m/ip,100/h/ip", has_get=True),
    "payouts:undo_recipient": Rule("email_link", misses="20/m/ip,100/h/ip", has_get=True),
    "account_email": Rule("email", done="30/h/user,100/h/ip"),
    "mfa_activate_totp": _CHANGE,
    "mfa_generate_recovery_codes": _CHANGE,
    "users:profile": _CHANGE,
    "users:theme": _CHANGE,
    "users:hide_balances": _CHANGE,
    "users:end_session": _CHANGE,
    "users:end_other_sessions": _CHANGE,
    "users:forget_device": _CHANGE,
    # Sent with each change of a form.
    **dict.fromkeys(
        (
            "autosave:preview",
            "autosave:preview_stash",
            "circles:preview_start",
            "plans:preview_start",
            "plans:preview_exit",
            "payouts:preview",
        ),
        Rule("preview", tries="240/m/user"),
    ),
    "autosave:edit": _CHANGE,
    "autosave:pause": _CHANGE,
    "autosave:resume": _CHANGE,
    "autosave:skip": _CHANGE,
    "autosave:stop": _CHANGE,
    "plans:edit": _CHANGE,
    "plans:close": _CHANGE,
    "plans:cancel_notice": _CHANGE,
    "payouts:cancel": _CHANGE,
    "payouts:remove_recipient": _CHANGE,
    "payouts:make_default": _CHANGE,
    "cards:rename": _CHANGE,
    "cards:make_default": _CHANGE,
    "cards:remove": _CHANGE,
    "calendar:start_feed": _CHANGE,
    "calendar:renew_feed": _CHANGE,
    "calendar:end_feed": _CHANGE,
    "calendar:show_amounts": _CHANGE,
    "circles:leave": _CHANGE,
    "circles:appearance": _CHANGE,
    "circles:edit": _CHANGE,
    "circles:remove": _CHANGE,
    "circles:hand_over": _CHANGE,
    "statements:revoke": _CHANGE,
    "statements:delete": _CHANGE,
    "statements:unsubscribe": _CHANGE,
}
# Each visitor's session is a row. Pages that allauth limits per minute have only the hourly and daily limits.
_SESSIONS_AT_THE_DOOR = "300/h/ip,1000/d/ip"
_SESSIONS = f"30/m/ip,{_SESSIONS_AT_THE_DOOR}"
_LIMITED_BY_ALLAUTH = {"account_login", "account_signup", "account_reset_password"}


class RateLimitMiddleware:
    """Answers 429 with `Retry-After` instead of calling the view, once an action was requested too often."""

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
            # Counted before the view, so that simultaneous requests cannot all pass; rolled back if the view did
            # nothing.
            done = _consume(request, rule.action, "done", rule.done)
            if not isinstance(done, Usage):
                return too_many_requests(request, done)
            request.rate_limit_done = done  # type: ignore[attr-defined]
        return None


class NewSessionMiddleware:
    """Limits how many sessions a visitor can create, because each is a row in the database."""

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
    """Return the limits of a request's action, or None if it has none."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    rule = RULES.get(name) or (_STAFF if name.startswith("admin:") else None)
    if not settings.RATE_LIMITS or (request.method != "POST" and not (rule and rule.has_get)):
        return None
    # A visitor is redirected to sign in. The form they sent waits in a session, and sessions have a limit of their
    # own.
    return rule if request.user.is_authenticated or is_open_to_visitors(request) else None


def _count_miss(request: HttpRequest, rule: Rule) -> HttpResponse | None:
    """Count a miss. If it exceeds the limit, block the client for a while and return 429."""
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
    """Use one of an action's allowance, or return the seconds until the next is available."""
    name, rates = f"{action}_{kind}", _rates(limits, request)
    usage = ratelimit.consume(request, app=_APP, action=name, config={name: rates}, limit_get=True)
    return seconds_left(request, _APP, name, rates) if usage is None else usage


def _rates(limits: str, request: HttpRequest) -> str:
    """Return the limits that apply: per user if signed in, and per IP address times IP_RATE_LIMIT_FACTOR."""
    kept = []
    for rate in ratelimit.parse_rates(limits):
        if rate.per == "ip":
            kept.append(f"{rate.amount * settings.IP_RATE_LIMIT_FACTOR}/{rate.duration}s/ip")
        elif request.user.is_authenticated:
            kept.append(f"{rate.amount}/{rate.duration}s/user")
    return ",".join(kept)


def seconds_left(request: HttpRequest, app: str, action: str, rates: str, key: str | None = None) -> int:
    """Return the number of seconds until all of the limits allow one more."""
    longest = 1.0
    for rate in ratelimit.parse_rates(rates):
        moments = cache.get(ratelimit.get_cache_key(request, app=app, action=action, rate=rate, key=key), [])
        # Newest first: the next one is allowed when the oldest of the last `amount` has expired.
        if len(moments) >= rate.amount:
            longest = max(longest, moments[rate.amount - 1] + rate.duration - time.time())
    return int(longest) + 1
