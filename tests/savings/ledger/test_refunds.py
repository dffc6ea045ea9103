"""Refunds: set aside first, made or not made by the provider, in whole or in parts."""

from __future__ import annotations

from typing import Any

import pytest

from savings import ledger, references
from savings.models import Transaction
from tests.factories import make_plan, make_user, pay_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

Kind = Transaction.Kind
Status = Transaction.Status


@pytest.fixture
def people() -> dict[str, Any]:
    """Two people of the staff and their reason."""
    asked_by, approved_by = make_user(is_staff=True), make_user(is_staff=True)
    return {"asked_by": asked_by, "approved_by": approved_by, "reason": "Paid twice"}


def refund(payment: Transaction, amount_kobo: int, people: dict[str, Any], **details: Any) -> Transaction:
    reference = references.new(Kind.REFUND)
    return ledger.open_refund(payment, amount_kobo=amount_kobo, **{"reference": reference} | people | details)


def house(kind: str, place: str = "") -> int:
    return ledger.balance_kobo(ledger.house_account(kind, place))


def test_a_refund_is_set_aside_and_then_made(people: dict[str, Any]) -> None:
    plan = make_plan()
    payment = pay_in(plan.user, 5_000, plan=plan)
    back = refund(payment, 3_000, people)
    assert (back.status, back.user, back.plan) == (Status.PENDING, plan.user, plan)
    assert (ledger.balance_kobo(plan.account), house("refunds_due")) == (2_000, 3_000)
    assert ledger.settle_refund(back)
    assert (house("refunds_due"), house("clearing", "paystack")) == (0, 2_000)
    payment.refresh_from_db()
    assert payment.status == Status.SUCCESS
    assert not ledger.settle_refund(back)
