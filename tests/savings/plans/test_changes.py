"""Changes of a running plan: extending, goal, maturity, where interest goes, and interest on and off."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from savings import ledger, plans
from savings.exceptions import Refused
from savings.ledger import interest
from savings.models import Account, Entry, Membership, Plan, Product, RatePeriod, User
from savings.models.plans import InterestPaid
from tests.factories import join_circle, make_plan, make_product, make_user, pay_in, settled, start_circle

pytestmark = pytest.mark.django_db

DAY = datetime.date(2026, 1, 11)
TO_STASH, ROLLOVER, COMPOUND = Plan.AtMaturity


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-01-11T12:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def _books_are_right(db: None) -> Iterator[None]:
    yield
    assert list(ledger.run_checks()) == []


def locked(user: User | None = None, **fields: Any) -> Plan:
    return make_plan(user, make_product(Product.Kind.LOCKED, rate_bps=1000), days=100, **fields)


def flexible(user: User | None = None, *, rate_bps: int = 1000, holding_kobo: int = 100_00) -> Plan:
    return make_plan(user, make_product(rate_bps=rate_bps), holding_kobo=holding_kobo)


def closed(plan: Plan) -> Plan:
    plans.close(Plan.objects.get(pk=plan.pk))
    return plan


def earned(plan: Plan, days: int) -> int:
    return ledger.accrued_numerator(Account.objects.get(plan=plan), DAY + datetime.timedelta(days=days))


def stored(plan: Plan) -> Plan:
    return Plan.objects.get(pk=plan.pk)


# The goal


def test_a_goal_is_set_changed_and_removed() -> None:
    plan = flexible()
    for target_kobo in (50_000_00, 10_000_00, None):
        plans.change_goal(plan, target_kobo)
        assert plan.target_kobo == stored(plan).target_kobo == target_kobo


@pytest.mark.parametrize("target_kobo", [1, 9_999_99, 10**15])
def test_a_goal_outside_the_rules_is_refused(target_kobo: int) -> None:
    plan = flexible()
    with pytest.raises(Refused) as refused:
        plans.change_goal(plan, target_kobo)
    assert refused.value.field == "target_kobo"
    assert stored(plan).target_kobo is None


def test_a_target_plan_keeps_a_goal() -> None:
    plan = make_plan(product=make_product(Product.Kind.TARGET), target_kobo=50_000_00)
    with pytest.raises(Refused, match="Enter your goal"):
        plans.change_goal(plan, None)
    plans.change_goal(plan, 60_000_00)
    assert stored(plan).target_kobo == 60_000_00


def test_the_smallest_goal_in_a_circle_is_that_of_the_circle() -> None:
    member = join_circle(start_circle(product=make_product(min_target_kobo=20_000_00)))
    Product.objects.update(min_target_kobo=1)
    with pytest.raises(Refused, match="Enter a goal between ₦20,000 and"):
        plans.change_goal(member.plan, 10_000_00)
    plans.change_goal(member.plan, 20_000_00)


def test_a_new_goal_in_a_circle_reaches_its_board() -> None:
    member = join_circle(start_circle(), saved_kobo=100_00)
    plans.change_goal(member.plan, 50_000_00)
    assert Membership.objects.get(pk=member.pk).version == member.version + 1
    plans.change_goal(member.plan, 50_000_00)
    assert Membership.objects.get(pk=member.pk).version == member.version + 1


def test_the_goal_in_a_circle_that_has_ended_stays(clock: time_machine.Traveller) -> None:
    circle = start_circle(days=30)
    plan = circle.memberships.get().plan
    clock.shift(datetime.timedelta(days=30))
    with pytest.raises(Refused, match="has ended") as refused:
        plans.change_goal(plan, 50_000_00)
    assert refused.value.field == "target_kobo"


# What happens at maturity


def test_a_plan_that_starts_again_earns_without_an_end() -> None:
    plan = locked()
    assert plan.matures_on
    ends = plan.matures_on.toordinal()
    for choice, until in (
        (ROLLOVER, datetime.date.max.toordinal()),
        (TO_STASH, ends),
        (COMPOUND, datetime.date.max.toordinal()),
        (TO_STASH, ends),
    ):
        plans.change_at_maturity(plan, choice)
        assert stored(plan).at_maturity == choice
        assert Account.objects.get(plan=plan).accrues_until == until


@pytest.mark.parametrize("choice", Plan.AtMaturity)
def test_a_plan_opens_with_each_choice(choice: str) -> None:
    assert locked(at_maturity=choice).at_maturity == choice


def test_the_choice_ends_the_day_before_maturity() -> None:
    plan = locked()
    assert plan.matures_on
    noon = datetime.datetime.combine(plan.matures_on, datetime.time(12), tzinfo=datetime.UTC)
    with time_machine.travel(noon - datetime.timedelta(days=1)):
        plans.change_at_maturity(plan, COMPOUND)
    with time_machine.travel(noon):
        with pytest.raises(Refused, match="has matured") as refused:
            plans.change_at_maturity(plan, TO_STASH)
        assert refused.value.field == "at_maturity"
        assert stored(plan).at_maturity == COMPOUND


def test_the_plan_of_a_circle_cannot_start_again() -> None:
    circle = start_circle(product=make_product(Product.Kind.LOCKED))
    plan = circle.memberships.get().plan
    for choice in Plan.RENEWING:
        with pytest.raises(Refused, match="belongs to your circle"):
            plans.change_at_maturity(plan, choice)
    plans.change_at_maturity(plan, TO_STASH)
    assert stored(plan).at_maturity == TO_STASH


def test_a_choice_that_does_not_exist_is_an_error() -> None:
    plan = locked()
    with pytest.raises(ValueError, match="nowhere"):
        plans.change_at_maturity(plan, "nowhere")
    with pytest.raises(ValueError, match="nowhere"):
        plans.change_interest_to(flexible(), "nowhere")


# Where interest goes


def test_interest_goes_into_the_plan_or_to_the_stash() -> None:
    plan = flexible()
    assert plan.interest_to == Plan.InterestTo.PLAN
    for choice in (Plan.InterestTo.STASH, Plan.InterestTo.PLAN):
        plans.change_interest_to(plan, choice)
        assert stored(plan).interest_to == choice
    assert make_plan(interest_to="stash").interest_to == Plan.InterestTo.STASH


def test_interest_of_a_circles_plan_always_goes_to_the_stash() -> None:
    plan = join_circle(start_circle()).plan
    assert plan.interest_to == Plan.InterestTo.STASH
    with pytest.raises(Refused, match="belongs to your circle") as refused:
        plans.change_interest_to(plan, Plan.InterestTo.PLAN)
    assert refused.value.field == "interest_to"


def test_interest_that_comes_at_maturity_has_no_other_place() -> None:
    product = make_product(Product.Kind.LOCKED, interest_paid=InterestPaid.AT_MATURITY)
    plan = make_plan(product=product)
    with pytest.raises(Refused, match="at maturity") as refused:
        plans.change_interest_to(plan, Plan.InterestTo.STASH)
    assert refused.value.field == "interest_to"


# What does not apply

CHANGES: dict[str, Callable[[Plan], None]] = {
    "target_kobo": lambda plan: plans.change_goal(plan, 50_000_00),
    "at_maturity": lambda plan: plans.change_at_maturity(plan, COMPOUND),
    "interest_to": lambda plan: plans.change_interest_to(plan, "stash"),
    "earns_interest": lambda plan: plans.switch_interest(plan, on=False),
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_closed_plan_stays_as_it_is(field: str) -> None:
    stale = locked()
    closed(stale)
    before = Plan.objects.filter(pk=stale.pk).values().get()
    with pytest.raises(Refused, match="closed") as refused:
        CHANGES[field](stale)
    assert refused.value.field == field
    assert Plan.objects.filter(pk=stale.pk).values().get() == before
    assert Account.objects.get(plan=stale).rate_bps == 1000


def test_a_plan_without_an_end_has_nothing_to_choose_at_maturity() -> None:
    with pytest.raises(Refused, match="no end"):
        plans.change_at_maturity(flexible(), TO_STASH)


@pytest.mark.parametrize("field", CHANGES)
def test_every_change_invalidates_the_owners_pages(field: str) -> None:
    plan = locked()
    before = User.objects.get(pk=plan.user_id).version
    CHANGES[field](plan)
    assert User.objects.get(pk=plan.user_id).version > before


# Interest on and off


def test_interest_stops_tomorrow_and_what_was_earned_stays(clock: time_machine.Traveller) -> None:
    plan = flexible()
    clock.shift(datetime.timedelta(days=5))
    plans.switch_interest(plan, on=False)
    assert earned(plan, 6) == earned(plan, 40) == 1000 * 100_00 * 6
    clock.shift(datetime.timedelta(days=5))
    plans.switch_interest(plan, on=True)
    assert earned(plan, 11) == 1000 * 100_00 * 6
    assert earned(plan, 13) == 1000 * 100_00 * 8


def test_switching_twice_begins_one_period(clock: time_machine.Traveller) -> None:
    plan, user = flexible(), make_user()
    other = flexible(user)
    for _ in range(2):
        plans.switch_interest(plan, on=False)
        plans.switch_all_interest(user, on=False)
        clock.shift(datetime.timedelta(days=1))
    for one in (plan, other):
        periods = [(1000, DAY.toordinal()), (0, DAY.toordinal() + 1)]
        assert (
            list(RatePeriod.objects.filter(account__plan=one).values_list("rate_bps", "from_day")) == periods
        )


def test_switching_on_what_is_on_changes_no_corrected_rate() -> None:
    plan = flexible()
    ledger.change_rate(plan.account, 400)
    plans.switch_interest(plan, on=True)
    plans.switch_all_interest(plan.user, on=True)
    assert Account.objects.get(plan=plan).rate_bps == 400


def test_everything_is_switched_and_no_other_saver(clock: time_machine.Traveller) -> None:
    user, other = make_user(), flexible()
    mine = [flexible(user), locked(user), locked(user, at_maturity=COMPOUND)]
    finished = closed(flexible(user, holding_kobo=0))
    plans.switch_all_interest(user, on=False)
    assert not user.earns_interest
    rates = {plan.pk: plan.account.rate_bps for plan in Plan.objects.select_related("account")}
    assert rates == dict.fromkeys([plan.pk for plan in mine], 0) | {other.pk: 1000, finished.pk: 1000}
    plans.switch_all_interest(user, on=True)
    assert {account.rate_bps for account in Account.objects.filter(kind="plan")} == {1000}


@pytest.mark.parametrize("first", ["plan", "all"])
def test_a_plan_switched_off_alone_stays_off(clock: time_machine.Traveller, first: str) -> None:
    user = make_user()
    off, on = flexible(user), flexible(user)
    acts: list[Callable[[], None]] = [
        lambda: plans.switch_interest(off, on=False),
        lambda: plans.switch_all_interest(user, on=False),
    ]
    for act in acts if first == "plan" else acts[::-1]:
        act()
    plans.switch_all_interest(user, on=True)
    assert Account.objects.get(plan=off).rate_bps == 0
    assert Account.objects.get(plan=on).rate_bps == 1000


def test_the_switch_of_a_plan_counts_once_the_other_is_on(clock: time_machine.Traveller) -> None:
    plan = flexible()
    plans.switch_all_interest(plan.user, on=False)
    plans.switch_interest(plan, on=False)
    plans.switch_interest(plan, on=True)
    assert Account.objects.get(plan=plan).rate_bps == 0
    plans.switch_all_interest(plan.user, on=True)
    assert Account.objects.get(plan=plan).rate_bps == 1000


def test_a_plan_opened_while_interest_is_off_earns_nothing_and_keeps_its_rate(
    clock: time_machine.Traveller,
) -> None:
    stale = make_user()
    plans.switch_all_interest(User.objects.get(pk=stale.pk), on=False)
    plan = flexible(stale)
    assert (plan.rate_bps, plan.earns_interest) == (1000, True)
    assert earned(plan, 30) == 0
    assert RatePeriod.objects.get(account__plan=plan).rate_bps == 0
    clock.shift(datetime.timedelta(days=9))
    plans.switch_all_interest(stale, on=True)
    assert earned(plan, 12) == 1000 * 100_00 * 2


def test_the_day_from_which_a_rate_holds_is_known(clock: time_machine.Traveller) -> None:
    plan = flexible()
    assert ledger.rate_since(plan.account) == DAY
    plans.switch_interest(plan, on=False)
    tomorrow = DAY + datetime.timedelta(days=1)
    clock.shift(datetime.timedelta(days=5))
    # The account is switched on and off on one day: it earned nothing in between.
    plans.switch_interest(plan, on=True)
    plans.switch_interest(plan, on=False)
    assert ledger.rate_since(Account.objects.get(plan=plan)) == tomorrow
    RatePeriod.objects.filter(account__plan=plan).delete()
    account = Account.objects.get(plan=plan)
    assert ledger.rate_since(account) is None
    RatePeriod.objects.create(account=account, from_day=DAY.toordinal(), rate_bps=1000)
    RatePeriod.objects.create(account=account, from_day=tomorrow.toordinal(), rate_bps=0)


# Each step: the days that pass before it, and what is done. Numbers are kobo paid in, or taken out where negative.
STEPS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(["plan on", "plan off", "all on", "all off"]) | st.integers(-3_000, 3_000),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(
    steps=STEPS,
    rate_bps=st.integers(0, 10_000),
    begins_on=st.booleans(),
    days=st.none() | st.integers(30, 200),
)
def test_the_stored_interest_equals_the_one_calculation(
    steps: list[tuple[int, str | int]], rate_bps: int, days: int | None, *, begins_on: bool
) -> None:
    with transaction.atomic(), time_machine.travel("2026-01-11T12:00:00Z", tick=False) as clock:
        user = make_user(earns_interest=begins_on)
        term: dict[str, Any] = {"min_term_days": 30, "max_term_days": 1095} if days else {}
        plan = make_plan(user, make_product(rate_bps=rate_bps, **term), days=days or 0)
        for passing, step in steps:
            clock.shift(datetime.timedelta(days=passing))
            act(plan, step)
        clock.shift(datetime.timedelta(days=3))
        account = Account.objects.get(plan=plan)
        for day in (timezone.localdate(), DAY + datetime.timedelta(days=700)):
            assert ledger.accrued_numerator(account, day) == calculated(account, day)
        on = stored(plan).earns_interest and User.objects.get(pk=user.pk).earns_interest
        assert account.rate_bps == (rate_bps if on else 0)
        plans.mature_due_plans(timezone.localdate())
        assert list(ledger.run_checks()) == []
        transaction.set_rollback(True)


def act(plan: Plan, step: str | int) -> None:
    if isinstance(step, str):
        which, wanted = step.split()
        if which == "plan":
            plans.switch_interest(plan, on=wanted == "on")
        else:
            plans.switch_all_interest(plan.user, on=wanted == "on")
        return
    balance_kobo = ledger.balance_kobo(plan.account)
    if step > 0 and not plan.is_matured(timezone.localdate()):
        pay_in(plan.user, step, plan=plan)
    elif step < 0 and balance_kobo:
        # Without the quote and the interest of an early exit.
        settled(
            "plan_to_stash",
            min(-step, balance_kobo),
            debit=plan.account,
            credit=ledger.stash_account(plan.user),
            user=plan.user,
            plan=plan,
        )


def calculated(account: Account, day: datetime.date) -> int:
    """Return the numerator that the entries and the rate periods of an account come to."""
    changes: Counter[int] = Counter()
    for entry in Entry.objects.all():
        assert entry.value_on
        changes[entry.value_on.toordinal()] += entry.amount_kobo * (
            (entry.credit_account_id == account.pk) - (entry.debit_account_id == account.pk)
        )
    rates = list(account.rate_periods.values_list("from_day", "rate_bps"))
    until = min(day.toordinal(), account.accrues_until)
    rows = interest.stretches(changes, rates, since=DAY.toordinal(), until=until)
    return sum(row.numerator for row in rows)
