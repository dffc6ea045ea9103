"""Compares the time of a link in a template: a literal path, our tag `to`, and Django's `url`.

`python -m tests.benchmarks._links` prints the times, each the best of several rounds.
"""

from __future__ import annotations

import os
import timeit
from functools import partial

import django
from django.conf import settings

if not settings.configured:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    django.setup()

from django.template import Context, Template

LINKS = {
    "literal": "/plans/{{ pk }}/top-up/",
    "to": '{% to "plans:top_up" pk %}',
    "url": '{% url "plans:top_up" pk %}',
}
TIMES, ROUNDS = 2_000, 60
# So many links in a page that its own cost does not count.
LINKS_PER_PAGE = 20


def main() -> None:
    """Print what each kind of link costs."""
    times = {kind: _microseconds(source) for kind, source in LINKS.items()}
    for kind, time in times.items():
        print(f"{kind:8} {time:6.2f} µs  {time / times['literal']:5.2f} times the literal")  # noqa: T201


def _microseconds(source: str) -> float:
    page, context = Template("{% load links %}" + source * LINKS_PER_PAGE), Context({"pk": 4711})
    number = TIMES // LINKS_PER_PAGE
    seconds = min(timeit.repeat(partial(page.render, context), number=number, repeat=ROUNDS))
    return seconds / (number * LINKS_PER_PAGE) * 1_000_000


if __name__ == "__main__":
    main()
