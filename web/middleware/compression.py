"""Compresses HTML on its way out: brotli where the browser takes it, else gzip.

BREACH reads a secret off the length of compressed answers: it needs a victim's browser that sends an attacker's
requests with the victim's cookies, each with another guess that the page repeats beside the secret. Browsers mark such
requests as coming from another site (`Sec-Fetch-Site`), and their answers are not compressed. All browsers that we
serve send that header over HTTPS, and cookies are SameSite=Lax: of such requests only those that open a page are signed
in at all. So the tokens of forms need no fresh mask in each answer, which cached pages do not have (`caching._token`).

Measured on a dashboard of 29 kB, whose warm page takes 0.65 ms: brotli 3 makes 7.0 kB of it in 0.08 ms, gzip 1 7.7 kB
in 0.12 ms, gzip 6 6.7 kB in 0.32 ms, zstd 3 7.1 kB in 0.04 ms. Zstandard would be one more dependency until Python 3.14
for 0.04 ms. Cached pages are stored as they are: each browser's own token is put into them, so a compressed copy would
be one browser's. `manage.py bench pages` holds the cost to a fifth of the page.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable

import brotli  # type: ignore[import-untyped] # it ships no types
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

# What is smaller fits into the first packets with its headers anyway.
SMALLEST_BYTES = 500
_LONGEST_HEADER = 500
_BROTLI_QUALITY = 3
_GZIP_LEVEL = 1


class CompressionMiddleware:
    """Compresses whole HTML answers, error pages and fragments among them. Comes outside of all that changes HTML.

    Downloads, static files (WhiteNoise has compressed copies of those), JSON and streams go out as they are.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code == 304 and "ETag" in response:
            # What the browser has may be compressed or not, and its headers are replaced by these.
            patch_vary_headers(response, ["Accept-Encoding"])
        elif isinstance(response, HttpResponse) and _is_compressible(response):
            patch_vary_headers(response, ["Accept-Encoding"])
            if request.headers.get("Sec-Fetch-Site") != "cross-site":
                _compress(response, encoding(request.headers.get("Accept-Encoding", "")))
        return response


@functools.lru_cache(maxsize=200)
def encoding(accepted: str) -> str:
    """Return the encoding that an Accept-Encoding header prefers of `br` and `gzip`; empty for none of them.

    By its q-values (RFC 9110), of equals brotli, and none where it prefers the body as it is.
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
    """Return the q-value among an encoding's parameters: 1 where there is none, 0 for one that is no such value."""
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


def _compress(response: HttpResponse, chosen: str) -> None:
    if chosen == "br":
        body = brotli.compress(response.content, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY)
    elif chosen == "gzip":
        # Without the time in it: equal pages are equal bytes.
        body = gzip.compress(response.content, _GZIP_LEVEL, mtime=0)
    else:
        return
    response.content = body
    response.headers["Content-Encoding"] = chosen
    response.headers["Content-Length"] = str(len(body))
    tag = response.headers.get("ETag", "")
    if tag.startswith('"'):
        # A strong one would say that these are the very bytes of the other encodings.
        response.headers["ETag"] = f"W/{tag}"
