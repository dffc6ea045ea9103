"""Subresource Integrity: adds the hash of each script and style sheet, so that browsers refuse a changed file."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from django.conf import STATICFILES_STORAGE_ALIAS, settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

# A script or style sheet link that has a URL and no hash yet.
_TAG = re.compile(r"""<(?:script|link)\b(?=[^>]*\s(?:src|rel="stylesheet"))(?![^>]*\sintegrity=)[^>]*>""")
_ADDRESS = re.compile(r'\s(?:src|href)="([^"]+)"')


def with_integrity(html: str) -> str:
    """Add the file's hash to each of our scripts and style sheets in this HTML."""
    return _TAG.sub(_add_hash, html)


class AdminMiddleware:
    """Adds the hashes to admin pages, whose templates are Django's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_admin = request.resolver_match is not None and "admin" in request.resolver_match.namespaces
        if (
            is_admin
            and isinstance(response, HttpResponse)
            and response.headers["Content-Type"].startswith("text/html")
        ):
            response.content = with_integrity(response.text).encode()
        return response


def integrity(address: str) -> str:
    """Return the `integrity` value for the URL of one of our static files. Raises FileNotFoundError."""
    name = unquote(address.removeprefix(settings.STATIC_URL))
    if are_files_fixed():
        return _stored(name)
    path = _found(name)
    # In development a file can change while the server runs, so the modification time is part of the cache key.
    return _hash_at(path, path.stat().st_mtime_ns)


def are_files_fixed() -> bool:
    """Return whether the names of static files change with their content, as in production."""
    return isinstance(storages[STATICFILES_STORAGE_ALIAS], ManifestFilesMixin)


def _add_hash(match: re.Match[str]) -> str:
    tag = match[0]
    address = _ADDRESS.search(tag)
    if address is None or not address[1].startswith(settings.STATIC_URL):
        return tag
    try:
        return tag.replace(address[0], f'{address[0]} integrity="{integrity(address[1])}"', 1)
    except FileNotFoundError:
        # The browser will get a 404 for it as well.
        return tag


@functools.cache
def _stored(name: str) -> str:
    with storages[STATICFILES_STORAGE_ALIAS].open(name) as file:
        return _hash(file.read())


@functools.cache
def _found(name: str) -> Path:
    path = finders.find(name)
    if path is None:
        raise FileNotFoundError(name)
    return Path(path)


@functools.lru_cache(maxsize=256)
def _hash_at(path: Path, modified_at: int) -> str:
    return _hash(path.read_bytes())


def _hash(content: bytes) -> str:
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"
