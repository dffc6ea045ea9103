"""Functions called with a stale object: they decide by the present row and not by the object."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from savings import circles, ledger, payments, plans, references, statements
from savings.exceptions import QuoteOutdated, ReferenceTaken, Refused
from savings.models import Circle, Membership, Payment, Plan, Product, Statement, Transaction
from savings.models.plans import EarlyExit
from tests.exits import exit_early
from tests.factories import (
    join_circle,
    make_plan,
    make_product,
    make_user,
    pay_in,
    put_in,
    start_circle,
)
from tests.provider import Provider
from tests.statements import written

pytestmark = pytest.mark.django_db


def in_days(days: int) -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=days)


def locked_plan(**fields: Any) -> Plan:
    return make_plan(product=make_product(Product.Kind.LOCKED), days=100, **fields)


def again[Row: (Plan, Circle, Membership, Transaction, Statement)](row: Row) -> Row:
    """Return the same row, loaded again."""
    return type(row).objects.get(pk=row.pk)


def closed(plan: Plan) -> Plan:
    plans.close(again(plan))
    return plan


def extended(plan: Plan) -> Plan:
    plans.extend(again(plan), in_days(300))
    return plan


def handed_over(circle: Circle) -> Circle:
    circles.hand_over(again(circle), circle.owner, join_circle(circle))
    return circle


def left(membership: Membership) -> Membership:
    circles.leave(again(membership))
    return membership


def full(circle: Circle) -> Circle:
    """Return a stale open circle, whose owner has limited it to its present single member meanwhile."""
    circles.edit_circle(
        again(circle), name="Full", description="", joining=Circle.Joining.INVITATION, goal_kobo=100
    )
    Circle.objects.filter(pk=circle.pk).update(member_limit=1)
    return circle


def paid_into() -> Plan:
    plan = make_plan()
    pay_in(plan.user, 100, plan=again(plan))
    return plan


def locked_meanwhile() -> Plan:
    product = make_product(min_term_days=30, max_term_days=900)
    plan = make_plan(product=product, holding_kobo=500_00)
    Plan.objects.filter(pk=plan.pk).update(early_exit=EarlyExit.BLOCKED)
    return plan


def became_owner() -> Membership:
    member = join_circle(start_circle())
    circles.hand_over(again(member.circle), member.circle.owner, again(member))
    return member


def saved_meanwhile() -> Membership:
    member = join_circle(start_circle())
    pay_in(member.user, 100, plan=member.plan)
    return member


def revoked_meanwhile() -> Statement:
    statement = written(make_user())
    statements.revoke(again(statement))
    return statement


def reversed_once(transaction: Transaction) -> Transaction:
    ledger.reverse(again(transaction), reference=references.new("reversal"))
    return transaction


def changed(circle: Circle, **values: Any) -> Circle:
    Circle.objects.filter(pk=circle.pk).update(**values)
    return circle


class Case(NamedTuple):
    """A stale object, and the function that is called with it."""

    stale: Callable[[], Any]
    act: Callable[[Any], object]


def change(circle: Circle, **values: Any) -> None:
    usual: dict[str, Any] = {
        "name": "Mine",
        "description": "",
        "joining": circle.joining,
        "goal_kobo": circle.goal_kobo,
    }
    circles.edit_circle(circle, **usual | values)


def top_up(plan: Plan) -> Payment:
    return payments.start_payment(
        plan.user, plan=plan, amount_kobo=500_00, reference=references.new("top_up")
    )


def move_in(plan: Plan) -> object:
    pay_in(plan.user, 500_00)
    return plans.move_to_plan(plan.user, plan, amount_kobo=500_00, reference=references.new("stash_to_plan"))


def take_out(plan: Plan, amount_kobo: int = 500_00, reference: str = "") -> Transaction:
    return plans.move_from_plan(
        plan.user, plan, amount_kobo=amount_kobo, reference=reference or references.new("plan_to_stash")
    )


def joining(circle: Circle) -> object:
    return circles.join(
        make_user(),
        circle,
        reference=references.mint(references.CIRCLE_PREFIX),
        nickname="New",
        code=circle.invite_code,
    )


def withdrawn() -> Product:
    product = make_product()
    Product.objects.filter(pk=product.pk).update(is_offered=False)
    return product


REFUSED = {
    "rename a closed plan": Case(lambda: closed(make_plan()), lambda plan: plans.rename(plan, "New")),
    "extend a closed plan": Case(
        lambda: closed(locked_plan()), lambda plan: plans.extend(plan, in_days(200))
    ),
    "move a maturity to a day before its present one": Case(
        lambda: extended(locked_plan()), lambda plan: plans.extend(plan, in_days(200))
    ),
    "change the goal of a closed plan": Case(
        lambda: closed(make_plan()), lambda plan: plans.change_goal(plan, 50_000_00)
    ),
    "start a closed plan again at maturity": Case(
        lambda: closed(locked_plan()), lambda plan: plans.change_at_maturity(plan, Plan.AtMaturity.COMPOUND)
    ),
    "send the interest of a closed plan elsewhere": Case(
        lambda: closed(make_plan()), lambda plan: plans.change_interest_to(plan, Plan.InterestTo.STASH)
    ),
    "switch off the interest of a closed plan": Case(
        lambda: closed(make_plan()), lambda plan: plans.switch_interest(plan, on=False)
    ),
    "close a plan that received money meanwhile": Case(paid_into, plans.close),
    "pay into a closed plan by card": Case(lambda: closed(make_plan()), top_up),
    "move money into a closed plan": Case(lambda: closed(make_plan()), move_in),
    "take money out of a closed plan": Case(lambda: closed(make_plan()), take_out),
    "take money out of a plan that was locked meanwhile": Case(locked_meanwhile, take_out),
    "open a plan of a product that is withdrawn": Case(withdrawn, lambda product: make_plan(product=product)),
    "start a circle with a product that is withdrawn": Case(
        withdrawn, lambda product: start_circle(product=product)
    ),
    "join a circle that is full": Case(lambda: full(start_circle(joining="open")), joining),
    "join a circle that is closed": Case(lambda: changed(start_circle(), joining="closed"), joining),
    "join by a code that was changed": Case(lambda: changed(start_circle(), invite_code="other"), joining),
    "join a circle that has ended": Case(
        lambda: changed(start_circle(), starts_on=in_days(-9), ends_on=in_days(0)), joining
    ),
    "change a circle that was handed over": Case(lambda: handed_over(start_circle()), change),
    "change the goal of a circle that has ended": Case(
        lambda: changed(start_circle(), starts_on=in_days(-9), ends_on=in_days(0)),
        lambda circle: change(circle, goal_kobo=circle.goal_kobo + 1),
    ),
    "change an invite link after handing the circle over": Case(
        lambda: handed_over(start_circle()), circles.rotate_code
    ),
    "remove a member after handing the circle over": Case(
        lambda: handed_over(start_circle()),
        lambda circle: circles.remove_member(circle, join_circle(again(circle))),
    ),
    "hand a circle over twice": Case(
        lambda: handed_over(start_circle()),
        lambda circle: circles.hand_over(circle, circle.owner, join_circle(again(circle))),
    ),
    "leave after becoming the owner": Case(became_owner, circles.leave),
    "leave with money that arrived meanwhile": Case(saved_meanwhile, circles.leave),
    "change how one is shown after leaving": Case(
        lambda: left(join_circle(start_circle())),
        lambda member: circles.change_appearance(member, nickname="Other", hides_amount=True, on_board=True),
    ),
    "send the mail of a statement that was revoked": Case(revoked_meanwhile, statements.resend_mail),
    "reverse a reversed transaction": Case(lambda: reversed_once(put_in(make_user(), 100)), reversed_once),
}


@pytest.mark.usefixtures("provider", "statements_folder", "books_balance")
@pytest.mark.parametrize("name", REFUSED)
def test_a_function_refuses_what_only_the_stale_object_allows(name: str) -> None:
    stale = REFUSED[name].stale()
    with pytest.raises(Refused), transaction.atomic():
        REFUSED[name].act(stale)


def test_a_refused_extension_keeps_the_later_maturity_and_its_interest() -> None:
    plan = extended(locked_plan())
    with pytest.raises(Refused):
        plans.extend(plan, in_days(200))
    now = again(plan)
    assert now.matures_on == in_days(300)
    assert now.account.accrues_until == in_days(300).toordinal()


def test_extending_to_the_same_day_twice_changes_nothing() -> None:
    plan = locked_plan()
    for _ in range(2):
        plans.extend(again(plan), in_days(200))
    assert again(plan).matures_on == in_days(200)


def test_a_plan_that_was_switched_off_meanwhile_stays_off_with_its_owners_switch() -> None:
    plan = make_plan()
    plans.switch_interest(again(plan), on=False)
    plans.switch_all_interest(plan.user, on=False)
    plans.switch_all_interest(plan.user, on=True)
    assert again(plan).account.rate_bps == 0
    plans.switch_interest(plan, on=True)
    assert again(plan).account.rate_bps == plan.rate_bps


@pytest.mark.parametrize("day", [in_days(99), None])
def test_the_database_refuses_an_earlier_maturity(day: datetime.date | None) -> None:
    plan = locked_plan()
    with pytest.raises(IntegrityError, match="plan_matures_not_earlier"), transaction.atomic():
        Plan.objects.filter(pk=plan.pk).update(matures_on=day)
    Plan.objects.filter(pk=plan.pk).update(matures_on=in_days(101))


def test_an_early_exit_is_charged_by_the_present_row() -> None:
    plan = make_plan(product=make_product(Product.Kind.TARGET), holding_kobo=1_000_00)
    stale, token = again(plan), plans.sign_quote(plan.user, plans.quote_exit(plan, 500_00, on=in_days(0)))
    Plan.objects.filter(pk=plan.pk).update(penalty_bps=500)
    reference = references.new("plan_to_stash")
    with pytest.raises(QuoteOutdated):
        plans.carry_out_exit(plan.user, stale, token, reference=reference)
    assert exit_early(again(plan), 500_00).amount_kobo == 475_00


def test_a_repeated_exit_returns_the_first_one_after_the_plan_rolled_over() -> None:
    """A plan that rolled over is locked again. The repeated form must not be refused because of that."""
    plan = locked_plan(holding_kobo=1_000_00, at_maturity=Plan.AtMaturity.ROLLOVER)
    reference = references.new("plan_to_stash")
    with time_machine.travel(timezone.now() + datetime.timedelta(days=100)):
        first = take_out(plan, reference=reference)
        assert plans.mature_due_plans(timezone.localdate()) == 1
        assert take_out(plan, reference=reference) == first
        with pytest.raises(ReferenceTaken):
            take_out(plan, 400_00, reference)


def test_a_repeated_exit_with_a_penalty_returns_the_first_one() -> None:
    plan = make_plan(product=make_product(Product.Kind.TARGET), holding_kobo=1_000_00)
    reference = references.new("plan_to_stash")
    first = exit_early(plan, 500_00, reference=reference)
    assert exit_early(plan, 500_00, reference=reference) == first
    with pytest.raises(ReferenceTaken):
        exit_early(plan, 495_00, reference=reference)
    assert ledger.balance_kobo(plan.account) == 500_00


def test_a_reversal_takes_the_money_from_where_it_was_credited() -> None:
    plan = make_plan()
    transaction = put_in(plan.user, 100_00)
    stale = Transaction.objects.get(pk=transaction.pk)
    stale.plan = plan
    assert ledger.reverse(stale, reference=references.new("reversal")).plan is None


def test_a_limit_set_meanwhile_is_enforced() -> None:
    stale = start_circle(joining="open")
    full(stale)
    with pytest.raises(Refused, match="full"):
        joining(Circle(pk=stale.pk, invite_code=again(stale).invite_code))


def test_changing_the_joining_rule_keeps_the_present_limit() -> None:
    stale = start_circle()
    change(again(stale), joining=Circle.Joining.OPEN)
    change(stale, joining=Circle.Joining.INVITATION)
    assert again(stale).member_limit == 200


@pytest.mark.usefixtures("statements_folder")
def test_deleting_a_deleted_statement_again_is_no_error() -> None:
    statement = written(make_user())
    statements.delete(again(statement))
    statements.delete(statement)
    assert not Statement.objects.exists()


def test_a_finished_payment_is_not_sent_to_the_provider(provider: Provider) -> None:
    provider.instead = lambda _: httpx.Response(503)
    payment = top_up(make_plan())
    ledger.change_status(again(payment.transaction), "abandoned", only_from=["pending"])
    requests = len(provider.requests)
    assert payments.send_to_provider(payment) is False
    assert len(provider.requests) == requests
