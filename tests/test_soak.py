"""Short simulated years: everything is right at their end, and a seed repeats them. `make soak` lives longer ones."""

from __future__ import annotations

import datetime
from unittest import mock

import pytest
from django.db import connection
from django.db.models import F

from savings.models import Account, AutosaveRun, Payout
from tests.clean_up import empty_tables
from tests.payouts import ask, fund, make_recipient, make_saver
from tests.soak import ends, run
from tests.soak.run import Year, live
from tests.soak.world import START, World
from web.simulator import money

pytestmark = pytest.mark.django_db(transaction=True)


# It takes two minutes of processor time, so each database lives another year.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [2] if connection.vendor == "postgresql" else [1])
def test_everything_is_right_after_days_full_of_faults(seed: int) -> None:
    result = live(Year(seed, days=60, people=30))
    assert result.wrong == []
    assert result.world.steps.kills.total() > 0


@pytest.mark.any_database
@pytest.mark.timeout(600)
def test_the_same_seed_gives_the_same_entries() -> None:
    year = Year(5, days=12, people=8)
    # Each begins as in a new database.
    empty_tables(restarts_ids=True)
    first = live(year)
    empty_tables(restarts_ids=True)
    assert live(year).digest == first.digest


@pytest.mark.any_database
@pytest.mark.timeout(600)
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


@pytest.mark.timeout(600)
def test_a_transfer_that_is_sent_while_a_check_settles_ends_too() -> None:
    with run.surroundings(Year(4, days=1, people=1)) as world:
        world.begin()
        fund(100_000_00)
        saver = make_saver()
        # The simulator asks for a one-time password before it pays into this account.
        number = "0000000908"
        payout = ask(saver, 5_000_00, make_recipient(saver, account_number=number, code=f"RCP_058{number}"))
        with world.without_faults():
            ends.settle(world)
        payout.refresh_from_db()
    assert payout.sent_at is not None
    assert payout.state not in Payout.IN_FLIGHT


@pytest.mark.any_database
@pytest.mark.timeout(600)
def test_the_first_wrong_day_is_found_between_two_checks() -> None:
    year = Year(4, days=7, people=1)

    def wrong_from_the_third_day_on(world: World) -> list[str]:
        return ["wrong"] if world.today > START + datetime.timedelta(days=2) else []

    with mock.patch.object(ends, "wrong", wrong_from_the_third_day_on):
        assert run.first_wrong_day(year, 7, empty_tables).day == 3
