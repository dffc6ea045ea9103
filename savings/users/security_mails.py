"""Mails about an account and its sign-in: one template each, always sent, always through the outbox."""

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
    """Write the mail of a template, such as `account/email/password_changed`, into the outbox.

    `secret` is the link or code in it, which nobody but the mailbox gets to see: the Messages page and the admin show
    the mail without it. A code in `context` is shown large. The last paragraph of the template says why it was sent.
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
    """Tell a person of a change of their account or sign-in, at their address unless `to` is another of theirs.

    `device` names the browser that it was done from, where the person did it.
    """
    context = {"user": user, "timestamp": timezone.now(), "device": device, **context}
    return send_security_mail(
        f"account/email/{template}", to or user.email, context, user=user, secret=secret
    )
