"""Freezes and closings at the same time as movements and each other."""

from __future__ import annotations

import datetime
from functools import partial

import pytest
from django.utils import timezone

from savings import backoffice, payments
from savings.exceptions import Refused
from savings.models import AuditRow, OutboxRow, Payout, User
from tests.factories import make_user
from tests.payouts import SESSION, fund, make_saver
from tests.provider import Provider
from tests.savings.backoffice.conftest import make_staff
from tests.savings.payments.test_at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

WITHDRAWALS = User.Frozen.WITHDRAWALS


def unexpected(results: list[object]) -> list[object]:
    return [result for result in results if isinstance(result, Exception) and not isinstance(result, Refused)]


def test_a_withdrawal_and_a_freeze_at_once_send_nothing(provider: Provider) -> None:
    fund(500_000_00)
    user, finance = make_saver(), make_staff("Finance")
    quote = payments.quote_payout(user, user.recipients.current()[0], 50_000_00)
    token = payments.sign_payout(user, quote, session=SESSION)
    results = at_once(
        partial(payments.request_payout, user, token, session=SESSION),
        partial(backoffice.freeze, user.pk, WITHDRAWALS, by=finance, reason="A stolen phone"),
    )
    assert unexpected(results) == []
    payments.sweep_payouts(timezone.now() + datetime.timedelta(seconds=1))
    assert provider.paths().count("POST /transfer") == 0
    assert set(Payout.objects.values_list("state", flat=True)) <= {Payout.State.WAITING}


def test_two_freezes_at_once_are_one() -> None:
    user, finance = make_user(), make_staff("Finance")
    act = partial(backoffice.freeze, user.pk, WITHDRAWALS, by=finance, reason="A stolen phone")
    assert unexpected(at_once(*[act] * 4)) == []
    assert AuditRow.objects.filter(verb="frozen").count() == 1
    assert OutboxRow.objects.filter(kind="by_staff").count() == 1


def test_an_account_closes_once() -> None:
    user, root = make_user(), make_user(is_staff=True, is_superuser=True)
    act = partial(backoffice.close_account, user.pk, by=root, reason="She asked")
    assert unexpected(at_once(*[act] * 4)) == []
    assert AuditRow.objects.filter(verb="account_closed").count() == 1
