"""The parts of the frame that depend on where one is: the navigation."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context
from django.utils.safestring import SafeString, mark_safe

from web.templatetags.icons import ICONS

register = template.Library()

# Plain paths: resolving names costs more than all the rest of the frame, and these are the site's first level.
_LINKS = (
    ("/dashboard/", "home", "Home"),
    ("/plans/", "target", "Plans"),
    ("/stash/", "stash", "Stash"),
    ("/transactions/", "activity", "Activity"),
    ("/messages/", "mail", "Messages"),
)


def _navigation(current: str) -> SafeString:
    items = (
        f'<li><a href="{path}"{' aria-current="page"' if path == current else ""}>{ICONS[icon]}{words}</a></li>'
        for path, icon, words in _LINKS
    )
    return mark_safe("".join(items))  # noqa: S308 - made of the constants above


_NAVIGATIONS = {current: _navigation(current) for current in ("", *(path for path, _, _ in _LINKS))}


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> SafeString:
    """Return the items of the main navigation, the one of this page marked as current."""
    request: Any = context.get("request")
    path = request.path if request is not None else ""
    first = path[: path.find("/", 1) + 1]
    return _NAVIGATIONS.get(first, _NAVIGATIONS[""])
