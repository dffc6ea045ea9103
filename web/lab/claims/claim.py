"""What is said of each claim of the article, and the experiments that show it."""

from __future__ import annotations

from typing import NamedTuple

from django.urls import reverse

# The URL names of the experiments.
MEASURE = "lab:measure"
LOOKUP = "lab:lookup"
PLAN_NAMES = "lab:plan_names"
MAIL = "lab:mail"
STATEMENT = "lab:statement"
KILL_WORKER = "lab:kill_worker"
CACHING = "lab:caching"
STAMPEDE = "lab:stampede"
WRONG_KEY = "lab:wrong_key"
LEADERBOARD = "lab:leaderboard"
WHOLE_PAGE = "lab:whole_page"
# The query that opens the part of a page that shows these figures.
_PARTS = {
    "speeds": "?do=time",
    "building": "?part=create",
    "updates": "?part=update",
    "pagination": "?part=pages",
    "index_costs": "?part=cost",
    "unused_indexes": "?part=unused",
    "project_indexes": "?part=ours",
    "shared_plans": "?relation=shared",
    "workers": "?do=workers",
}


class Place(NamedTuple):
    """A further experiment that shows a claim: the words of its link, its URL name, and the query of its part."""

    words: str
    experiment: str
    query: str = ""

    @property
    def url(self) -> str:
        return reverse(self.experiment) + self.query


class Claim(NamedTuple):
    """One claim of the article.

    `quote` is in the article's words. `experiment` is the URL name of the page that shows it, and `figures` the name
    of the figures that measure it (web/lab/lessons.py). `part` is the query or the anchor of the part of the page that
    shows it, where the figures do not tell. `files` are where the product does it: a path, for Python
    with the name of the function, class or constant as in "web/counts.py: Counts". `also` are experiments that show the
    rest of the claim, and `in_viewer` is what shows it in the viewer of `make apm`.
    """

    quote: str
    experiment: str
    figures: str
    files: tuple[str, ...]
    beyond: str
    also: tuple[Place, ...] = ()
    in_viewer: str = ""
    part: str = ""

    @property
    def url(self) -> str:
        """Where the experiment is, at the part that shows the claim."""
        return reverse(self.experiment) + (self.part or _PARTS.get(self.figures, ""))
