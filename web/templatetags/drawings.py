"""The look's larger drawings: the logo, the cowrie, the mark on a deep card, and what empty pages show."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_LOGO = mark_safe(
    '<svg viewBox="0 0 32 32" aria-hidden="true"><path stroke="none" d="M16 1.5c7.2 0 11.5 6.4 11.5 14.1S23 30.5 16'
    ' 30.5 4.5 23.3 4.5 15.6 8.8 1.5 16 1.5z"/><path fill="none" stroke-width="2.5" d="M16 8v16.5"/><path fill="none"'
    ' stroke-width="1.75" d="M10.8 10.5h1.9M10.3 14.4h2.4M10.3 18.3h2.4M10.8 22.2h1.9M19.3 10.5h1.9M19.3 14.4h2.4'
    'M19.3 18.3h2.4M19.3 22.2h1.9"/></svg>'
)
_SHELL = (
    '<svg class="shell{}" viewBox="0 0 16 20" aria-hidden="true"><path d="M8 1.5c3.4 0 5.5 3.6 5.5 8.2S11.4 18.5 8 18.5'
    's-5.5-4.2-5.5-8.8S4.6 1.5 8 1.5z"/><path d="M8 5v10M6 7.5h.8M6 10h.8M6 12.5h.8M9.2 7.5h.8M9.2 10h.8M9.2 12.5h.8"/>'
    "</svg>"
)
_COWRIES = {reached: mark_safe(_SHELL.format(" on" if reached else "")) for reached in (True, False)}  # noqa: S308
_MARK = mark_safe(
    '<svg class="mark" viewBox="0 0 120 160" aria-hidden="true"><path d="M60 4C95 4 116 44 116 80S91 156 60 156 4 118 4'
    " 80 25 4 60 4zM60 7C91 7 111 45 111 80S88 153 60 153 9 116 9 80 29 7 60 7zM60 10C88 10 106 46 106 80S85 150 60 150"
    " 14 115 14 80 32 10 60 10zM60 13C85 13 100 48 100 80S82 147 60 147 20 114 20 80 35 13 60 13zM60 16C82 16 95 49 95"
    " 80S79 144 60 144 25 112 25 80 38 16 60 16zM60 19C79 19 90 51 90 80S76 141 60 141 30 110 30 80 41 19 60 19zM60 22"
    "C75 22 85 52 85 80S74 138 60 138 35 109 35 80 45 22 60 22zM60 25C72 25 80 54 80 80S71 135 60 135 40 108 40 80 48"
    " 25 60 25zM60 28C69 28 74 55 74 80S68 132 60 132 46 106 46 80 51 28 60 28zM60 34v92M45 44h7M68 44h7M44 52h7M69 52"
    "h7M44 60h7M69 60h7M44 68h7M69 68h7M43 76h7M70 76h7M43 84h7M70 84h7M44 92h7M69 92h7M44 100h7M69 100h7M44 108h7"
    'M69 108h7M45 116h7M68 116h7"/></svg>'
)
_TALLIES = {1: "M3 3v14", 2: "M3 3v14M8 3v14", 3: "M3 3v14M8 3v14M13 3v14"}
_DRAWINGS = {
    "box": '<path d="M12 30h48v28a3 3 0 0 1-3 3H15a3 3 0 0 1-3-3zM12 30l6-10h36l6 10"/><path class="hot"'
    ' d="M29 37h14"/><circle class="coin" cx="36" cy="10" r="5"/><path d="M18 44v8m5-8v8m5-8v8m5-8v8M15.5 51l20-6"/>',
    "activity": '<path d="M24 56V18m0 0L13 29m11-11 11 11"/><path class="hot" d="M48 16v38m0 0 11-11M48 54 37 43"/>',
    "circle": '<circle cx="36" cy="16" r="7"/><circle cx="17" cy="48" r="7"/><circle cx="55" cy="48" r="7"/>'
    '<path d="m32 22-11 19.5M40 22l11 19.5M24 48h24"/><circle class="hot" cx="36" cy="37" r="4"/>',
    "letter": '<path d="M10 18h52v38H10zM10 20l26 21 26-21"/><path class="hot" d="M10 56l18-19M62 56 44 37"/>'
    '<circle class="coin" cx="58" cy="17" r="6"/>',
    "statement": '<path d="M17 7h26l12 12v46H17zM43 7v12h12M25 30h22M25 39h22M25 48h13"/>'
    '<path class="hot" d="m41 52 4 4 9-10"/>',
    "card": '<rect x="8" y="18" width="56" height="38" rx="4"/><path d="M8 30h56M16 46h12"/>'
    '<path class="hot" d="m44 46 4 4 8-9"/>',
    "bank": '<path d="M10 29 36 13l26 16zM16 29v23M29 29v23M43 29v23M56 29v23M9 59h54"/>'
    '<circle class="coin" cx="36" cy="22.5" r="3"/>',
    "calendar": '<path d="M11 17h50v43H11zM11 29h50M24 10v12M48 10v12"/><path class="hot" d="m28 45 6 6 12-13"/>',
    "repeat": '<path d="M58 27A24 24 0 0 0 15 26m-1 19a24 24 0 0 0 43 1"/>'
    '<path class="hot" d="M58 14v13H45M14 58V45h13"/><circle class="coin" cx="36" cy="36" r="7"/>',
    "cowrie": '<path d="M36 8c15 0 24 13 24 29S51 64 36 64 12 52 12 37 21 8 36 8z"/><path class="hot" d="M36 20v18m0 9'
    'v.1"/><path d="M24 26h4M24 36h4M24 46h4M44 26h4M44 36h4M44 46h4"/>',
}
DRAWINGS = {
    name: mark_safe(f'<svg viewBox="0 0 72 72" aria-hidden="true">{shape}</svg>')  # noqa: S308 - ours
    for name, shape in _DRAWINGS.items()
}


@register.simple_tag
def logo() -> SafeString:
    """Draw the logo's sign; the word Asusu stands beside it."""
    return _LOGO


@register.simple_tag
def cowrie(reached: object = True) -> SafeString:
    """Draw a cowrie: gold where something is reached, an outline where it is not yet."""
    return _COWRIES[bool(reached)]


@register.simple_tag
def mark() -> SafeString:
    """Draw the cowrie's rings that lie under a deep card."""
    return _MARK


@register.simple_tag
def tally(count: int) -> SafeString:
    """Draw one, two or three notches."""
    shape = _TALLIES[count]
    return mark_safe(  # noqa: S308 - ours
        f'<svg class="shell tally" viewBox="0 0 16 20" aria-hidden="true"><path d="{shape}"/></svg>'
    )


@register.simple_tag
def drawing(name: str) -> SafeString:
    """Draw what an `.empty` box shows, by its name in `DRAWINGS`."""
    return DRAWINGS[name]
