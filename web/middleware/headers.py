"""Headers for browsers and search engines on every response, including static files and errors."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


class HeadersMiddleware:
    """Adds the headers that are the same on every response, and allows search engines to index a few pages only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in _ON_EVERY_ANSWER.items():
            response.headers.setdefault(name, value)
        match = request.resolver_match
        # A URL with a query may contain an invitation code in its `next`.
        is_page = match is not None or response.status_code >= 400
        name = match.view_name if match else ""
        if is_page and (name not in _FOR_SEARCH_ENGINES or request.META.get("QUERY_STRING")):
            response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
        return response


# The pages that a search engine may index. All others need a sign-in or have a code in their URL.
_FOR_SEARCH_ENGINES = {"landing:home", "help:home", "account_login", "account_signup"}
# The only browser feature that our pages use is passkeys.
_PERMISSIONS = ", ".join(
    [
        *(
            f"{feature}=()"
            for feature in (
                *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture"),
                *("encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid", "idle-detection"),
                *("magnetometer", "microphone", "midi", "payment", "picture-in-picture", "screen-wake-lock"),
                *("serial", "usb", "xr-spatial-tracking"),
            )
        ),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)
# Django's SecurityMiddleware also sets some of them, but not if a middleware before it answers.
_ON_EVERY_ANSWER = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": _PERMISSIONS,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
