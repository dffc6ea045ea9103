"""Early exits of one plan by many requests at once: exactly one moves money."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from savings import ledger
from savings.models import Plan, Product, Transaction
from tests import threads
from tests.factories import make_plan, make_product, make_user
from tests.processes import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_limits(settings: Settings) -> None:
    settings.RATE_LIMITS = False
    # All but one wait for the lock, the last one for all others: on a busy machine longer than a request may.
    settings.DATABASE_TIMEOUT_SECONDS = PATIENCE_SECONDS


def times() -> int:
    return 50 if connection.vendor == "postgresql" else 6


def sent_at_once(plan: Plan, *, share: int, is_same: bool = False) -> Counter[object]:
    """Send many forms for the same share of a plan at once, and count the statuses of their responses."""
    client = Client()
    client.force_login(plan.user)
    url = f"/plans/{plan.pk}/exit/"
    forms = []
    for _ in range(1 if is_same else times()):
        asked = {"all_of_it": "1"} if share == 1 else {"amount": f"{1_000_00 // share / 100:.2f}"}
        context = client.post(url, asked).context
        reference = context["form"]["reference"].value()
        forms.append(asked | {"quote": context["token"], "reference": reference})
    cookies = client.cookies

    def send(number: int) -> object:
        browser = Client()
        browser.cookies = cookies
        return browser.post(f"{url}carry-out/", forms[number % len(forms)]).status_code

    return threads.at_once(send, times())


def penalised() -> Plan:
    return make_plan(make_user(), make_product(Product.Kind.TARGET), holding_kobo=1_000_00)


@pytest.mark.parametrize("share", [1, 2])
def test_of_many_exits_of_one_plan_exactly_one_succeeds(share: int) -> None:
    plan = penalised()
    assert sent_at_once(plan, share=share) == {302: 1, 422: times() - 1}
    assert Transaction.objects.filter(kind=Transaction.Kind.PLAN_TO_STASH).count() == 1
    assert ledger.balance_kobo(plan.account) == 1_000_00 - 1_000_00 // share
    assert list(ledger.run_checks()) == []


def test_one_form_sent_many_times_is_one_exit() -> None:
    plan = penalised()
    assert sent_at_once(plan, share=2, is_same=True) == {302: times()}
    assert Transaction.objects.filter(kind=Transaction.Kind.PLAN_TO_STASH).count() == 1
    assert ledger.balance_kobo(plan.account) == 500_00
    assert list(ledger.run_checks()) == []
