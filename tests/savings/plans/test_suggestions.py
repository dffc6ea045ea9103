"""Suggested amounts: payable at once, never beyond the goal, and the last one exactly to it. Proposed products."""

from __future__ import annotations

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from savings.models import Account, Plan, Product
from savings.plans import Every, Instalment, suggest_amounts, suggest_product

ROUND = [2_000_00, 5_000_00, 10_000_00]


def plan(balance_kobo: int, target_kobo: int | None) -> Plan:
    found = Plan(target_kobo=target_kobo)
    found.account = Account(balance_kobo=balance_kobo)
    return found


def amounts(found: Plan | None) -> list[tuple[int, bool]]:
    return [(one.amount_kobo, one.reaches_goal) for one in suggest_amounts(found)]


def test_the_stash_and_a_plan_without_a_goal_get_the_round_amounts() -> None:
    assert amounts(plan(7_00, None)) == [(kobo, False) for kobo in ROUND]
    assert amounts(None) == [(kobo, False) for kobo in (*ROUND, 50_000_00)]


@pytest.mark.parametrize(
    ("missing_kobo", "expected"),
    [
        (56_000_00, [(2_000_00, False), (5_000_00, False), (10_000_00, False), (56_000_00, True)]),
        (5_000_00, [(2_000_00, False), (5_000_00, True)]),
        (3_200_50, [(2_000_00, False), (3_200_50, True)]),
        (100_00, [(100_00, True)]),
        # Less than the least top-up: nothing can be paid that stops at the goal.
        (99_99, []),
    ],
)
def test_before_the_goal_the_last_is_what_is_missing(
    missing_kobo: int, expected: list[tuple[int, bool]]
) -> None:
    assert amounts(plan(694_000_00, 694_000_00 + missing_kobo)) == expected


@pytest.mark.parametrize("more_kobo", [0, 1, 5_000_00])
def test_at_the_goal_and_beyond_it_only_round_amounts_are_left(more_kobo: int) -> None:
    assert amounts(plan(100_000_00 + more_kobo, 100_000_00)) == [(kobo, False) for kobo in ROUND]


def test_a_plan_is_not_offered_more_than_it_has_room_for() -> None:
    assert amounts(plan(settings.PLAN_MAX_KOBO - 2_500_00, None)) == [(2_000_00, False)]
    assert amounts(plan(settings.PLAN_MAX_KOBO, settings.PLAN_MAX_KOBO)) == []


def test_the_limits_of_a_top_up_hold(settings: Settings) -> None:
    settings.TOP_UP_MIN_KOBO, settings.TOP_UP_MAX_KOBO = 2_500_00, 6_000_00
    assert amounts(None) == [(5_000_00, False)]
    assert amounts(plan(0, 80_000_00)) == [(5_000_00, False)]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    balance_kobo=st.integers(0, settings.PLAN_MAX_KOBO),
    target_kobo=st.none() | st.integers(1, settings.PLAN_MAX_KOBO),
)
def test_every_suggestion_can_be_paid(balance_kobo: int, target_kobo: int | None) -> None:
    found = suggest_amounts(plan(balance_kobo, target_kobo))
    kobo = [one.amount_kobo for one in found]
    assert kobo == sorted(set(kobo))
    for one in found:
        assert settings.TOP_UP_MIN_KOBO <= one.amount_kobo <= settings.TOP_UP_MAX_KOBO
        assert balance_kobo + one.amount_kobo <= settings.PLAN_MAX_KOBO
        assert one.reaches_goal == (balance_kobo + one.amount_kobo == target_kobo)
        if target_kobo and balance_kobo < target_kobo:
            assert balance_kobo + one.amount_kobo <= target_kobo


@pytest.mark.parametrize(
    ("instalment_kobo", "expected_kobo"),
    [
        (9_500_00, [2_000_00, 5_000_00, 9_500_00, 10_000_00, 56_000_00]),
        (5_000_00, [2_000_00, 5_000_00, 10_000_00, 56_000_00]),
        # All that is missing has its own suggestion.
        (56_000_00, [2_000_00, 5_000_00, 10_000_00, 56_000_00]),
    ],
)
def test_the_sum_that_gets_there_in_time_is_among_them(
    instalment_kobo: int, expected_kobo: list[int]
) -> None:
    instalment = Instalment(instalment_kobo, Every.WEEK, 6)
    found = suggest_amounts(plan(0, 56_000_00), instalment)
    assert [one.amount_kobo for one in found] == expected_kobo
    weekly = [one.amount_kobo for one in found if one.every == Every.WEEK]
    assert weekly == ([] if instalment_kobo == 56_000_00 else [instalment_kobo])


def product(kind: str, *, has_term: bool) -> Product:
    return Product(kind=kind, min_term_days=30 if has_term else None)


def test_the_date_decides_which_product_is_proposed() -> None:
    flexible = product(Product.Kind.FLEXIBLE, has_term=False)
    target, locked = product(Product.Kind.TARGET, has_term=True), product(Product.Kind.LOCKED, has_term=True)
    offered = [product(Product.Kind.EMERGENCY, has_term=False), locked, target, flexible]
    assert suggest_product(offered, has_end=False) is flexible
    assert suggest_product(offered, has_end=True) is target
    assert suggest_product([flexible, locked], has_end=True) is locked
    assert suggest_product([target], has_end=False) is None
    assert suggest_product([], has_end=True) is None
