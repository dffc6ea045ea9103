"""The simulator's banks, names of accounts, and recipients."""

from __future__ import annotations

import unicodedata

import httpx
import pytest

from savings.demo.cast import ADA, BOLA, CHIDI
from tests.web.simulator.test_money import data_of, get
from web.simulator import banks, store

ACCOUNT = {"type": "nuban", "name": "Ada Okafor", "account_number": "0123456789", "bank_code": "058"}
NO_ACCOUNTS = [
    "",
    "123456789",
    "01234567890",
    "01234A6789",
    "０１２３４５６７８９",
    "0123 45678",
    "4040000000",
]
NO_BANKS = ["", "999", "58", "0058", "030", "063", "GTB"]


def test_the_banks_are_listed_with_one_closed_and_one_merged(http: httpx.Client) -> None:
    found = get(http, "/bank?country=nigeria")
    assert len(found) == len({bank["code"] for bank in found}) == 25
    assert [bank["name"] for bank in found if not bank["active"]] == ["Heritage Bank"]
    assert [bank["name"] for bank in found if bank["is_deleted"]] == ["Access Bank (Diamond)"]
    assert {(bank["type"], bank["currency"]) for bank in found} == {("nuban", "NGN")}


def test_the_banks_come_by_page(http: httpx.Client) -> None:
    pages = [http.get(f"/bank?perPage=10&page={page}").json() for page in (1, 2, 3)]
    assert [bank["code"] for page in pages for bank in page["data"]] == list(banks.BANKS)
    assert pages[2]["meta"] == {"total": 25, "skipped": 20, "perPage": 10, "page": 3, "pageCount": 3}


def test_the_banks_come_by_cursor_there_and_back(http: httpx.Client) -> None:
    query, pages = {"use_cursor": "true", "perPage": "10"}, []
    answer = http.get("/bank", params=query)
    while True:
        pages.append(data_of(answer))
        meta = answer.json()["meta"]
        if meta["next"] is None:
            break
        answer = http.get("/bank", params=query | {"next": meta["next"]})
    assert [bank["code"] for page in pages for bank in page] == list(banks.BANKS)
    before = http.get("/bank", params=query | {"previous": meta["previous"]}).json()
    assert before["data"] == pages[1]
    first = http.get("/bank", params=query | {"previous": before["meta"]["previous"]}).json()
    assert (first["data"], first["meta"]["previous"]) == (pages[0], None)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 25),
        ("currency=NGN&type=nuban", 25),
        ("country=ghana", 0),
        ("currency=GHS", 0),
        ("type=basa", 0),
        ("from=2030-01-01", 25),
    ],
)
def test_the_banks_are_filtered(http: httpx.Client, query: str, count: int) -> None:
    assert len(http.get(f"/bank?{query}").json()["data"]) == count


@pytest.mark.parametrize(
    "query",
    [
        "country=atlantis",
        "use_cursor=maybe",
        "use_cursor=true&next=nonsense",
        "use_cursor=true&next=é",
        "use_cursor=true&previous=cm93Oi01",
        "use_cursor=true&perPage=0",
        "perPage=x",
        "page=0",
    ],
)
def test_a_wrong_parameter_of_the_banks_is_refused(http: httpx.Client, query: str) -> None:
    assert http.get(f"/bank?{query}").status_code == 400


@pytest.mark.parametrize("digit", range(10))
def test_the_first_digit_picks_the_name_of_an_account(http: httpx.Client, digit: int) -> None:
    found = get(http, f"/bank/resolve?account_number={digit}012345678&bank_code=058")
    assert found == {
        "account_number": f"{digit}012345678",
        "account_name": banks.NAMES[digit],
        "bank_id": banks.BANKS["058"]["id"],
    }


@pytest.mark.parametrize(
    ("digit", "saver"), [(0, ADA), (1, BOLA), (2, CHIDI), (3, ADA), (4, BOLA), (5, CHIDI), (6, ADA)]
)
def test_seven_names_are_those_of_the_demo_s_savers_spelled_otherwise(digit: int, saver: object) -> None:
    def words(name: str) -> set[str]:
        plain = "".join(one for one in unicodedata.normalize("NFD", name) if not unicodedata.combining(one))
        return set(plain.replace(",", " ").lower().split())

    name = saver.name  # type: ignore[attr-defined]
    assert banks.NAMES[digit] != name
    assert words(name) <= words(banks.NAMES[digit])


@pytest.mark.parametrize("number", NO_ACCOUNTS)
def test_an_unknown_account_is_refused(http: httpx.Client, number: str) -> None:
    answer = http.get("/bank/resolve", params={"account_number": number, "bank_code": "058"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_account_number")
    assert answer.json()["message"] == "Could not resolve account name. Check parameters or try again."
    assert not http.post("/transferrecipient", json=ACCOUNT | {"account_number": number}).is_success
    assert not store.documents("recipient")


@pytest.mark.parametrize("code", NO_BANKS)
def test_an_unknown_bank_is_refused(http: httpx.Client, code: str) -> None:
    answer = http.get("/bank/resolve", params={"account_number": "0123456789", "bank_code": code})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_bank_code")
    assert not http.post("/transferrecipient", json=ACCOUNT | {"bank_code": code}).is_success
    assert not store.documents("recipient")


def test_banks_and_names_need_the_key(http: httpx.Client) -> None:
    for path in ("/bank", "/bank/resolve?account_number=0123456789&bank_code=058"):
        assert http.get(path, headers={"Authorization": ""}).status_code == 401


def test_a_recipient_tells_its_bank_and_the_name_at_the_bank(http: httpx.Client) -> None:
    recipient = data_of(http.post("/transferrecipient", json=ACCOUNT))
    assert (recipient["recipient_code"], recipient["name"]) == ("RCP_0580123456789", "Ada Okafor")
    assert recipient["details"]["account_name"] == "OKAFOR ADA"
    assert recipient["details"]["bank_name"] == "Guaranty Trust Bank"
    assert data_of(http.post("/transferrecipient", json=ACCOUNT))["id"] == recipient["id"]
