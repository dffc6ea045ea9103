"""CSRF tokens in cached pages: a placeholder while the page is stored, and the browser's token when it is sent."""

from __future__ import annotations

import functools

from django.http import HttpRequest
from django.middleware.csrf import get_token

_TOKEN_FIELD = b'name="csrfmiddlewaretoken" value="'
# Placeholder of a form's token. No text contains a NUL, because the database refuses it.
_MARK = b"\0"


def without_tokens(body: bytes) -> bytes:
    """Return a page with a placeholder for the token of each form."""
    # Splitting is faster than a regular expression, which looks at each letter of the page.
    before, *others = body.split(_TOKEN_FIELD)
    return before + b"".join(_TOKEN_FIELD + _MARK + other[other.index(b'"') :] for other in others)


def ensure_cookie(request: HttpRequest, body: bytes) -> None:
    """Send a CSRF cookie with the response, if the page has a form and the browser has no cookie."""
    if _MARK in body and "CSRF_COOKIE" not in request.META:
        get_token(request)


def with_token(request: HttpRequest, body: bytes, page_digest: str) -> bytes:
    """Return a page with the browser's token in each form."""
    if _MARK not in body:
        return body
    return body.replace(_MARK, _token(request.META["CSRF_COOKIE"], page_digest).encode())


@functools.lru_cache(maxsize=2_000)
def _token(secret: str, page_digest: str) -> str:
    """Return the CSRF token for the forms of one page; cached, because making it takes as long as all the rest.

    The mask need not change with each response. It protects the secret from an attacker who compares the lengths of
    compressed responses to URLs of their choice, and each URL has a page, and so a mask, of its own.
    """
    asker = HttpRequest()
    asker.META["CSRF_COOKIE"] = secret
    return get_token(asker)
