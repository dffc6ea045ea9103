"""The one set of icons: 24 px grid, 1.5 px stroke, drawn in the page so that they cost no request.

`{% icon "plus" %}` with a literal name is text by the time the template is compiled. Words stand beside every
icon, so all of them are hidden from screen readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.template.base import TextNode
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from django.template.base import FilterExpression, Parser, Token
    from django.template.context import Context

register = template.Library()

_SHAPES = {
    "activity": '<path d="M8 19V6M8 6 4.5 9.5M8 6l3.5 3.5M16 5v13m0 0 3.5-3.5M16 18l-3.5-3.5"/>',
    "alert": '<circle cx="12" cy="12" r="8.25"/><path d="M12 8v4.5m0 3v.01"/>',
    "back": '<path d="m14.5 6-6 6 6 6"/>',
    "bank": '<path d="M4 9.5 12 4.5l8 5zM6 9.5V17m4-7.5V17m4-7.5V17m4-7.5V17M4 19.5h16"/>',
    "calendar": '<rect x="4" y="5.5" width="16" height="14.5" rx="1.5"/><path d="M4 10h16M8.5 3.5v4m7-4v4"/>',
    "card": '<rect x="3.5" y="5.5" width="17" height="13" rx="1.5"/><path d="M3.5 10h17M7 14.5h4"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "circle": '<circle cx="12" cy="6.5" r="2.75"/><circle cx="6" cy="16.5" r="2.75"/>'
    '<circle cx="18" cy="16.5" r="2.75"/><path d="m10.6 9-3.2 5.1M13.4 9l3.2 5.1M8.9 16.5h6.2"/>',
    "clock": '<circle cx="12" cy="12" r="8"/><path d="M12 7.5V12l3 2"/>',
    "cross": '<path d="m6.5 6.5 11 11m0-11-11 11"/>',
    "device": '<rect x="5" y="5" width="14" height="10" rx="1"/><path d="M2.5 18.5h19"/>',
    "document": '<path d="M6.5 3.5h7l4 4v12a1 1 0 0 1-1 1h-10a1 1 0 0 1-1-1v-15a1 1 0 0 1 1-1zM13 3.5V8h4.5M8.5 12.5h6'
    'M8.5 16h4"/>',
    "down": '<path d="M12 6v11m0 0-4-4m4 4 4-4"/>',
    "download": '<path d="M12 4v11m0 0 4-4m-4 4-4-4M5 19.5h14"/>',
    "eye": '<path d="M3 12s3.2-6 9-6 9 6 9 6-3.2 6-9 6-9-6-9-6z"/><circle cx="12" cy="12" r="2.5"/>',
    "flag": '<path d="M6 20.5V4.5c4-2 7 2 12 0v9c-5 2-8-2-12 0"/>',
    "flask": '<path d="M9.5 3.5h5M10.5 3.5v6L5 18.6a1.3 1.3 0 0 0 1.1 1.9h11.8a1.3 1.3 0 0 0 1.1-1.9L13.5'
    ' 9.5v-6M7.8 14.5h8.4"/>',
    "grow": '<path d="m4 16 5.5-5.5 3.5 3.5L20 7m0 0h-4.5M20 7v4.5"/>',
    "help": '<circle cx="12" cy="12" r="8.25"/><path d="M9.7 9.7a2.3 2.3 0 1 1 3.4 2c-.8.5-1.1 1-1.1 1.9m0 2.4v.01"/>',
    "hidden": '<path d="M4 4l16 16M9.5 6.4A9 9 0 0 1 12 6c5.8 0 9 6 9 6a16 16 0 0 1-2.7 3.3M6.2 8A15 15 0 0 0 3 12s3.2'
    ' 6 9 6a9 9 0 0 0 3.6-.8"/>',
    "home": '<path d="M4 10.5 12 4l8 6.5V19a1 1 0 0 1-1 1h-4.5v-5.5h-5V20H5a1 1 0 0 1-1-1z"/>',
    "in": '<path d="M12 5v13m0 0 5-5m-5 5-5-5"/>',
    "key": '<circle cx="8" cy="15.5" r="4"/><path d="M11 12.5 19.5 4m-3.5 3.5 3 3M13 10.5l2 2"/>',
    "leaf": '<path d="M5 19c0-8 4-13 14-14 .8 9-3.5 13.5-10 13.5-2 0-3-1-3-1M5 20c1.5-4 4-7 8-9"/>',
    "link": '<path d="M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7'
    'l1-1"/>',
    "lock": '<rect x="5.5" y="10.5" width="13" height="9.5" rx="1.5"/><path d="M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5"/>',
    "mail": '<rect x="3.5" y="5.5" width="17" height="13" rx="1.5"/><path d="m4 7 8 6 8-6"/>',
    "minus": '<path d="M6 12h12"/>',
    "more": '<circle cx="6" cy="12" r="1"/><circle cx="12" cy="12" r="1"/><circle cx="18" cy="12" r="1"/>',
    "move": '<path d="M4 8.5h14m0 0-3.5-3.5M18 8.5 14.5 12M20 15.5H6m0 0L9.5 12M6 15.5 9.5 19"/>',
    "next": '<path d="m9.5 6 6 6-6 6"/>',
    "out": '<path d="M12 19V6m0 0 5 5m-5-5-5 5"/>',
    "percent": '<path d="M6.5 17.5l11-11"/><circle cx="7.5" cy="7.5" r="2.25"/><circle cx="16.5" cy="16.5" r="2.25"/>',
    "phone": '<rect x="7" y="3" width="10" height="18" rx="2"/><path d="M11 17.5h2"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "receipt": '<path d="M6 3.5h12v17l-2.4-1.6L13.2 20.5 12 19.5l-1.2 1-2.4-1.6L6 20.5zM9 8.5h6M9 12.5h6"/>',
    "repeat": '<path d="M4 11a6 6 0 0 1 6-6h7m0 0-3-3m3 3-3 3M20 13a6 6 0 0 1-6 6H7m0 0 3 3m-3-3 3-3"/>',
    "return": '<path d="M8 5 4 9m0 0 4 4M4 9h10a5 5 0 0 1 0 10h-4"/>',
    "search": '<circle cx="11" cy="11" r="6"/><path d="m15.5 15.5 4 4"/>',
    "settings": '<circle cx="12" cy="12" r="3"/><path d="M12 3.5v2.2m0 12.6v2.2m8.5-8.5h-2.2M5.7 12H3.5m14.5-6-1.6 1.6'
    'M7.6 16.4 6 18m12 0-1.6-1.6M7.6 7.6 6 6"/>',
    "shield": '<path d="M12 3.5 5 6v5.5c0 4.3 2.9 7.5 7 9 4.1-1.5 7-4.7 7-9V6zM9 12l2.2 2.2L15.2 10"/>',
    "sign-out": '<path d="M14 4.5H6.5a1 1 0 0 0-1 1v13a1 1 0 0 0 1 1H14M10.5 12h9m0 0-3-3m3 3-3 3"/>',
    "stash": '<path d="M4 9.5h16V19a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1zM5.5 9.5 7.5 5h9l2 4.5M9.5 13h5"/>',
    "target": '<circle cx="12" cy="12" r="8"/><circle cx="12" cy="12" r="3.5"/><path d="M12 12 19 5"/>',
    "umbrella": '<path d="M12 4v-.5M4 12.5a8 8 0 0 1 16 0zM12 12.5v5.7a1.8 1.8 0 0 0 3.6 0"/>',
    "up": '<path d="M12 18V7m0 0-4 4m4-4 4 4"/>',
    "user": '<circle cx="12" cy="8" r="3.75"/><path d="M4.5 20a7.5 7.5 0 0 1 15 0"/>',
}
# The purposes of a plan have icons of their own.
_SHAPES |= {
    "car": '<path d="M4.5 16.5v-4l1.7-4.4a1.5 1.5 0 0 1 1.4-1h8.8a1.5 1.5 0 0 1 1.4 1l1.7 4.4v4zM4.5 12.5h15'
    'M6.5 16.5v2m11-2v2"/>',
    "emergency": _SHAPES["umbrella"],
    "rent": _SHAPES["home"],
    "school-fees": '<path d="M3 9.5 12 5l9 4.5-9 4.5zM7 11.5V16c2.8 2.2 7.2 2.2 10 0v-4.5M21 9.5v5"/>',
    "wedding": '<circle cx="12" cy="15" r="5.5"/><path d="M12 9.5 9.5 6l1.2-2.5h2.6L14.5 6z"/>',
}
ICONS: dict[str, SafeString] = {
    name: mark_safe(f'<svg class="i" viewBox="0 0 24 24" aria-hidden="true">{shape}</svg>')  # noqa: S308 - ours
    for name, shape in _SHAPES.items()
}


class IconNode(template.Node):
    """An icon whose name is known only when the page is made."""

    def __init__(self, name: FilterExpression) -> None:
        self.name = name

    def render(self, context: Context) -> SafeString:
        return ICONS[self.name.resolve(context)]


@register.tag
def icon(parser: Parser, token: Token) -> template.Node:
    """Draw an icon by name. A name that is not there is an error at compile time, not a hole in a page."""
    try:
        _, argument = token.split_contents()
    except ValueError:
        raise template.TemplateSyntaxError("icon takes one name, as in {% icon 'plus' %}") from None
    if argument[0] not in "\"'":
        return IconNode(parser.compile_filter(argument))
    name = argument[1:-1]
    if name not in ICONS:
        raise template.TemplateSyntaxError(f"no icon {name!r}; there are {', '.join(ICONS)}")
    return TextNode(ICONS[name])
