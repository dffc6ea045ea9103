"""The project's rules as tests."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver, resolve

ROOT: Path = settings.BASE_DIR
# Generated files, which must not be committed.
GENERATED = re.compile(r"(\.pyc|\.sqlite3(-wal|-shm)?|\.log|^\.env)$|^(var/|\.venv/|memorydb)")

# Templates without a URL of their own: other outcomes of another page's URL.
OUTCOMES = {
    "errors/page",
    "circles/invitation",
    "circles/invite_gone",
    "statements/file_away",
    "statements/link_gone",
    "payouts/link_gone",
    "users/email_link_gone",
}


def tracked(pattern: str) -> list[Path]:
    """Return the project's files that match a pattern and that git tracks, so without logs and scratch files.

    In a copy without git, such as an unpacked archive, these are all files in the project's folders.
    """
    names = in_git(pattern)
    if names is None:
        names = [name for name in in_folders() if fnmatch(name, pattern)]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def in_git(pattern: str, root: Path = ROOT) -> list[str] | None:
    """Return the names of the files that git tracks, or None outside a git repository."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--", pattern], cwd=root, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return [name for name in listed.stdout.decode().split("\0") if name] or None


def in_folders(root: Path = ROOT) -> list[str]:
    """Return the sorted names of the files in the project's folders, without generated and hidden ones."""
    files = []
    for folder, folders, names in root.walk():
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in {"var", "__pycache__"}
            and not (folder / name).is_symlink()
        ]
        files += [
            (folder / name).relative_to(root).as_posix() for name in names if not GENERATED.search(name)
        ]
    return sorted(files)


def imports(path: Path) -> set[str]:
    """Return the full names of the modules and their members that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_savings_does_not_import_http() -> None:
    """import-linter forbids importing `web` (pyproject.toml); it cannot forbid a part of Django."""
    for path in tracked("savings/*.py"):
        assert not {name for name in imports(path) if re.match(r"django\.http(\.|$)", name)}, path


def test_only_the_ledger_writes_entries() -> None:
    """import-linter lets only the ledger's postings import the SQL; this finds other ways of writing.

    Interest is written for thousands of accounts at once, in statements of its own.
    The exception is the migration that posts the provider's fees of past payments.
    """
    writing = re.compile(r"Entry\.objects\.(bulk_)?create|INSERT INTO savings_entry")
    assert [path.name for path in tracked("savings/*.py") if writing.search(path.read_text())] == [
        "interest_sql.py",
        "sql.py",
        "0043_costs_of_past_payments.py",
    ]


def test_only_notify_adds_notices() -> None:
    """The admin and allauth have ways of their own."""
    for layer in ("views", "middleware", "pages"):
        for path in tracked(f"web/{layer}/*.py"):
            assert not {name for name in imports(path) if name.startswith("django.contrib.messages")}, path


def test_views_catch_no_refusal_themselves() -> None:
    """A form catches its own (`form.refusals()`), the middleware all others (`web.refusals.refusals_lead_to`)."""
    for path in tracked("web/views/*.py"):
        assert not re.search(r"except .*\bRefused\b", path.read_text()), path


def test_amounts_are_stored_as_integers() -> None:
    for path in tracked("savings/models/*.py"):
        assert not re.search(r"FloatField|DecimalField", path.read_text()), path


def test_every_module_has_a_docstring() -> None:
    for path in tracked("*.py"):
        tree = ast.parse(path.read_text())
        # Django generates most of a migration, and its name says what it does.
        if tree.body and "migrations" not in path.parts:
            assert ast.get_docstring(tree), f"{path} has no docstring."


def our_urls() -> list[URLPattern]:
    """Return the URL patterns of our own views."""
    return [
        pattern
        for resolver in get_resolver().url_patterns
        for pattern in getattr(resolver, "url_patterns", [resolver])
        if getattr(pattern.callback, "__module__", "").startswith("web.views.")
    ]


def test_a_url_has_the_name_of_its_view() -> None:
    assert len(our_urls()) > 10
    assert [pattern.name for pattern in our_urls()] == [pattern.callback.__name__ for pattern in our_urls()]


def test_a_template_has_the_name_of_its_view() -> None:
    for path in tracked("web/views/*.py"):
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for folder, name in re.findall(r'"(\w+)/([a-z]\w*)\.html', path.read_text()):
            shown = f"{folder}/{name}"
            assert shown in OUTCOMES or hasattr(module, name), f"{path} has no view called {name}."


def pages() -> list[Path]:
    """Return the templates of pages: mail programs support neither style sheets nor htmx."""
    return [path for path in tracked("templates/*.html") if "emails" not in path.parts]


def first_parts(patterns: Sequence[URLPattern | URLResolver]) -> set[str]:
    """Return the first parts of the paths in a URLconf: `plans` of `plans/<int:plan_id>/`."""
    parts = set()
    for pattern in patterns:
        if route := str(pattern.pattern).removeprefix("^"):
            parts.add(route.partition("/")[0])
        elif isinstance(pattern, URLResolver):
            parts |= first_parts(pattern.url_patterns)
    return parts - {""}


def literal_url() -> str:
    """Return a regular expression for the beginning of a path of this site."""
    names = sorted(first_parts(get_resolver().url_patterns))
    assert {"plans", "accounts", "admin", "profile", "healthz"} <= set(names)
    return rf"/(?:{'|'.join(map(re.escape, names))})/"


def test_templates_link_by_url_name() -> None:
    """The tag `to` costs no more than a literal path (web/templatetags/links.py)."""
    literal = re.compile(rf"""(?<![\w.-]){literal_url()}|\b(?:href|(?:form)?action|hx-[a-z]+)=["']/(?!/)""")
    paths = [*tracked("templates/*.html"), *tracked("templates/*.txt")]
    assert any("emails" in path.parts for path in paths)
    assert not [(path, found[0]) for path in paths for found in literal.finditer(path.read_text())]


