"""Messages: every mail to a user with its state; in development, the mailbox of all users."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt

from savings import mails, users
from savings.models import User
from web import keyset
from web.http import SaverRequest, render_part
from web.pages import messages as message_pages

_IN_THE_MAILBOX = 50
# The user, and the id of the newest message that this browser has shown them. Only marks what is new.
_COOKIE, _COOKIE_SECONDS = "newest-message", 365 * 24 * 60 * 60


def index(request: SaverRequest) -> HttpResponse:
    """Every mail to the user, or those of one kind, newest first, in keyset pages."""
    mine = message_pages.mails_of(user=request.user).defer("text", "html")
    found, chosen = message_pages.of_kind(mine, request.GET.get("kind", ""))
    page = keyset.page(found, request.GET)
    seen = _seen(request)
    context = {
        "page": page,
        "days": message_pages.by_day(page.rows, seen),
        "chosen": chosen,
        "filters": message_pages.FILTERS,
    }
    response = render_part(request, "messages/index.html", "listing", context)
    # A list of some kinds has not shown all that came before its newest.
    if page.rows and not chosen and not (seen.newest_id and seen.newest_id >= page.rows[0].pk):
        response.set_cookie(
            _COOKIE,
            f"{request.user.pk}-{page.rows[0].pk}",
            max_age=_COOKIE_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


def _seen(request: SaverRequest) -> message_pages.Seen:
    """Return what this browser has shown of the user's messages: at first, all from before they signed in."""
    found = re.fullmatch(rf"{request.user.pk}-([0-9]{{1,18}})", request.COOKIES.get(_COOKIE, ""), re.ASCII)
    return message_pages.Seen(int(found[1]) if found else None, request.user.last_login)


def detail(request: SaverRequest, message_id: int) -> HttpResponse:
    """One mail with its text."""
    row = get_object_or_404(message_pages.mails_of(user=request.user), pk=message_id)
    return render(
        request, "messages/detail.html", {"message": message_pages.message(row, text=mails.shown_text(row))}
    )


def mailbox(request: HttpRequest) -> HttpResponse:
    """The latest mails to all users, if no mail is really sent; a newcomer finds their code here."""
    if not settings.SHOWS_MAILBOX:
        raise Http404
    rows = message_pages.mails_of().order_by("-id")[:_IN_THE_MAILBOX]
    return render(
        request,
        "messages/mailbox.html",
        {"rows": [message_pages.message(row, text=row.text) for row in rows]},
    )


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
