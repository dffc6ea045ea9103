"""Short simulated years: everything is right at their end, and a seed repeats them. `make soak` lives longer ones."""

from __future__ import annotations

import datetime
from unittest import mock

import pytest
from django.db.models import F

from savings.models import Account, AutosaveRun, Dispute, Payout, Refund, Transaction
from tests.soak import ends, run
from tests.soak.database import empty
from tests.soak.run import Result, Year, live
from tests.soak.world import START, World
from web.simulator import money

pytestmark = pytest.mark.django_db(transaction=True)


# About a minute each, and several on a busy machine.
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everything_is_right_after_sixty_days_full_of_faults(seed: int) -> None:
    result = live(Year(seed, days=60, people=30))
    assert result.wrong == []
    assert_everything_happened(result)


def assert_everything_happened(result: Result) -> None:
    """Otherwise all could be right because nothing went wrong."""
    statuses = set(AutosaveRun.objects.values_list("status", flat=True))
    assert {"done", "failed", "skipped"} <= statuses
    kinds = set(Transaction.objects.filter(status="success").values_list("kind", flat=True))
    assert {"top_up", "stash_deposit", "autosave", "stash_withdrawal", "interest", "tax_withheld"} <= kinds
    assert Payout.objects.filter(state="paid").exists()
    assert Refund.objects.exists()
    assert Dispute.objects.exists()
    assert result.world.steps.kills.total() > 20
    assert result.world.provider.faults.keys() >= {"timeout", "event lost", "error after"}


def test_the_same_seed_gives_the_same_entries() -> None:
    year = Year(5, days=12, people=8)
    first = live(year)
    empty()
    assert live(year).digest == first.digest


def test_what_is_wrong_is_found() -> None:
    year = Year(4, days=9, people=8)
    with run.surroundings(year) as world:
        world.begin()
        for _ in range(year.days):
            world.live_day()
        assert run.check(world) == []
        paid = Account.objects.filter(kind="plan", balance_kobo__gt=0)
        paid.update(accrued_numerator=F("accrued_numerator") + 1)
        world.mails.sent[next(iter(world.mails.sent))] += 1
        money.post(money.BALANCE, 5, reason="Wrong", model="Test", row=1, currency="NGN")
        AutosaveRun.objects.filter(status="done").update(amount_kobo=F("amount_kobo") + 1)
        found = "\n".join(ends.wrong(world))
    for words in ("of interest not posted", "was sent 2 times", "provider balance is", "was announced with"):
        assert words in found


def test_the_first_wrong_day_is_found_between_two_checks() -> None:
    year = Year(4, days=7, people=1)

    def wrong_from_the_third_day_on(world: World) -> list[str]:
        return ["wrong"] if world.today > START + datetime.timedelta(days=2) else []

    with mock.patch.object(ends, "wrong", wrong_from_the_third_day_on):
        assert run.first_wrong_day(year, 7, empty).day == 3
