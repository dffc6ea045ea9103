"""The page cache: one body per user and version of the data they see, and 304 if the browser already has it.

A user's data is keyed by `User.version`, which changes in the transaction that changes any of it, by the version of
the data shown to everyone, and by the epoch of the database, which changes when a backup is restored
(`User.shown_as`). A page about a circle stores the version of its board, which is read before the rest of the page. So
nothing is ever deleted by hand, and a cached page is never older than the last commit.

The cache fails closed: reads are recorded while a page is rendered, and a page that reads anything not covered by a
version is not stored (`web/caching/reads.py`).
"""

from __future__ import annotations

import functools
import hashlib
import logging
import re
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.contrib.messages import get_messages
from django.core.cache import caches
from django.http import HttpResponse, HttpResponseNotModified
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from savings import leaderboards
from web.caching import form_tokens, reads
from web.caching.fragments import Found, FragmentCache, code_version
from web.caching.reads import Models
from web.hidden_balances import are_hidden
from web.http import SaverRequest, wants_part

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponse]

# Pages of old versions stay in Redis until they expire, so they must expire soon.
PAGE_SECONDS = 60 * 60
# The browser stores the page and revalidates it each time. Going back, it might not revalidate. For its disk cache:
# `Vary: Cookie` makes Chromium revalidate after signing out, `must-revalidate` does so in Safari, and `no-cache` over
# TLS in Firefox. For its memory: signing out sends `Clear-Site-Data` (web/auth/sessions.py), and app.js reloads any
# page restored from memory. Tested in Chromium with and without each of these and JavaScript.
CACHE_CONTROL = "private, no-cache, must-revalidate"
_LONGEST_QUERY = 200
# A bigint has at most 19 digits, and Python refuses to parse more than 4,300.
_TAG = re.compile(r'W/"([0-9]{1,19})-([0-9a-f]{32})"')


class _Circle(NamedTuple):
    """The circle whose board a page shows, and the version of that board; 0 for none."""

    id: int = 0
    version: int = 0


class _CachedPage(NamedTuple):
    """A page as it is stored: the circle whose board it shows, and the body without CSRF tokens."""

    circle: _Circle
    body: bytes

    @classmethod
    def read(cls, stored: bytes) -> _CachedPage:
        head, _, body = stored.partition(b"\n")
        circle_id, _, version = head.split()
        return cls(_Circle(int(circle_id), int(version)), body)

    def stored(self) -> bytes:
        # The Lua script in fragments.py expects the board's key at this position.
        board = leaderboards.board_keys(self.circle.id)[0] if self.circle.id else "-"
        return b"%d %b %d\n%b" % (self.circle.id, board.encode(), self.circle.version, self.body)

    def is_current(self, found: Found) -> bool:
        """Return whether this shows the board at the version it had when the page was looked up."""
        version = b"%d" % self.circle.version
        return not self.circle.id or (leaderboards.are_trusted() and found.board_version == version)


