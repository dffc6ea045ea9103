"""A statement's file: downloaded by its owner, and verified by anybody who received it."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from allauth.core.internal import ratelimit
from django.core.files import File
from django.http import FileResponse, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.log import log_response
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_safe

from savings import statements
from savings.models import Statement
from web import access, date_formats
from web.downloads import BLOCK_BYTES, Outgoing
from web.error_pages import too_many_requests
from web.forms.statements import CheckForm
from web.http import SaverRequest, frame, redirect, referring_path
from web.messages import statements as messages
from web.middleware.rate_limits import seconds_left
from web.pages import statements as statement_pages
from web.uploads import HashedFile, HashingUploadHandler

logger = logging.getLogger(__name__)

# The code is the secret: 80 bits, which nobody can guess. Somebody who has seen only a code could try amounts with it,
# to learn a closing balance. So each IP address has five wrong answers a day per code (`key` is the two together),
# while even whole naira are a million possibilities. A code has no limit of its own: anybody who knows it could use
# that up, and block everyone who has the file. Right answers do not count; but once the tries are used up, right
# answers are refused as well, or guessing could continue. Counted like sign-ins: an IPv6 address is its /64, and while
# Redis is down each process counts for itself.
_GUESSES = {"verify": "10/m/ip,60/h/ip,5/d/key"}


@require_safe
def download(request: SaverRequest, statement_id: int) -> HttpResponseBase:
    """The file behind a signed link, for its owner. An expired link shows how to get a new one."""
    statement, is_open = access.linked_statement(request, statement_id, request.GET.get("token", ""))
    if not is_open:
        return _gone(request, statement)
    if referring_path(request).startswith(reverse("users:security")):
        # A download straight after the sign-in would leave the sign-in form on the screen, waiting for ever.
        return redirect(request, reverse("statements:detail", args=[statement.pk], query={"download": 1}))
    return _file(request, statement)


@csrf_exempt
def verify(request: HttpRequest, code: str = "") -> HttpResponse:
    """Tell anybody whether a file is one that we made, without showing a row or a name."""
    # The upload handler must be installed before anything reads the form, above all the CSRF check.
    handler = HashingUploadHandler(request)
    request.upload_handlers = [handler]
    return _verify(request, code, handler)


@csrf_protect
def _verify(request: HttpRequest, code: str, handler: HashingUploadHandler) -> HttpResponse:
    if request.method != "POST":
        return _show_check(request, {"form": CheckForm(initial={"code": code})})
    form = CheckForm(_with_hash(request), request.FILES)
    if handler.is_too_large:
        form.add_error("file", messages.FILE_TOO_LARGE)
    if not form.is_valid():
        return _show_check(request, {"form": form}, status=422)
    values = form.cleaned_data
    typed = statements.cleaned_code(values["code"])
    key = f"{typed} {ratelimit.get_ip(request)}"
    usage = ratelimit.consume(request, app="web.statements", action="verify", config=_GUESSES, key=key)
    if usage is None:
        seconds = seconds_left(request, "web.statements", "verify", _GUESSES["verify"], key)
        return too_many_requests(request, seconds, rule=messages.TOO_MANY_CHECKS)
    found = statements.verify(typed, values["closing"], sha256=values["sha256"] or None)
    context: dict[str, Any] = {"form": form, "is_answered": True, "found": found}
    if found is not None:
        usage.rollback()
        # Keep the code and the balance for the next file, which may be of the same statement.
        context["form"] = CheckForm(initial={"code": values["code"], "closing": values["closing"]})
        context["period"] = date_formats.period(found.since, found.until)
    return _show_check(request, context)


def _show_check(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return render(request, "statements/verify.html", context | {"frame": frame(request)}, status=status)


def _with_hash(request: HttpRequest) -> QueryDict:
    """Return the form data with the hash of the upload, so that a correction need not send the file again."""
    data = request.POST.copy()
    file = request.FILES.get("file")
    if isinstance(file, HashedFile):
        data["sha256"] = file.sha256
    return data


def _file(request: SaverRequest, statement: Statement) -> HttpResponseBase:
    try:
        file = statements.open_file(statement)
        response = _headers_alone(file) if request.method == "HEAD" else _whole(request, statement, file)
    except FileNotFoundError:
        return _gone(request, statement, is_lost=True)
    except OSError as error:
        return _away(request, statement, error)
    response["Content-Type"] = statement_pages.content_type(statement)
    name = statement_pages.file_name(statement)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    response["Content-Length"] = str(statement.size_bytes)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _whole(request: SaverRequest, statement: Statement, file: File[Any]) -> FileResponse:
    count = partial(statements.count_download, statement)
    outgoing = Outgoing(request, file, statement.size_bytes or 0, count)
    response = FileResponse(outgoing)
    response.block_size = BLOCK_BYTES
    return response


def _headers_alone(file: File[Any]) -> HttpResponse:
    """Answer a HEAD request: nothing is read and nothing is counted."""
    file.close()
    return HttpResponse()


def _away(request: SaverRequest, statement: Statement, error: OSError) -> HttpResponse:
    """Answer 503 if the storage is down, and log the reason instead of Django's own line about a 503."""
    context = {"row": statement_pages.row(statement)}
    response = render(request, "statements/file_away.html", context, status=503)
    response["Retry-After"] = "60"
    what = "the file of statement %s cannot be fetched: %s"
    log_response(what, statement.pk, error, response=response, request=request, logger=logger)
    return response


def _gone(request: SaverRequest, statement: Statement, *, is_lost: bool = False) -> HttpResponse:
    context = {"row": statement_pages.row(statement), "is_lost": is_lost}
    return render(request, "statements/link_gone.html", context, status=410)
