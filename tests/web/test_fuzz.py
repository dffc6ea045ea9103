"""Every route gets invalid input in path, query, form, body, headers and cookies, and none answers 5xx.

PostgreSQL refuses values that SQLite accepts (NUL bytes, large integers), so this matters on both databases.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import connection, transaction
from django.forms import BaseForm, DateField
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from fido2.cose import CoseKey
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData
from pytest_django.fixtures import Settings

from savings import mails
from savings.models import User
from tests.factories import PASSWORD
from tests.web.staff import make_staff, sign_in
from tests.web.test_every_url import URLS, Url, examples, owner, path_of  # noqa: F401 - fixtures
from web.auth.sign_in import PUBLIC
from web.forms.fields import MoneyField

# Thousands of requests each.
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]

# As in a URL or a form, percent-encoded; some are not valid text.
VALUES = {
    "nul": "a%00b",
    "lone surrogate": "%ED%A0%80",
    "not UTF-8": "%FF%FE",
    "past bigint": str(2**63),
    "5,000 digits": "9" * 5_000,
    "first day": "0001-01-01",
    "last day": "9999-12-31",
    "float": "1e400",
    "other digits": quote("١٢٣"),
    "superscript": quote("²"),
    "object": quote('{"a": 1}'),
    "open bracket": quote("http://["),
    "line ends": "a%0D%0Ab",
    "long": "x" * 5_000,
}
# Values that are too long for a URL.
BODY_VALUES = {"deep brackets": "[" * 30_000, "a long number in JSON": f"[{'9' * 5_000}]"}
# Cookies that the user may have changed.
COOKIES = ["", "x" * 4_000, '"\\000aaaaaaaaaaaaaaaa"', "\xff\xfe" * 8, "[]", "1:2:3", "9" * 40]
HEADER_PATHS = ["/accounts/login/", "/transactions/", "/payments/webhook/paystack/"]
# Parameters of the admin's lists.
LIST_NAMES = ["q", "state", "before", "after"]
OTHER_ADMIN_NAMES = [
    *(
        "p",
        "o",
        "e",
        "all",
        "id__exact",
        "pk__in",
        "user__id__exact",
        "_popup",
        "_to_field",
        "_changelist_filters",
        "term",
        "next",
    ),
    *("app_label", "model_name", "field_name"),
]
ADMIN_FIELDS = ["action", "index", "_selected_action", "select_across", "email", "name", "password1", "post"]
# Signing out would end the test.
LEFT_OUT = {"account_logout", "admin:logout"}


@pytest.fixture(autouse=True)
def _nothing_is_limited_or_cached(settings: Settings) -> None:
    settings.RATE_LIMITS = False
    settings.ACCOUNT_RATE_LIMITS = False
    settings.KEEPS_PAGES = False


@pytest.fixture(autouse=True)
def _logs_nothing() -> Iterator[None]:
    """To format the traceback of each refusal takes an eighth of the time."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def _pages_fetch_nothing_in_passing() -> None:
    """Allow lazy fetching, because this does not test costs."""


@pytest.fixture
def people(examples: dict[str, str], owner: User) -> dict[str, Client]:  # noqa: F811 - fixtures
    """A browser for a visitor, the owner of every example, and a superuser."""
    staff = make_staff(is_superuser=True)
    found = {"visitor": Client(), "saver": Client(), "staff": Client()}
    for who, user in (("saver", owner), ("staff", staff)):
        sign_in(user, found[who])
        found[who].post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert found["staff"].get("/admin/").status_code == 200
    for client in found.values():
        client.raise_request_exception = False
    return found


@contextmanager
def undone() -> Iterator[None]:
    """Roll back the effects of a request, so that the next one starts from the same state."""
    point = transaction.savepoint_create()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)
        transaction.set_rollback(False)


