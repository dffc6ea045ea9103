"""`{% to "plans:top_up" plan.pk %}`: links by URL name that cost no more than a literal path.

Django's `{% url %}` searches the URLconf at each rendering. This tag does so once, when the template is compiled: a URL
without arguments is text from then on, and of one with arguments only the values are filled in. The compiled template
holds the URLconf and the script prefix of that moment; this site has one of each.

Time for a link with one number, where the literal `/plans/{{ plan.pk }}/top-up/` takes 1: `{% to %}` takes 0.5 and
`{% url %}` 4.5. `python -m tests.benchmarks._links` measures again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django import template
from django.template.base import FilterExpression, Node, Parser, TextNode, Token
from django.template.context import Context
from django.urls import NoReverseMatch, get_script_prefix, resolve, reverse
from django.urls.converters import get_converters
from django.utils.html import escape
from django.utils.http import RFC3986_SUBDELIMS

register = template.Library()

# Digits fit the converters int, slug, str and path.
_PLACEHOLDER = "70000000{}7"
_PARAMETER = re.compile(r"<(?:(?P<converter>\w+):)?\w+>")
_needs_no_quoting = re.compile(r"[A-Za-z0-9_.~-]+").fullmatch
# The characters that Django leaves unquoted in a path.
_SAFE = RFC3986_SUBDELIMS + "/~:@"

# Turns a value into a part of a path.
type _Convert = Callable[[Any], str]


class LinkNode(Node):
    """A URL with arguments: the text before the first value, then each value and the text that follows the value."""

    child_nodelists = ()

    def __init__(self, start: str, parts: list[tuple[FilterExpression, _Convert, str]]) -> None:
        self.start = start
        self.parts = parts

    def render(self, context: Context) -> str:
        url = self.url(context)
        # Quoting leaves two of the characters that HTML escapes.
        return escape(url) if ("&" in url or "'" in url) and context.autoescape else url

    def url(self, context: Context) -> str:
        url = self.start
        for value, convert, text in self.parts:
            url += convert(value.resolve(context)) + text
        return url


class NamedLinkNode(Node):
    """A URL that the template uses under a name of its own."""

    child_nodelists = ()

    def __init__(self, link: LinkNode, name: str) -> None:
        self.link = link
        self.name = name

    def render(self, context: Context) -> str:
        context[self.name] = self.link.url(context)
        return ""


@register.tag
def to(parser: Parser, token: Token) -> Node:
    """Write the URL of that name: `{% to "plans:detail" plan.pk %}`, or `{% to "plans:index" as plans_url %}`.

    A query string follows the tag. An unknown name, or the wrong number of arguments, raises NoReverseMatch when the
    template is compiled; a value that does not fit the URL raises it when the template is rendered.
    """
    _, *arguments = token.split_contents()
    variable = arguments.pop() if arguments[-2:-1] == ["as"] else ""
    if variable:
        arguments.pop()
    if not arguments or arguments[0][0] not in "\"'":
        raise template.TemplateSyntaxError('to takes a name in quotes, as in {% to "plans:detail" plan.pk %}')
    name, values = arguments[0][1:-1], [parser.compile_filter(value) for value in arguments[1:]]
    start, conversions = _compiled(name, len(values))
    link = LinkNode(start, [(value, *each) for value, each in zip(values, conversions, strict=True)])
    if variable:
        return NamedLinkNode(link, variable)
    return link if values else TextNode(start)


def _compiled(name: str, count: int) -> tuple[str, list[tuple[_Convert, str]]]:
    """Return the text before the first argument, and of each argument its conversion and the text that follows."""
    placeholders = [_PLACEHOLDER.format(number) for number in range(count)]
    url = reverse(name, args=placeholders)
    if not count:
        return url, []
    match = resolve("/" + url.removeprefix(get_script_prefix()))
    converters = [found["converter"] or "str" for found in _PARAMETER.finditer(match.route)]
    if match.view_name != name or len(converters) != count:
        raise NoReverseMatch(
            f"{name!r} takes its arguments from a regular expression, or is hidden: use url instead."
        )
    start, *texts = re.split("|".join(placeholders), url)
    return start, [
        (_conversion(name, converter), text) for converter, text in zip(converters, texts, strict=True)
    ]


def _conversion(name: str, kind: str) -> _Convert:
    converter = get_converters()[kind]
    fits = re.compile(converter.regex).fullmatch

    def convert(value: Any) -> str:
        text = str(converter.to_url(value))
        if not fits(text):
            raise NoReverseMatch(f"{text!r} does not fit the URL {name!r}.")
        return text if _needs_no_quoting(text) else quote(text, safe=_SAFE)

    return convert
