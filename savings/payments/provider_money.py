"""The provider's calls about money that moves between it and us; `paystack` sends them and says what they raise."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from urllib.parse import urlencode

from django.conf import settings

from savings.payments import money_answers, paystack_answers, transfers
from savings.payments.json_fields import checked
from savings.payments.money_answers import BalanceRow, DisputeAnswer, RefundAnswer, SettlementAnswer
from savings.payments.paystack import call
from savings.payments.paystack_answers import Announced, Charge
from savings.payments.transfers import CONCLUSIVE, NOT_CONCLUSIVE, Transfer

_PER_PAGE = 100
# A page with fewer rows is the last one, even where the provider ignores the requested length.
_LEAST_PER_PAGE = 50


class _Numbered(Protocol):
    @property
    def id(self) -> int | str: ...


def create_refund(*, payment_reference: str, amount_kobo: int, note: str) -> RefundAnswer:
    """Give kobo of a payment back. Not safe to repeat: the provider would give them back twice."""
    asked = {
        "transaction": payment_reference,
        "amount": amount_kobo,
        "currency": settings.CURRENCY,
        "merchant_note": note,
    }
    return call("POST", "/refund", asked, read=money_answers.refund)


def fetch_refund(refund_id: int) -> RefundAnswer:
    """Return a refund by the provider's number."""
    return call("GET", f"/refund/{refund_id}", read=money_answers.refund)


def list_refunds(
    *, payment_id: int | None, payment_reference: str, since: datetime.datetime
) -> list[RefundAnswer]:
    """Return the refunds of one payment that were made since a moment.

    The description does not promise that the list can be narrowed to a payment, so each row is looked at.
    """
    query = {"transaction": payment_id or payment_reference, "from": since.isoformat()}
    return [
        found
        for found in _list("/refund", query, money_answers.refund)
        if found.payment_reference == payment_reference or (payment_id and found.payment_id == payment_id)
    ]


def list_payments_since(since: datetime.datetime) -> Iterator[Announced]:
    """Return the payments that were announced since a moment, paid or not, the newest first."""
    return _list("/transaction", {"from": since.isoformat()}, paystack_answers.announced)


def list_transfers_since(since: datetime.datetime) -> Iterator[Transfer]:
    """Return the transfers that were made since a moment, without their costs.

    Each status is asked for: the description says that a list without one has those that are pending alone.
    """
    for status in sorted(CONCLUSIVE | NOT_CONCLUSIVE):
        yield from _list("/transfer", {"from": since.isoformat(), "status": status}, transfers.transfer)


def list_refunds_since(since: datetime.datetime) -> Iterator[RefundAnswer]:
    """Return the refunds that were made since a moment, of all payments, the newest first."""
    return _list("/refund", {"from": since.isoformat()}, money_answers.refund)


def fetch_dispute(dispute_id: int) -> DisputeAnswer:
    """Return a dispute by the provider's number."""
    return call("GET", f"/dispute/{dispute_id}", read=money_answers.dispute)


def list_open_disputes() -> list[DisputeAnswer]:
    """Return the disputes that wait for our answer."""
    return list(_list("/dispute", {"status": "awaiting-merchant-feedback"}, money_answers.dispute))


def send_evidence(dispute_id: int, details: dict[str, str]) -> int:
    """Send the evidence for a dispute, and return the provider's number of it. Not safe to repeat.

    `details` are the fields of the description: `customer_email`, `customer_name`, `customer_phone`, `service_details`.
    """
    return call("POST", f"/dispute/{dispute_id}/evidence", details, read=money_answers.evidence)


def reserve_upload(dispute_id: int) -> str:
    """Return the name under which the provider expects a file about a dispute."""
    return call("GET", f"/dispute/{dispute_id}/upload_url", read=money_answers.upload)


def resolve_dispute(
    dispute_id: int,
    resolution: str,
    *,
    message: str,
    amount_kobo: int,
    file_name: str,
    evidence_id: int | None,
) -> None:
    """Accept a dispute or decline it. Not safe to repeat; `fetch_dispute` says what became of it.

    The description requires the name of a file, for an accepted dispute too. How a file gets to the signed URL, and
    whether one has to, is not in the description: we name the reserved file and upload none. What `refund_amount` means
    for a declined dispute is not in the description either; 0 is what the payer gets then.
    """
    asked = {
        "resolution": resolution,
        "message": message,
        "refund_amount": amount_kobo,
        "uploaded_filename": file_name,
    }
    if evidence_id is not None:
        asked["evidence"] = evidence_id
    call("PUT", f"/dispute/{dispute_id}/resolve", asked, read=lambda _: None)


def list_settlements() -> Iterator[SettlementAnswer]:
    """Return the settlements, newest first."""
    return _list("/settlement", {}, money_answers.settlement)


def list_settled_payments(settlement_id: int) -> list[Charge]:
    """Return the payments of a settlement. One that cannot be read makes the whole answer unclear."""
    path = f"/settlement/{settlement_id}/transactions"
    found: dict[str, Charge] = {}
    for page in _pages(path, {}, lambda data: [paystack_answers.charge(row) for row in _rows(data)]):
        if not page or page[0].reference in found:
            break
        found |= {charge.reference: charge for charge in page}
        if len(page) < _LEAST_PER_PAGE:
            break
    return list(found.values())


def balances() -> dict[str, int]:
    """Return the balance for transfers in kobo, by currency."""
    return call("GET", "/balance", read=lambda data: money_answers.amounts_by_currency(data, "balance"))


def list_balance_rows(*, since: datetime.datetime | None = None) -> Iterator[BalanceRow]:
    """Return the movements of the balance, newest first."""
    query = {"from": since.isoformat()} if since else {}
    return _list("/balance/ledger", query, money_answers.balance_row)


def unsettled_kobo() -> int:
    """Return what the provider says is collected and waits for a settlement, in kobo.

    The description calls it `pending_transfers` and does not explain it.
    """
    found = call(
        "GET",
        "/transaction/totals",
        read=lambda data: money_answers.amounts_by_currency(
            checked(data).get("pending_transfers_by_currency"), "amount"
        ),
    )
    return found.get(settings.CURRENCY, 0)


def _list[Row: _Numbered](path: str, query: dict[str, Any], read: Callable[[object], Row]) -> Iterator[Row]:
    """Return the rows of a list page by page. A row that moves to the next page meanwhile is returned once."""
    seen: set[int | str] = set()
    for page in _pages(path, query, lambda data: (len(_rows(data)), money_answers.each(data, read))):
        length, rows = page
        news = [row for row in rows if row.id not in seen]
        yield from news
        seen |= {row.id for row in news}
        if length < _LEAST_PER_PAGE or not news:
            return


def _pages[Page](path: str, query: dict[str, Any], read: Callable[[object], Page]) -> Iterator[Page]:
    number = 0
    while True:
        number += 1
        asked = urlencode(query | {"perPage": _PER_PAGE, "page": number})
        yield call("GET", f"{path}?{asked}", read=read)


def _rows(data: object) -> list[object]:
    return money_answers.each(data, lambda row: row)