def test_template_lines_are_at_most_140_characters_long() -> None:
    """In a plain-text template each line break shows, so those keep their lines."""
    lines = [(path, line) for path in tracked("templates/*.html") for line in path.read_text().splitlines()]
    assert not [(path, line) for path, line in lines if len(line) > 140]


def strings(path: Path) -> Iterator[str]:
    """Return the strings of a module, with a 7 for each value in an f-string."""
    tree = ast.parse(path.read_text())
    parts = {value for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(value.value) if isinstance(value, ast.Constant) else "7" for value in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            yield node.value


def test_python_names_urls() -> None:
    literal = re.compile(rf"7?{literal_url()}")
    paths = tracked("web/*.py")
    assert len(paths) > 100
    assert not [(path, text) for path in paths for text in strings(path) if literal.match(text)]


def test_the_paths_in_links_from_savings_exist() -> None:
    """`savings` knows no URL names. The links that it signs or prints in files are compared with the URLconf."""
    link = re.compile(rf"7?({literal_url()}.*/)")
    paths = [
        found[1]
        for path in tracked("savings/*.py")
        for text in strings(path)
        if (found := link.fullmatch(text))
    ]
    assert sorted(resolve(path).view_name for path in paths) == [
        "messages:unsubscribe",
        "payments:return_from_provider",
        "statements:verify",
        "users:confirm_email_change",
        "users:undo_email_change",
    ]


@pytest.mark.parametrize(
    "banned", [r"\sstyle=", r"<style", r"\shx-on", r"\shx-boost", r"[\"']js:", r"\son[a-z]+="]
)
def test_templates_obey_the_content_security_policy(banned: str) -> None:
    assert pages()
    for path in pages():
        assert not re.search(banned, path.read_text()), f"{path} has {banned}"


def test_the_site_has_one_style_sheet_and_the_admin_another() -> None:
    assert [path.name for path in tracked("static/*.css")] == ["admin.css", "app.css"]
    for path in pages():
        sheet = "css/admin.css" if "admin" in path.parts else "css/app.css"
        links = re.findall(r"<link[^>]*stylesheet[^>]*>", path.read_text())
        assert all(sheet in link for link in links), path


def test_the_example_environment_is_complete() -> None:
    read = set()
    settings = [
        (ROOT / f"web/{name}.py").read_text() for name in ("settings", "operator_settings", "payout_settings")
    ]
    for node in ast.walk(ast.parse("\n".join(settings).replace("from __future__ import annotations", ""))):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = ast.unparse(node.func)
            if function == "required" or re.fullmatch(
                r"env\.(str|number|flag|float|list|db_url|log_level|time_zone|choice|code)", function
            ):
                read.add(str(node.args[0].value))
    listed = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(read)


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        path.name
        for path in tracked("*.py")
        if "os.environ" in path.read_text() and "tests" not in path.parts
    }
    # wsgi.py names the settings, spans.py what the APM agent leaves to us, and request_metrics.py where the files of
    # prometheus_client are: all only write. postgresql.py passes it on to the programs of PostgreSQL, with a password.
    writers = {"wsgi.py", "spans.py", "request_metrics.py", "postgresql.py"}
    assert readers <= {"settings.py", "manage.py", "run.py", "bench.py", "own_redis.py"} | writers


