"""Limits the size of request bodies and the routes that take files, by URL name, before anything reads the body."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from savings import payments
from web import uploads
from web.messages import errors as messages
from web.notices import notice_alone


class UnreadBodyMiddleware:
    """Reads what the response has left unread of the body.

    A server that has answered closes a connection on which a body still arrives. A proxy that is sending this body sees
    the connection break, loses the answer and shows its own error page. A body longer than any that deploy/nginx.conf
    passes on comes from no proxy of ours and is not read.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if 0 < (_content_length(request) or 0) <= LONGEST_PASSED_ON_BYTES:
            # The client may have gone.
            with suppress(OSError):
                while request.read(_CHUNK_BYTES):
                    pass
        return response


class BodyLimitMiddleware:
    """Refuses a body that is too large for its route with 413, by its Content-Length, before reading any of it.

    Must come before anything that reads a form, above all the CSRF check. A server passes on exactly as many bytes as
    Content-Length says, and Django reads nothing of a body without one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        size = _content_length(request)
        if "HTTP_TRANSFER_ENCODING" in request.META:
            return _refused(request, 411, messages.UNKNOWN_SIZE, messages.SEND_LENGTH)
        if size == 0:
            return self.get_response(request)
        name = _view_name(request)
        is_upload = name in _UPLOADS and request.content_type == "multipart/form-data"
        most_bytes = _UPLOADS[name] if is_upload else _BODIES.get(name, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        if size is None:
            return _refused(request, 400, messages.MALFORMED, messages.NOTHING_CHANGED)
        if size > most_bytes:
            note = messages.LET_BROWSER_READ_FILE if is_upload else messages.SHORTEN
            return _refused(request, 413, messages.TOO_LARGE, note)
        if name not in _UPLOADS:
            request.upload_handlers = [_NoFiles(request)]
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 413 if the other fields of an upload form are too large, which only reading them shows."""
        is_too_large = isinstance(exception, RequestDataTooBig)
        return _refused(request, 413, messages.TOO_LARGE, messages.SHORTEN) if is_too_large else None


class _NoFiles(FileUploadHandler):
    """Answers 400 to a file sent to a route that takes none, before any of it is stored."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise MultiPartParserError("this route takes no files")


# The longest body that deploy/nginx.conf passes on.
LONGEST_PASSED_ON_BYTES = 65 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
# Routes used by programs only, and their longest body in bytes. A refusal has a status and no text.
_BODIES = {"payments:webhook": payments.LONGEST_BODY_BYTES}
# Routes that take a file: the largest file plus the rest of the form.
_UPLOADS = {"statements:verify": uploads.MOST_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE}


def _content_length(request: HttpRequest) -> int | None:
    """Return the announced length of the body in bytes, 0 without one, or None if the header is not a number."""
    size = request.META.get("CONTENT_LENGTH") or "0"
    if not (size.isascii() and size.isdecimal()):
        return None
    # Python refuses to read a number of thousands of digits.
    return int(size.lstrip("0")[:18] or 0)


def _view_name(request: HttpRequest) -> str:
    """Return the URL name of the request, also if the path lacks the final slash (see SlashMiddleware)."""
    for path in (request.path_info, f"{request.path_info}/"):
        with suppress(Resolver404):
            return resolve(path).view_name
    return ""


def _refused(request: HttpRequest, status: int, text: str, note: str) -> HttpResponse:
    """Answer without a session: a page, a notice for htmx, a line for a program, or only a status for the webhook."""
    if _view_name(request) in _BODIES:
        return HttpResponse(content_type="text/plain; charset=utf-8", status=status)
    if request.htmx:  # type: ignore[attr-defined]
        return notice_alone(text, note, status=status)
    if "text/html" not in request.headers.get("Accept", "text/html"):
        return HttpResponse(f"{text}. {note}\n", content_type="text/plain; charset=utf-8", status=status)
    context = {"text": text, "note": note, "status": status, "request_id": getattr(request, "request_id", "")}
    return HttpResponse(render_to_string("413.html", context), status=status)
