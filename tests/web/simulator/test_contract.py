"""The simulator follows the provider's OpenAPI description in what it accepts and declines, and never crashes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st

from tests.provider import CONTRACT, check_contract
from tests.web.simulator.conftest import fund
from web.simulator import payments, request_bodies

ASKED: dict[str, Any] = {"email": "ada@example.com", "amount": 2_500_000, "reference": "TOP01M85MW6EM6C1D15Q"}
BANK = {"type": "nuban", "name": "Ada Okafor", "account_number": "0123456789", "bank_code": "058"}
POSTS = [
    "/transaction/initialize",
    "/transaction/charge_authorization",
    "/customer/authorization/deactivate",
    "/transferrecipient",
    "/transfer",
    "/refund",
]
FIELDS = {
    "/transaction/initialize": request_bodies.INITIALIZE,
    "/transaction/charge_authorization": request_bodies.CHARGE_AUTHORIZATION,
    "/customer/authorization/deactivate": request_bodies.DEACTIVATE_AUTHORIZATION,
    "/transferrecipient": request_bodies.TRANSFER_RECIPIENT,
    "/transfer": request_bodies.TRANSFER,
    "/refund": request_bodies.REFUND,
}


def announce(http: httpx.Client, **changes: object) -> httpx.Response:
    return http.post("/transaction/initialize", json=ASKED | changes)


def post(http: httpx.Client, path: str, body: dict[str, Any], how: str) -> httpx.Response:
    """Send a body as JSON or as a form."""
    return http.post(path, json=body) if how == "json" else http.post(path, data=body)


def pay(http: httpx.Client, outcome: str = "success", **changes: object) -> httpx.Response:
    page = announce(http, **changes).json()["data"]["authorization_url"]
    return http.post(page, data={"outcome": outcome})


def complete(http: httpx.Client, path: str) -> dict[str, Any]:
    """A body with everything that a path requires."""
    if path in {"/transaction/charge_authorization", "/customer/authorization/deactivate"}:
        pay(http, reference="first")
        payment = payments.find("first")
        assert payment is not None
        code = payment["authorization"]["code"]
        if path == "/customer/authorization/deactivate":
            return {"authorization_code": code}
        return {"email": ASKED["email"], "amount": 500, "authorization_code": code}
    if path == "/refund":
        pay(http, reference="first")
        return {"transaction": "first"}
    if path == "/transfer":
        fund(100_000_00)
        recipient = http.post("/transferrecipient", json=BANK).json()["data"]["recipient_code"]
        return {"source": "balance", "amount": 500, "recipient": recipient, "reference": "stw-0000000000001"}
    return dict(BANK) if path == "/transferrecipient" else {"email": ASKED["email"], "amount": 500}


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("how", ["json", "data"])
def test_the_required_fields_are_enough_as_json_and_as_a_form(
    http: httpx.Client, path: str, how: str
) -> None:
    answer = post(http, path, complete(http, path), how)
    assert answer.is_success, answer.text
    assert answer.json()["status"] is True
    # The OpenAPI library misreads forms whose fields come from two schemas.
    if CONTRACT.exists() and how == "json":
        check_contract(answer.request, answer)


@pytest.mark.parametrize(
    ("path", "name"),
    [(path, name) for path, fields in FIELDS.items() for name, field in fields.items() if field.is_required],
)
@pytest.mark.parametrize("how", ["json", "data"])
def test_a_required_field_that_is_missing_is_declined(
    http: httpx.Client, path: str, name: str, how: str
) -> None:
    body = complete(http, path)
    del body[name]
    answer = post(http, path, body, how)
    assert answer.status_code == 400
    assert answer.json()["status"] is False
    assert answer.json()["type"] == "validation_error"


@pytest.mark.parametrize(
    ("path", "name"),
    [(path, name) for path, fields in FIELDS.items() for name in fields if name != "metadata"],
)
def test_a_field_of_another_type_is_declined(http: httpx.Client, path: str, name: str) -> None:
    wrong = "text" if FIELDS[path][name].kind is not str else 5
    answer = http.post(path, json=complete(http, path) | {name: wrong})
    assert (answer.status_code, answer.json()["status"]) == (400, False)


def test_a_payment_without_a_reference_gets_one(http: httpx.Client) -> None:
    first, second = (
        http.post("/transaction/initialize", json={"email": "a@b.c", "amount": 500}).json()["data"][
            "reference"
        ]
        for _ in range(2)
    )
    assert first != second
    assert http.get(f"/transaction/verify/{first}").json()["data"]["amount"] == 500


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"cancel_action": "http://site/left/"}, {"cancel_action": "http://site/left/"}),
        ('{"cancel_action": "http://site/left/"}', {"cancel_action": "http://site/left/"}),
        ("a note", "a note"),
        ("[1]", "[1]"),
        ("", {}),
        ({}, {}),
    ],
)
@pytest.mark.parametrize("how", ["json", "data"])
def test_metadata_may_be_an_object_or_a_text(
    http: httpx.Client, metadata: object, told: object, how: str
) -> None:
    sent = json.dumps(metadata) if how == "data" and isinstance(metadata, dict) else metadata
    body = ASKED | {"metadata": sent, "callback_url": "http://site/back/"}
    page = post(http, "/transaction/initialize", body, how).json()["data"]["authorization_url"]
    assert http.get(page).status_code == 200
    answer = http.post(page, data={"outcome": "abandon"})
    assert answer.status_code == 303
    is_object = isinstance(told, dict) and bool(told)
    assert answer.headers["Location"].startswith("http://site/left/" if is_object else "http://site/back/?")
    verified = http.get(f"/transaction/verify/{ASKED['reference']}")
    assert verified.json()["data"]["metadata"] == told
    if CONTRACT.exists():
        check_contract(verified.request, verified)


@pytest.mark.parametrize(
    ("metadata", "told"), [([], "[]"), ([1], "[1]"), (5, "5"), (True, "true"), (0, "0"), (None, {})]
)
def test_metadata_of_another_type_is_told_as_text(http: httpx.Client, metadata: object, told: object) -> None:
    assert pay(http, metadata=metadata).status_code == 303
    verified = http.get(f"/transaction/verify/{ASKED['reference']}")
    assert verified.json()["data"]["metadata"] == told
    if CONTRACT.exists():
        check_contract(verified.request, verified)


@pytest.mark.parametrize(
    "action", [5, [], "not a link", "http://site/\r\nX: y", "javascript:alert(1)", "http://["]
)
def test_a_cancel_action_that_leads_nowhere_leads_to_the_callback(http: httpx.Client, action: object) -> None:
    answer = pay(http, "abandon", metadata={"cancel_action": action}, callback_url="http://site/back/")
    assert answer.headers["Location"].startswith("http://site/back/?trxref=")


@pytest.mark.parametrize(
    ("callback", "way_back"),
    [
        ("http://site/back/", "http://site/back/?{}"),
        ("http://site/back/?plan=7", "http://site/back/?plan=7&{}"),
        ("http://site/back/?plan=7&x=%20y#end", "http://site/back/?plan=7&x=%20y&{}#end"),
        ("http://site/back/?", "http://site/back/?{}"),
        ("http://site/back/#end", "http://site/back/?{}#end"),
        ("http://site", "http://site?{}"),
    ],
)
def test_a_callback_keeps_its_own_query(http: httpx.Client, callback: str, way_back: str) -> None:
    query = f"trxref={ASKED['reference']}&reference={ASKED['reference']}"
    assert pay(http, callback_url=callback).headers["Location"] == way_back.format(query)


@pytest.mark.parametrize(
    "callback", ["back", "//site/", "ftp://site/", "http://", "http://[", "http://a/\n", "http://a/ b"]
)
def test_a_callback_that_no_browser_can_be_sent_to_is_declined(http: httpx.Client, callback: str) -> None:
    assert announce(http, callback_url=callback).json()["code"] == "invalid_callback_url"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        *(("GET", path, "POST") for path in POSTS if path not in {"/refund", "/transfer"}),
        *(("DELETE", path, "POST") for path in POSTS),
        ("POST", "/balance", "GET, HEAD"),
        ("POST", "/bank", "GET, HEAD"),
        ("POST", "/bank/resolve", "GET, HEAD"),
        ("POST", "/settlement", "GET, HEAD"),
        ("GET", "/dispute/1/resolve", "PUT"),
        ("GET", "/dispute/1/evidence", "POST"),
        ("POST", "/dispute/1/upload_url", "GET, HEAD"),
        ("POST", "/transaction/verify/x", "GET, HEAD"),
        ("PUT", "/transfer/verify/x", "GET, HEAD"),
    ],
)
def test_a_wrong_method_gets_the_allowed_ones(
    http: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = http.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.json() == {"status": False, "message": "Method not allowed"}


def test_a_wrong_method_on_the_checkout_page_gets_the_allowed_ones(http: httpx.Client) -> None:
    page = announce(http).json()["data"]["authorization_url"]
    answer = http.put(page)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("reference", ["short", "STW-0000000000001", "stw 0000000000001", "", "é" * 16])
def test_a_transfer_s_reference_is_as_the_provider_wants_it(http: httpx.Client, reference: str) -> None:
    body = complete(http, "/transfer") | {"reference": reference}
    assert http.post("/transfer", json=body).json()["code"] == "invalid_reference"


@pytest.mark.parametrize("currency", ["EUR", "ngn", "", "NGNN"])
@pytest.mark.parametrize("path", [path for path in POSTS if "currency" in FIELDS[path]])
def test_a_currency_that_the_provider_does_not_have_is_declined(
    http: httpx.Client, path: str, currency: str
) -> None:
    assert http.post(path, json=complete(http, path) | {"currency": currency}).status_code == 400


BODIES = [
    b"",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a": ' * 50_000,
    b"NaN",
    b'{"email": "a@b.c", "amount": NaN}',
    b'{"email": "a@\\ud800.c", "amount": 500}',
    b'{"email": "a@b.c", "amount": 1e400}',
    b'{"email": "a@b.c", "amount": ' + b"9" * 5_000 + b"}",
    b'{"email": "a@b.c", "amount": ' + b"9" * 100 + b"}",
    b'{"email": "a\\u0000@b.c", "amount": 500, "metadata": {"x": "\\u0000"}}',
    b"email=a%40b.c&amount=5&amount=x",
    b"email=%ff&amount=5",
    b"&" * 5_000,
    b"amount[]=5&email[]=x",
    b"metadata=%7B%22&email=a@b.c&amount=5",
    b" " * 3_000_000,
]
KINDS = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain; charset=x",
    "",
]


@pytest.mark.parametrize("path", [*POSTS, "/pay/{code}"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_body_breaks_it(http: httpx.Client, path: str, kind: str) -> None:
    code = announce(http).json()["data"]["access_code"]
    for body in BODIES:
        answer = http.post(path.format(code=code), content=body, headers={"Content-Type": kind})
        assert answer.status_code < 500, (body[:60], answer.text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("path", POSTS)
def test_no_value_of_any_field_breaks_it(http: httpx.Client, path: str) -> None:
    whole = complete(http, path)
    names = sorted(FIELDS[path])

    @of_hypothesis(max_examples=40)
    @given(st.dictionaries(st.sampled_from(names), JSON, max_size=3))
    def fuzz(changes: dict[str, object]) -> None:
        body = json.dumps(whole | changes).encode()
        answer = http.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500
        assert isinstance(answer.json()["status"], bool)
        if path == "/transaction/initialize" and answer.is_success:
            page = answer.json()["data"]["authorization_url"]
            assert http.get(page).status_code == 200
            assert http.post(page, data={"outcome": "abandon"}).status_code == 303

    fuzz()


def test_the_list_of_payments_is_as_described(http: httpx.Client) -> None:
    pay(http, reference="paid", metadata={"user": 7})
    announce(http, reference="unpaid", metadata="a note")
    answer = http.get("/transaction", params={"from": "2026-01-01T00:00:00Z"})
    assert [row["reference"] for row in answer.json()["data"]] == ["unpaid", "paid"]
    assert answer.json()["data"][1]["metadata"] == {"user": 7}
    if CONTRACT.exists():
        check_contract(answer.request, answer)
    only = http.get("/transaction", params={"status": "success"}).json()
    assert [row["reference"] for row in only["data"]] == ["paid"]