def test_every_test_is_run_by_make_test(pytestconfig: pytest.Config) -> None:
    """Except in a browser: `make e2e` runs those."""
    folders = pytestconfig.getini("testpaths")
    left_out = [
        path
        for path in tracked("tests/test_*.py")
        if not any(path.match(f"{folder}/**") or path.match(folder) for folder in [*folders, "tests/e2e"])
    ]
    assert left_out == []


def test_no_generated_file_is_committed() -> None:
    assert not [name for name in in_git("*") or [] if GENERATED.search(name)]


@pytest.mark.parametrize(
    "name", ["run.log", "var/run.log", "db.sqlite3-wal", "scratch.py", ".env", "tests/x.pyc"]
)
def test_an_untracked_file_does_not_belong_to_the_project(tmp_path: Path, name: str) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "kept.py").touch()
    git("add", "kept.py")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert in_git("*", tmp_path) == ["kept.py"]


def test_without_git_the_rules_read_the_project_s_folders(tmp_path: Path) -> None:
    for name in ("savings/money.py", "templates/a.html", "var/run.log", ".venv/lib/x.py", "a.log", "run.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert in_git("*", tmp_path) is None
    assert in_folders(tmp_path) == ["savings/money.py", "templates/a.html"]


def test_a_server_s_packages_are_a_subset_of_a_developer_s() -> None:
    names = {
        which: set(
            re.findall(
                r"^([a-z0-9._-]+==[^ ]+)", (ROOT / f"requirements/{which}.txt").read_text(), re.MULTILINE
            )
        )
        for which in ("base", "prod", "dev")
    }
    assert names["base"] < names["prod"] < names["dev"]


# Sentences that are not for the people who use the site.
FOR_DEVELOPERS = {
    "AssertionError",
    "CallFailed",
    "CallSkipped",
    "ImproperlyConfigured",
    "MalformedEvent",
    "OSError",
    "ProviderRefused",
    "RuntimeError",
    "TypeError",
    "UnclearAnswer",
    "ValueError",
}
SENTENCE = re.compile(r"[A-Z][^|{}]*\b\w+ [^|{}]*\b\w+ [^|{}]*[.?!]$")


def test_sentences_are_in_modules_of_messages() -> None:
    """Every sentence is in a template, a form or its feature's messages: that is where to change or translate it."""
    layers, features = "views pages auth middleware", "plans ledger calendar payments circles users mails"
    places = [f"web/{name}" for name in layers.split()] + [f"savings/{name}" for name in features.split()]
    files = [path for place in places for path in tracked(f"{place}/*.py") if path.name != "messages.py"]
    assert len(files) > 100
    assert [
        f"{path.relative_to(ROOT)}: {text}" for path in files for text in sentences(path.read_text())
    ] == []


def test_a_sentence_in_a_call_is_found_and_one_for_developers_is_not() -> None:
    found = 'raise Refused("This plan is closed.")'
    others = 'raise ValueError("This plan is closed.")\nlogger.info("This plan is closed.")\n"""This plan is closed."""'
    assert sentences(found) == ["This plan is closed."]
    assert sentences(others) == []


def sentences(source: str) -> list[str]:
    """Return the sentences in Python code, without docstrings, log lines and the errors of developers."""
    tree = ast.parse(source)
    passed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_for_developers(node.func):
            passed |= {id(part) for part in ast.walk(node)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in passed)
    return [node.value for node in texts if isinstance(node.value, str) and SENTENCE.match(node.value)]


def _is_for_developers(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id in {"logger", "httpx"}
    return isinstance(function, ast.Name) and function.id in FOR_DEVELOPERS