@pytest.fixture
def names_read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the parameters and fields that a view has read."""
    names: set[str] = set()

    def noted(method: str) -> None:
        original: Callable[..., object] = getattr(QueryDict, method)

        def asked(self: QueryDict, name: str, *args: object, **kwargs: object) -> object:
            names.add(name)
            return original(self, name, *args, **kwargs)

        monkeypatch.setattr(QueryDict, method, asked)

    for method in ("__getitem__", "__contains__", "get", "getlist"):
        noted(method)
    return names


def some_credential() -> dict[str, object]:
    """Return a device's response when it creates a passkey."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    made = AttestedCredentialData.create(
        Aaguid.NONE, b"x" * 16, CoseKey.for_alg(-7).from_cryptography_key(key)
    )
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    told = AuthenticatorData.create(hashlib.sha256(b"testserver").digest(), flags, 0, bytes(made))
    response = {
        "clientDataJSON": websafe_encode(
            b'{"type": "webauthn.create", "challenge": "eA", "origin": "https://x"}'
        ),
        "attestationObject": websafe_encode(AttestationObject.create("none", told, {})),
    }
    name = websafe_encode(b"x" * 16)
    return {"id": name, "rawId": name, "type": "public-key", "response": response}


type Cases = dict[str, str]


class Fuzzer:
    """Sends requests, and records those that crashed the site."""

    def __init__(self, client: Client, names_read: set[str]) -> None:
        self.client, self.names_read = client, names_read
        self.broken: list[str] = []

    def get(self, path: str, query: str = "") -> None:
        self._send(
            lambda: self.client.get(path, query_params=None, QUERY_STRING=query), f"GET {path}?{query}"
        )

    def post(self, path: str, body: str, content_type: str = "application/x-www-form-urlencoded") -> None:
        self._send(lambda: self.client.post(path, body.encode(), content_type), f"POST {path} {body}")

    def ask_with(self, path: str, headers: dict[str, str]) -> None:
        what = f"{path} with {headers}"
        self._send(lambda: self.client.get(path, headers=headers), f"GET {what}")
        self._send(lambda: self.client.post(path, {"next": "/"}, headers=headers), f"POST {what}")

    def send_event(self, body: bytes, *, is_signed: bool) -> None:
        key = settings.PROVIDER_SECRET_KEY.encode()
        signature = hmac.new(key, body, hashlib.sha512).hexdigest() if is_signed else "0" * 128
        ask = partial(self.client.post, "/payments/webhook/paystack/", body, "application/json")
        self._send(lambda: ask(headers={"X-Paystack-Signature": signature}), f"event {body[:80]!r}")

    def _send(self, ask: Callable[[], Any], what: str) -> None:
        with undone():
            response = ask()
            if response.streaming:
                list(response)
        if response.status_code >= 500:
            self.broken.append(f"{response.status_code} {what[:200]}")

    def names_read_by(self, send: Callable[[], None]) -> list[str]:
        """Return the names that a view reads while it answers this request."""
        self.names_read.clear()
        send()
        return sorted(self.names_read - {"csrfmiddlewaretoken"})


@pytest.fixture
def fuzzers(people: dict[str, Client], names_read: set[str]) -> dict[str, Fuzzer]:
    return {who: Fuzzer(client, names_read) for who, client in people.items()}


@pytest.fixture
def cases(examples: Cases, owner: User) -> Cases:  # noqa: F811 - fixtures
    """An existing object for each URL argument, including an unsubscription."""
    # The example has only a name, which pages that use passkeys cannot handle.
    passkey = Authenticator.objects.get(pk=examples["pk"])
    passkey.data = {"name": "Mine", "credential": some_credential()}
    passkey.save()
    return examples | {"token": mails.switch_url(owner.pk, "weekly_digest").split("/")[-2]}


def routes(who: str) -> list[Url]:
    """Return the routes worth testing; private pages only redirect a visitor to sign in.

    The lab is on no server, and measures for a second or more at each request. Its own tests send what is wrong.
    """
    is_in: dict[str, Callable[[Url], bool]] = {
        "visitor": lambda url: url.name in PUBLIC,
        "saver": lambda url: not url.path.startswith("/admin/"),
        "staff": lambda url: url.path.startswith("/admin/"),
    }
    return [
        url
        for url in URLS
        if url.name not in LEFT_OUT and not url.name.startswith("lab:") and is_in[who](url)
    ]


