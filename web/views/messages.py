"""Messages: every mail to a user with its state; in development, the mailbox of all users."""

from __future__ import annotations

import dataclasses
import datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from savings import mails, users
from savings.models import OutboxRow, User
from web import keyset
from web.date_formats import moment
from web.http import SaverRequest, render_part

_IN_THE_MAILBOX = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """A mail, ready to print."""

    id: int
    subject: str
    why: str
    reference: str
    to: str
    text: str
    at: datetime.datetime
    at_text: str
    state: str
    badge: str | None
    icon: str


def index(request: SaverRequest) -> HttpResponse:
    """Every mail to the user, newest first, in keyset pages."""
    page = keyset.page(_mails(user=request.user).defer("text", "html"), request.GET)
    context = {
        "page": page,
        "rows": [message(row) for row in page.rows],
        "shows_mailbox": settings.SHOWS_MAILBOX,
    }
    return render_part(request, "messages/index.html", "listing", context)


def detail(request: SaverRequest, message_id: int) -> HttpResponse:
    """One mail with its text."""
    row = get_object_or_404(_mails(user=request.user), pk=message_id)
    return render(request, "messages/detail.html", {"message": message(row, text=mails.shown_text(row))})


def mailbox(request: HttpRequest) -> HttpResponse:
    """The latest mails to all users, if no mail is really sent; a newcomer finds their code here."""
    if not settings.SHOWS_MAILBOX:
        raise Http404
    rows = _mails().order_by("-id")[:_IN_THE_MAILBOX]
    return render(request, "messages/mailbox.html", {"rows": [message(row, text=row.text) for row in rows]})


@csrf_exempt
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Unsubscribe from a kind of mail by the link in it, signed in or not. GET asks; POST does it.

    Mail programs POST automatically (RFC 8058), without a cookie. The token in the mail authorises it.
    """
    found = mails.read_switch_token(token)
    if found is None:
        raise Http404
    user = get_object_or_404(User, pk=found[0])
    is_done = request.method == "POST"
    if is_done:
        users.unsubscribe(user, found[1])
    return render(
        request, "messages/unsubscribe.html", {"kind": mails.KINDS[found[1]][0], "is_done": is_done}
    )


def message(row: OutboxRow, *, text: str = "") -> Message:
    """Return a mail ready to print. Load it with its transaction and user (`select_related`)."""
    title, why = mails.KINDS[row.kind]
    at = timezone.localtime(row.created_at)
    state, badge, icon = _state(row)
    return Message(
        id=row.pk,
        subject=row.subject or title,
        why=why,
        reference=row.transaction.reference if row.transaction else "",
        to=row.to or (row.user.email if row.user else ""),
        text=text,
        at=at,
        at_text=moment(at),
        state=state,
        badge=badge,
        icon=icon,
    )


def newest(user: User, of: Q) -> Message | None:
    """Return the newest mail to a user that matches a condition, if there is one."""
    row = _mails(user=user).filter(of).order_by("-id").first()
    return message(row) if row else None


def _mails(**of: User) -> QuerySet[OutboxRow]:
    """Return the outbox rows that are mails, with the related rows that the pages show."""
    return OutboxRow.objects.filter(kind__in=mails.KINDS, **of).select_related("transaction", "user")


def _state(row: OutboxRow) -> tuple[str, str | None, str]:
    """Return the state of a mail as text, its badge and icon."""
    if row.done_at:
        return f"Sent {moment(row.done_at)}", None, "check"
    if row.dead_at:
        return "Could not be sent", "bad", "cross"
    if row.error and row.due_at:
        return f"We try again {moment(row.due_at)}", "", "clock"
    return "On its way", "", "clock"
