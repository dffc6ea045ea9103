"""Pages that are kept: one body for each person and version of what they see, and 304 where the browser has it.

What a person sees is keyed by `User.version`, which moves in the very transaction that changes any of it, by the same
of what everybody is shown, and by the epoch of the database, which a restored backup ends (`User.shown_as`). What a
page shows of a circle is as of the board's version, which is read before the rest and stands in what is kept. So
nothing is ever deleted by hand, and a kept page cannot be older than the last commit.

It fails closed: what a page reads is recorded while it is rendered, and a page that reads anything no version of it
covers is not stored (`web/caching/reads.py`).
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
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from savings import leaderboards
from web.caching import reads
from web.caching.fragments import Cache, Found, code_version
from web.caching.reads import Models
from web.http import SaverRequest, wants_part

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponse]

# Versions move on and leave their pages behind, so they must not stay for long.
PAGE_SECONDS = 60 * 60
# The browser keeps the page and asks each time whether it is still right: 304 needs a page that was kept. Going back it
# might not ask. What is in its store: `Vary: Cookie` makes Chromium ask once somebody has signed out, `must-revalidate`
# Safari, `no-cache` over TLS Firefox. What is in its memory: signing out sends `Clear-Site-Data`
# (web/auth/sessions.py), and app.js fetches again whatever comes back from there. Tried in Chromium with and without
# each of these and JavaScript.
CACHE_CONTROL = "private, no-cache, must-revalidate"
_LONGEST_QUERY = 200
_TOKEN_FIELD = b'name="csrfmiddlewaretoken" value="'
# Where a form's token stands. No text has a NUL in it: the database takes none.
_MARK = b"\0"
# No id has more digits than a bigint, and from 4,300 on Python refuses to read them.
_TAG = re.compile(r'W/"([0-9]{1,19})-([0-9a-f]{32})"')


class _Circle(NamedTuple):
    """Which circle's board a page shows something of, as of which version; nought for none."""

    id: int = 0
    version: int = 0


class _Kept(NamedTuple):
    """A page as it is kept: of which circle it shows something, and the body without tokens."""

    circle: _Circle
    body: bytes

    @classmethod
    def read(cls, stored: bytes) -> _Kept:
        head, _, body = stored.partition(b"\n")
        circle_id, _, version = head.split()
        return cls(_Circle(int(circle_id), int(version)), body)

    def stored(self) -> bytes:
        # The key of the board is where `fragments` looks for it.
        board = leaderboards.board_keys(self.circle.id)[0] if self.circle.id else "-"
        return b"%d %b %d\n%b" % (self.circle.id, board.encode(), self.circle.version, self.body)

    def is_current(self, found: Found) -> bool:
        """Return whether this shows the board as it was when the page was found."""
        version = b"%d" % self.circle.version
        return not self.circle.id or (not leaderboards.gate.suspect and found.board_version == version)


