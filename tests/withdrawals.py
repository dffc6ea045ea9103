"""Payouts in any state for tests, whose entries the ledger has made."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from savings import ledger, references
from savings.ledger import WithdrawalFees
from savings.models import Payout, Transaction, User
from tests.factories import fund_balance, make_user, pay_in
from tests.payouts import make_recipient

State = Payout.State
FEES = WithdrawalFees(fee_kobo=25_00, vat_kobo=1_87, duty_kobo=50_00)
# What the provider takes for a transfer, besides the duty.
COST_KOBO = 25_00
_SENT = (State.SENT, State.PAID, State.CAME_BACK)


def make_payout(
    user: User | None = None,
    state: str = State.WAITING,
    *,
    amount_kobo: int = 50_000_00,
    fees: WithdrawalFees = FEES,
    **fields: Any,
) -> Payout:
    """Return a payout of money that is paid in for it. One that was paid has its cost; one that came back has none."""
    user, now = user or make_user(), timezone.now()
    pay_in(user, amount_kobo + fees.total_kobo)
    withdrawal, _ = ledger.open_withdrawal(
        user,
        reference=references.new(Transaction.Kind.STASH_WITHDRAWAL),
        amount_kobo=amount_kobo,
        fees=fees,
    )
    values: dict[str, Any] = {
        **fees._asdict(),
        "recipient": fields.get("recipient") or make_recipient(user),
        "state": state,
        "sent_at": now if state in _SENT else None,
        "next_try_at": now if state in (State.WAITING, State.SENT) else None,
        "cost_kobo": _book_end(withdrawal, state, fees),
    }
    return Payout.objects.create(transaction=withdrawal, user=user, **values | fields)


def _book_end(withdrawal: Transaction, state: str, fees: WithdrawalFees) -> int | None:
    """Book what brings a withdrawal into a state, and return its cost."""
    if state in (State.RETURNED, State.CANCELLED):
        to = Transaction.Status.FAILED if state == State.RETURNED else Transaction.Status.ABANDONED
        ledger.fail_withdrawal(withdrawal, to, failure_code="rejected")
    if state not in (State.PAID, State.CAME_BACK):
        return None
    balance, cost_kobo = fund_balance(withdrawal.amount_kobo + COST_KOBO + fees.duty_kobo), COST_KOBO
    ledger.settle_withdrawal(withdrawal, fees, provider=balance.provider)
    ledger.record_transfer_cost(
        withdrawal, cost_kobo=cost_kobo, duty_kobo=fees.duty_kobo, provider=balance.provider
    )
    if state == State.PAID:
        return cost_kobo + fees.duty_kobo
    reversal = ledger.return_withdrawal(withdrawal, reference=references.new(Transaction.Kind.REVERSAL))
    ledger.record_returned_cost(reversal, cost_kobo=cost_kobo + fees.duty_kobo, provider=balance.provider)
    return 0
