"""The provider's API for its money and ours: balance, settlements, refunds and disputes."""

from __future__ import annotations

import dataclasses

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from web.simulator import (
    disputes,
    money,
    money_shapes,
    payments,
    refunds,
    request_bodies,
    settlements,
    shapes,
    store,
)
from web.simulator.answering import page_of, view, yes
from web.simulator.request_bodies import Declined
from web.simulator.store import Document


@view("GET")
def balance(request: HttpRequest) -> JsonResponse:
    """Return what transfers can draw on, by currency."""
    found = [{"currency": name, "balance": money.balance(money.BALANCE, name)} for name in money.currencies()]
    return yes("Balances retrieved", found)


@view("GET")
def totals(request: HttpRequest) -> JsonResponse:
    """Return how much was ever paid, and what waits for a settlement."""
    paid = payments.paid()
    names = money.currencies()
    volumes = [sum(one["amount"] for one in paid if one["currency"] == name) for name in names]
    pending = [money.balance(money.PENDING, name) for name in names]
    found = {
        "total_transactions": len(paid),
        "total_volume": volumes[0],
        "total_volume_by_currency": _by_currency(names, volumes),
        "pending_transfers": pending[0],
        "pending_transfers_by_currency": _by_currency(names, pending),
    }
    return yes("Transaction totals", found)


def _by_currency(names: list[str], amounts: list[int]) -> list[Document]:
    return [{"currency": name, "amount": amount} for name, amount in zip(names, amounts, strict=True)]


@view("GET")
def balance_ledger(request: HttpRequest) -> JsonResponse:
    """List the movements of the balance, newest first, each with the balance after it."""
    rows = [dataclasses.asdict(row) | {"created_at": row.moved_at} for row in money.movements(money.BALANCE)]
    found, meta = page_of(request, rows)
    for row in found:
        del row["created_at"]
    return yes(
        "Balance ledger retrieved",
        [money_shapes.ledger_row(money.Movement(**row)) for row in found],
        meta=meta,
    )


@view("GET")
def list_settlements(request: HttpRequest) -> JsonResponse:
    """List the settlements, newest first. The description has no type for this answer."""
    every = [found | {"created_at": found["settled_at"]} for found in settlements.newest_first()]
    found, meta = page_of(request, every)
    return yes("Settlements retrieved", [money_shapes.settlement(one) for one in found], meta=meta)


@view("GET")
def settlement_transactions(request: HttpRequest, settlement_id: int) -> JsonResponse:
    """List the payments of a settlement. The description has no type for this answer either."""
    settlement = settlements.find(settlement_id)
    if settlement is None:
        raise Declined("Settlement not found", status=404)
    found, meta = page_of(request, settlements.payments_of(settlement))
    return yes("Transactions retrieved", [shapes.payment(one) for one in found], meta=meta)


def refund(request: HttpRequest) -> HttpResponse:
    """Create a refund, or list the refunds."""
    return list_refunds(request) if request.method in {"GET", "HEAD"} else create_refund(request)


@view("POST")
def create_refund(request: HttpRequest) -> JsonResponse:
    """Begin to give a payment back, whole or in part."""
    body = request_bodies.read(request, request_bodies.REFUND)
    payment = payments.find_by_id_or_reference(body["transaction"])
    if payment is None:
        raise Declined("Transaction not found", status=404)
    if body.get("currency", payment["currency"]) != payment["currency"]:
        raise Declined("Currency is not that of the transaction", code="invalid_currency")
    created = refunds.create(
        payment,
        body.get("amount"),
        customer_note=body.get("customer_note", f"Refund for transaction {payment['reference']}"),
        merchant_note=body.get("merchant_note", f"Refund for transaction {payment['reference']}"),
    )
    return yes("Refund has been queued for processing", money_shapes.created_refund(created, payment))


@view("GET")
def list_refunds(request: HttpRequest) -> JsonResponse:
    """List the refunds, newest first; with `transaction` those of one payment."""
    every = _about(request, refunds.newest_first())
    found, meta = page_of(request, every)
    failed = sum(one["status"] == "failed" for one in every)
    return yes(
        "Refunds retrieved",
        [money_shapes.refund(one, payments.known(one["payment"])) for one in found],
        meta=meta | {"perPage": str(meta["perPage"]), "failedRefundCount": failed},
    )


@view("GET")
def fetch_refund(request: HttpRequest, refund_id: int) -> JsonResponse:
    """Return a refund."""
    found = refunds.find(refund_id)
    if found is None:
        raise Declined("Refund not found", status=404)
    return yes("Refund retrieved", money_shapes.refund(found, payments.known(found["payment"])))


@view("GET")
def list_disputes(request: HttpRequest) -> JsonResponse:
    """List the disputes, newest first; with `status` or `transaction` some of them."""
    every = _about(request, disputes.newest_first())
    status = request.GET.get("status", "")
    found, meta = page_of(request, [one for one in every if status in {"", one["status"]}])
    return yes(
        "Disputes retrieved",
        [money_shapes.listed_dispute(one, payments.known(one["payment"])) for one in found],
        meta=meta,
    )


@view("GET")
def fetch_dispute(request: HttpRequest, dispute_id: int) -> JsonResponse:
    """Return a dispute."""
    found = _dispute(dispute_id)
    return yes("Dispute retrieved", money_shapes.dispute(found, payments.known(found["payment"])))


@view("GET")
def upload_url(request: HttpRequest, dispute_id: int) -> JsonResponse:
    """Return where to upload a file about a dispute, and its name. The simulator takes no file there."""
    name = f"dispute-{_dispute(dispute_id)['id']}-{store.next_id()}"
    link = f"{settings.SIMULATOR_URL}/uploads/{name}"
    return yes("Upload url generated", {"signedUrl": link, "fileName": name})


@view("POST")
def add_evidence(request: HttpRequest, dispute_id: int) -> JsonResponse:
    """Take the evidence for a dispute."""
    body = request_bodies.read(request, request_bodies.EVIDENCE)
    return yes("Evidence created", money_shapes.evidence(disputes.add_evidence(_dispute(dispute_id), body)))


@view("PUT")
def resolve_dispute(request: HttpRequest, dispute_id: int) -> JsonResponse:
    """Accept a dispute or decline it."""
    body = request_bodies.read(request, request_bodies.RESOLVE)
    dispute = _dispute(dispute_id)
    resolved = disputes.resolve(
        dispute,
        body["resolution"],
        body["refund_amount"],
        message=body["message"],
        uploaded_filename=body["uploaded_filename"],
        evidence=body.get("evidence", dispute["evidence"]),
    )
    return yes(
        "Dispute successfully resolved",
        money_shapes.resolved_dispute(resolved, payments.known(resolved["payment"])),
    )


def _about(request: HttpRequest, every: list[Document]) -> list[Document]:
    name = request.GET.get("transaction", "")
    if not name:
        return every
    payment = payments.find_by_id_or_reference(name)
    return [one for one in every if payment and one["payment"] == payment["reference"]]


def _dispute(dispute_id: int) -> Document:
    found = disputes.find(dispute_id)
    if found is None:
        raise Declined("Dispute not found", status=404)
    return found
