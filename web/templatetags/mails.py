"""Parts of HTML mails: tables of facts and buttons, with the inline styles that mail programs need."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.template.loader import render_to_string

register = template.Library()


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
