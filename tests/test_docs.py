"""The documents are true: the files, names, links and commands in them exist, and what is drawn matches the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import get_commands
from django.db.models import Model
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from tests import architecture
from tests.benchmarks import _performance_page
from tests.test_conventions import ROOT, in_folders, in_git, tracked

DOCUMENTS = [path for path in tracked("*.md") if path.name != "CHANGELOG.md" and "fonts" not in path.parts]
# Of these, research into packages that are not installed, nothing but the links is checked.
FOREIGN = {"0006-templates-in-rust.md"}
# Where a dotted name may begin: `ledger.settle` is short for `savings.ledger.settle`.
PREFIXES = ("", "savings.", "savings.models.", "web.", "web.views.")
FILE = re.compile(
    r"[\w.*-]+(?:/[\w.*-]+)*\.(?:py|md|html|sql|css|js|lua|toml|yml|yaml|txt|in|conf|json|ndjson|env)"
)
# Files that exist only in a running installation.
MADE = ("var/", ".venv/", ".env")
# Where docs/operations.md installs things on a server.
ON_A_SERVER = ("/etc/", "/opt/asusu", "/var/backups/asusu", "/var/lib/asusu", "/var/log/asusu")


@cache
def names() -> tuple[str, ...]:
    """Return the names of the project's files and of the folders that they are in."""
    files = in_git("*") or in_folders()
    folders = {parent.as_posix() for name in files for parent in Path(name).parents}
    return (*files, *folders)


def spans(path: Path) -> list[str]:
    """Return what a document has in single backticks, outside of blocks of code."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [span for span in re.findall(r"`([^`\n]+)`", text) if "<" not in span and "…" not in span]


def file_exists(name: str, folder: Path) -> bool:
    """Say whether a file or folder exists: in the root, templates/ or the document's folder, or by its bare name."""
    name = name.rstrip("/")
    if name.startswith(MADE) or any([*base.glob(name)] for base in (ROOT, ROOT / "templates", folder)):
        return True
    return "/" not in name and any(Path(known).match(name) for known in names())


def first_object(word: str) -> Any:
    """Return the module or model of ours that a dotted name may begin with, or None."""
    for prefix in PREFIXES:
        module, _, name = f"{prefix}{word}".rpartition(".")
        if module == "savings.models" and hasattr(import_module(module), name):
            return getattr(import_module(module), name)
        path = f"{prefix}{word}".replace(".", "/")
        if path.startswith(("savings", "web", "tests")) and {path, f"{path}.py"} & {*names()}:
            return import_module(f"{prefix}{word}")
    return None


def has(owner: Any, name: str) -> bool:
    """Say whether a module has an attribute or a module of that name, or a model or class a field or attribute."""
    if isinstance(owner, type) and issubclass(owner, Model):
        return hasattr(owner, name) or name in {field.name for field in owner._meta.get_fields()}
    if isinstance(owner, ModuleType) and not hasattr(owner, name):
        path = f"{owner.__name__}.{name}".replace(".", "/")
        return bool({path, f"{path}.py"} & {*names()})
    return hasattr(owner, name)


def is_dotted_name_real(dotted: str) -> bool:
    """Follow a dotted name from the module it begins with; a name that begins with none of ours is another's."""
    first, *others = dotted.split(".")
    owner = first_object(first)
    if owner is None:
        return True
    # The last name is only looked up and not imported: importing `web.wsgi`, for example, has effects.
    for name in others[:-1]:
        if not has(owner, name):
            return False
        owner = getattr(owner, name, None) or import_module(f"{owner.__name__}.{name}")
    return has(owner, others[-1])


def url_names() -> set[str]:
    return {
        f"{resolver.namespace}:{pattern.name}"
        for resolver in get_resolver().url_patterns
        if isinstance(resolver, URLResolver)
        for pattern in resolver.url_patterns
        if isinstance(pattern, URLPattern)
    }


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def is_url(path: str) -> bool:
    """Say whether a path leads to a page, or is one of a server's files. Only development has the lab."""
    try:
        resolve(path)
    except Resolver404:
        return path.startswith(("/lab/", *ON_A_SERVER))
    return True


# What a span can be, and how to tell whether the project has it; a span that is none of these is not checked.
KINDS: list[tuple[str, Callable[[str, Path], bool]]] = [
    (r"(?:\.venv/bin/python )?manage\.py (\w+).*", lambda name, _: name in get_commands()),
    (r"make ([a-z0-9]+).*", lambda name, _: name in make_targets()),
    (r"(/.*)", lambda path, _: is_url(path)),
    (rf"({FILE.pattern}|\.?[\w-]+(?:/[\w.*-]+)*/|\.[\w/-]+)", file_exists),
    (r"([a-z]\w*:[a-z]\w*)", lambda name, _: name in url_names()),
    (r"([A-Za-z]\w*(?:\.\w+)+)(?:\(\))?", lambda name, _: is_dotted_name_real(name)),
]


def mistakes(path: Path) -> list[str]:
    """Return what a document names in backticks and the project does not have."""
    return [span for span in spans(path) if not is_right(span, path.parent)]


def is_right(span: str, folder: Path) -> bool:
    for pattern, exists in KINDS:
        if match := re.fullmatch(pattern, span):
            return exists(match[1], folder)
    return True


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them, and those that it sets itself."""
    text = path.read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | {*re.findall(r'<a id="([\w-]+)"></a>', text)}


def broken_links(path: Path) -> list[str]:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        target, _, anchor = link.partition("#")
        if re.match(r"https?:", target):
            continue
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_document_names_only_what_exists(path: Path) -> None:
    assert path.name in FOREIGN or mistakes(path) == []
    assert broken_links(path) == []


@pytest.mark.parametrize(
    ("span", "exists"),
    [
        ("savings/money.py", True),
        ("savings/gold.py", False),
        ("money.py", True),
        ("gold.py", False),
        ("savings/*/lua/", True),
        ("ledger.settle", True),
        ("ledger.settle()", True),
        ("ledger.unsettle", False),
        ("savings.ledger.sql.write_entries", True),
        ("savings.ledger.sql.write_entry", False),
        ("User.version", True),
        ("User.vision", False),
        ("plans:top_up", True),
        ("plans:top_down", False),
        ("manage.py check_ledger", True),
        ("manage.py check_lodger", False),
        ("make run", True),
        ("make walk", False),
        ("/healthz/", True),
        ("/wealthz/", False),
    ],
)
def test_a_name_without_its_thing_is_found(tmp_path: Path, span: str, exists: bool) -> None:  # noqa: FBT001
    page = tmp_path / "page.md"
    page.write_text(f"See `{span}` for more.")
    assert mistakes(page) == ([] if exists else [span])


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading\n[a](#a-heading) [b](#b) [c](page.md) [d](other.md) [e](https://example.com)"
        ' <a id="row"></a>[f](#row)'
    )
    assert broken_links(page) == ["#b", "other.md"]


def test_the_drawings_of_the_layers_match_the_code() -> None:
    text = architecture.PAGE.read_text()
    assert architecture.drawn(text) == text, "Run make format, and read what changed."


def test_the_table_of_benchmarks_has_its_place_and_every_bar_holds() -> None:
    text = (ROOT / "docs/performance.md").read_text()
    assert text.count(_performance_page.BEGIN) == text.count(_performance_page.END) == 1
    assert "**fails**" not in text
