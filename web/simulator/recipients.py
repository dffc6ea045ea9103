"""Recipients of transfers: one per bank account. The code of a recipient names its bank and its account."""

from __future__ import annotations

import re

from django.conf import settings

from web.simulator import banks, clock, store
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

_CODE = re.compile(r"RCP_([0-9]+)([0-9]{10})")


def register(
    *, bank_code: str, account_number: str, name: str = "", kind: str = "nuban", currency: str = ""
) -> Document:
    """Return the recipient of a bank account, made if it is new. Raises Declined for an unknown bank or account."""
    account = banks.resolve(account_number, bank_code)
    code = f"RCP_{bank_code}{account_number}"
    recipient = store.get("recipient", code) or {
        "id": store.next_id(),
        "recipient_code": code,
        "type": kind,
        "name": name or account["account_name"],
        "account_name": account["account_name"],
        "account_number": account_number,
        "bank_code": bank_code,
        "bank_name": banks.BANKS[bank_code]["name"],
        "currency": currency or settings.CURRENCY,
        "created_at": clock.now(),
    }
    # A deleted one is active again.
    recipient["is_deleted"] = False
    store.put("recipient", code, recipient)
    return recipient


def delete(code: str) -> None:
    """Make a recipient inactive. Raises Declined for an unknown one, and for one that is inactive already."""
    try:
        recipient = find(code)
    except Declined as no:
        raise Declined(str(no), status=404) from None
    store.put("recipient", code, recipient | {"is_deleted": True})


def find(code: str) -> Document:
    """Return a recipient; one that another store registered is registered here too, since its code says enough.

    Raises Declined if the code is not one, if its bank or account is unknown, and if it was deleted.
    """
    parts = _CODE.fullmatch(code)
    known = store.get("recipient", code)
    if parts is None or (known is not None and known.get("is_deleted")):
        raise Declined("Recipient not found", code="invalid_recipient")
    return register(bank_code=parts[1], account_number=parts[2])