def page(
    *known: str,
    shows: Models,
    own: Models = (),
    also: Callable[[], str] = str,
    parts: bool = True,
) -> Callable[[View], View]:
    """Keep the pages of a view. `known` are the parameters it reads; with any other in the address nothing is kept.

    `shows` names the models whose rows the page shows; with any other row in it, it is not kept. Rows of circles are
    covered by `shows_circle`, or named in `own` where the page shows of them only what touches the person it is for
    (`User.objects.touch`) when it changes.
    `also` returns what the page depends on besides the person, the address and the day. Without `parts`, what htmx asks
    for is left to the view. Raises TypeError for a model that no version covers.
    """
    reads.check_named(shows, own)

    def keep(view: View) -> View:
        @functools.wraps(view)
        def kept(request: SaverRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            def find_uncovered(read: set[str]) -> list[str]:
                return reads.uncovered(read, shows, own, with_circle=_shown_circle(request).version > 0)

            def make() -> HttpResponse:
                with reads.recording(find_uncovered) as read:
                    response = view(request, *args, **kwargs)
                request.uncovered = find_uncovered(read)
                return response

            key = _key(request, known, also) if parts or not wants_part(request) else None
            return make() if key is None else _answer(request, key, make)

        return kept

    return keep


def shows_circle(request: SaverRequest, circle_id: int, version: int | None) -> None:
    """Say of which circle this page shows something, and as of which version of its board.

    Whatever is shown has to be read after that version was. Without one (None, or below nought) it is not kept.
    """
    request.shown_circle = (circle_id, -1 if version is None else version)


def _shown_circle(request: SaverRequest) -> _Circle:
    return _Circle(*getattr(request, "shown_circle", ()))


def _key(request: SaverRequest, known: tuple[str, ...], also: Callable[[], str]) -> str | None:
    """Return what the page of this request depends on, or None for one that is not kept."""
    query = request.META["QUERY_STRING"]
    if request.method != "GET" or not settings.KEEPS_PAGES or len(query) > _LONGEST_QUERY:
        return None
    if query and not request.GET.keys() <= {*known}:
        return None
    # A notice is on one page once.
    if len(get_messages(request)):
        return None
    user = request.user
    if not user.shown_as:
        return None
    who = (user.shown_as, user.email, user.name, user.theme, user.is_staff)
    what = (request.path, query, wants_part(request), timezone.localdate().toordinal(), also())
    return repr((who, what))


def _answer(request: SaverRequest, key: str, view: Callable[[], HttpResponse]) -> HttpResponse:
    for circle_id, digest in _TAG.findall(request.headers.get("If-None-Match", "")):
        circle = _Circle(
            int(circle_id), (leaderboards.version(int(circle_id)) or -1) if circle_id != "0" else 0
        )
        if circle.version >= 0 and _digest(request, key, circle) == digest:
            return _with_headers(HttpResponseNotModified(), circle, digest)
    store = cast("Cache", caches["template_fragments"])
    name = f"page:{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"
    found = store.find(name)
    kept = _Kept.read(found.body) if found else None
    if found and kept and kept.is_current(found):
        return _response(request, key, kept)
    given: list[HttpResponse] = []

    def make() -> tuple[bytes, int]:
        response = view()
        given.append(response)
        made = _kept(request, response)
        return (made.stored(), PAGE_SECONDS) if made else (b"", 0)

    # Somebody else's may have been begun before what this one has to show was committed.
    body = store.once(name, make, lambda made: _Kept.read(made.body).is_current(made), found)
    return _response(request, key, _Kept.read(body)) if body else given[0]


def _kept(request: SaverRequest, response: HttpResponse) -> _Kept | None:
    """Return what to keep of an answer: nothing but a page that is well and has no headers of its own."""
    circle = _shown_circle(request)
    is_plain = response.status_code == 200 and response.headers.keys() <= {"Content-Type"}
    if not is_plain or response.cookies or len(get_messages(request)) or circle.version < 0:
        return None
    if request.uncovered:
        _log_uncovered(str(request.resolver_match and request.resolver_match.view_name), *request.uncovered)
        return None
    return _Kept(circle, _without_tokens(response.content))


@functools.cache
def _log_uncovered(view: str, *read: str) -> None:
    """Log once in each process that a page is not kept: an oversight of ours, which costs time and nothing else."""
    logger.error("%s is not cached: no version that it carries covers %s", view, ", ".join(read))


def _without_tokens(body: bytes) -> bytes:
    # By splitting and not by a pattern, which looks at each letter of the page.
    before, *others = body.split(_TOKEN_FIELD)
    return before + b"".join(_TOKEN_FIELD + _MARK + other[other.index(b'"') :] for other in others)


def _response(request: SaverRequest, key: str, kept: _Kept) -> HttpResponse:
    body, has_form = kept.body, _MARK in kept.body
    if has_form and "CSRF_COOKIE" not in request.META:
        # Whoever has no cookie yet gets one with this answer.
        get_token(request)
    digest = _digest(request, key, kept.circle)
    if has_form:
        body = body.replace(_MARK, _token(request.META["CSRF_COOKIE"], digest).encode())
    return _with_headers(HttpResponse(body), kept.circle, digest)


@functools.lru_cache(maxsize=2_000)
def _token(secret: str, digest: str) -> str:
    """Return a token for the forms of one page: making it takes as long as all the rest.

    The mask need not be new each time. It keeps the secret from those who compare the lengths of compressed answers to
    addresses of their own choice, and each address has a page, and a mask, of its own.
    """
    asker = HttpRequest()
    asker.META["CSRF_COOKIE"] = secret
    return get_token(asker)


def _with_headers(response: HttpResponse, circle: _Circle, digest: str) -> HttpResponse:
    response["ETag"] = f'W/"{circle.id}-{digest}"'
    response["Cache-Control"] = CACHE_CONTROL
    # On 304 too, whose headers replace those that the browser has kept.
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response


def _digest(request: SaverRequest, key: str, circle: _Circle) -> str:
    """Return what stands for the page in its ETag. The forms in it are good for this CSRF cookie alone."""
    stands_for = f"{key} {circle} {request.META.get('CSRF_COOKIE')} {code_version()}"
    secret = settings.SECRET_KEY.encode()[:64]
    return hashlib.blake2b(stands_for.encode(), key=secret, digest_size=16).hexdigest()
