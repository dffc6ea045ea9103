"""The parts of the frame that depend on the request: the navigation and the notices."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.template.base import Node, Parser, TextNode, Token
from django.template.context import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django_htmx.jinja import htmx_script

from web.hidden_balances import are_hidden
from web.middleware.integrity import are_files_fixed, with_integrity
from web.templatetags.icons import ICONS

register = template.Library()

# The site's first level, by URL name.
_LINKS = (
    ("dashboard:home", "home", "Home"),
    ("plans:index", "target", "Plans"),
    ("stash:home", "stash", "Stash"),
    ("circles:index", "circle", "Circles"),
    ("transactions:index", "activity", "Activity"),
    ("statements:index", "document", "Statements"),
    ("messages:index", "mail", "Messages"),
)
# A phone's bar has room for five: what is here has its place in the account menu there.
_WIDE = {"statements:index", "messages:index"}
# The profile and what it leads to.
_ACCOUNT = ("users:profile", "cards:index", "users:security")


@cache
def _navigations() -> dict[str, SafeString]:
    """Return the navigation by its current link's name and path: each page prints it, so it is made once."""
    paths = {name: reverse(name) for name, _, _ in _LINKS}
    made = {path: _navigation(paths, path) for path in ("", *paths.values())}
    return made | {name: made[path] for name, path in paths.items()}


def _navigation(paths: dict[str, str], current: str) -> SafeString:
    items = (
        f'<li{' class="wide"' if name in _WIDE else ""}><a href="{paths[name]}"'
        f"{' aria-current="page"' if paths[name] == current else ''}>{ICONS[icon]}{words}</a></li>"
        for name, icon, words in _LINKS
    )
    return mark_safe("".join(items))  # noqa: S308 - made of the constants above


@register.simple_tag(takes_context=True)
def navigation(context: Context, current: str = "") -> SafeString:
    """Return the items of the main navigation, one of them marked as current.

    That is the one with the URL name `current`, or else the one below which the page's path is.
    """
    if current:
        return _navigations()[current]
    request: Any = context.get("request")
    path = request.path if request is not None else ""
    first = path[: path.find("/", 1) + 1]
    navigations = _navigations()
    return navigations.get(first, navigations[""])


@cache
def _account_paths() -> tuple[str, ...]:
    return tuple(reverse(name) for name in _ACCOUNT)


@register.simple_tag(takes_context=True)
def account_state(context: Context) -> SafeString:
    """Return the attribute that marks the button of the account menu on the pages that only the menu leads to."""
    request: Any = context.get("request")
    is_here = request is not None and request.path.startswith(_account_paths())
    return SafeString(' aria-current="true"' if is_here else "")


@register.inclusion_tag("_hide_balances.html", takes_context=True)
def hide_balances(context: Context, *, in_menu: bool = False) -> dict[str, Any]:
    """Return the button that hides the sums in this browser, or shows them again."""
    request: Any = context.get("request")
    return {
        "are_hidden": request is not None and are_hidden(request),
        "in_menu": in_menu,
        "next": request.get_full_path() if request is not None else "",
        "csrf_token": context.get("csrf_token"),
    }


@register.tag
def asset(parser: Parser, token: Token) -> TextNode:
    """Write the address of one of our static files, looked up once, when the template is compiled."""
    _, name = token.split_contents()
    return TextNode(escape(static(name.strip("\"'"))))


class _LoadingNode(Node):
    """Tags that load scripts or style sheets, hashed again for each page: their files may be edited meanwhile."""

    def __init__(self, html: str) -> None:
        self.html = html

    def render(self, context: Context) -> SafeString:
        return mark_safe(with_integrity(self.html))  # noqa: S308 - made of our own addresses


def _loading(html: str) -> Node:
    # On a server the files never change: then the tags are made once, when the template is compiled.
    return TextNode(with_integrity(html)) if are_files_fixed() else _LoadingNode(html)


@register.tag
def script(parser: Parser, token: Token) -> Node:
    """Load one of our scripts once the page is read, with the hash of its content."""
    _, name = token.split_contents()
    return _loading(f'<script src="{escape(static(name.strip("\"'")))}" defer></script>')


@register.tag
def stylesheet(parser: Parser, token: Token) -> Node:
    """Load one of our style sheets, with the hash of its content."""
    _, name = token.split_contents()
    return _loading(f'<link rel="stylesheet" href="{escape(static(name.strip("\"'")))}">')


@register.simple_tag
def lab_link() -> SafeString:
    """Return the account menu's link to the lab, where there is one."""
    if not settings.HAS_LAB:
        return SafeString()
    return mark_safe(f'<a href="{reverse("lab:home")}">{ICONS["flask"]}Lab</a>')  # noqa: S308 - ours


@register.tag
def htmx(parser: Parser, token: Token) -> Node:
    """Load htmx, and in development what shows its errors, with the hashes of their content."""
    return _loading(htmx_script())


@register.tag
def trouble(parser: Parser, token: Token) -> TextNode:
    """Write the notice that feedback.js shows where no answer comes: the same on every page, so made once."""
    return TextNode(
        render_to_string(
            "_toast.html",
            {
                "about": "trouble",
                "text": "No connection",
                "note": "Check your internet and try again.",
                "bad": True,
            },
        )
    )


@register.inclusion_tag("_toast.html")
def toast(message: Message) -> dict[str, Any]:
    """Show one message: its first line loud, the rest of it as a note."""
    text, _, note = str(message.message).partition("\n")
    return {
        "text": text,
        "note": note,
        "bad": message.level >= constants.WARNING,
        "about": message.extra_tags,
    }
