"""What comes next: one date per rule, and each notice, in one query."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from savings import calendar, plans
from savings.models import AutosaveRule, AutosaveRun, Product, User
from savings.models.local_days import start_of
from tests.autosaves import make_rule, make_rules
from tests.factories import make_plan, make_product

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)


def announce(rule: AutosaveRule, days: int, amount_kobo: int, **fields: object) -> AutosaveRun:
    due_on = timezone.localdate() + days * DAY
    values = {"source": rule.source, "next_try_at": start_of(due_on)} | fields
    return AutosaveRun.objects.create(rule=rule, due_on=due_on, amount_kobo=amount_kobo, **values)


def test_each_rule_has_its_next_date(saver: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    plan = make_plan(saver, name="Rent")
    later, soon = make_rule(plan, days=9), make_rule(plan, days=8)
    announce(later, 1, 5_00)
    make_rule(days=1)
    with django_assert_num_queries(1):
        found = calendar.next_dates(saver.pk, 3)
    today = timezone.localdate()
    assert [tuple(row) for row in found] == [
        (today + DAY, later.pk, "Rent", 5_00, plan.pk),
        (today + 8 * DAY, soon.pk, "Rent", 1_000_00, plan.pk),
    ]


def test_a_date_that_failed_comes_on_the_day_of_its_next_try(saver: User) -> None:
    rule, today = make_rule(make_plan(saver), days=6), timezone.localdate()
    announce(rule, -1, 5_00, tries=2, next_try_at=start_of(today + 2 * DAY))
    assert [tuple(row)[::3] for row in calendar.next_dates(saver.pk, 3)] == [(today + 2 * DAY, 5_00)]


@pytest.mark.parametrize(("status", "days"), [("waiting", [1]), ("trying", [])])
def test_a_rule_whose_last_date_is_announced_has_no_other(saver: User, status: str, days: list[int]) -> None:
    rule = make_rule(make_plan(saver), next_on=None)
    announce(rule, 1, 5_00, status=status)
    today = timezone.localdate()
    assert [row.day for row in calendar.next_dates(saver.pk, 3)] == [today + number * DAY for number in days]


def test_skipped_and_ended_dates_do_not_come(saver: User) -> None:
    plan = make_plan(saver)
    rule = make_rule(plan, days=9)
    announce(rule, 1, 5_00, status="skipped", next_try_at=None, ended_at=timezone.now())
    make_rule(plan, status="paused", reason="saver", next_on=None)
    assert [row.day for row in calendar.next_dates(saver.pk, 3)] == [timezone.localdate() + 9 * DAY]


def test_a_waiting_notice_comes_on_the_day_on_which_it_is_over(saver: User) -> None:
    plan = make_plan(saver, make_product(Product.Kind.EMERGENCY, notice_hours=48), holding_kobo=9_00)
    notice = plans.give_notice(saver, plan, amount_kobo=5_00, reference="NTC0000000000000001")
    make_rule(plan, days=1)
    day = timezone.localdate(notice.due_at)
    assert calendar.next_dates(saver.pk, 3)[1] == (day, None, plan.name, 5_00, plan.pk)
    plans.cancel_notice(notice)
    assert len(calendar.next_dates(saver.pk, 3)) == 1


def test_at_most_as_many_as_were_asked_for(saver: User) -> None:
    make_rules(saver, 8)
    assert len(calendar.next_dates(saver.pk, 3)) == 3