def page(
    *known: str,
    shows: Models,
    own: Models = (),
    also: Callable[[], str] = str,
    parts: bool = True,
) -> Callable[[View], View]:
    """Cache the pages of a view. `known` are the query parameters it reads; a URL with any other is not cached.

    `shows` names the models whose rows the page shows; a page that reads any other table is not cached. Rows of
    circles are covered by `shows_circle`, or named in `own` if every change of the rows that the page shows also
    touches the user (`User.objects.touch`). `also` returns what the page depends on besides the user, the URL and the
    day. With `parts=False`, htmx requests are not cached. Raises TypeError for a model that no version covers.
    """
    reads.check_named(shows, own)

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def cached(request: SaverRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            def find_uncovered(read: set[str]) -> list[str]:
                return reads.uncovered(read, shows, own, with_circle=_shown_circle(request).version > 0)

            def make() -> HttpResponse:
                with reads.recording(find_uncovered) as read:
                    response = view(request, *args, **kwargs)
                request.uncovered = find_uncovered(read)
                return response

            key = _key(request, known, also) if parts or not wants_part(request) else None
            return make() if key is None else _answer(request, key, make)

        return cached

    return decorate


def shows_circle(request: SaverRequest, circle_id: int, version: int | None) -> None:
    """Declare which circle's board this page shows, and at which version.

    Read the version before anything that is shown. Without a version (None or negative) the page is not cached.
    """
    request.shown_circle = (circle_id, -1 if version is None else version)


def _shown_circle(request: SaverRequest) -> _Circle:
    return _Circle(*getattr(request, "shown_circle", ()))


def _key(request: SaverRequest, known: tuple[str, ...], also: Callable[[], str]) -> str | None:
    """Return everything the page of this request depends on, or None if it must not be cached."""
    query = request.META["QUERY_STRING"]
    if request.method != "GET" or not settings.KEEPS_PAGES or len(query) > _LONGEST_QUERY:
        return None
    if query and not request.GET.keys() <= {*known}:
        return None
    # A notice is shown only once.
    if len(get_messages(request)):
        return None
    user = request.user
    if not user.shown_as:
        return None
    who = (user.shown_as, user.email, user.name, user.theme, user.is_staff, are_hidden(request))
    what = (request.path, query, wants_part(request), timezone.localdate().toordinal(), also())
    return repr((who, what))


def _answer(request: SaverRequest, key: str, view: Callable[[], HttpResponse]) -> HttpResponse:
    for circle_id, digest in _TAG.findall(request.headers.get("If-None-Match", "")):
        circle = _Circle(
            int(circle_id), (leaderboards.version(int(circle_id)) or -1) if circle_id != "0" else 0
        )
        if circle.version >= 0 and _digest(request, key, circle) == digest:
            return _with_headers(HttpResponseNotModified(), circle, digest)
    store = cast("FragmentCache", caches["template_fragments"])
    name = f"page:{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"
    found = store.find(name)
    entry = _CachedPage.read(found.body) if found else None
    if found and entry and entry.is_current(found):
        return _response(request, key, entry)
    given: list[HttpResponse] = []

    def make() -> tuple[bytes, int]:
        response = view()
        given.append(response)
        made = _to_cache(request, response)
        return (made.stored(), PAGE_SECONDS) if made else (b"", 0)

    # Another request may have started rendering before the latest commit, so its result is checked too.
    body = store.once(name, make, lambda made: _CachedPage.read(made.body).is_current(made), found)
    return _response(request, key, _CachedPage.read(body)) if body else given[0]


def _to_cache(request: SaverRequest, response: HttpResponse) -> _CachedPage | None:
    """Return what to store of a response: only a page with status 200 and no headers of its own."""
    circle = _shown_circle(request)
    is_plain = response.status_code == 200 and response.headers.keys() <= {"Content-Type"}
    if not is_plain or response.cookies or len(get_messages(request)) or circle.version < 0:
        return None
    if request.uncovered:
        _log_uncovered(str(request.resolver_match and request.resolver_match.view_name), *request.uncovered)
        return None
    return _CachedPage(circle, form_tokens.without_tokens(response.content))


@functools.cache
def _log_uncovered(view: str, *read: str) -> None:
    """Log once per process that a page is not cached. It is a mistake in our code that only costs speed."""
    logger.error("%s is not cached: no version that it carries covers %s", view, ", ".join(read))


def _response(request: SaverRequest, key: str, entry: _CachedPage) -> HttpResponse:
    form_tokens.ensure_cookie(request, entry.body)
    digest = _digest(request, key, entry.circle)
    return _with_headers(
        HttpResponse(form_tokens.with_token(request, entry.body, digest)), entry.circle, digest
    )


def _with_headers(response: HttpResponse, circle: _Circle, digest: str) -> HttpResponse:
    response["ETag"] = f'W/"{circle.id}-{digest}"'
    response["Cache-Control"] = CACHE_CONTROL
    # A 304 needs them too: its headers replace those the browser stored.
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response


def _digest(request: SaverRequest, key: str, circle: _Circle) -> str:
    """Return the digest for the ETag. The forms are valid for one CSRF cookie only, so it is included."""
    stands_for = f"{key} {circle} {request.META.get('CSRF_COOKIE')} {code_version()}"
    secret = settings.SECRET_KEY.encode()[:64]
    return hashlib.blake2b(stands_for.encode(), key=secret, digest_size=16).hexdigest()
