"""Withdrawals of one balance by many requests at once: exactly one moves money."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from savings import ledger
from savings.models import Payout, User
from tests import threads
from tests.payouts import held, make_saver
from tests.processes import PATIENCE_SECONDS
from tests.web.withdrawing import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

STASH = 100_000_00


@pytest.fixture(autouse=True)
def _no_limits(settings: Settings) -> None:
    settings.RATE_LIMITS = False
    # All but one wait for the lock, the last one for all others: on a busy machine longer than a request may.
    settings.DATABASE_TIMEOUT_SECONDS = PATIENCE_SECONDS


def times() -> int:
    return 50 if connection.vendor == "postgresql" else 6


def sent_at_once(saver: User, asked: dict[str, str], *, is_same: bool = False) -> Counter[object]:
    """Send many confirmations of the same withdrawal at once, and count the statuses of their responses."""
    client = Client()
    sign_in(saver, client)
    asked = asked | {"recipient": str(saver.recipients.get().pk)}
    forms = [
        asked | {"token": client.post("/stash/withdraw/", asked).context["token"]}
        for _ in range(1 if is_same else times())
    ]
    cookies = client.cookies

    def send(number: int) -> object:
        browser = Client()
        browser.cookies = cookies
        return browser.post("/stash/withdraw/confirm/", forms[number % len(forms)]).status_code

    return threads.at_once(send, times())


@pytest.mark.parametrize("asked", [{"all_of_it": "1"}, {"amount": "60,000"}], ids=["all", "more than half"])
def test_of_many_withdrawals_of_one_balance_exactly_one_succeeds(asked: dict[str, str]) -> None:
    saver = make_saver(STASH)
    assert sent_at_once(saver, asked) == {302: 1, 422: times() - 1}
    payout = Payout.objects.get()
    total_kobo = payout.transaction.amount_kobo + payout.fee_kobo + payout.vat_kobo + payout.duty_kobo
    assert held(saver) == (STASH - total_kobo, total_kobo)
    assert list(ledger.run_checks()) == []


def test_one_confirmation_sent_many_times_is_one_withdrawal() -> None:
    saver = make_saver(STASH)
    assert sent_at_once(saver, {"amount": "1,000"}, is_same=True) == {302: times()}
    assert Payout.objects.count() == 1
    assert list(ledger.run_checks()) == []
