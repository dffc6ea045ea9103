"""Render and send the mail of an outbox row, identically at each try, and remove its secret after sending."""

from __future__ import annotations

import contextlib
import datetime
import re
import unicodedata
import uuid
from email.utils import format_datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers
from django.template.loader import render_to_string
from django.utils.html import escape

from savings import money, tracing
from savings.mails import messages, switches
from savings.models import OutboxRow, Plan, Transaction

_MAIL_FIELDS = ["to", "subject", "text", "html"]


def send(row: OutboxRow) -> dict[str, object]:
    """Send the mail of a row, rendered at the first try and identical at each later one.

    Returns the changes to make on the row. Raises the error of the mail server.
    """
    if not row.text:
        _render(row)
        row.save(update_fields=_MAIL_FIELDS)
    _deliver(row)
    return {} if settings.SHOWS_MAILBOX else _changes_without_secret(row)


def send_with(row: OutboxRow, **context: object) -> dict[str, object]:
    """Send the mail of a row, rendered again at each try with the current `context`.

    Returns the changes to make on the row: the text is stored only after sending, because between two tries another
    user may hide a fact in it. Raises the error of the mail server.
    """
    _render(row, **context)
    _deliver(row)
    return {name: getattr(row, name) for name in _MAIL_FIELDS}


def _deliver(row: OutboxRow) -> None:
    # Somebody whose data was erased has no address any more.
    if row.user is not None and row.user.erased_at is not None:
        return
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
    with tracing.follower.sending_mail():
        _send_message(message)


def message_id(row: OutboxRow) -> str:
    """Return the Message-ID of a row's mail, the same for each try, so that mail servers recognise a second copy."""
    name = f"{settings.SITE_URL}/messages/{row.pk}/{row.dedupe_key}"
    return f"<{uuid.uuid5(uuid.NAMESPACE_URL, name)}@{urlsplit(settings.SITE_URL).hostname}>"


def shown_text(row: OutboxRow) -> str:
    """Return a mail's text for the Messages page, without its secret: a session must not replace the mailbox."""
    return row.text if settings.SHOWS_MAILBOX else _without_secret(row.text, row.payload.get("secret"))


def text_for_staff(row: OutboxRow) -> str:
    """Return a mail's text for staff, without its secret and with only the beginning of each link.

    A link in a mail may act for its reader without a sign-in, such as the one that ends a kind of mail. It may name an
    earlier URL of this site.
    """
    text = _without_secret(row.text, row.payload.get("secret"))
    return re.sub(r"(https?://[^\s/]+/)\S+", r"\1…", text, flags=re.IGNORECASE)


def subject_for_staff(row: OutboxRow) -> str:
    """Return a mail's subject for staff, without its secret; empty until it is rendered."""
    return _without_secret(row.subject, row.payload.get("secret"))


def written(row: OutboxRow) -> tuple[str, str]:
    """Return the subject and the text that the mail of a row would have now. Nothing is stored or sent."""
    # Without the link that changes the reader's switches: staff read this.
    _render(row, unsubscribe_url="")
    return row.subject, row.text


def one_line(subject: str) -> str:
    """Return a subject as a header: at most 200 characters, no line ends, control characters or direction marks."""
    visible = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in subject)
    return " ".join(visible.split())[:200]


def with_operator(text: str) -> str:
    """Return the text of a mail with a last line that names the operator and the contact, if they are set."""
    line = settings.OPERATOR.line
    return f"{text.rstrip()}\n\n{line}\n" if line else text


def _render(row: OutboxRow, **extra: object) -> None:
    """Set the fields in `_MAIL_FIELDS` from the templates; `extra` is added to their context."""
    user = row.user
    if user is None:
        raise ValueError("a mail with a template needs a user")
    at = row.payload.get("at")
    movement = row.transaction
    context = {
        "user": user,
        "movement": movement,
        "progress": _progress(movement, movement.plan_id) if movement and movement.plan_id else None,
        "amount": money.naira(movement.amount_kobo) if movement else "",
        "device": row.payload.get("device"),
        "payload": row.payload,
        "unsubscribe_url": switches.switch_url(user.pk, row.kind),
        "at": datetime.datetime.fromisoformat(at) if at else row.created_at,
        "site_url": settings.SITE_URL,
        **extra,
    }
    row.to = user.email
    row.subject = one_line(render_to_string(f"emails/{row.kind}.subject.txt", context))
    row.text = with_operator(render_to_string(f"emails/{row.kind}.txt", context).strip() + "\n")
    row.html = render_to_string(f"emails/{row.kind}.html", context)


def _progress(movement: Transaction, plan_id: int) -> dict[str, str | int | None]:
    """Return the balance now of a transaction's plan, and its share of the goal in percent; None without a goal."""
    # Loaded with its account, and once for the templates too.
    plan = movement.plan = Plan.objects.select_related("account").get(pk=plan_id)
    balance_kobo = plan.account.balance_kobo or 0
    percent = balance_kobo * 100 // plan.target_kobo if plan.target_kobo else None
    return {"balance": money.short(balance_kobo), "percent": percent}


def _send_message(message: EmailMultiAlternatives) -> None:
    connection = mailers["default"]
    connection.open()
    try:
        if not connection.send_messages([message]):
            raise ValueError("the mail has no recipient")
    finally:
        # The mail is sent. An error while closing must not count as a failure, or the mail would be sent again.
        with contextlib.suppress(Exception):
            connection.close()


def _changes_without_secret(row: OutboxRow) -> dict[str, object]:
    secret = row.payload.get("secret")
    if not secret:
        return {}
    changes: dict[str, object] = {
        name: _without_secret(getattr(row, name), secret) for name in ("subject", "text", "html")
    }
    return changes | {"payload": {}}


def _without_secret(text: str, secret: str | None) -> str:
    return (
        text.replace(secret, messages.REMOVED).replace(escape(secret), messages.REMOVED) if secret else text
    )
