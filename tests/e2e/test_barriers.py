"""axe finds nothing on any page, in both themes, at five widths. Best practices count too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.e2e.pages import PAGES, SIGNED_OUT, found
from tests.e2e.person import Person

WIDTHS = (320, 390, 768, 1280, 1920)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
A_FEW: list[tuple[int, Scheme]] = [(320, "dark"), (1280, "light")]
# Each page takes about ten times as long in all of them: set BARRIERS=all to look everywhere.
LOOKS = list(product(WIDTHS, SCHEMES)) if os.environ.get("BARRIERS") == "all" else A_FEW


@pytest.fixture
def visitor(browser: Browser, site: str) -> Iterator[Person]:
    person = Person(browser, site)
    yield person
    person.leaves()


@pytest.mark.timeout(900)
def test_pages_of_a_saver_have_no_barriers(visitor: Person) -> None:
    visitor.signs_in("ada@example.com")
    assert barriers(visitor, [*PAGES, "/help/", *found(visitor)]) == []


@pytest.mark.timeout(300)
def test_pages_that_everybody_sees_have_no_barriers(visitor: Person) -> None:
    assert barriers(visitor, [*SIGNED_OUT, "/help/"]) == []


def barriers(person: Person, paths: list[str]) -> list[str]:
    """Load each page once, and ask axe in each look."""
    return [barrier for path in paths for barrier in _of_page(person, path)]


def _of_page(person: Person, path: str) -> list[str]:
    person.goes_to(path)
    lines: list[str] = []
    for width, scheme in LOOKS:
        person.page.set_viewport_size({"width": width, "height": 844})
        person.page.emulate_media(color_scheme=scheme)
        lines += [f"{width} px, {scheme}: {barrier}" for barrier in person.barriers()]
    return lines
