"""Features that the oldest supported browsers lack are not used, or have a fallback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tinycss2
from django.conf import settings

from tests.browsers import OLDEST, without
from tests.browsers.style_sheet import lacks, seen_by

STATIC: Path = settings.BASE_DIR / "static"
STYLE_SHEETS = sorted((STATIC / "css").glob("*.css"))
SCRIPTS = sorted((STATIC / "js").glob("*.js"))

# Features that a script checks for before it uses them.
ASKED_FOR = {"popover", "share"}


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=path.name) for path in paths]


@pytest.mark.parametrize("path", named(STYLE_SHEETS))
def test_style_sheets_use_only_what_the_oldest_browsers_have(path: Path) -> None:
    assert lacks(path.read_text()) == []


@pytest.mark.parametrize("path", named(STYLE_SHEETS))
def test_the_two_copies_of_the_dark_palette_are_the_same(path: Path) -> None:
    text = path.read_text()
    by_system = re.search(r'not\(\[data-theme="light"\]\) \{(.*?)\}', text, re.DOTALL)
    by_choice = re.search(r'html\[data-theme="dark"\](?::root)? \{(.*?)\}', text, re.DOTALL)
    assert by_system
    assert by_choice
    assert colours(by_system[1]) == colours(by_choice[1])


@pytest.mark.parametrize("path", named(STYLE_SHEETS))
def test_every_dark_colour_has_a_light_one(path: Path) -> None:
    root, _, rest = path.read_text().partition("@media")
    dark = re.search(r'not\(\[data-theme="light"\]\) \{(.*?)\}', rest, re.DOTALL)
    assert dark
    assert set(colours(dark[1])) <= set(colours(root))


def colours(text: str) -> dict[str, str]:
    return dict(re.findall(r"(--[\w-]+): (.*?);", text))


@pytest.mark.parametrize(
    ("css", "what"),
    [
        ("a { color: light-dark(#000, #fff) }", "light-dark()"),
        ("a { color: #000; color: light-dark(var(--a), #fff) }", "light-dark()"),
        ("a { color: color-mix(in srgb, red, blue) }", "color-mix()"),
        ("a { --mixed: oklch(50% 0.1 20) }", "oklch()"),
        ("a { b { margin: 0 } }", "nesting"),
        ("a { &:hover { margin: 0 } }", "nesting"),
        ("a { @media (width > 1px) { margin: 0 } }", "nesting"),
        ("a:has(b) { margin: 0 }", ":has"),
        ("a:is(:has(b), c) { margin: 0 }", ":has"),
        ("a:user-invalid { margin: 0 }", ":user-invalid"),
        ("a:popover-open { margin: 0 }", ":popover-open"),
        ("a { text-wrap: pretty }", "text-wrap"),
        ("a { field-sizing: content }", "field-sizing"),
        ("a { width: calc(1lh * 2) }", "lh"),
        ("a { transition-behavior: allow-discrete }", "transition-behavior"),
        ("@property --a { syntax: '*'; inherits: false }", "@property"),
        ("@starting-style { a { opacity: 0 } }", "@starting-style"),
        ("@scope (.a) { b { margin: 0 } }", "@scope"),
        ("@layer a { @media (width > 1px) { b { color: light-dark(red, blue) } } }", "light-dark()"),
        ("@keyframes a { to { color: light-dark(red, blue) } }", "light-dark()"),
        ("@supports (display: grid) { a:has(b) { margin: 0 } }", ":has"),
        # Chrome 109 supports:has() and evaluates it.
        ("@supports selector(:has(*)) { a { color: color-mix(in srgb, red, blue) } }", "color-mix()"),
        ("@supports not selector(:has(*)) { a:has(b) { margin: 0 } }", ":has"),
        ("a { corner-shape: squircle }", "corner-shape"),
        ("a { colour: red }", "colour"),
        ("a:hoover { margin: 0 }", ":hoover"),
        ("@unheard-of { a { margin: 0 } }", "@unheard-of"),
    ],
)
def test_a_style_sheet_with_something_newer_is_refused(css: str, what: str) -> None:
    assert what in {lack.what for lack in lacks(css)}


@pytest.mark.parametrize(
    "css",
    [
        "@supports (color: light-dark(#000, #fff)) { a { color: light-dark(#000, #fff) } }",
        "a { color: #000; color: color-mix(in srgb, red, blue) }",
        "@supports selector(:has(*)) { a:has(b) { margin: 0 } }",
        "@supports not selector(:popover-open) { a { margin: 0 } }",
        "@media (scripting: none) { a { margin: 0 } }",
        "a { inset: 0; translate: 0 1px; overflow: clip; height: 100dvh; width: min(1rem, 5cqi) }",
        "@container page (width >= 40rem) { a { margin: 0 } }",
    ],
)
def test_supported_and_skipped_features_are_allowed(css: str) -> None:
    assert lacks(css) == []


def test_unsupported_css_is_not_in_what_a_browser_sees() -> None:
    css = (
        "a { color: #000; color: light-dark(#000, #fff) } a:has(b), c { margin: 0 } @layer z { d { top: 0 } }"
    )
    seen = seen_by(css, "firefox")
    assert "light-dark" not in seen
    assert ":has" not in seen
    assert "#000" in seen
    assert "d " in seen
    assert ":has" in seen_by(css, "chrome")


@pytest.mark.parametrize("path", named(SCRIPTS))
def test_scripts_use_only_what_the_oldest_browsers_have(path: Path) -> None:
    assert newer_members(path.read_text()) == []


@pytest.mark.parametrize(
    "code", ["list.toSorted()", "menu.togglePopover()", "Object.groupBy(a, b)", "new CloseWatcher()"]
)
def test_a_script_with_something_newer_is_refused(code: str) -> None:
    assert newer_members(code)


def newer_members(code: str) -> list[str]:
    """Return the names in a script that one of the oldest browsers does not have."""
    words = re.sub(r"//.*", "", code)
    names = set(re.findall(r"\.(\w+)", words)) | set(re.findall(r"\bnew (\w+)", words))
    return sorted(name for name in names - ASKED_FOR if without("members", name))


def test_forms_are_read_without_their_button() -> None:
    # Chrome 109 has FormData, but not its second argument.
    for path in SCRIPTS:
        assert not re.search(r"new FormData\([^)]*,", path.read_text()), path.name


def test_the_readme_names_the_oldest_browsers() -> None:
    text = (settings.BASE_DIR / "README.md").read_text()
    for browser, version in OLDEST.items():
        assert f"{browser.capitalize()} {'.'.join(map(str, version))}" in text


def test_the_parser_understands_all_of_the_style_sheet() -> None:
    for path in STYLE_SHEETS:
        rules = tinycss2.parse_stylesheet(path.read_text())
        assert [rule.message for rule in rules if rule.type == "error"] == []
