"""The published scoring rules of the MDN HTTP Observatory, applied to the responses of a site.

After github.com/mdn/mdn-http-observatory, version 1.6.3 (algorithm 6, src/analyzer and src/grader/charts.js). Only the
rules that can apply to our pages are here; a response outside these rules fails the test.
"""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx

_MINIMUM_FOR_EXTRA_CREDIT = 90
_SIX_MONTHS_SECONDS = 15_552_000
_BROAD = {"ftp:", "http:", "https:", "*", "http://*", "https://*", "data:"}
_UNSAFE = _BROAD | {"'unsafe-inline'"}
_PRIVATE_REFERRERS = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}


@dataclasses.dataclass
class Visit:
    """The fetched responses: the page over HTTPS, robots.txt for its cookies, and the page over HTTP."""

    page: httpx.Response
    robots: httpx.Response
    plain: httpx.Response


def score(visit: Visit) -> tuple[int, dict[str, int]]:
    """Return the score of a site that is on no preload list, and the points that each rule adds to 100."""
    modifiers = {
        "content-security-policy": _policy(visit.page),
        "cookies": _cookies(visit),
        "cross-origin-embedder-policy": _token(
            visit.page, "Cross-Origin-Embedder-Policy", {"require-corp", "credentialless"}
        ),
        "cross-origin-opener-policy": _token(
            visit.page,
            "Cross-Origin-Opener-Policy",
            {"same-origin", "same-origin-allow-popups", "noopener-allow-popups"},
        ),
        "cross-origin-resource-policy": _token(
            visit.page, "Cross-Origin-Resource-Policy", {"same-origin", "same-site"}
        ),
        "cross-origin-resource-sharing": -50
        if "Access-Control-Allow-Credentials" in visit.page.headers
        else 0,
        "redirection": _redirection(visit.plain),
        "referrer-policy": _referrer(visit.page),
        "strict-transport-security": _transport(visit.page),
        "subresource-integrity": _integrity(visit.page),
        "x-content-type-options": 0 if visit.page.headers.get("X-Content-Type-Options") == "nosniff" else -5,
        "x-frame-options": _framing(visit.page),
    }
    without_credit = 100 + sum(points for points in modifiers.values() if points < 0)
    has_credit = without_credit >= _MINIMUM_FOR_EXTRA_CREDIT
    return (100 + sum(modifiers.values()) if has_credit else without_credit), modifiers


def policy_of(page: httpx.Response) -> dict[str, set[str]]:
    """Return the directives of a Content Security Policy with their sources."""
    directives: dict[str, set[str]] = {}
    for directive in page.headers.get("Content-Security-Policy", "").split(";"):
        name, *sources = directive.split() or [""]
        if name:
            directives.setdefault(name.lower(), set(sources))
    return directives


def _policy(page: httpx.Response) -> int:
    policy = policy_of(page)
    if not policy:
        return -25
    fallback = policy.get("default-src", {"*"})
    scripts, objects = policy.get("script-src", fallback), policy.get("object-src", fallback)
    styles = policy.get("style-src", fallback)
    everything = {source for sources in policy.values() for source in sources}
    if scripts & _UNSAFE or objects & _BROAD or any(one.startswith(("http:", "ftp:")) for one in everything):
        return -20
    if "'unsafe-eval'" in scripts | styles:
        return -10
    if styles & _UNSAFE:
        return 0
    return 10 if fallback == {"'none'"} else 5


def _cookies(visit: Visit) -> int:
    lines = [line for page in (visit.page, visit.robots) for line in page.headers.get_list("Set-Cookie")]
    if not lines:
        return 0
    points = 5
    for line in lines:
        name, attributes = (
            line.split("=", 1)[0].lower(),
            {part.strip().lower() for part in line.split(";")[1:]},
        )
        same_site = next((part.partition("=")[2] for part in attributes if part.startswith("samesite")), None)
        is_session = "login" in name or "sess" in name
        faults = {
            -5: "secure" not in attributes,
            -10: is_session and "secure" not in attributes,
            -20: same_site not in {"lax", "strict", None} or ("csrf" in name and same_site is None),
            -30: is_session and "httponly" not in attributes,
        }
        worst = min((cost for cost, is_there in faults.items() if is_there), default=5)
        points = min(points, worst, 0 if same_site is None else 5)
    return points


def _token(page: httpx.Response, header: str, good: set[str]) -> int:
    values = page.headers.get_list(header)
    if not values:
        return 0
    if len(values) > 1:
        return -5
    return 10 if values[0].strip() in good else 0 if values[0] in {"unsafe-none", "cross-origin"} else -5


def _redirection(plain: httpx.Response) -> int:
    if not plain.has_redirect_location:
        return -20
    target = urlsplit(plain.headers["Location"])
    if target.scheme != "https":
        return -20
    return 0 if target.hostname == plain.request.headers["Host"] else -5


def _referrer(page: httpx.Response) -> int:
    value = page.headers.get("Referrer-Policy")
    return 0 if value is None else 5 if value.split(",")[-1].strip() in _PRIVATE_REFERRERS else -5


def _transport(page: httpx.Response) -> int:
    values = page.headers.get_list("Strict-Transport-Security")
    ages = [part.strip()[8:] for part in ";".join(values).split(";") if part.strip().startswith("max-age=")]
    if len(values) != 1 or len(ages) != 1:
        return -20
    return 0 if int(ages[0]) >= _SIX_MONTHS_SECONDS else -10


def _framing(page: httpx.Response) -> int:
    if "frame-ancestors" in policy_of(page):
        return 5
    value = page.headers.get("X-Frame-Options", "").lower()
    return 5 if value in {"deny", "sameorigin"} else -20


class _Tags(HTMLParser):
    """Collects the attributes of the scripts and style sheets that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.style_sheets: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "script" and attributes.get("src"):
            self.scripts.append(attributes)
        elif tag == "link" and attributes.get("rel") == "stylesheet":
            self.style_sheets.append(attributes)


def loaded(page: httpx.Response) -> _Tags:
    """Return the scripts and style sheets that a page loads."""
    tags = _Tags()
    tags.feed(page.text)
    return tags


def _integrity(page: httpx.Response) -> int:
    scripts = loaded(page).scripts
    for script in scripts:
        url = str(script["src"])
        if url.startswith("//") or urlsplit(url).scheme == "http":
            return -50
        if urlsplit(url).scheme == "https" and not script.get("integrity"):
            return -5
    # One script with a hash is enough for these rules.
    return 5 if any(script.get("integrity") for script in scripts) else 0
