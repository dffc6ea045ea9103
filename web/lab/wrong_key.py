"""Experiment: a cache key without its owner shows one person's balance to another. Both people are made up."""

from __future__ import annotations

import ast
import dataclasses
import uuid
from collections.abc import Callable, Iterator

from django.conf import settings
from django.core.cache import cache
from django.template import TemplateSyntaxError, engines

from savings import money
from web.lab import shared_value
from web.lab.measure import Headline, source

SECONDS = 60
# The tests that catch such a key in the product.
TESTS = {
    "test_nobody_gets_anything_of_another_user": "tests/web/caching/test_pages.py",
    "test_a_fragment_without_an_owner_is_an_error": "tests/web/caching/test_pages.py",
}
_TEMPLATE = "{% load keeping %}{% cache 60 balance owner %}{{ balance }}{% endcache %}"


@dataclasses.dataclass(frozen=True)
class Person:
    """A made-up saver, who is in no table."""

    name: str
    version: int
    balance_kobo: int


PEOPLE = (Person("Ngozi", 7, 412_500_00), Person("Tunde", 3, 18_200_00))


def without_owner(person: Person, turn: str) -> str:
    shown: str | None = cache.get(f"lab:{turn}:balance")
    if shown is None:
        shown = render_balance(person)
        cache.set(f"lab:{turn}:balance", shown, SECONDS)
    return shown


def with_owner(person: Person, turn: str) -> str:
    key = f"lab:{turn}:balance:{person.name}:{person.version}"
    shown: str | None = cache.get(key)
    if shown is None:
        shown = render_balance(person)
        cache.set(key, shown, SECONDS)
    return shown


@dataclasses.dataclass(frozen=True)
class Shown:
    """What each person was shown in one way; the flag says whether it was their own."""

    name: str
    visits: list[tuple[Person, str, bool]]
    where: str
    code: str


def render_balance(person: Person) -> str:
    """Return the text that only this person may see."""
    return f"{person.name}: {money.naira(person.balance_kobo)}"


def visit_all() -> list[Shown]:
    """Let both people visit in each way, one after the other, with an empty cache at first."""
    ways = {"Without the owner": without_owner, "With the owner and a version": with_owner}
    return [_shown(name, way) for name, way in ways.items()]


def _shown(name: str, way: Callable[[Person, str], str]) -> Shown:
    turn = str(uuid.uuid4())
    visits = []
    for person in PEOPLE:
        shown = way(person, turn)
        visits.append((person, shown, shown == render_balance(person)))
    return Shown(name, visits, *source(way))


def refusal() -> str:
    """Return the error of the product's `{% cache %}` for a fragment whose owner is missing in the context."""
    try:
        engines["django"].from_string(_TEMPLATE).render({"balance": render_balance(PEOPLE[0])})
    except TemplateSyntaxError as error:
        return str(error)
    return ""


def guards() -> list[tuple[str, str]]:
    """Return the location and the code of each test that catches such a key; none where the tests are not installed."""
    found = []
    for name, path in TESTS.items():
        file = settings.BASE_DIR / path
        text = file.read_text() if file.exists() else ""
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                code = "\n".join(text.splitlines()[first - 1 : node.end_lineno])
                found.append((f"{path}:{first}", code))
    return found


def headlines() -> Iterator[Headline]:
    """Count the visits that showed another person's balance, and the queries for data that all share."""
    for shown in visit_all():
        others = sum(not is_own for _, _, is_own in shown.visits)
        yield Headline(
            f"{shown.name.lower()}: visits that showed another person’s balance", f"{others} of {len(PEOPLE)}"
        )
    yield from shared_value.headlines()
