"""Rules of plans and circles under concurrent calls, each with a stale object, on both databases."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from savings import circles, ledger, plans, references
from savings.exceptions import Refused
from savings.models import Circle, Membership, Plan, Product, User
from tests import threads
from tests.factories import join_circle, make_plan, make_product, make_user, start_circle

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 6


def at_once(act: Callable[[int], object], times: int = TIMES) -> Counter[Any]:
    return threads.at_once(act, times)


def in_days(days: int) -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=days)


def locked_plan(**fields: Any) -> Plan:
    return make_plan(product=make_product(Product.Kind.LOCKED), days=100, **fields)


def test_of_several_extensions_at_once_the_latest_day_wins() -> None:
    plan = locked_plan()
    stale = [Plan.objects.get(pk=plan.pk) for _ in range(TIMES)]
    at_once(lambda number: plans.extend(stale[number], in_days(200 + number)))
    plan.refresh_from_db()
    assert plan.matures_on == in_days(200 + TIMES - 1)
    assert plan.account.accrues_until == plan.matures_on.toordinal()


def test_a_plan_is_never_extended_after_it_was_closed() -> None:
    plan = locked_plan()
    stale = [Plan.objects.get(pk=plan.pk) for _ in range(TIMES)]

    def act(number: int) -> object:
        if number % 2:
            plans.close(stale[number])
            return "closed"
        plans.extend(stale[number], in_days(200 + number))
        return timezone.now()

    outcomes = at_once(act)
    plan.refresh_from_db()
    assert plan.closed_at is not None
    extended = [moment for moment in outcomes if isinstance(moment, datetime.datetime)]
    assert len(extended) + outcomes[Refused] == TIMES // 2
    # A small tolerance, because the clock is read outside the lock.
    assert all(moment < plan.closed_at + datetime.timedelta(seconds=1) for moment in extended)


def test_switches_at_once_leave_a_rate_that_fits_them() -> None:
    user = make_user()
    mine = [make_plan(user, holding_kobo=100_00) for _ in range(2)]

    def act(number: int) -> None:
        if number % 2:
            plans.switch_all_interest(User.objects.get(pk=user.pk), on=number % 4 == 1)
        else:
            plans.switch_interest(Plan.objects.get(pk=mine[0].pk), on=number % 4 == 0)

    at_once(act)
    wants = User.objects.get(pk=user.pk).earns_interest
    for plan in Plan.objects.select_related("account"):
        assert plan.account.rate_bps == (plan.rate_bps if wants and plan.earns_interest else 0)
    assert list(ledger.run_checks()) == []


def test_a_plan_opened_while_everything_is_switched_off_earns_nothing() -> None:
    user, product = make_user(), make_product()

    def act(number: int) -> None:
        stale = User.objects.get(pk=user.pk)
        if number % 2:
            plans.switch_all_interest(stale, on=False)
        else:
            make_plan(stale, product)

    at_once(act)
    assert set(Plan.objects.values_list("account__rate_bps", flat=True)) == {0}
    assert list(ledger.run_checks()) == []


def test_choices_at_once_leave_the_days_of_interest_that_fit() -> None:
    plan = locked_plan()
    stale = [Plan.objects.get(pk=plan.pk) for _ in range(TIMES)]
    choices = list(Plan.AtMaturity)

    def act(number: int) -> None:
        if number % 2:
            plans.extend(stale[number], in_days(200 + number))
        else:
            plans.change_at_maturity(stale[number], choices[number // 2])

    at_once(act)
    assert list(ledger.run_checks()) == []


def test_the_same_exit_sent_several_times_at_once_is_charged_once() -> None:
    plan = make_plan(product=make_product(Product.Kind.TARGET), holding_kobo=1_000_00)
    reference = references.new("plan_to_stash")
    stale = [Plan.objects.get(pk=plan.pk) for _ in range(TIMES)]

    token = plans.sign_quote(plan.user, plans.quote_exit(plan, 500_00, on=in_days(0)))

    def take_out(number: int) -> object:
        return plans.carry_out_exit(plan.user, stale[number], token, reference=reference).pk

    assert list(at_once(take_out).values()) == [TIMES]
    assert ledger.balance_kobo(plan.account) == 500_00
    assert list(ledger.run_checks()) == []


def test_only_one_user_gets_the_last_free_membership_of_a_circle() -> None:
    circle = start_circle(joining=Circle.Joining.OPEN)
    stale, people = Circle.objects.get(pk=circle.pk), [make_user() for _ in range(TIMES)]
    Circle.objects.filter(pk=circle.pk).update(member_limit=2)

    def join(number: int) -> object:
        reference = references.mint(references.CIRCLE_PREFIX)
        circles.join(people[number], stale, reference=reference, nickname=f"New {number}")
        return "in"

    assert at_once(join) == {"in": 1, Refused: TIMES - 1}


def test_a_circle_is_handed_over_once_and_its_former_owner_loses_control() -> None:
    circle = start_circle()
    members = [join_circle(circle) for _ in range(TIMES)]
    stale = [Circle.objects.get(pk=circle.pk) for _ in range(TIMES)]

    def hand_over(number: int) -> object:
        circles.hand_over(stale[number], circle.owner, Membership.objects.get(pk=members[number].pk))
        return "handed over"

    assert at_once(hand_over) == {"handed over": 1, Refused: TIMES - 1}
    with pytest.raises(Refused):
        circles.rotate_code(stale[0])