def _chosen(form: BaseForm) -> dict[str, str]:
    """Return valid values for one of our forms: its first choices, an amount, a name and a day next year."""
    chosen = {}
    for name, field in form.fields.items():
        choices = [
            value for value, _ in getattr(field, "choices", []) if isinstance(value, (str, int)) and value
        ]
        if choices:
            chosen[name] = str(choices[-1])
        elif isinstance(field, DateField):
            chosen[name] = str(timezone.localdate() + datetime.timedelta(days=200))
        elif isinstance(field, MoneyField):
            chosen[name] = "5000"
        elif name == "name":
            chosen[name] = "Rent"
    return chosen


def together(names: list[str], value: str) -> str:
    """Return all of these parameters in one query string, each of them twice."""
    return "&".join(f"{name}={value}&{name}={value}" for name in names)


def some_of(values: list[str], number: int, parts: int = 4) -> list[str]:
    """Return one part of the values, another one for each number, so that all values are used over all fields.

    All values for each field would take ten minutes. Each value is also put into all fields of a route together.
    """
    return values[number % parts :: parts]


def half_of(values: list[str], number: int) -> list[str]:
    """Return a half of the values, another one for the next route, and the other one on the other database."""
    return some_of(values, number + (connection.vendor == "postgresql"), 2)


WHO = pytest.mark.parametrize("who", ["visitor", "saver", "staff"])


@WHO
def test_no_path_breaks_the_site(fuzzers: dict[str, Fuzzer], cases: Cases, who: str) -> None:
    fuzzer = fuzzers[who]
    for number, url in enumerate(routes(who)):
        values = half_of([*VALUES.values()], number)
        for name, value in product(url.arguments, values):
            path = path_of(url, cases | {name: value})
            fuzzer.get(path)
            if value in values[::2]:
                fuzzer.post(path, "")
    assert not fuzzer.broken


@WHO
def test_no_query_breaks_the_site(fuzzers: dict[str, Fuzzer], cases: Cases, who: str) -> None:
    fuzzer = fuzzers[who]
    for place, url in enumerate(routes(who)):
        path = path_of(url, cases)
        alone = fuzzer.names_read_by(lambda path=path: fuzzer.get(path))  # type: ignore[misc]
        others: list[str] = []
        if who == "staff":
            alone, others = (LIST_NAMES if url.name.endswith("changelist") else []), OTHER_ADMIN_NAMES
        for number, name in enumerate(alone):
            for value in some_of([*VALUES.values()], number):
                fuzzer.get(path, f"{name}={value}")
        for value in half_of([*VALUES.values()], place):
            fuzzer.get(path, together([*alone, *others], value) + f"&{value}={value}")
    assert not fuzzer.broken


@WHO
def test_no_form_breaks_the_site(fuzzers: dict[str, Fuzzer], cases: Cases, who: str) -> None:
    fuzzer = fuzzers[who]
    for place, url in enumerate(routes(who)):
        path = path_of(url, cases)
        names = fuzzer.names_read_by(lambda path=path: fuzzer.post(path, ""))  # type: ignore[misc]
        for number, name in enumerate(names if who != "staff" else []):
            for value in some_of([*VALUES.values(), *BODY_VALUES.values()], number):
                fuzzer.post(path, f"{name}={value}")
        for value in half_of([*VALUES.values(), *BODY_VALUES.values()], place):
            names_here = [*names, *ADMIN_FIELDS] if who == "staff" else names
            fuzzer.post(path, together(names_here, value) + f"&{value}={value}")
    assert not fuzzer.broken


