"""The tables of docs/lessons.md: the claims of each lesson, and the figures that `manage.py lab` has measured."""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from web.lab import boards
from web.lab.claims.claim import Claim
from web.lab.lessons import LESSONS, Lesson
from web.lab.measure import Headline

PAGE: Path = settings.BASE_DIR / "docs" / "lessons.md"
_BLOCK = re.compile(
    r"(?P<begin><!-- (?P<kind>claims|figures|machine|conclusion): ?(?P<name>\w*) ?-->\n)"
    r"(?P<content>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)
_ROW = re.compile(r"^\| (?:<a id=\"[\w-]+\"></a>)?`(\w+)` \| (.+) \| (.+) \|$", re.MULTILINE)
# Where the document has pictures of what a claim names in the viewer.
_VIEWER = "[`make apm`](apm.md#without-elastic)"

Figures = Mapping[str, Sequence[Headline]]


class Stored(NamedTuple):
    """The figures of the page by their names, and the machine of the last measurement."""

    figures: Figures
    machine: str


def stored(text: str | None = None) -> Stored:
    """Return the figures that the document has, or those in its text."""
    text = PAGE.read_text() if text is None else text
    blocks = {found["kind"]: found["content"] for found in _BLOCK.finditer(text)}
    figures: dict[str, list[Headline]] = {}
    for name, what, value in _ROW.findall(text):
        figures.setdefault(name, []).append(Headline(what, value))
    return Stored(figures, blocks["machine"].strip().removeprefix("Measured on ").rstrip("."))


def with_claims(text: str) -> str:
    """Return the document with the claims of each lesson as they are in web/lab/claims/, and the old figures."""
    figures = stored(text).figures
    claims = {("claims", lesson.name): _claims(lesson) for lesson in LESSONS}
    return _concluded(_replaced(text, claims | _figure_blocks(LESSONS, figures)))


def with_figures(text: str, figures: Figures) -> str:
    """Return the document with new figures of the lessons that have any, and the machine of the last measurement."""
    measured = [lesson for lesson in LESSONS if {*lesson.figures} & {*figures}]
    blocks = _figure_blocks(measured, figures) | {("machine", ""): f"\nMeasured on {machine()}.\n\n"}
    return _concluded(_replaced(text, blocks))


def machine() -> str:
    """Return the day, the processor and the versions on which figures depend, in one line."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    database = f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}"
    python = platform.python_version()
    return f"{today}: {_processor()}, {os.cpu_count()} cores, Python {python}, {database}, {_redis()}"


def _processor() -> str:
    """Return the model of the processor; only its kind where /proc does not tell."""
    path = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", path.read_text(), re.MULTILINE) if path.exists() else None
    return found[1] if found else platform.machine()


def _redis() -> str:
    try:
        return f"Redis {get_redis_connection('default').info('server')['redis_version']}"
    except (RedisError, KeyError):
        return "a replacement of Redis in Python"


def _claims(lesson: Lesson) -> str:
    rows = [
        f"| “{claim.quote}” | {_shown(claim)} | {_link(claim.figures)} | {_code(claim.files)} | {claim.beyond} |\n"
        for claim in lesson.claims
    ]
    head = "| The article | Experiment | Figures | In the product | What the article does not say |\n"
    return f"\n{head}|---|---|---|---|---|\n{''.join(rows)}\n"


def _shown(claim: Claim) -> str:
    viewer = [f"{_VIEWER}: {claim.in_viewer}"] if claim.in_viewer else []
    return "<br>".join([f"`{url}`" for url in (claim.url, *(place.url for place in claim.also))] + viewer)


def _concluded(text: str) -> str:
    """Return the document with what follows from its figures: from which size on the leaderboard's cache pays."""
    sentences = boards.conclusions(stored(text).figures.get("boards", ()))
    return _replaced(
        text, {("conclusion", "boards"): "".join(f"\n{sentence}\n" for sentence in sentences) + "\n"}
    )


def _link(figures: str) -> str:
    return f"[{figures}](#{_anchor(figures)})"


def _anchor(figures: str) -> str:
    """Return the anchor of the first row of these figures."""
    return f"figures-{figures}"


def _figure_blocks(lessons: Iterable[Lesson], figures: Figures) -> dict[tuple[str, str], str]:
    return {("figures", lesson.name): _figures(lesson, figures) for lesson in lessons}


def _figures(lesson: Lesson, figures: Figures) -> str:
    rows = [
        f"| {'' if number else f'<a id="{_anchor(name)}"></a>'}`{name}` | {what} | {value} |\n"
        for name in lesson.figures
        for number, (what, value) in enumerate(figures.get(name, ()))
    ]
    return f"\n| Figures | What | Measured |\n|---|---|--:|\n{''.join(rows)}\n"


def _code(files: Sequence[str]) -> str:
    return " ".join(f"[`{file}`](../{file.partition(': ')[0]})" for file in files)


def _replaced(text: str, blocks: Mapping[tuple[str, str], str]) -> str:
    def block(found: re.Match[str]) -> str:
        content = blocks.get((found["kind"], found["name"]))
        return found[0] if content is None else f"{found['begin']}{content}{found['end']}"

    return _BLOCK.sub(block, text)
