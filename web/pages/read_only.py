"""Makes a page of a saver read-only for staff: nothing in it can be pressed, sent or loaded."""

from __future__ import annotations

from html.parser import HTMLParser

from django.utils.html import escape

# Elements that are left out with everything in them.
_GONE = {"script", "template"}
_CONTROLS = {"button", "input", "select", "textarea", "fieldset"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# What leads somewhere or sends something; htmx reads `hx-` and `data-hx-`.
_LEADING = {"href", "action", "formaction", "target", "ping", "autofocus", "popovertarget", "method"}
_HTMX = ("hx-", "data-hx-", "on")
_LINKS = {"a", "area"}


def read_only(html: str, *, banner: str) -> str:
    """Return a page without links, forms, scripts and tokens, with a banner (HTML) at the beginning of its body."""
    cleaner = _Cleaner(banner)
    cleaner.feed(html)
    cleaner.close()
    return "".join(cleaner.parts)


class _Cleaner(HTMLParser):
    """Writes the page again, tag by tag."""

    def __init__(self, banner: str) -> None:
        super().__init__(convert_charrefs=False)
        self.banner = banner
        self.parts: list[str] = []
        self.gone = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _GONE:
            self.gone += 1
            return
        if self.gone or _is_left_out(tag, dict(attrs)):
            return
        self.parts.append(_written(tag, attrs))
        if tag == "body":
            self.parts.append(self.banner)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.gone or tag in _GONE or _is_left_out(tag, dict(attrs)):
            return
        self.parts.append(_written(tag, attrs))
        if tag not in _VOID:
            # A shape of a drawing.
            self.parts.append(f"</{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in _GONE:
            self.gone = max(0, self.gone - 1)
        elif not self.gone:
            # A form is a plain block here.
            self.parts.append(f"</{'div' if tag == 'form' else tag}>")

    def handle_data(self, data: str) -> None:
        if not self.gone:
            self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self.parts.append(f"<!{decl}>")


def _is_left_out(tag: str, attrs: dict[str, str | None]) -> bool:
    is_token = tag == "input" and attrs.get("type") == "hidden"
    is_loading = tag == "link" and attrs.get("rel") == "manifest"
    return is_token or is_loading or (tag == "meta" and attrs.get("name") == "htmx-config")


def _written(tag: str, attrs: list[tuple[str, str | None]]) -> str:
    kept = [(name, value) for name, value in attrs if not _leads(tag, name)]
    if tag in _LINKS and any(name == "href" for name, _ in attrs):
        kept += [("role", "link"), ("aria-disabled", "true")]
    if tag in _CONTROLS and not any(name == "disabled" for name, _ in kept):
        kept.append(("disabled", None))
    name = "div" if tag == "form" else tag
    return f"<{name}{''.join(_attribute(*each) for each in kept)}>"


def _leads(tag: str, name: str) -> bool:
    if tag == "link" or (tag == "use" and name == "href"):
        return False
    return name in _LEADING or name.startswith(_HTMX)


def _attribute(name: str, value: str | None) -> str:
    return f" {name}" if value is None else f' {name}="{escape(value)}"'
