"""No URL contains a secret or personal data: no link, no GET form, no htmx request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from django.test import Client

from savings.models import Product, User
from tests.factories import join_circle, make_plan, make_product, make_user, pay_in, start_circle
from tests.web.shelf import written
from web.observability import page_costs
from web.observability.budgets import BUDGETS

pytestmark = pytest.mark.django_db

# Fields with a secret, or with text about the user. Searches (`q`), dates and filters of the user's own lists may be
# in a URL, so that they can be bookmarked.
NEVER = {
    "csrfmiddlewaretoken",
    "reference",
    "name",
    "nickname",
    "description",
    "email",
    "login",
    "password",
    "password1",
    "oldpassword",
    "code",
    "credential",
    "amount",
    "first",
    "monthly",
    "target",
    "goal",
}
SIGNED = re.compile(r"[0-9A-Z]{20}:[\w-]{20,}")
ADDRESSES = {"href", "action", "formaction", "hx-get", "hx-post", "src"}


@dataclass
class Form:
    attrs: dict[str, str]
    names: set[str] = field(default_factory=set)
    values: list[str] = field(default_factory=list)
    is_get: bool = False


class Page(HTMLParser):
    """Collects the parts of a page that end up in URLs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.open: Form | None = None
        self.urls: list[str] = []
        # For each htmx GET: the form around it, and what it includes.
        self.gets: list[tuple[Form | None, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        attrs = {name: value or "" for name, value in attributes}
        self.urls += [attrs[name] for name in ADDRESSES & attrs.keys()]
        if tag == "form":
            self.open = Form(attrs, is_get=attrs.get("method", "get").lower() == "get")
            self.forms.append(self.open)
        if self.open is not None and "name" in attrs and tag in {"input", "select", "textarea", "button"}:
            self.open.names.add(attrs["name"])
            self.open.values.append(attrs.get("value", ""))
        if self.open is not None and attrs.get("formmethod", "").lower() == "get":
            self.open.is_get = True
        if "hx-get" in attrs:
            self.gets.append((self.open, attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None

    def sent_in_addresses(self) -> tuple[set[str], list[str]]:
        """Return the names and values of all fields sent by GET."""
        forms = [form for form in self.forms if form.is_get or "hx-get" in form.attrs]
        names = {name for form in forms for name in form.names}
        values = [value for form in forms for value in form.values]
        for form, attrs in self.gets:
            include = attrs.get("hx-include", "")
            names |= set(re.findall(r"\[name=\"?'?([\w-]+)", include))
            if form is not None and re.fullmatch(r"closest form|#form|form|this", include.strip()):
                names |= form.names
                values += form.values
            values.append(attrs.get("hx-vals", ""))
        return names, values


def check(text: str, path: str, private: list[str]) -> None:
    page = Page(text)
    names, values = page.sent_in_addresses()
    assert not names & NEVER, f"{path} sends {names & NEVER} in an address"
    for sent in [*values, *page.urls]:
        assert not SIGNED.search(unquote(sent)), f"{path} has a signed reference in an address: {sent}"
        assert "csrfmiddlewaretoken" not in sent, path
        assert not any(word in unquote(sent) for word in private), f"{path} tells who somebody is: {sent}"


@pytest.fixture
def ada() -> User:
    """A user with data on each page, marked with recognisable text."""
    user = make_user("private-address@example.com", name="Privatename Obi")
    product, target = make_product(), make_product(Product.Kind.TARGET)
    plan = make_plan(user, target, holding_kobo=1_000_00, name="Privateplan")
    circle = start_circle(user, product, nickname="Privatenick", name="Roof")
    join_circle(circle, saved_kobo=100_00)
    pay_in(user, 50_00, plan=plan)
    written(user, scope="plan", plan=plan)
    return user


PRIVATE = ["private-address", "Privatename", "Privateplan", "Privatenick"]
ALSO = [
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/logout/",
    "/accounts/2fa/totp/activate/",
    "/lab/",
]


def pages_of(user: User) -> list[str]:
    """Return the URLs of all pages that have a budget, and some of allauth's."""
    things = page_costs._things(user)
    found = (page_costs._address(budget, things) for budget in BUDGETS)
    return [path for path in found if path is not None] + ALSO


def test_no_page_sends_a_secret_or_a_name_in_an_address(client: Client, ada: User) -> None:
    client.force_login(ada)
    seen = 0
    for path in pages_of(ada):
        response = client.get(path, follow=True)
        if response.status_code == 200 and "html" in response["Content-Type"]:
            check(response.text, path, PRIVATE)
            seen += 1
    assert seen > 30


def test_the_page_of_an_invalid_form_sends_none_in_a_url(client: Client, ada: User) -> None:
    client.force_login(ada)
    typed = {"name": "Privatename", "nickname": "Privatenick", "amount": "x", "goal": "x", "first": "x"}
    for path in pages_of(ada):
        if path.startswith(("/plans/", "/circles/", "/stash/", "/profile/", "/statements/")):
            response = client.post(path, typed)
            assert not any(word in unquote(response.get("Location", "")) for word in PRIVATE)
            if response.status_code in {200, 422}:
                check(response.text, path, PRIVATE)


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/signup/", "/statements/verify/"])
def test_signed_out_pages_send_none_in_a_url(client: Client, path: str) -> None:
    check(client.get(path).text, path, [])


def test_the_first_payment_of_a_new_plan_is_not_in_the_address(client: Client, ada: User) -> None:
    client.force_login(ada)
    form = client.get("/plans/start/").context["form"]
    product = Product.objects.get(kind="flexible")
    typed = {"reference": form["reference"].value(), "name": "Car", "first": "₦2,500", "product": product.pk}
    where = client.post("/plans/start/", typed)["Location"]
    plan = ada.plans.get(name="Car")
    assert where == f"/plans/{plan.pk}/top-up/"
    assert 'value="2,500"' in client.get(where).text
    other = ada.plans.get(name="Privateplan")
    assert 'value="2,500"' not in client.get(f"/plans/{other.pk}/top-up/").text


def test_a_preview_is_posted_with_and_without_scripts(client: Client, ada: User) -> None:
    client.force_login(ada)
    page = client.get("/plans/start/").text
    assert 'hx-post="/plans/start/preview/"' in page
    assert 'formaction="/plans/start/preview/"' in page
    assert 'formmethod="get"' not in page
    assert client.get("/plans/start/preview/")["Location"] == "/plans/start/"


def test_the_start_page_takes_no_name_or_amount_from_its_url(client: Client, ada: User) -> None:
    """Old links and bookmarks of a preview show the empty form."""
    client.force_login(ada)
    product = Product.objects.get(kind="flexible")
    page = client.get(f"/plans/start/?product={product.pk}&name=Privateplan&first=100,000")
    form = page.context["form"]
    assert (form["name"].value(), form["first"].value()) == ("", None)
    assert f'value="{product.pk}" checked' in page.text
