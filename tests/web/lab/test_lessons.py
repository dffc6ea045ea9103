"""The lessons of the lab: each claim has its page and its code, and docs/lessons.md says the same."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import resolve, reverse
from django.utils.html import escape

from savings.models import User
from tests.factories import fill
from web.lab import board_loading, document, lessons
from web.lab.claims.claim import Claim
from web.lab.lessons import LESSONS, Lesson
from web.lab.measure import Headline
from web.views.lab.indexes import PARTS

CLAIMS = [claim for lesson in LESSONS for claim in lesson.claims]
NAMES = {name for lesson in LESSONS for name, *_ in lesson.experiments}


def test_no_claim_is_there_twice() -> None:
    assert len({claim.quote for claim in CLAIMS}) == len(CLAIMS) > 35


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.quote[:40])
def test_a_claim_has_a_page_code_figures_and_a_price(claim: Claim) -> None:
    url, _, anchor = claim.url.partition("#")
    path, _, query = url.partition("?")
    assert resolve(path).view_name in NAMES
    name, _, value = query.partition("=")
    assert name in {"", "part", "do", "relation", "members"}
    assert name != "part" or value in PARTS
    assert name != "members" or int(value) in board_loading.SIZES
    assert not anchor or any(f'id="{anchor}"' in page.read_text() for page in Path("templates/lab").iterdir())
    assert claim.files
    assert [file for file in claim.files if not is_there(file)] == []
    assert any(claim.figures in lesson.figures for lesson in LESSONS)
    assert claim.beyond.endswith(".")
    for place in claim.also:
        # That of a message is a form of the site.
        assert resolve(place.url.partition("?")[0]).view_name in NAMES | {"statements:start"}
        assert place.words


@pytest.mark.parametrize("name", lessons.FIGURES)
def test_every_experiment_has_figures_in_the_document(name: str) -> None:
    figures = document.stored().figures[name]
    assert figures
    assert [headline for headline in figures if not re.search(r"\d", headline.value)] == []


def test_every_row_of_the_document_has_an_experiment_figures_code_and_a_price() -> None:
    rows = re.findall(r"^\| “.*$", document.PAGE.read_text(), re.MULTILINE)
    assert len(rows) == len(CLAIMS)
    for row in rows:
        _, quote, experiment, figures, code, price, _ = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)]
        assert quote
        assert re.match(r"`/lab/[^`]+`", experiment), row
        assert document.stored().figures[figures.partition("]")[0].removeprefix("[")], row
        assert re.match(r"\[`[^`]+`\]\(", code), row
        assert len(price) > 20, row


def test_the_figures_of_a_claim_are_one_link_away_and_so_are_pictures_of_the_viewer() -> None:
    text = document.PAGE.read_text()
    for claim, row in zip(CLAIMS, re.findall(r"^\| “.*$", text, re.MULTILINE), strict=True):
        assert f"[{claim.figures}](#figures-{claim.figures})" in row
        assert text.count(f'| <a id="figures-{claim.figures}"></a>`{claim.figures}` |') == 1
        assert ("](apm.md#without-elastic)" in row) == bool(claim.in_viewer)
    pictures = Path("docs/apm.md").read_text().partition("## Without Elastic")[2].partition("\n## ")[0]
    assert re.findall(r"!\[.+?\]\((.+?)\)", pictures) == ["apm-routes.png", "apm-trace.png"]


def test_the_readme_names_every_experiment() -> None:
    modules = [inspect.getmodule(headlines) for headlines in lessons.FIGURES.values()]
    files = [Path(str(module.__file__)).name for module in modules if module]
    readme = Path("README.md").read_text()
    assert [file for file in files if f"`{file}`" not in readme and f"/{file}`" not in readme] == []


def is_there(file: str) -> bool:
    """Return whether a file exists and, for Python, defines the name that is said of it."""
    path, _, name = file.partition(": ")
    if not path.endswith(".py"):
        return Path(path).exists() and not name
    body = ast.parse(Path(path).read_text()).body
    for word in name.split("."):
        found = next((node for node in body if word in names_of(node)), None)
        if found is None:
            return False
        body = getattr(found, "body", [])
    return True


def names_of(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def test_a_name_that_is_not_in_its_file_is_found() -> None:
    assert is_there("savings/models/ledger.py: Transaction.Meta")
    assert is_there("docs/apm.md")
    for file in ("web/counts.py", "web/counts.py: Count", "web/counts.py: Counts.none", "docs/none.md"):
        assert not is_there(file)


def test_every_name_of_figures_is_measured() -> None:
    names = [name for lesson in LESSONS for name in lesson.figures]
    assert sorted(names) == sorted(lessons.FIGURES)


def test_the_document_has_the_claims_as_they_are() -> None:
    text = document.PAGE.read_text()
    assert document.with_claims(text) == text, "Run manage.py lab --write."
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [lesson.title for lesson in LESSONS]


@pytest.mark.django_db
def test_figures_are_written_with_their_machine_and_nothing_else_changes() -> None:
    text = document.PAGE.read_text()
    figures = {"lookups": [Headline("Ten lookups without an index : with one", "412 ×")]}
    written = document.with_figures(text, figures)
    assert (
        '| <a id="figures-lookups"></a>`lookups` | Ten lookups without an index : with one | 412 × |'
        in written
    )
    assert re.search(
        r"Measured on \d{4}-\d\d-\d\d: .+, \d+ cores, Python 3\.\d+\.\d+, (SQLite|PostgreSQL) ", written
    )
    assert document.with_figures(written, figures) == written
    assert document.with_claims(written) == written


def test_the_front_page_has_every_claim_with_its_page_and_its_code(saver_client: Client) -> None:
    page = saver_client.get("/lab/").content.decode()
    for lesson in LESSONS:
        section = re.search(rf'<section [^>]*id="{lesson.name}".*?</section>', page, re.DOTALL)
        assert section
        assert section[0].count(">See it</a>") == len(lesson.claims)
        for url in [
            *[claim.url for claim in lesson.claims],
            *[reverse(name) for name, *_ in lesson.experiments],
        ]:
            assert f'href="{url}"' in section[0]
        for file in lesson.files:
            assert f"<code>{file}</code>" in section[0]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_an_experiment_links_to_its_lesson_and_names_its_code(
    saver_client: Client, saver: User, lesson: Lesson
) -> None:
    fill(saver, 2)
    for name, *_ in lesson.experiments:
        # The activity pages are shown as they are.
        if name.startswith("lab:") and "naive" not in name:
            page = saver_client.get(reverse(name)).content.decode()
            assert f'href="/lab/#{lesson.name}"' in page
            assert "docs/lessons.md" in page
            for claim in lesson.claims:
                if claim.experiment == name and claim.url == reverse(name):
                    assert f"“{claim.quote}”" in page
                    assert f"<code>{claim.files[0]}</code>" in page


def test_a_page_has_the_claims_of_its_experiment_and_no_other(saver_client: Client) -> None:
    text = saver_client.get("/lab/lookup/?part=update").content.decode()
    assert "we must retrieve it by its reference”" in text
    assert "an index is often always necessary" not in text
    assert "we must retrieve it by its reference”" not in saver_client.get("/lab/lookup/").content.decode()


def test_a_page_that_has_not_run_shows_the_figures_of_the_document(saver_client: Client) -> None:
    stored = document.stored()
    empty = {
        "measure": "/lab/measure/",
        "speeds": "/lab/measure/",
        "lookups": "/lab/lookup/",
        "index_costs": "/lab/lookup/?part=cost",
        "mails": "/lab/mail/",
        "statements": "/lab/statement/",
        "killing": "/lab/kill-worker/",
        "stampede": "/lab/stampede/",
        "whole_pages": "/lab/whole-page/",
    }
    for name, path in empty.items():
        page = saver_client.get(path).content.decode()
        assert stored.machine in page
        assert stored.figures[name]
        for headline in stored.figures[name]:
            assert f"<dt>{escape(headline.what)}</dt><dd>{escape(headline.value)}</dd>" in page


def test_of_a_relation_and_of_a_size_a_page_shows_its_own_figures_alone(saver_client: Client) -> None:
    for path, own, other in (
        ("/lab/plan-names/?relation=members", "Many-to-many, 250 rows", "Foreign key, 250 rows"),
        ("/lab/leaderboard/?members=1000", "1,000 members, computed", "24 members, computed"),
    ):
        page = saver_client.get(path).content.decode()
        assert f"<dt>{own}" in page
        assert f"<dt>{other}" not in page


@pytest.mark.django_db
def test_a_statement_of_the_lab_is_something_to_remove(saver_client: Client, saver: User) -> None:
    assert not lessons.has_leftovers()
    saver_client.post("/lab/statement/", {"format": "csv"})
    assert "Remove what the lab made" in saver_client.get("/lab/").content.decode()
    saver_client.post("/lab/clean/")
    assert not lessons.has_leftovers()


def test_what_was_loaded_is_removed_by_a_button_and_by_the_command(saver_client: Client) -> None:
    words = "Remove what the lab made"
    assert words not in saver_client.get("/lab/").content.decode()
    for remove in (lambda: saver_client.post("/lab/clean/"), lambda: call_command("lab", clean=True)):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE lab_example (id bigint)")
        assert words in saver_client.get("/lab/").content.decode()
        remove()
        assert lessons.loaded_tables() == []
    assert saver_client.get("/lab/clean/").status_code == 405
    assert "savings_transaction" in connection.introspection.table_names()


def test_the_command_prints_the_figures(saver: User, capsys: pytest.CaptureFixture[str]) -> None:
    fill(saver, 3)
    call_command("lab", "measure")
    printed = capsys.readouterr().out
    assert "Measure first" in printed
    assert "Activity, the naive way: queries at the first request, and at the next" in printed
    assert "Measured on" in printed
    with pytest.raises(CommandError, match="There is no lesson cooking. Choose of: measure, indexes"):
        call_command("lab", "cooking")
