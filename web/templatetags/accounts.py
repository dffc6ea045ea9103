"""What the sign-in pages ask of the settings and of the request."""

from __future__ import annotations

from django import template
from django.conf import settings

from web.auth.purposes import Purpose, purpose_of

register = template.Library()


@register.simple_tag
def shows_mailbox() -> bool:
    """Say whether mails stay in the site's own mailbox, as they do in development."""
    return bool(settings.SHOWS_MAILBOX)


@register.simple_tag
def purpose(going_to: str | None) -> Purpose:
    """Return why a page asks who the user is, by the page that it leads to, and the way back."""
    return purpose_of(going_to or "")
