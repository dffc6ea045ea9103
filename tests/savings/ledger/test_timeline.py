"""The timeline of a transaction with a payment."""

from __future__ import annotations

import pytest

from savings import ledger
from savings.models import Payment, Transaction

Status = Transaction.Status


def last_note(status: str, *, failure_code: str = "", **payment_fields: str) -> str:
    transaction = Transaction(reference="TOP", status=status, failure_code=failure_code, user_id=1)
    payment = Payment(transaction=transaction, **payment_fields)
    return ledger.timeline_steps(transaction, payment=payment, entries=[], events=[], mails=[])[-1].note


@pytest.mark.parametrize(
    ("failure_code", "expected"),
    [
        ("left", "You left the payment page. No money has moved."),
        ("page_lost", "The payment page did not reach us. No money has moved."),
        ("never_sent", "We couldn’t reach the payment provider. No money has moved."),
    ],
)
def test_an_abandoned_payment_shows_its_reason(failure_code: str, expected: str) -> None:
    assert last_note(Status.ABANDONED, failure_code=failure_code) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("less", "A different amount arrived."),
        (
            "channel",
            "We don’t accept this kind of card or payment.",
        ),
        ("no_answer", "The payment provider hasn’t told us yet whether it went through."),
    ],
)
def test_a_review_shows_its_reason_and_what_comes_next(reason: str, expected: str) -> None:
    transaction = Transaction(reference="TOP", status=Status.REVIEW, user_id=1)
    payment = Payment(transaction=transaction, review_reason=reason)
    steps = ledger.timeline_steps(transaction, payment=payment, entries=[], events=[], mails=[])
    assert steps[-2].note == expected
    assert (steps[-1].title, steps[-1].state) == ("In your savings, or back with you", "todo")


def test_a_failed_payment_shows_the_provider_s_message() -> None:
    assert last_note(Status.FAILED, provider_message="Insufficient Funds") == "Insufficient Funds"
