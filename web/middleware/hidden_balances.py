"""Hides the sums in pages for a browser that was told to: other people can see the screen too.

Every sum is replaced in the finished HTML, so that none is forgotten: in texts, notices, charts and their tables, and
in what only a screen reader reads. What a saver types stays, and so do the sums of a page that asks for a decision on
money or refuses what was typed: nobody should agree to an amount they cannot see.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from web.hidden_balances import are_hidden

_DOTS = "••••".encode()
# Pages that show what will be posted, to be confirmed, and pages without anybody's money.
SHOWN_VIEWS = {
    "autosave:edit",
    "autosave:preview",
    "autosave:preview_stash",
    "autosave:start",
    "autosave:start_stash",
    "circles:preview_start",
    "circles:start",
    "help:home",
    "landing:home",
    "payouts:confirm",
    "payouts:preview",
    "plans:carry_out_exit",
    "plans:preview_exit",
    "plans:preview_start",
    "plans:quote_exit",
    "plans:start",
}
_SHOWN_APPS = {"admin", "lab"}
_REFUSED = 422
# The labels of a chart's axis are sums without a currency; those of a chart of ranks are not ("3rd").
_AXIS_LABEL = re.compile(rb"<span>[0-9.]+[kmb]?</span>")
_AXIS = re.compile(rb'<div class="y" aria-hidden="true">.*?</div>')


class HiddenBalancesMiddleware:
    """Hides the sums in HTML responses where the browser has the cookie. Must be inside CompressionMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if (
            are_hidden(request)
            and isinstance(response, HttpResponse)
            and _has_sums_to_hide(request, response)
        ):
            response.content = without_sums(response.content)
        return response


def without_sums(html: bytes) -> bytes:
    """Return HTML in UTF-8 with dots in place of the digits of each sum with our currency's sign."""
    html = _sum(settings.CURRENCY_SIGN).sub(rb"\g<sign>" + _DOTS, html)
    return _AXIS.sub(lambda axis: _AXIS_LABEL.sub(b"<span>" + _DOTS + b"</span>", axis[0]), html)


def _has_sums_to_hide(request: HttpRequest, response: HttpResponse) -> bool:
    match = request.resolver_match
    is_shown = match is not None and (match.view_name in SHOWN_VIEWS or match.app_name in _SHOWN_APPS)
    is_html = response.get("Content-Type", "").startswith("text/html")
    return is_html and not is_shown and response.status_code != _REFUSED


@functools.cache
def _sum(sign: str) -> re.Pattern[bytes]:
    """Return the pattern of a sum as our templates print it: kobo may be small, and a line may break before them."""
    kobo = rb"(?:<wbr>)?(?:<small>\.[0-9]{2}</small>|\.[0-9]{1,2})"
    return re.compile(
        rb"(?P<sign>" + re.escape(sign.encode()) + rb")[0-9]+(?:,[0-9]+)*(?:" + kobo + rb")?(?:[kmb]\b)?"
    )
