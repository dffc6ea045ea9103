"""Compresses HTML responses: with brotli if the browser accepts it, else with gzip.

The BREACH attack derives a secret from the length of compressed responses. It needs a victim's browser that sends the
attacker's requests with the victim's cookies, each with another guess that the page repeats beside the secret.
Browsers mark such requests as cross-site (`Sec-Fetch-Site`), and we do not compress their responses. All supported
browsers send that header over HTTPS, and cookies are SameSite=Lax, so only cross-site requests that open a page are
signed in at all. CSRF tokens therefore need no fresh mask per response, which cached pages do not have
(`pages._token`).

Measured on a dashboard of 29 kB, whose warm page takes 0.65 ms: brotli 3 makes 7.0 kB of it in 0.08 ms, gzip 1 7.7 kB
in 0.12 ms, gzip 6 6.7 kB in 0.32 ms, zstd 3 7.1 kB in 0.04 ms. Zstandard would be one more dependency until Python 3.14
for 0.04 ms. Cached pages are stored uncompressed: each browser's token is inserted into them, so a compressed copy
would serve one browser only. `manage.py bench pages` holds the cost to a fifth of the page.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable

import brotli  # type: ignore[import-untyped] # it ships no types
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

# A smaller body fits into the first packets together with its headers anyway.
SMALLEST_BYTES = 500
_LONGEST_HEADER = 500
_BROTLI_QUALITY = 3
_GZIP_LEVEL = 1


class CompressionMiddleware:
    """Compresses HTML responses, including error pages and fragments. Must wrap everything that changes HTML.

    Downloads, JSON, streams and static files (WhiteNoise has compressed copies of those) are sent unchanged.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code == 304 and "ETag" in response:
            # A 304's headers replace those of the stored response, which may be compressed.
            patch_vary_headers(response, ["Accept-Encoding"])
        elif isinstance(response, HttpResponse) and _is_compressible(response):
            patch_vary_headers(response, ["Accept-Encoding"])
            if request.headers.get("Sec-Fetch-Site") != "cross-site":
                _compress(response, encoding(request.headers.get("Accept-Encoding", "")))
        return response


@functools.lru_cache(maxsize=200)
def encoding(accepted: str) -> str:
    """Return which of `br` and `gzip` an Accept-Encoding header prefers; empty for neither.

    Decided by q-values (RFC 9110): brotli wins a tie, and the result is empty if the client prefers `identity`.
    """
    if not accepted or len(accepted) > _LONGEST_HEADER:
        return ""
    weights: dict[str, float] = {}
    for item in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weights[name.removeprefix("x-")] = _weight(parameters)
    others = weights.get("*", 0.0)
    brotli_weight, gzip_weight = weights.get("br", others), weights.get("gzip", others)
    best = max(brotli_weight, gzip_weight)
    if best <= 0 or weights.get("identity", 0.0) > best:
        return ""
    return "br" if brotli_weight == best else "gzip"


def _weight(parameters: list[str]) -> float:
    """Return the q-value among an encoding's parameters: 1 if there is none, 0 if it is invalid."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0


def _is_compressible(response: HttpResponse) -> bool:
    return (
        response.headers.get("Content-Type", "").startswith("text/html")
        and "Content-Encoding" not in response.headers
        and "Content-Range" not in response.headers
        and "no-transform" not in response.headers.get("Cache-Control", "")
        and len(response.content) >= SMALLEST_BYTES
    )


def compressed(body: bytes, chosen: str) -> bytes:
    """Return a body as a browser receives it with `br`, `gzip` or neither."""
    if chosen == "br":
        return bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY))
    # Without a timestamp, so that equal pages are equal bytes.
    return gzip.compress(body, _GZIP_LEVEL, mtime=0) if chosen else body


def _compress(response: HttpResponse, chosen: str) -> None:
    if not chosen:
        return
    body = compressed(response.content, chosen)
    response.content = body
    response.headers["Content-Encoding"] = chosen
    response.headers["Content-Length"] = str(len(body))
    tag = response.headers.get("ETag", "")
    if tag.startswith('"'):
        # A strong ETag would claim that the bytes of all encodings are the same.
        response.headers["ETag"] = f"W/{tag}"
