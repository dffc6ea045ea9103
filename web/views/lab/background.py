"""The lesson of background work."""

from __future__ import annotations

from django.http import HttpResponse

from web.http import SaverRequest
from web.lab import mails
from web.lab.measure import compare
from web.views.lab.showing import show


def mail(request: SaverRequest) -> HttpResponse:
    """A mail to the user, inline and queued; sent only by POST, and once."""
    comparison = compare(mails.WAYS, request.user, rounds=0) if request.method == "POST" else None
    context = {"comparison": comparison, "smtp_ms": round(mails.SMTP_SECONDS * 1000)}
    return show(request, "lab/mail.html", context)
