"""The lessons of the article: their claims and experiments, the figures that measure them, and what the lab loads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.db import connection

from web.lab import (
    board_loading,
    boards,
    caches,
    index_building,
    index_costs,
    killing,
    lookups,
    mails,
    one_request,
    pagination,
    project_indexes,
    related_rows,
    relations,
    shared_plans,
    speeds,
    stampede,
    statements,
    table_loads,
    unused_indexes,
    updates,
    whole_pages,
    workers,
    wrong_key,
)
from web.lab.claims import background, caching, claim, indexes, measure, pages, queries
from web.lab.claims.claim import Claim
from web.lab.measure import Headline


class Lesson(NamedTuple):
    """A section of the lab's front page and of docs/lessons.md.

    `experiments` are URL names, each with a title and a line. `figures` are names in `FIGURES`.
    """

    name: str
    title: str
    line: str
    experiments: tuple[tuple[str, str, str], ...]
    figures: tuple[str, ...]
    claims: tuple[Claim, ...]

    @property
    def files(self) -> list[str]:
        """Where the product does it, each file once."""
        return list(dict.fromkeys(file for one in self.claims for file in one.files))


LESSONS = (
    Lesson(
        "measure",
        "Measure first",
        "Find out what is slow before you change anything.",
        (
            (
                claim.MEASURE,
                "One request, four tools",
                "The same request in four tools, with the same numbers. Then the latency and throughput of each page.",
            ),
        ),
        ("measure", "speeds"),
        measure.CLAIMS,
    ),
    Lesson(
        "indexes",
        "Indexes",
        "An index finds a row without reading the table, and costs something at each write.",
        (
            (
                claim.LOOKUP,
                "Lookup by reference",
                "The same table with and without an index, an index that you create, and pages of a million rows.",
            ),
        ),
        ("lookups", "building", "updates", "pagination", "index_costs", "unused_indexes", "project_indexes"),
        indexes.CLAIMS,
    ),
    Lesson(
        "queries",
        "N+1 queries",
        "One query for a list, or one for each of its rows as well.",
        (
            (
                claim.PLAN_NAMES,
                "Transactions with plan names",
                "One query per row, or one for the whole list: several ways to write it. Also rows that share plans.",
            ),
        ),
        ("relations", "shared_plans"),
        queries.CLAIMS,
    ),
    Lesson(
        "background",
        "Background work",
        "Answer first, and let a worker do what takes long.",
        (
            (
                claim.MAIL,
                "Mail",
                "Sent while you wait, or by a worker. Also tasks for one worker or two, and every kind of mail.",
            ),
            (claim.STATEMENT, "Statement", "Written while you wait, or by a worker that sends a link."),
            (claim.KILL_WORKER, "A killed worker", "What the outbox makes of work whose worker died."),
        ),
        ("mails", "workers", "statements", "killing"),
        background.CLAIMS,
    ),
    Lesson(
        "caching",
        "Caching",
        "Calculate once, read often, and replace what has changed.",
        (
            (claim.CACHING, "Caches", "A fragment, a whole page, a 304 and a value, each cold and warm."),
            (
                claim.STAMPEDE,
                "A stampede",
                "Twenty requests for a value that has expired, with a lock and without.",
            ),
            (
                claim.WRONG_KEY,
                "A wrong key",
                "A key without its owner, the test that finds it, and one key for data that all share.",
            ),
            (
                claim.LEADERBOARD,
                "Leaderboard",
                "Ranked at each request, or stored in Redis and updated when someone saves. Redis can be emptied.",
            ),
        ),
        ("caches", "stampede", "wrong_key", "boards"),
        caching.CLAIMS,
    ),
    Lesson(
        "pages",
        "A whole page",
        "All lessons together on one page, written both ways.",
        (
            (claim.WHOLE_PAGE, "The page, one change at a time", "What each lesson brings to the same page."),
            (
                "lab:naive_transactions",
                "Activity, the naive way",
                "Full objects, a query per row, a count of all rows, and OFFSET.",
            ),
            ("transactions:index", "Activity, the site’s way", "Slim rows, keyset pages and a page cache."),
        ),
        ("whole_pages",),
        pages.CLAIMS,
    ),
)
BY_NAME = {lesson.name: lesson for lesson in LESSONS}

# What measures the claims, by the name in `Claim.figures`: the `headlines` of a module of experiments.
FIGURES: dict[str, Callable[[], Iterator[Headline]]] = {
    "measure": one_request.headlines,
    "speeds": speeds.headlines,
    "lookups": lookups.headlines,
    "building": index_building.headlines,
    "updates": updates.headlines,
    "pagination": pagination.headlines,
    "index_costs": index_costs.headlines,
    "unused_indexes": unused_indexes.headlines,
    "project_indexes": project_indexes.headlines,
    "relations": relations.headlines,
    "shared_plans": shared_plans.headlines,
    "mails": mails.headlines,
    "workers": workers.headlines,
    "statements": statements.headlines,
    "killing": killing.headlines,
    "caches": caches.headlines,
    "stampede": stampede.headlines,
    "wrong_key": wrong_key.headlines,
    "boards": boards.headlines,
    "whole_pages": whole_pages.headlines,
}


# Functions that remove what an experiment has loaded. Tables that are left over are dropped after them.
CLEANERS: tuple[Callable[[], object], ...] = (
    table_loads.clean,
    index_building.clean,
    index_costs.clean,
    related_rows.clean,
    board_loading.clean,
    statements.clean,
)


def of_page(url_name: str) -> Lesson | None:
    """Return the lesson that lists a page among its experiments."""
    return next((lesson for lesson in LESSONS if url_name in {name for name, *_ in lesson.experiments}), None)


def claims_of(url_name: str, figures: str = "") -> list[Claim]:
    """Return the claims that a page shows: those of some figures, or all if none of the page's has these figures."""
    found = [claim for lesson in LESSONS for claim in lesson.claims if claim.experiment == url_name]
    return [claim for claim in found if claim.figures == figures] or found


def has_leftovers() -> bool:
    """Return whether `clean` has anything to remove."""
    return bool(loaded_tables()) or statements.made().exists()


def loaded_tables() -> list[str]:
    """Return the names of the tables that experiments have made."""
    return [name for name in connection.introspection.table_names() if name.startswith("lab_")]


def clean() -> list[str]:
    """Remove everything that experiments have loaded, and return the names of the tables that are gone."""
    for remove in CLEANERS:
        remove()
    tables = loaded_tables()
    cascade = " CASCADE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in tables:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}{cascade}")
    return tables
