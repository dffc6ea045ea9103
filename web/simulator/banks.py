"""The Nigerian banks of the simulator, and the name that a bank has for each account.

The first digit of an account number picks the name (`NAMES`); the last three pick how a transfer to it ends
(`transfers.ENDINGS`). Digits 0 to 6 give names of the demo's savers in another order, case or spelling, so that the
comparison of names can be tried. Every number of ten digits is an account, unless it begins with 404.
"""

from __future__ import annotations

import re
from typing import Any

from web.simulator.request_bodies import Declined
from web.simulator.store import Document

NAMES = (
    "OKAFOR ADA",
    "adeyemi bola",
    "EZE, CHIDI",
    "Ada Ngozi Okafor",
    "Bọ́lá Adéyẹmí",
    "Chídì EZE",
    "Mrs OKAFOR  ADA",
    "IBRAHIM MUSA DANJUMA",
    "Fatima Bello",
    "OKAFOR AND SONS LIMITED",
)
UNKNOWN = "404"
_NUMBER = re.compile(r"[0-9]{10}")
_ADDED_AT = "2016-07-14T10:04:29.000Z"
# Code, name and slug. One bank has lost its licence, and one was merged into another: readers must leave both out.
_LIST = (
    ("044", "Access Bank", "access-bank"),
    ("063", "Access Bank (Diamond)", "access-bank-diamond"),
    ("023", "Citibank Nigeria", "citibank-nigeria"),
    ("050", "Ecobank Nigeria", "ecobank-nigeria"),
    ("070", "Fidelity Bank", "fidelity-bank"),
    ("011", "First Bank of Nigeria", "first-bank-of-nigeria"),
    ("214", "First City Monument Bank", "first-city-monument-bank"),
    ("058", "Guaranty Trust Bank", "guaranty-trust-bank"),
    ("030", "Heritage Bank", "heritage-bank"),
    ("301", "Jaiz Bank", "jaiz-bank"),
    ("082", "Keystone Bank", "keystone-bank"),
    ("50211", "Kuda Bank", "kuda-bank"),
    ("50515", "Moniepoint MFB", "moniepoint-mfb-ng"),
    ("999992", "OPay Digital Services Limited (OPay)", "paycom"),
    ("999991", "PalmPay", "palmpay"),
    ("076", "Polaris Bank", "polaris-bank"),
    ("101", "Providus Bank", "providus-bank"),
    ("221", "Stanbic IBTC Bank", "stanbic-ibtc-bank"),
    ("068", "Standard Chartered Bank", "standard-chartered-bank"),
    ("232", "Sterling Bank", "sterling-bank"),
    ("032", "Union Bank of Nigeria", "union-bank-of-nigeria"),
    ("033", "United Bank For Africa", "united-bank-for-africa"),
    ("215", "Unity Bank", "unity-bank"),
    ("035", "Wema Bank", "wema-bank"),
    ("057", "Zenith Bank", "zenith-bank"),
)
_INACTIVE, _DELETED = "030", "063"

BANKS: dict[str, dict[str, Any]] = {
    code: {
        "id": number,
        "code": code,
        "name": name,
        "slug": slug,
        "active": code != _INACTIVE,
        "is_deleted": code == _DELETED,
        "longcode": "",
        "gateway": None,
        "pay_with_bank": False,
        "supports_transfer": True,
        "available_for_direct_debit": False,
        "country": "Nigeria",
        "currency": "NGN",
        "type": "nuban",
        "createdAt": _ADDED_AT,
        "updatedAt": _ADDED_AT,
    }
    for number, (code, name, slug) in enumerate(_LIST, start=1)
}


def resolve(account_number: str, bank_code: str) -> Document:
    """Return an account with the name that its bank has for it. Raises Declined if there is no such bank or account."""
    bank = BANKS.get(bank_code)
    if bank is None or not bank["active"] or bank["is_deleted"]:
        raise Declined(f"Unknown bank code: {bank_code[:20]}", code="unknown_bank_code")
    if not _NUMBER.fullmatch(account_number) or account_number.startswith(UNKNOWN):
        raise Declined(
            "Could not resolve account name. Check parameters or try again.",
            status=422,
            code="invalid_account_number",
        )
    return {
        "account_number": account_number,
        "account_name": NAMES[int(account_number[0])],
        "bank_id": bank["id"],
    }
