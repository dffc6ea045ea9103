"""The provider's answers about refunds, disputes, settlements and balances, as described and otherwise."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from savings.exceptions import UnclearAnswer
from savings.payments import money_answers

REFUND: dict[str, Any] = {
    "id": 7,
    "transaction": 40,
    "transaction_reference": "TOP1",
    "amount": 500,
    "currency": "NGN",
    "status": "processed",
    "merchant_note": "RFD1",
}
DISPUTE: dict[str, Any] = {
    "id": 8,
    "transaction": {"id": 40, "reference": "TOP1", "amount": 2_500, "metadata": "any text"},
    "refund_amount": 500,
    "currency": "NGN",
    "status": "resolved",
    "resolution": "declined",
    "dueAt": "2026-11-26T16:00:00.000Z",
}
SETTLEMENT: dict[str, Any] = {
    "id": 9,
    "status": "success",
    "currency": "NGN",
    "total_processed": 3_000,
    "total_fees": 100,
    "effective_amount": 2_500,
    "deductions": [{"anything": None}],
    "settlement_date": "2026-11-26T05:00:00.000Z",
}
ROW: dict[str, Any] = {
    "id": 10,
    "currency": "NGN",
    "difference": -500,
    "balance": -100,
    "model_responsible": "Refund",
    "model_row": 7,
}


def test_a_refund_has_its_payment_as_a_number_or_an_object() -> None:
    later = money_answers.refund(REFUND)
    made = money_answers.refund(
        {**REFUND, "transaction": {"id": 40, "reference": "TOP1"}, "transaction_reference": None}
    )
    assert later == made
    assert (later.payment_id, later.payment_reference, later.note) == (40, "TOP1", "RFD1")


def test_a_refund_may_leave_out_what_names_it() -> None:
    bare = money_answers.refund({name: REFUND[name] for name in ("id", "amount", "currency", "status")})
    assert (bare.payment_id, bare.payment_reference, bare.note) == (None, "", "")


def test_a_dispute_is_about_its_own_amount_or_the_whole_payment() -> None:
    told = money_answers.dispute(DISPUTE)
    assert (told.payment_id, told.payment_reference, told.amount_kobo) == (40, "TOP1", 500)
    assert told.due_at == datetime.datetime(2026, 11, 26, 16, tzinfo=datetime.UTC)
    assert told.resolved_at is None
    for missing in (None, 0):
        assert money_answers.dispute(DISPUTE | {"refund_amount": missing}).amount_kobo == 2_500


def test_a_settlement_pays_out_its_effective_amount() -> None:
    told = money_answers.settlement(SETTLEMENT)
    assert (told.gross_kobo, told.fees_kobo, told.net_kobo) == (3_000, 100, 2_500)


def test_a_row_of_the_balance_may_be_below_zero() -> None:
    told = money_answers.balance_row(ROW)
    assert (told.change_kobo, told.balance_kobo, told.model, told.row) == (-500, -100, "Refund", 7)


@pytest.mark.parametrize(
    ("read", "right", "name", "value"),
    [
        (money_answers.refund, REFUND, "id", "7"),
        (money_answers.refund, REFUND, "amount", "500"),
        (money_answers.refund, REFUND, "status", None),
        (money_answers.dispute, DISPUTE, "id", True),
        (money_answers.dispute, DISPUTE, "refund_amount", -1),
        (money_answers.dispute, DISPUTE | {"transaction": None}, "refund_amount", None),
        (money_answers.settlement, SETTLEMENT, "total_fees", 1.0),
        (money_answers.settlement, SETTLEMENT, "effective_amount", -1),
        (money_answers.settlement, SETTLEMENT, "settlement_date", "soon"),
        (money_answers.balance_row, ROW, "difference", None),
        (money_answers.balance_row, ROW, "balance", 2**60),
    ],
)
def test_a_field_that_decides_about_money_has_to_be_right(
    read: Callable[[object], object], right: dict[str, Any], name: str, value: object
) -> None:
    with pytest.raises(UnclearAnswer, match=f"`{name}`|`amount`"):
        read(right | {name: value})


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_an_answer_has_to_be_an_object(data: object) -> None:
    for read in (
        money_answers.refund,
        money_answers.dispute,
        money_answers.settlement,
        money_answers.balance_row,
    ):
        with pytest.raises(UnclearAnswer):
            read(data)


def test_a_wrong_row_of_a_list_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    rows = [REFUND, REFUND | {"amount": None}, "row", REFUND | {"id": 11}]
    assert [row.id for row in money_answers.each(rows, money_answers.refund)] == [7, 11]
    assert caplog.text.count("a row that cannot be read") == 2
    with pytest.raises(UnclearAnswer):
        money_answers.each({"rows": rows}, money_answers.refund)


def test_amounts_by_currency() -> None:
    rows = [{"currency": "NGN", "balance": 5}, {"currency": "USD", "balance": -1}]
    assert money_answers.amounts_by_currency(rows, "balance") == {"NGN": 5, "USD": -1}
    wrongs: list[object] = [{}, [{"currency": "NGN"}], [None]]
    for wrong in wrongs:
        with pytest.raises(UnclearAnswer):
            money_answers.amounts_by_currency(wrong, "balance")
