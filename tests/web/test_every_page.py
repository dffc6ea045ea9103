"""Every page is valid HTML, promises nothing that the code does not do, and works in the oldest browsers."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
import time_machine
import tinyhtml5.parser
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client

from savings import plans, references
from savings.models import User
from tests.browsers import without
from tests.factories import PASSWORD, fill, make_plan, make_product, make_user
from tests.web.test_every_url import URLS, examples, owner, path_of  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

# One line per format of the `datetime` attribute in the HTML standard.
_DAY = r"\d{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = re.compile(
    rf"^{_DAY}(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{{1,3}})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?$"
)

_INTERACTIVE = {"a", "button", "details", "input", "label", "select", "textarea"}
_REFERENCES = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "popovertarget")

# Without popovers, a script or the style sheet opens menus (app.js, app.css). The other is only a hint.
_HAS_FALLBACK = {"*.popover", "button.popovertarget", "*.autocapitalize"}

# Promises that the code does not keep.
NOT_TRUE = re.compile(
    r"within the hour|yours at any time|it is empty|will earn|you will have,|instantly"
    r"|withdraw (it |them |money )?(at )?any ?time",
    re.IGNORECASE,
)


class Page:
    """One page, as text and as a parsed tree."""

    def __init__(self, path: str, html: str) -> None:
        self.path, self.html = path, html
        parser = tinyhtml5.parser.HTMLParser(namespace_html_elements=False)
        self.root: Element = parser.parse(html)
        self.errors = [error for _, error, _ in parser.errors]

    def elements(self) -> Iterator[Element]:
        return (element for element in self.root.iter() if isinstance(element.tag, str))


@pytest.fixture
def pages(owner: User, examples: dict[str, str]) -> list[Page]:  # noqa: F811
    """Every page of a saver who has one of everything, and what a visitor sees."""
    fill(owner, 30)
    plans.close(make_plan(owner, name="Closed"))
    saver, visitor = Client(), Client()
    saver.force_login(owner)
    found = [Page("/accounts/", saver.get("/accounts/").content.decode())]
    # A passkey with only a name is enough for the list, not for signing in.
    Authenticator.objects.all().delete()
    saver.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for url in URLS:
        if url.path.startswith("/admin/"):
            continue
        for client in (saver, visitor):
            response = client.get(path_of(url, examples | {"token": "x"}))
            if response.get("Content-Type", "").startswith("text/html") and response.content:
                found.append(Page(url.path, response.content.decode()))
    assert len(found) > 60
    return found


def test_every_page_parses_without_an_error(pages: list[Page]) -> None:
    assert [(page.path, page.errors) for page in pages if page.errors] == []


def test_every_time_is_one_that_html_knows(pages: list[Page]) -> None:
    times = [
        (page.path, element.get("datetime"))
        for page in pages
        for element in page.elements()
        if element.tag == "time"
    ]
    assert len(times) > 20
    assert [(path, said) for path, said in times if not _TIME.match(said or "")] == []


@pytest.mark.parametrize(
    "said", ["2026-11-28T10:00:00.123456+01:00", "2026-11-28T10:00:00", "28 Nov 2026", ""]
)
def test_other_times_are_refused(said: str) -> None:
    assert not _TIME.match(said)


def test_no_id_is_there_twice_and_each_that_is_named_is_there(pages: list[Page]) -> None:
    wrong = []
    for page in pages:
        ids = Counter(element.get("id") for element in page.elements() if element.get("id"))
        wrong += [(page.path, name) for name, times in ids.items() if times > 1]
        named = {
            name
            for element in page.elements()
            for key in _REFERENCES
            for name in (element.get(key) or "").split()
        }
        named |= {
            a[1:]
            for e in page.elements()
            if e.tag == "a" and (a := e.get("href") or "").startswith("#") and a != "#"
        }
        wrong += [(page.path, f"no {name}") for name in named - set(ids)]
    assert sorted(set(wrong)) == []


def test_nothing_that_is_pressed_is_inside_something_else_that_is(pages: list[Page]) -> None:
    def nested(element: Element, outer: str = "") -> Iterator[str]:
        for child in element:
            tag = child.tag if isinstance(child.tag, str) else ""
            is_interactive = tag in _INTERACTIVE and child.get("type") != "hidden"
            # A label contains only its own field; a closed `details` may contain anything.
            if is_interactive and outer and not (outer == "label" and tag in {"input", "select", "textarea"}):
                yield f"{tag} in {outer}"
            yield from nested(child, tag if is_interactive and tag != "details" else outer)

    assert [(page.path, found) for page in pages for found in nested(page.root)] == []


def test_pages_are_made_of_what_the_oldest_browsers_have(pages: list[Page]) -> None:
    found = set()
    for page in pages:
        for element in page.elements():
            if without("elements", str(element.tag)):
                found.add(str(element.tag))
            for name in element.attrib:
                found |= {key for key in (f"*.{name}", f"{element.tag}.{name}") if without("attributes", key)}
    assert found <= _HAS_FALLBACK


def test_pages_promise_only_what_the_code_does(pages: list[Page]) -> None:
    found = [(page.path, match[0]) for page in pages if (match := NOT_TRUE.search(words(page.html)))]
    assert found == []


def test_the_sources_of_pages_and_mails_promise_only_what_the_code_does() -> None:
    root = Path(settings.BASE_DIR)
    sources = [
        *root.glob("templates/**/*.html"),
        *root.glob("templates/**/*.txt"),
        *root.glob("savings/demo/*.py"),
    ]
    sources += [
        root / "savings/plans/terms.py",
        root / "savings/mails/emails.py",
        root / "README.md",
        root / "CONTRIBUTING.md",
        *root.glob("docs/*.md"),
        *root.glob("web/forms/*.py"),
    ]
    # The simulator's pages speak of the provider's balance.
    ours = [path for path in sources if path.parent.name != "simulator"]
    found = [(str(path), match[0]) for path in ours if (match := NOT_TRUE.search(words(path.read_text())))]
    assert found == []


@pytest.mark.parametrize(
    "promise", ["Out within the hour.", "From there it is yours at any time.", "It is empty."]
)
def test_a_promise_that_is_not_kept_is_found(promise: str) -> None:
    assert NOT_TRUE.search(promise)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_every_moment_in_a_template_goes_through_the_one_filter() -> None:
    found: list[Any] = []
    for path in Path(settings.BASE_DIR).glob("templates/**/*.html"):
        found += [
            (path.name, said)
            for said in re.findall(r'datetime="([^"]*)"', path.read_text())
            if "|iso }}" not in said
        ]
    assert found == []


def test_interest_of_a_plan_that_closes_is_in_the_stash(client: Client) -> None:
    with time_machine.travel(datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC), tick=False):
        user = make_user()
        plan = make_plan(user, make_product(rate_bps=850), holding_kobo=100_000_00)
    with time_machine.travel(datetime.datetime(2026, 4, 1, 12, tzinfo=datetime.UTC), tick=False):
        client.force_login(user)
        plans.move_from_plan(user, plan, amount_kobo=100_000_00, reference=references.new("plan_to_stash"))
        assert "₦1,886.31</span> after tax, goes to" in client.get(f"/plans/{plan.pk}/").text
        assert "₦2,095<small>.89" in client.get("/dashboard/").text
        plans.close(plan)
        assert "₦101,886<small>.31" in client.get("/stash/").text
        for page in ("/dashboard/", f"/plans/{plan.pk}/"):
            assert "₦2,095<small>.89" not in client.get(page).text
        assert "not paid yet" not in client.get("/plans/").text
