"""Checks of the site from outside: SITE_URL answers, by a valid certificate, through a proxy with the right headers."""

from __future__ import annotations

import datetime
import http.client
import json
import ssl
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

from savings import releases
from web.doctor import proxies
from web.doctor.findings import Finding
from web.doctor.proxies import Seen
from web.messages import doctor as messages

_MOST_SECONDS = 5
_CERTIFICATE_DAYS = 14
# The proxy spreads requests over servers and workers, which may run different releases.
_ANSWERS = 4


class _Answer(NamedTuple):
    status: int
    body: bytes
    location: str
    # When the certificate ends; None without TLS.
    certificate_ends_at: datetime.datetime | None


def site() -> Iterator[Finding]:
    """Send requests to SITE_URL as a browser would, with the headers of a liar, and look how they arrived."""
    url = urlsplit(settings.SITE_URL)
    try:
        answer = _ask()
    except ssl.SSLCertVerificationError as error:
        yield Finding("certificate", *messages.certificate_refused(error.verify_message))
        return
    except (OSError, http.client.HTTPException) as error:
        yield Finding("site", *messages.site_silent(settings.SITE_URL, type(error).__name__))
        return
    yield from _certificate(answer)
    if answer.status in {301, 302, 307, 308} and answer.location.startswith(settings.SITE_URL):
        # Only the redirect to HTTPS leads from an HTTPS URL of ours to itself.
        yield Finding("proxy-scheme", *messages.PROXY_SCHEME)
    elif answer.status == 400:
        yield Finding("proxy-host", *messages.host_refused(url.netloc))
    elif answer.status != 200:
        yield Finding("site", *messages.site_answers_wrongly(settings.SITE_URL, answer.status))
    else:
        yield from _arrival(answer, url.netloc)


def arrived(found: Seen) -> Iterator[Finding]:
    """Look at how a request of a member of staff arrived: a server that asks itself could wait for itself."""
    yield from proxies.judge(found, has_lied=False)
    yield from _releases({found.release})


def _arrival(answer: _Answer, host: str) -> Iterator[Finding]:
    try:
        found = Seen(**json.loads(answer.body))
    except (ValueError, TypeError):
        yield Finding("site", *messages.site_answers_wrongly(settings.SITE_URL, answer.status))
        return
    if found.host != host:
        yield Finding("proxy-host", *messages.host_refused(host))
    yield from proxies.judge(found, has_lied=True)
    answering = {found.release}
    for _ in range(_ANSWERS - 1):
        try:
            answering.add(Seen(**json.loads(_ask().body)).release)
        except (OSError, http.client.HTTPException, ValueError, TypeError):
            break
    yield from _releases(answering)


def _releases(servers: set[str]) -> Iterator[Finding]:
    own = releases.release_name()
    try:
        workers = releases.releases_of_workers(timezone.now())
    except (RedisError, OSError):
        workers = set()
    if {own} | servers | workers != {own}:
        yield Finding("releases", *messages.releases_differ(own, sorted(servers), sorted(workers)))


def _certificate(answer: _Answer) -> Iterator[Finding]:
    if answer.certificate_ends_at is not None:
        days = (answer.certificate_ends_at - timezone.now()).days
        if days < _CERTIFICATE_DAYS:
            yield Finding("certificate", *messages.certificate_ends(days))


def _ask() -> _Answer:
    """Ask the site how a request arrives. Raises OSError, of which an invalid certificate is one, and HTTPException."""
    url = urlsplit(settings.SITE_URL)
    kind: Any = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname, url.port, timeout=_MOST_SECONDS)
    headers = proxies.LIE | {proxies.HEADER: proxies.signature(), "Host": url.netloc, "Connection": "close"}
    try:
        connection.request("GET", reverse("echo"), headers=headers)
        certificate = connection.sock.getpeercert() if url.scheme == "https" else None
        response = connection.getresponse()
        # The answer is a few hundred bytes.
        body = response.read(10_000)
        return _Answer(response.status, body, response.getheader("Location", ""), _end_of(certificate))
    finally:
        connection.close()


def _end_of(certificate: dict[str, Any] | None) -> datetime.datetime | None:
    if not certificate:
        return None
    return datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), datetime.UTC)
