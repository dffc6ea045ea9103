"""Parts of HTML mails, with the inline styles that mail programs need, and mails as pages show them."""

from __future__ import annotations

import re

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html, linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# "Change the password: https://…", a line of a mail's text.
_LABELLED_LINK = re.compile(r"(?P<label>[^:\n]+): (?P<url>https?://\S+)")


@register.simple_tag
def operator_line() -> str:
    """Return who runs the installation and the contact, as text; empty if neither is set."""
    return str(settings.OPERATOR.line)


@register.simple_block_tag
def facts(content: str) -> str:
    """Return a table of facts: `{% facts %}{% fact "When" %}…{% endfact %}{% endfacts %}`."""
    return render_to_string("emails/_facts.html", {"rows": content})


@register.simple_block_tag
def fact(content: str, label: str, *, is_last: bool = False) -> str:
    """Return a row of the table: a label and the block as its value. The last row has a line below it."""
    context = {"label": label, "value": content, "is_last": is_last}
    return render_to_string("emails/_fact.html", context)


@register.simple_block_tag
def button(content: str, label: str) -> str:
    """Return a link that looks like a button. The block is its URL."""
    return render_to_string("emails/_button.html", {"label": label, "url": content})


@register.filter
def letter(text: str) -> SafeString:
    """Return a mail's text as HTML. A line that names an address of this site becomes a link with that name.

    Other addresses stay to be read: names that people choose are in mails too.
    """
    html = "\n".join(_line(line) for line in text.splitlines())
    return mark_safe(linebreaks(html))  # noqa: S308 - each line is escaped


def _line(line: str) -> str:
    found = _LABELLED_LINK.fullmatch(line)
    if found is None or not found["url"].startswith(f"{settings.SITE_URL}/"):
        return urlize(line, nofollow=True, autoescape=True)
    return format_html('<a href="{}">{}</a>', found["url"], found["label"])
