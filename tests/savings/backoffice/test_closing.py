"""Closing an account: only when nothing is left in it, and everything that belongs to it ends."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession

from savings import backoffice, calendar, circles, money, statements
from savings.backoffice import Verb
from savings.exceptions import Refused
from savings.models import (
    Account,
    AuditRow,
    AutosaveRule,
    Circle,
    Membership,
    OutboxRow,
    Plan,
    SavedCard,
    User,
)
from tests.autosave import make_rule
from tests.cards import make_card
from tests.factories import make_member, make_plan, make_user, pay_in, start_circle
from tests.savings.backoffice.conftest import empty_stash, make_staff
from tests.withdrawals import make_payout

pytestmark = pytest.mark.django_db
WHY = "She asked for it by email"


@pytest.fixture
def root(db: None) -> User:
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def saver(db: None) -> User:
    return make_user()


def texts(user: User) -> str:
    return " ".join(obstacle.text for obstacle in backoffice.obstacles(user))


def test_an_empty_account_closes_with_everything_in_it(saver: User, root: User) -> None:
    rule, card = make_rule(make_plan(saver)), make_card(saver)
    empty_stash(saver)
    circle = start_circle(saver)
    calendar.start_feed(saver)
    statements.subscribe(saver, scope="stash", format="csv")
    UserSession.objects.create(user=saver, ip="127.0.0.1", session_key="x" * 32)
    for _ in range(2):
        backoffice.close_account(saver.pk, by=root, reason=WHY)
    saver.refresh_from_db()
    assert saver.closed_at is not None
    assert not saver.is_active
    assert not Plan.objects.open().exists()
    assert not Membership.objects.current().exists()
    assert Circle.objects.get(pk=circle.pk).joining == Circle.Joining.CLOSED
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (AutosaveRule.Status.ENDED, AutosaveRule.Reason.INACTIVE)
    assert not SavedCard.objects.current().filter(pk=card.pk).exists()
    # The provider is told by the worker.
    assert OutboxRow.objects.filter(kind="deactivate_card").exists()
    assert not UserSession.objects.exists()
    assert not saver.statement_subscriptions.exists()
    assert AuditRow.objects.get(verb=Verb.ACCOUNT_CLOSED).text == WHY
    assert OutboxRow.objects.filter(kind="by_staff", user=saver).count() == 1


def test_money_anywhere_stands_in_the_way(saver: User, root: User) -> None:
    plan = make_plan(saver, name="Rent", holding_kobo=5_000_00)
    pay_in(saver, 1_000_00)
    make_payout(saver)
    found = texts(saver)
    for text in (
        "₦5,000.00 in “Rent”",
        "₦1,000.00 in the stash",
        "set aside for withdrawals",
        "not finished",
    ):
        assert text in found
    with pytest.raises(Refused, match="Rent"):
        backoffice.close_account(saver.pk, by=root, reason=WHY)
    plan.refresh_from_db()
    saver.refresh_from_db()
    assert (saver.closed_at, plan.closed_at) == (None, None)


def test_interest_that_is_not_posted_stands_in_the_way(saver: User) -> None:
    plan = make_plan(saver, name="Rent")
    Account.objects.filter(plan=plan).update(accrued_numerator=money.INTEREST_DENOMINATOR)
    assert "Interest of ₦0.01 on “Rent”" in texts(saver)
    # Less than one kobo lapses.
    Account.objects.filter(plan=plan).update(accrued_numerator=money.INTEREST_DENOMINATOR - 1)
    assert texts(saver) == ""


def test_an_open_case_stands_in_the_way(saver: User) -> None:
    case = backoffice.open_question(saver, by=make_staff("Support"), summary="Where is my money?")
    assert texts(saver) == f"Case {case.pk} is open."


def test_the_owner_of_a_circle_with_others_hands_it_over_first(saver: User, root: User) -> None:
    circle = start_circle(saver)
    other = make_member(circle)
    assert circle.name in texts(saver)
    with pytest.raises(Refused, match="Hand it over"):
        backoffice.close_account(saver.pk, by=root, reason=WHY)
    circles.hand_over(circle, saver, other)
    backoffice.close_account(saver.pk, by=root, reason=WHY)
    assert Circle.objects.get(pk=circle.pk).owner == other.user
