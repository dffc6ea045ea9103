"""Mails about a user's account and credentials: one template each, always sent, always through the outbox."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from savings import mails
from savings.models import OutboxRow, User


def send_security_mail(
    template: str, to: str, context: dict[str, Any], *, user: User | None, secret: str = ""
) -> OutboxRow | None:
    """Add the mail of a template, such as `account/email/password_changed`, to the outbox.

    `secret` is the link or code in the mail: the Messages page and the admin show the mail without it. The HTML version
    shows a `code` from `context` in large type. The last paragraph of the template must give the reason for the mail.
    """
    context = {**context, "email": to, "site_url": settings.SITE_URL}
    subject = render_to_string(f"{template}_subject.txt", context).strip()
    text = render_to_string(f"{template}_message.txt", context).strip() + "\n"
    *paragraphs, why = text.strip().split("\n\n")
    html = render_to_string(
        "emails/account.html",
        {"subject": subject, "paragraphs": paragraphs, "why": why, "code": context.get("code", "")},
    )
    return mails.account_mail(user, to, subject, text, html, secret=secret)


def notify_of_change(
    user: User, template: str, *, to: str | None = None, secret: str = "", device: str = "", **context: Any
) -> OutboxRow | None:
    """Mail a user about a change to their account or credentials, at their address or at `to`.

    `device` names the browser, if the user made the change themselves.
    """
    context = {"user": user, "timestamp": timezone.now(), "device": device, **context}
    return send_security_mail(
        f"account/email/{template}", to or user.email, context, user=user, secret=secret
    )
