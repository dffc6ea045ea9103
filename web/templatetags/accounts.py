"""What the sign-in pages ask of the settings."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def shows_mailbox() -> bool:
    """Say whether mails stay in the site's own mailbox, as they do in development."""
    return bool(settings.SHOWS_MAILBOX)
