"""Charging a saved card: committed before the call, settled once by the answer, the event or the poll."""

from __future__ import annotations

import pytest

from savings import ledger
from savings.models import Plan, SavedCard, Transaction
from tests import cards
from tests.payments import AMOUNT
from tests.provider import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Status = Transaction.Status
CHARGE = "/transaction/charge_authorization"


@pytest.fixture
def card(provider: Provider, plan: Plan) -> SavedCard:
    return cards.save_card(provider, plan.user)


def test_a_charge_is_credited_at_once_with_its_cost(provider: Provider, plan: Plan, card: SavedCard) -> None:
    movement = cards.charge(card, plan=plan)
    assert movement.status == Status.SUCCESS
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert provider.paths()[-1] == f"POST {CHARGE}"
    codes = sorted(movement.entries.values_list("code", flat=True))
    assert len(codes) == 2
