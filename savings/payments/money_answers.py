"""The provider's answers about money that moves between it and us: refunds, disputes, settlements and balances."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Callable
from typing import Any

from savings.exceptions import UnclearAnswer
from savings.payments.json_fields import (
    checked,
    kobo,
    moment_or_none,
    number_or_none,
    part,
    shown,
    signed_kobo,
    text,
    words,
)

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class RefundAnswer:
    """What the provider knows of one refund. Amounts are in the smallest unit of `currency`."""

    id: int
    # The provider's number and the reference of the payment; one of them may be missing.
    payment_id: int | None
    payment_reference: str
    amount_kobo: int
    currency: str
    # Conclusive: processed, failed. Not: pending, processing, retrying, needs-attention.
    status: str
    # Our note, which is the reference of our refund.
    note: str
    # Whether the provider made it for a dispute that was lost.
    is_of_dispute: bool


@dataclasses.dataclass(frozen=True)
class DisputeAnswer:
    """What the provider knows of one dispute. Amounts are in the smallest unit of `currency`."""

    id: int
    payment_id: int | None
    payment_reference: str
    amount_kobo: int
    currency: str
    status: str
    # Empty until it is resolved. `merchant-accepted` and `auto-accepted`: the payer gets `amount_kobo`; `declined`: the
    # claim was turned down, and nothing is taken.
    resolution: str
    opened_at: datetime.datetime | None
    due_at: datetime.datetime | None
    resolved_at: datetime.datetime | None
    # The number of the evidence that we sent; None without any.
    evidence_id: int | None = None


@dataclasses.dataclass(frozen=True)
class SettlementAnswer:
    """A payout of the provider to us. Amounts are in the smallest unit of `currency`."""

    id: int
    # Only a `success` has been paid out.
    status: str
    currency: str
    gross_kobo: int
    fees_kobo: int
    net_kobo: int
    settled_at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class BalanceRow:
    """One movement of the provider balance. `model` and `row` name its cause, such as Refund 17."""

    id: int
    currency: str
    change_kobo: int
    balance_kobo: int
    model: str
    row: int | None
    moved_at: datetime.datetime | None


def refund(data: object) -> RefundAnswer:
    """Read a refund; its payment is an object in the answer to its creation, and a number later."""
    answer = checked(data)
    payment = part(answer, "transaction")
    return RefundAnswer(
        id=_number(answer, "id"),
        payment_id=number_or_none(payment or {"id": answer.get("transaction")}, "id"),
        payment_reference=words(answer, "transaction_reference") or words(payment, "reference"),
        amount_kobo=kobo(answer, "amount"),
        currency=text(answer, "currency"),
        status=text(answer, "status"),
        note=words(answer, "merchant_note"),
        is_of_dispute=bool(answer.get("dispute")),
    )


def dispute(data: object) -> DisputeAnswer:
    """Read a dispute. The amount is that of the payment where the provider names none of its own."""
    answer = checked(data)
    payment = part(answer, "transaction")
    return DisputeAnswer(
        id=_number(answer, "id"),
        payment_id=number_or_none(payment or {"id": answer.get("transaction")}, "id"),
        payment_reference=words(payment, "reference") or words(answer, "merchant_transaction_reference"),
        amount_kobo=kobo(answer, "refund_amount") if answer.get("refund_amount") else kobo(payment, "amount"),
        currency=words(answer, "currency") or text(payment, "currency"),
        status=text(answer, "status"),
        resolution=words(answer, "resolution"),
        opened_at=moment_or_none(answer, "createdAt"),
        due_at=moment_or_none(answer, "dueAt"),
        resolved_at=moment_or_none(answer, "resolvedAt"),
        # The description says of `evidence` only that it may be null. After a resolution it is a number.
        evidence_id=number_or_none(part(answer, "evidence") or {"id": answer.get("evidence")}, "id"),
    )


def evidence(data: object) -> int:
    """Read the provider's number of the evidence that it took."""
    return _number(checked(data), "id")


def upload(data: object) -> str:
    """Read the name under which the provider expects a file."""
    return text(checked(data), "fileName")


def settlement(data: object) -> SettlementAnswer:
    """Read a settlement, for which the description has no type. Its net is `effective_amount`."""
    answer = checked(data)
    settled_at = moment_or_none(answer, "settlement_date")
    if settled_at is None:
        raise UnclearAnswer(f"`settlement_date` is {shown(answer.get('settlement_date'))} and not a moment")
    return SettlementAnswer(
        id=_number(answer, "id"),
        status=text(answer, "status"),
        currency=text(answer, "currency"),
        gross_kobo=kobo(answer, "total_processed"),
        fees_kobo=kobo(answer, "total_fees"),
        net_kobo=kobo(answer, "effective_amount"),
        settled_at=settled_at,
    )


def balance_row(data: object) -> BalanceRow:
    """Read a row of the balance's ledger."""
    answer = checked(data)
    return BalanceRow(
        id=_number(answer, "id"),
        currency=text(answer, "currency"),
        change_kobo=signed_kobo(answer, "difference"),
        balance_kobo=signed_kobo(answer, "balance"),
        model=words(answer, "model_responsible"),
        row=number_or_none(answer, "model_row"),
        moved_at=moment_or_none(answer, "createdAt"),
    )


def amounts_by_currency(rows: object, name: str) -> dict[str, int]:
    """Read a list of currencies with an amount each, such as the balances."""
    if not isinstance(rows, list):
        raise UnclearAnswer(f"the amounts are {shown(rows)} and not a list")
    return {text(checked(row), "currency"): signed_kobo(checked(row), name) for row in rows}


def each[Answer](data: object, read: Callable[[object], Answer]) -> list[Answer]:
    """Read the rows of a list. A row that breaks the description is logged and left out, so it stops no other."""
    if not isinstance(data, list):
        raise UnclearAnswer(f"`data` is {shown(data)} and not a list")
    found: list[Answer] = []
    for row in data:
        try:
            found.append(read(row))
        except UnclearAnswer as error:
            logger.error("the provider lists a row that cannot be read: %s: %s", error, shown(row))
    return found


def _number(answer: dict[str, Any], name: str) -> int:
    number = number_or_none(answer, name)
    if number is None:
        raise UnclearAnswer(f"`{name}` is {shown(answer.get(name))} and not a number above zero")
    return number
