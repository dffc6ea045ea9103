"""What the oldest browsers make of a style sheet: what they lack of it, and what they see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import tinycss2

from tests.browsers import OLDEST, TABLE, without

_ALL = frozenset(OLDEST)
_GROUPS = {"layer", "media", "container", "supports"}


class Lack(NamedTuple):
    """A line of the style sheet, what stands there, and the browsers that drop it."""

    line: int
    what: str
    browsers: frozenset[str]


def lacks(css: str) -> list[Lack]:
    """Return what a style sheet uses that one of the oldest browsers lacks, outside an @supports for it."""
    return list(_lacks_of(_rules(css), _ALL))


def seen_by(css: str, browser: str) -> str:
    """Return the style sheet without what that browser drops."""
    return "".join(_seen(_rules(css), browser))


def _rules(css: str) -> list[Any]:
    rules: list[Any] = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return rules


def _lacks_of(rules: Iterable[Any], browsers: frozenset[str]) -> Iterator[Lack]:
    """Walk rules that only those browsers look into."""
    for rule in rules:
        for what, lacking in _of_prelude(rule):
            if lacking & browsers:
                yield Lack(rule.source_line, what, frozenset(lacking & browsers))
        if rule.type == "at-rule" and rule.at_keyword in _GROUPS:
            yield from _lacks_of(_rules_in(rule), browsers - _skipping(rule))
        elif rule.type == "at-rule" and rule.at_keyword == "keyframes":
            for frame in _rules_in(rule):
                yield from _lacks_in_block(frame, browsers)
        else:
            yield from _lacks_in_block(rule, browsers)


def _lacks_in_block(rule: Any, browsers: frozenset[str]) -> Iterator[Lack]:
    plain = set()
    for item in _block(rule):
        if item.type != "declaration":
            yield Lack(item.source_line, "nesting", browsers)
            continue
        lacking = {what: found & browsers for what, found in _of_declaration(item) if found & browsers}
        # A plain declaration before it counts, unless a variable hides the new one until it is too late to drop it.
        has_fallback = item.name in plain and not any(token.name == "var" for token in _functions(item.value))
        if not lacking:
            plain.add(item.name)
        elif not has_fallback:
            yield from (Lack(item.source_line, what, frozenset(found)) for what, found in lacking.items())


def _seen(rules: Iterable[Any], browser: str) -> Iterator[str]:
    for rule in rules:
        prelude = tinycss2.serialize(rule.prelude)
        if any(browser in lacking for _, lacking in _of_prelude(rule)):
            continue
        if rule.type == "at-rule" and rule.content is None:
            yield f"@{rule.at_keyword}{prelude};"
        elif rule.type == "at-rule" and rule.at_keyword in _GROUPS:
            inside = "".join(_seen(_rules_in(rule), browser)) if browser not in _skipping(rule) else ""
            # Answered here: the browser that is shown this would answer for itself.
            yield inside if rule.at_keyword == "supports" else f"@{rule.at_keyword}{prelude}{{{inside}}}"
        elif rule.type == "at-rule":
            yield rule.serialize()
        else:
            kept = [item for item in _block(rule) if not _is_dropped(item, browser)]
            yield f"{prelude}{{{''.join(f'{item.serialize()};' for item in kept)}}}"


def _is_dropped(item: Any, browser: str) -> bool:
    return item.type != "declaration" or any(browser in found for _, found in _of_declaration(item))


def _block(rule: Any) -> list[Any]:
    if rule.content is None:
        return []
    found: list[Any] = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
    return found


def _rules_in(rule: Any) -> list[Any]:
    found: list[Any] = tinycss2.parse_rule_list(rule.content or [], skip_comments=True, skip_whitespace=True)
    return found


def _of_prelude(rule: Any) -> Iterator[tuple[str, set[str]]]:
    """Yield what stands before the braces, each with the browsers that lack it."""
    if rule.type == "qualified-rule":
        yield from _of_selector(rule.prelude)
    elif rule.type == "at-rule":
        yield f"@{rule.at_keyword}", _known("at_rules", rule.at_keyword)
    else:
        yield f"a syntax error: {rule.message}", set(_ALL)


def _of_selector(tokens: Iterable[Any]) -> Iterator[tuple[str, set[str]]]:
    before = ""
    for token in tokens:
        if token == "&":
            yield "nesting", set(_ALL)
        if token.type in {"ident", "function"} and before == ":":
            name = token.lower_name if token.type == "function" else token.lower_value
            if not name.startswith("-"):
                yield f":{name}", _known("selectors", name)
        if token.type == "function":
            yield from _of_selector(token.arguments)
        before = token.value if token.type == "literal" else ""


def _of_declaration(declaration: Any) -> Iterator[tuple[str, set[str]]]:
    """Yield the property, and the keywords, functions and units of its value."""
    name = declaration.lower_name
    if not name.startswith("-"):
        yield name, _known("properties", name)
    for token in _tokens(declaration.value):
        if token.type == "ident":
            yield f"{name}: {token.value}", without("values", f"{name}.{token.lower_value}")
        elif token.type == "function":
            in_any = without("functions", token.lower_name)
            yield f"{token.name}()", in_any or without("values", f"{name}.{token.lower_name}")
        elif token.type == "dimension":
            yield token.unit, without("functions", token.lower_unit)


def _tokens(tokens: Iterable[Any]) -> Iterator[Any]:
    for token in tokens:
        yield token
        if token.type == "function":
            yield from _tokens(token.arguments)
        elif token.type == "() block":
            yield from _tokens(token.content)


def _functions(tokens: Iterable[Any]) -> Iterator[Any]:
    return (token for token in _tokens(tokens) if token.type == "function")


def _known(kind: str, name: str) -> set[str]:
    """Return the browsers that lack it: all of them for a name that the table does not know."""
    return without(kind, name) if name in {*TABLE[kind]["lacks"], *TABLE[kind]["has"].split()} else set(_ALL)


def _skipping(rule: Any) -> set[str]:
    """Return the browsers that do not look into an @supports or @media, since they lack what it asks for."""
    if rule.at_keyword == "media":
        return {
            browser
            for token in _tokens(rule.prelude)
            if token.type == "ident"
            for browser in without("media", token.value)
        }
    if rule.at_keyword != "supports":
        return set()
    lacking = {browser for _, found in _asked(rule.prelude) for browser in found}
    words = [token.lower_value for token in rule.prelude if token.type == "ident"]
    assert "or" not in words, "This reader of @supports knows `and` and `not` alone."
    return set(_ALL) - lacking if "not" in words else lacking


def _asked(tokens: Iterable[Any]) -> Iterator[tuple[str, set[str]]]:
    for token in tokens:
        if token.type == "function" and token.lower_name == "selector":
            yield from _of_selector(token.arguments)
        elif token.type == "() block":
            declaration = tinycss2.parse_one_declaration(token.content, skip_comments=True)
            if declaration.type == "declaration":
                yield from _of_declaration(declaration)