@pytest.mark.parametrize("path", ["/plans/start/", "/circles/start/", "/statements/start/"])
def test_one_odd_field_in_a_form_that_is_right_breaks_nothing(fuzzers: dict[str, Fuzzer], path: str) -> None:
    """The field alone would not be read: a date only matters together with a product and an amount."""
    fuzzer = fuzzers["saver"]
    with undone():
        page = fuzzer.client.get(path)
    right = {**page.context["form"].initial, **_chosen(page.context["form"])}
    for name, value in product(right, [*VALUES.values(), *BODY_VALUES.values()]):
        fields = {key: quote(str(typed or "")) for key, typed in right.items()} | {name: value}
        encoded = "&".join(f"{key}={typed}" for key, typed in fields.items())
        fuzzer.post(path, encoded)
    assert not fuzzer.broken


def test_no_list_of_activity_breaks_at_the_ends_of_the_calendar(fuzzers: dict[str, Fuzzer]) -> None:
    fuzzer = fuzzers["saver"]
    for since, until in product(["0001-01-01", "9999-12-31", "2026-01-01"], repeat=2):
        fuzzer.get("/transactions/", f"since={since}&until={until}")
        fuzzer.get("/statements/start/", f"about=stash&period=days&since={since}&until={until}")
    assert not fuzzer.broken


HEADERS = [
    *("Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Content-Type", "Cookie", "Host"),
    *("HX-Current-URL", "HX-Request", "HX-Target", "If-Modified-Since", "If-None-Match", "Origin", "Range"),
    *("Referer", "Transfer-Encoding", "User-Agent", "X-CSRFToken", "X-Forwarded-For", "X-Forwarded-Proto"),
    *("X-Paystack-Signature", "Traceparent"),
]
HEADER_VALUES = [
    *("", "\x00", "\xff\xfe", "http://[", "9" * 5_000, "a, b; c", "multipart/form-data", "2025-01-01"),
    *("multipart/form-data; boundary=", "text/html; charset=nonsense", 'W/"9999999999999999999-0"'),
]
COOKIE_HEADERS = [
    f"{name}={value}" for name in ("sessionid", "csrftoken", "device", "messages") for value in COOKIES
]


@pytest.mark.any_database
@pytest.mark.parametrize("who", ["visitor", "saver"])
@pytest.mark.parametrize("header", HEADERS)
def test_no_header_breaks_the_site(fuzzers: dict[str, Fuzzer], who: str, header: str) -> None:
    fuzzer = fuzzers[who]
    values = [*HEADER_VALUES, *(COOKIE_HEADERS if header == "Cookie" else [])]
    for value, path in product(values, HEADER_PATHS):
        fuzzer.ask_with(path, {header: value})
    assert not fuzzer.broken


@pytest.mark.any_database
@pytest.mark.parametrize("who", ["visitor", "saver"])
def test_no_page_that_htmx_says_it_asks_from_breaks_the_site(fuzzers: dict[str, Fuzzer], who: str) -> None:
    fuzzer = fuzzers[who]
    for value, path in product([*HEADER_VALUES, "http://testserver/%00", "http://[::1"], HEADER_PATHS):
        fuzzer.ask_with(path, {"HX-Request": "true", "HX-Current-URL": value})
    assert not fuzzer.broken


@pytest.mark.parametrize(
    "body",
    [
        *("", "null", "[]", "1", '"text"', "{", "[" * 30_000, "9" * 5_000, "\x00", "{}", '{"event": null}'),
        '{"event": "charge.success", "data": {"reference": "a\\u0000b", "amount": 1}}',
        '{"event": "charge.success", "data": {"reference": "\\ud800", "amount": 1}}',
        f'{{"event": "charge.success", "data": {{"reference": "TU-1", "amount": {"9" * 5_000}}}}}',
        '{"event": "charge.success", "data": {"reference": {"a": 1}, "amount": 1e400}}',
        '{"event": ["charge.success"], "data": {"reference": 5, "amount": -1, "id": "0001-01-01"}}',
    ],
    ids=lambda body: body[:60],
)
@pytest.mark.parametrize("is_signed", [True, False])
def test_no_event_of_the_provider_breaks_the_site(
    fuzzers: dict[str, Fuzzer], body: str, *, is_signed: bool
) -> None:
    fuzzer = fuzzers["visitor"]
    fuzzer.send_event(body.encode("utf-8", "surrogatepass"), is_signed=is_signed)
    assert not fuzzer.broken
