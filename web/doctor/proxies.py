"""Whether the proxy sends the right headers: the doctor asks SITE_URL, and the site says how the request arrived."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.http import HttpRequest

from savings import releases
from web.doctor.findings import Finding
from web.messages import doctor as messages

# What the doctor claims about itself, as a client that lies would. The address is one of documentation (RFC 5737).
LIE = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http"}
HEADER = "X-Asusu-Doctor"
_SALT = "asusu.doctor"
_MOST_SECONDS = 60


class Seen(NamedTuple):
    """How a request arrived at the site, after its proxies."""

    scheme: str
    host: str
    ip_address: str
    forwarded_for: list[str]
    release: str


def signature() -> str:
    """Return the value of the header that a request of the doctor has."""
    return signing.TimestampSigner(salt=_SALT).sign("echo")


def is_from_doctor(request: HttpRequest) -> bool:
    """Return whether a request has a signature of the last minute."""
    given = request.headers.get(HEADER, "")
    try:
        signing.TimestampSigner(salt=_SALT).unsign(given, max_age=_MOST_SECONDS)
    except signing.BadSignature:
        return False
    return True


def seen(request: HttpRequest) -> Seen:
    """Return how a request arrived."""
    addresses = request.headers.get("X-Forwarded-For", "").split(",")
    return Seen(
        scheme=request.scheme or "",
        host=request.get_host(),
        ip_address=ratelimit.get_ip(request),
        forwarded_for=[address.strip() for address in addresses if address.strip()],
        release=releases.release_name(),
    )


def judge(found: Seen, *, has_lied: bool) -> Iterator[Finding]:
    """Yield what is wrong with the headers of a request. `has_lied`: the client sent the headers of a liar."""
    if settings.SITE_URL.startswith("https:") and found.scheme != "https":
        yield Finding("proxy-scheme", *messages.PROXY_SCHEME)
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    lie = LIE["X-Forwarded-For"] if has_lied else ""
    if lie and found.ip_address == lie:
        yield Finding("proxy-address", *messages.client_chooses_address(proxies))
    elif len(found.forwarded_for) < proxies:
        yield Finding("proxy-address", *messages.addresses_missing(proxies, len(found.forwarded_for)))
    elif not proxies and set(found.forwarded_for) - {lie}:
        yield Finding("proxy-address", *messages.PROXY_NOT_TRUSTED)
