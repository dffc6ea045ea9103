"""Goals: one event for each goal that a posting reaches, whatever way the money comes."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from savings import ledger, outbox, plans, references, tasks
from savings.models import CircleEvent, OutboxRow, Plan, Product, Transaction, User
from tests import threads
from tests.factories import join_circle, make_plan, make_product, make_user, pay_in, start_circle
from tests.payments import settle, start
from tests.provider import Provider

pytestmark = pytest.mark.django_db
Kind = Transaction.Kind


def goal_plan(user: User | None = None, *, target_kobo: int = 1_000_00, holding_kobo: int = 0) -> Plan:
    """Return a plan with a goal, and a stash that holds more than that."""
    plan = make_plan(
        user, make_product(min_target_kobo=100), target_kobo=target_kobo, holding_kobo=holding_kobo
    )
    pay_in(plan.user, 5_000_00)
    return plan


def move_in(plan: Plan, kobo: int, *, reference: str = "") -> Transaction:
    reference = reference or references.new(Kind.STASH_TO_PLAN)
    return plans.move_to_plan(plan.user, plan, amount_kobo=kobo, reference=reference)


def move_out(plan: Plan, kobo: int) -> None:
    plans.move_from_plan(plan.user, plan, amount_kobo=kobo, reference=references.new(Kind.PLAN_TO_STASH))


def mails_of(plan: Plan) -> list[tuple[str, str]]:
    """Return what each mail about a goal says was saved, and of how much."""
    rows = OutboxRow.objects.filter(kind="goal_reached", user=plan.user).order_by("id")
    return [(row.payload["saved"], row.payload["goal"]) for row in rows]


def test_the_payment_that_reaches_a_goal_mails_its_owner_once() -> None:
    plan = goal_plan()
    move_in(plan, 999_99)
    assert mails_of(plan) == []
    move_in(plan, 500_01)
    move_in(plan, 100_00)
    assert mails_of(plan) == [("₦1,500.00", "₦1,000.00")]


def test_a_card_payment_reaches_a_goal_and_settling_it_again_changes_nothing(provider: Provider) -> None:
    plan = goal_plan(target_kobo=1_500_00)
    payment = start(plan, amount_kobo=1_500_00)
    provider.pay(payment)
    settle(payment)
    settle(payment)
    assert mails_of(plan) == [("₦1,500.00", "₦1,500.00")]


def test_a_repeat_with_the_same_reference_is_no_second_event() -> None:
    plan, reference = goal_plan(), references.new(Kind.STASH_TO_PLAN)
    move_in(plan, 1_000_00, reference=reference)
    move_in(plan, 1_000_00, reference=reference)
    assert len(mails_of(plan)) == 1


def test_a_goal_that_is_reached_again_after_money_left_is_no_second_event() -> None:
    plan = goal_plan()
    move_in(plan, 1_000_00)
    move_out(plan, 800_00)
    move_in(plan, 800_00)
    assert len(mails_of(plan)) == 1


def test_a_higher_goal_counts_anew_and_a_lower_one_does_not() -> None:
    plan = goal_plan()
    move_in(plan, 1_000_00)
    plans.change_goal(plan, 1_200_00)
    move_in(plan, 200_00)
    plans.change_goal(plan, 500_00)
    move_out(plan, 1_000_00)
    move_in(plan, 1_000_00)
    plans.change_goal(plan, 1_200_00)
    assert [goal for _, goal in mails_of(plan)] == ["₦1,000.00", "₦1,200.00"]


def test_a_goal_that_its_owner_sets_below_the_balance_is_no_event() -> None:
    plan = goal_plan(target_kobo=2_000_00)
    move_in(plan, 1_500_00)
    plans.change_goal(plan, 1_400_00)
    move_in(plan, 1_00)
    assert mails_of(plan) == []


def test_interest_that_reaches_a_goal_is_an_event() -> None:
    with time_machine.travel("2026-10-15T12:00:00Z", tick=False):
        plan = goal_plan(target_kobo=100_100_00, holding_kobo=100_000_00)
    for _ in range(2):
        with time_machine.travel("2026-11-01T08:00:00Z", tick=False):
            plans.post_due_interest(timezone.localdate())
    assert [goal for _, goal in mails_of(plan)] == ["₦100,100.00"]


def test_a_new_term_with_its_interest_can_reach_a_goal() -> None:
    with time_machine.travel(timezone.now() - datetime.timedelta(days=100)):
        product = make_product(Product.Kind.LOCKED, rate_bps=1000, interest_paid="maturity")
        plan = make_plan(product=product, days=100, target_kobo=101_000_00, at_maturity="compound")
        pay_in(plan.user, 100_000_00, plan=plan)
    plans.mature_due_plans(timezone.localdate())
    assert [goal for _, goal in mails_of(plan)] == ["₦101,000.00"]


def test_the_mail_has_a_switch_and_the_circle_hears_of_it_anyway(saver: User) -> None:
    circle = start_circle(goal_kobo=9_000_00)
    member = join_circle(circle, saver, nickname="Ada")
    Plan.objects.filter(pk=member.plan_id).update(target_kobo=1_000_00)
    User.objects.filter(pk=saver.pk).update(wants_goal_reached=False)
    pay_in(saver, 3_000_00)
    move_in(Plan.objects.get(pk=member.plan_id), 1_000_00)
    move_in(Plan.objects.get(pk=member.plan_id), 1_000_00)
    assert mails_of(member.plan) == []
    events = CircleEvent.objects.filter(circle=circle, kind=CircleEvent.Kind.REACHED_GOAL)
    assert [event.membership_id for event in events] == [member.pk]


def test_the_circle_s_activity_names_the_member_and_no_amount(client: Client, saver: User) -> None:
    circle = start_circle(goal_kobo=9_000_00)
    member = join_circle(circle, saver, nickname="Musa")
    Plan.objects.filter(pk=member.plan_id).update(target_kobo=1_234_00)
    pay_in(saver, 3_000_00)
    move_in(Plan.objects.get(pk=member.plan_id), 1_234_00)
    other = make_user("bola@example.com")
    join_circle(circle, other, nickname="Bola")
    event = CircleEvent.objects.get(kind=CircleEvent.Kind.REACHED_GOAL)

    def read_by(reader: User) -> tuple[str, str, str]:
        client.force_login(reader)
        rows = client.get(f"/circles/{circle.slug}/").context["page"].rows
        return next((row.who, row.what, row.amount) for row in rows if "own goal" in row.what)

    assert event.membership_id == member.pk
    assert read_by(saver) == ("You", "reached your own goal", "")
    assert read_by(other) == ("Musa", "reached their own goal", "")
    type(member).objects.filter(pk=member.pk).update(on_board=False)
    User.objects.touch(saver.pk)
    rows = client.get(f"/circles/{circle.slug}/").context["page"].rows
    assert "reached their own goal" not in [row.what for row in rows]


def test_the_mail_says_what_was_saved_and_how_to_stop_such_mails() -> None:
    with time_machine.travel("2026-11-29T12:00:00Z", tick=False):
        user = make_user(name="Ada Okafor")
        product = make_product(Product.Kind.TARGET)
        plan = make_plan(user, product, name="Rent & fees", target_kobo=100_000_00, days=213)
        pay_in(user, 200_000_00)
        move_in(plan, 105_000_00)
    assert outbox.deliver(OutboxRow.objects.get(kind="goal_reached").pk, tasks.HANDLERS)
    message = mail.outbox[-1]
    assert isinstance(message, EmailMultiAlternatives)
    assert message.subject == "You reached your goal: Rent & fees"
    assert "Rent & fees has reached ₦105,000.00 of ₦100,000.00." in message.body
    assert "Your money stays safe there until 30 June 2027." in message.body
    assert "/messages/unsubscribe/" in message.body
    assert "Rent &amp; fees" in str(message.alternatives[0][0])


def test_a_payment_below_the_goal_costs_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    plan = Plan.objects.select_related("account").get(pk=goal_plan().pk)
    with django_assert_num_queries(0):
        plans.record_goal(plan, 999_99)


def test_milestones_belong_to_the_payment_that_reached_them() -> None:
    plan = goal_plan()
    percents = [plans.milestone_of(move_in(plan, kobo)) for kobo in (100_00, 150_00, 300_00, 10_00, 440_00)]
    assert percents == [0, 25, 50, 0, 100]
    assert plans.milestone_of(pay_in(plan.user, 100_00)) == 0


def test_each_milestone_has_the_moment_at_which_a_balance_first_reached_it() -> None:
    plan = goal_plan()
    moments = [move_in(plan, kobo).created_on for kobo in (249_99, 1, 260_00)]
    found = plans.with_milestones(Plan.objects.filter(pk=plan.pk)).get()
    reached = [getattr(found, f"reached_{percent}_at") for percent in plans.QUARTERS]
    assert reached[2:] == [None, None]
    assert moments[0] < moments[1] <= reached[0] < moments[2] <= reached[1]


@pytest.mark.django_db(transaction=True)
def test_two_payments_at_once_are_one_event() -> None:
    plan = goal_plan(holding_kobo=900_00)
    stale = [Plan.objects.select_related("user").get(pk=plan.pk) for _ in range(4)]
    threads.at_once(lambda number: move_in(stale[number], 100_00), 4)
    assert ledger.balance_kobo(plan.account) == 1_300_00
    assert len(mails_of(plan)) == 1
