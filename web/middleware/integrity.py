"""Subresource Integrity: the hash of each script and style sheet, so that browsers refuse files that were changed."""

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

# A script, or a link to a style sheet, that names one file and no hash yet.
_TAG = re.compile(r"""<(?:script|link)\b(?=[^>]*\s(?:src|rel="stylesheet"))(?![^>]*\sintegrity=)[^>]*>""")
_ADDRESS = re.compile(r'\s(?:src|href)="([^"]+)"')


def with_integrity(html: str) -> str:
    """Add the hash of its file to each script and style sheet of ours that this HTML loads."""
    return _TAG.sub(_add_hash, html)


class AdminMiddleware:
    """Adds the hashes to the pages of the admin, whose templates are Django's own."""

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
    """Return the value of `integrity` for the address of a static file of ours; raises FileNotFoundError."""
    name = unquote(address.removeprefix(settings.STATIC_URL))
    if are_files_fixed():
        return _stored(name)
    path = _found(name)
    # A file that is edited while the server runs has another hash from then on.
    return _hash_at(path, path.stat().st_mtime_ns)


def are_files_fixed() -> bool:
    """Return whether the names of static files change with their content, as they do on a server."""
    return isinstance(storages[STATICFILES_STORAGE_ALIAS], ManifestFilesMixin)


def _add_hash(match: re.Match[str]) -> str:
    tag = match[0]
    address = _ADDRESS.search(tag)
    if address is None or not address[1].startswith(settings.STATIC_URL):
        return tag
    try:
        return tag.replace(address[0], f'{address[0]} integrity="{integrity(address[1])}"', 1)
    except FileNotFoundError:
        # The browser will not find it either.
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
