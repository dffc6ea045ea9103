"""How large a body each route takes, and which take files: decided by name, before anything reads the body."""

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
from web.http import notice_beside

_TOO_LARGE = "That is too large to send"
_UNKNOWN_SIZE = "We could not tell how large that is"
_NOTE = "Nothing was changed. Shorten what you typed, then send it again."
_FILE_NOTE = "Use a browser that runs scripts: it checks the file on your device and sends nothing."


class BodyLimitMiddleware:
    """Refuses a body that its route does not take: with 413 by its announced size, before a byte of it is read.

    Comes before anything that reads a form, the CSRF check above all. A server hands on exactly as many bytes as a
    request announces, so the announced size is the size; Django reads nothing of a body that announces none.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        size = request.META.get("CONTENT_LENGTH") or ""
        if "HTTP_TRANSFER_ENCODING" in request.META:
            return _refused(request, 411, _UNKNOWN_SIZE, "Nothing was changed. Send it with its length.")
        if size in {"", "0"}:
            return self.get_response(request)
        name = _view_name(request)
        is_upload = name in _UPLOADS and request.content_type == "multipart/form-data"
        most_bytes = _UPLOADS[name] if is_upload else _BODIES.get(name, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        if not (size.isascii() and size.isdecimal()):
            return _refused(request, 400, "That did not make sense to us", "Nothing was changed.")
        if len(size) > 18 or int(size) > most_bytes:
            return _refused(request, 413, _TOO_LARGE, _FILE_NOTE if is_upload else _NOTE)
        if name not in _UPLOADS:
            request.upload_handlers = [_NoFiles(request)]
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer the same where beside a file the fields of its form are too large, which only reading them shows."""
        return _refused(request, 413, _TOO_LARGE, _NOTE) if isinstance(exception, RequestDataTooBig) else None


class _NoFiles(FileUploadHandler):
    """Refuses the first file of a form that has no field for one: 400, and nothing is stored."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise MultiPartParserError("this route takes no files")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        raise NotImplementedError

    def file_complete(self, file_size: int) -> None:
        raise NotImplementedError


# The routes that programs alone use, and how long their bodies may be, in bytes. Answers say nothing but the status.
_BODIES = {"payments:webhook": payments.LONGEST_BODY_BYTES}
# The routes that take a file: as much as they hash, and the form around it.
_UPLOADS = {"statements:verify": uploads.MOST_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE}


def _view_name(request: HttpRequest) -> str:
    """Return the name of the view that will answer, also where the final slash is missing (see SlashMiddleware)."""
    for path in (request.path_info, f"{request.path_info}/"):
        with suppress(Resolver404):
            return resolve(path).view_name
    return ""


def _refused(request: HttpRequest, status: int, text: str, note: str) -> HttpResponse:
    """Answer without a session: the page, a notice for htmx, a line for a program; to the webhook a status alone."""
    if _view_name(request) in _BODIES:
        return HttpResponse(content_type="text/plain; charset=utf-8", status=status)
    if request.htmx:  # type: ignore[attr-defined]
        return notice_beside(text, note, status=status)
    if "text/html" not in request.headers.get("Accept", "text/html"):
        return HttpResponse(f"{text}. {note}\n", content_type="text/plain; charset=utf-8", status=status)
    context = {"text": text, "note": note, "status": status, "request_id": getattr(request, "request_id", "")}
    return HttpResponse(render_to_string("413.html", context), status=status)
