"""Sending mails: how a row of the outbox becomes a mail, the same at each try, and what stays of it once it is out."""

from __future__ import annotations

import contextlib
import datetime
import unicodedata
import uuid
from email.utils import format_datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers
from django.template.loader import render_to_string
from django.utils.html import escape

from savings import money
from savings.mails import switches
from savings.models import OutboxRow

_WRITTEN = ["to", "subject", "text", "html"]
# What stands where a link or a code stood, once the mail is out.
_REMOVED = "[removed after sending]"


def send(row: OutboxRow) -> dict[str, object]:
    """Send the mail of a row, written at its first try and the same at each one, and return what to change on the row.

    Raises what went wrong at the mail server.
    """
    if not row.text:
        _render(row)
        row.save(update_fields=_WRITTEN)
    _deliver(row)
    return {} if settings.SHOWS_MAILBOX else _without_its_secret(row)


def send_with(row: OutboxRow, **told: object) -> dict[str, object]:
    """Send the mail of a row, written anew at each try with what may be told now, and return what to change on the row.

    It stays on the row, where its reader finds it, only once it is out: between two tries somebody may hide what it
    would have told. Raises what went wrong at the mail server.
    """
    _render(row, **told)
    _deliver(row)
    return {name: getattr(row, name) for name in _WRITTEN}


def _deliver(row: OutboxRow) -> None:
    message = EmailMultiAlternatives(
        subject=row.subject,
        body=row.text,
        to=[row.to],
        headers={
            "Message-ID": message_id(row),
            "Date": format_datetime(row.created_at),
            "Auto-Submitted": "auto-generated",
            **switches.unsubscribe_headers(row.user_id, row.kind),
        },
    )
    if row.html:
        message.attach_alternative(row.html, "text/html")
    _send_message(message)


def message_id(row: OutboxRow) -> str:
    """Return the Message-ID of a row's mail: the same for each try, so that mail servers know a second copy."""
    name = f"{settings.SITE_URL}/messages/{row.pk}/{row.dedupe_key}"
    return f"<{uuid.uuid5(uuid.NAMESPACE_URL, name)}@{urlsplit(settings.SITE_URL).hostname}>"


def shown_text(row: OutboxRow) -> str:
    """Return a mail's text for the Messages page: its secret stays out, since a session is not a mailbox."""
    return row.text if settings.SHOWS_MAILBOX else _without_secret(row.text, row.payload.get("secret"))


def one_line(subject: str) -> str:
    """Return a subject without line ends, control characters and direction marks: it becomes a header."""
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in subject)
    return " ".join(kept.split())[:200]


def _render(row: OutboxRow, **told: object) -> None:
    """Fill in what `_WRITTEN` names; `told` is what the templates are given beside the row."""
    user = row.user
    if user is None:
        raise ValueError("a mail that is written here needs the person it is for")
    at = row.payload.get("at")
    context = {
        "user": user,
        "movement": row.transaction,
        "amount": money.naira(row.transaction.amount_kobo) if row.transaction else "",
        "device": row.payload.get("device"),
        "payload": row.payload,
        "unsubscribe_url": switches.switch_url(user.pk, row.kind),
        "at": datetime.datetime.fromisoformat(at) if at else row.created_at,
        "site_url": settings.SITE_URL,
        **told,
    }
    row.to = user.email
    row.subject = one_line(render_to_string(f"emails/{row.kind}.subject.txt", context))
    row.text = render_to_string(f"emails/{row.kind}.txt", context).strip() + "\n"
    row.html = render_to_string(f"emails/{row.kind}.html", context)


def _send_message(message: EmailMultiAlternatives) -> None:
    connection = mailers["default"]
    connection.open()
    try:
        if not connection.send_messages([message]):
            raise ValueError("the mail has nobody to go to")
    finally:
        # The mail is out by now. A goodbye that fails must not make it look unsent, and be sent again.
        with contextlib.suppress(Exception):
            connection.close()


def _without_its_secret(row: OutboxRow) -> dict[str, object]:
    secret = row.payload.get("secret")
    if not secret:
        return {}
    changes: dict[str, object] = {
        name: _without_secret(getattr(row, name), secret) for name in ("subject", "text", "html")
    }
    return changes | {"payload": {}}


def _without_secret(text: str, secret: str | None) -> str:
    return text.replace(secret, _REMOVED).replace(escape(secret), _REMOVED) if secret else text
