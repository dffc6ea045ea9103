"""The end of a circle: final ranks are stored once, nothing changes them, and every member gets a mail."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterator

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from savings import circles, leaderboards, ledger, outbox, plans, references, tasks
from savings.circles import ending
from savings.exceptions import Refused
from savings.leaderboards import rebuild
from savings.ledger import checks
from savings.models import BoardDay, Circle, CircleEvent, Membership, OutboxRow, Plan, Product
from tests.factories import join_circle, make_product, put_in, start_circle
from tests.payments import settle, start
from tests.provider import Provider

pytestmark = pytest.mark.django_db

DAYS = 60


@pytest.fixture
def circle() -> Circle:
    """A circle of sixty days whose plans mature at its end."""
    return start_circle(product=make_product(Product.Kind.LOCKED), days=DAYS, goal_kobo=10_000_00)


@pytest.fixture
def flexible() -> Circle:
    """A circle of sixty days whose plans have no maturity."""
    return start_circle(days=DAYS, goal_kobo=10_000_00)


@pytest.fixture
def at_the_end() -> Iterator[time_machine.Traveller]:
    """Moves the clock forward when a test calls `shift`."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


def end(clock: time_machine.Traveller) -> None:
    """Move the clock to 00:30 on the day of the end, before any task has run."""
    day = timezone.localdate() + datetime.timedelta(days=DAYS)
    clock.move_to(timezone.make_aware(datetime.datetime.combine(day, datetime.time(0, 30))))


def final(circle: Circle) -> dict[str, int | None]:
    return dict(circle.memberships.exclude(nickname="Owner").values_list("nickname", "final_rank"))


def board(circle: Circle) -> list[tuple[int, int, int]]:
    return [
        (line.membership_id, line.saved_kobo, line.rank)
        for line in leaderboards.read_board(circle_id=circle.pk).lines
    ]


def mails(kind: str = "circle_ended") -> list[OutboxRow]:
    return list(OutboxRow.objects.filter(kind=kind).order_by("user_id"))


def test_ranks_are_stored_once_with_ties_and_without_members_who_have_none(
    circle: Circle, at_the_end: time_machine.Traveller
) -> None:
    for name, kobo in (("A", 500_00), ("B", 500_00), ("C", 300_00)):
        join_circle(circle, nickname=name, saved_kobo=kobo)
    join_circle(circle, nickname="Off", saved_kobo=900_00, shown={"on_board": False})
    join_circle(circle, nickname="None")
    assert circles.end_due_circles(timezone.localdate()) == 0
    end(at_the_end)
    assert [circles.end_due_circles(timezone.localdate()) for _ in range(2)] == [1, 0]
    assert final(circle) == {"A": 1, "B": 1, "C": 3, "Off": None, "None": None}
    circle.refresh_from_db()
    assert (circle.settled_at, circle.final_kobo) == (timezone.now(), 2_200_00)
    won = circle.events.filter(kind=CircleEvent.Kind.WON)
    assert sorted(won.values_list("membership__nickname", flat=True)) == ["A", "B"]


def test_a_last_day_that_is_stored_late_excludes_later_payments(
    circle: Circle, at_the_end: time_machine.Traveller
) -> None:
    first, second = (join_circle(circle, saved_kobo=kobo) for kobo in (500_00, 300_00))
    end(at_the_end)
    plans.mature_due_plans(timezone.localdate())
    at_the_end.shift(datetime.timedelta(hours=9))
    circles.end_due_circles(timezone.localdate())
    last_day = circle.ends_on - datetime.timedelta(days=1)
    for rank, member in enumerate((first, second), 1):
        assert leaderboards.ranks_by_day(member.pk, timezone.localdate()) == [(last_day, rank)]


def test_a_circle_without_savings_ends_without_a_winner(
    circle: Circle, at_the_end: time_machine.Traveller
) -> None:
    end(at_the_end)
    assert ending.end_circle(circle)
    assert not ending.end_circle(circle)
    assert not circle.events.filter(kind=CircleEvent.Kind.WON).exists()


def test_no_circle_is_settled_before_its_end(circle: Circle) -> None:
    assert not ending.end_circle(circle)
    circle.refresh_from_db()
    assert circle.settled_at is None


def test_the_last_day_is_stored_even_if_no_other_day_was(
    circle: Circle, at_the_end: time_machine.Traveller
) -> None:
    join_circle(circle, saved_kobo=500_00)
    end(at_the_end)
    circles.end_due_circles(timezone.localdate())
    day = BoardDay.objects.get()
    assert (day.day, day.marks) == (circle.ends_on - datetime.timedelta(days=1), [[1, 500_00]])


@pytest.mark.parametrize("source", ["redis", "sql"])
def test_the_board_stays_the_same_when_the_money_moves(
    circle: Circle,
    at_the_end: time_machine.Traveller,
    source: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    first, second = (join_circle(circle, saved_kobo=kobo) for kobo in (500_00, 300_00))
    if source == "redis":
        leaderboards.rebuild_board(circle.pk)
    before = board(circle)
    end(at_the_end)
    # The end has come, and no task has run yet.
    reference = references.new("plan_to_stash")
    plans.move_from_plan(first.user, first.plan, amount_kobo=450_00, reference=reference)
    assert board(circle) == before
    with django_capture_on_commit_callbacks(execute=True):
        circles.end_due_circles(timezone.localdate())
    assert plans.mature_due_plans(timezone.localdate()) == 2
    assert board(circle) == before
    postings = first.plan.account.interest_postings.all()
    earned_kobo = sum(posting.gross_kobo - posting.tax_kobo for posting in postings)
    assert ledger.balance_kobo(ledger.stash_account(first.user)) == 500_00 + earned_kobo
    assert [first.final_rank, second.final_rank] == [None, None]
    assert sorted(final(circle).values(), key=str) == [1, 2]
    assert not [damage for damage in checks.wrong_rows() if damage.check == "circle_sums"]
    if source == "redis":
        assert rebuild.reconcile(circle.pk) == 0


@pytest.mark.parametrize(
    ("kind", "in_plan", "in_stash"),
    [(Product.Kind.LOCKED, 500_00, 100_00), (Product.Kind.FLEXIBLE, 600_00, 0)],
)
def test_a_payment_that_settles_late_belongs_to_the_member_and_does_not_count(
    provider: Provider, at_the_end: time_machine.Traveller, kind: str, in_plan: int, in_stash: int
) -> None:
    """A matured plan takes no payment, so the money is in the stash. A plan without a maturity takes it."""
    circle = start_circle(product=make_product(kind), days=DAYS)
    member = join_circle(circle, saved_kobo=500_00)
    payment = start(member.plan, 100_00)
    before = board(circle)
    end(at_the_end)
    provider.pay(payment)
    settle(payment)
    assert ledger.balance_kobo(member.plan.account) == in_plan
    assert ledger.balance_kobo(ledger.stash_account(member.user)) == in_stash
    circles.end_due_circles(timezone.localdate())
    assert board(circle) == before == [(member.pk, 500_00, 1)]
    assert not [damage for damage in checks.wrong_rows() if damage.check == "circle_sums"]


def test_a_reversal_after_the_end_changes_no_rank(circle: Circle, at_the_end: time_machine.Traveller) -> None:
    member = join_circle(circle, saved_kobo=500_00)
    paid = put_in(member.user, 200_00, plan=member.plan)
    before = board(circle)
    end(at_the_end)
    ledger.reverse(paid, reference=references.new("reversal"))
    circles.end_due_circles(timezone.localdate())
    assert board(circle) == before


def test_the_total_stays_when_a_member_leaves_and_still_hides_their_amount(
    flexible: Circle, at_the_end: time_machine.Traveller
) -> None:
    member = join_circle(flexible, saved_kobo=123_45, shown={"hides_amount": True})
    join_circle(flexible, saved_kobo=200_00)
    end(at_the_end)
    circles.end_due_circles(timezone.localdate())
    flexible.refresh_from_db()
    reference = references.new("plan_to_stash")
    plans.move_from_plan(member.user, member.plan, amount_kobo=123_45, reference=reference)
    circles.leave(member)
    progress = leaderboards.progress_of(flexible)
    assert (progress.members, progress.saved_kobo, progress.leaves_one_out) == (2, 200_00, True)


def test_nobody_can_join_a_board_with_final_ranks(circle: Circle, at_the_end: time_machine.Traveller) -> None:
    off = join_circle(circle, saved_kobo=900_00, shown={"on_board": False})
    placed = join_circle(circle, saved_kobo=100_00)
    end(at_the_end)
    circles.end_due_circles(timezone.localdate())
    with pytest.raises(Refused, match="its ranking is final"):
        circles.change_appearance(off, nickname="Late", hides_amount=False, on_board=True)
    for on_board in (False, True):
        circles.change_appearance(placed, nickname="Back", hides_amount=False, on_board=on_board)
    assert [rank for _, _, rank in board(circle)] == [1]


def test_one_mail_has_the_members_rank_and_the_total(
    circle: Circle, at_the_end: time_machine.Traveller, mailoutbox: list[EmailMessage]
) -> None:
    owner = circle.memberships.get()
    first, second = (join_circle(circle, saved_kobo=kobo) for kobo in (5_000_00, 3_000_00))
    end(at_the_end)
    circles.end_due_circles(timezone.localdate())
    # A member whose plan is about to mature gets one mail about both.
    assert circles.notify_members() == 1
    plans.mature_due_plans(timezone.localdate())
    assert circles.notify_members() == 0
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    ended = {mail.to[0]: mail for mail in mailoutbox if "has ended" in mail.subject}
    assert set(ended) == {member.user.email for member in (owner, first, second)}
    assert ended[first.user.email].subject == f"{circle.name} has ended: you came first"
    assert ended[second.user.email].subject == f"{circle.name} has ended: you came 2nd"
    text = str(ended[second.user.email].body)
    assert "Together you saved ₦8,000.00 of ₦10,000.00 (80%)." in text
    assert "Moved from the plan: ₦3,000.00" in text
    assert "You weren’t ranked" in str(ended[owner.user.email].body)
    assert "Amount" not in str(ended[owner.user.email].body)
    assert not mails("plan_matured")


def test_a_hidden_amount_is_in_no_mail(flexible: Circle, at_the_end: time_machine.Traveller) -> None:
    join_circle(flexible, saved_kobo=1_000_00)
    join_circle(flexible, saved_kobo=4_321_00, shown={"hides_amount": True})
    end(at_the_end)
    circles.end_due_circles(timezone.localdate())
    circles.notify_members()
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    for row in mails():
        assert "at least ₦1,000.00" in row.text
        assert "321" not in row.subject + row.text + row.html


def test_a_plan_that_matures_later_gets_two_mails_and_no_mail_about_money_is_dropped(
    circle: Circle, at_the_end: time_machine.Traveller
) -> None:
    member = join_circle(circle, saved_kobo=100_00)
    plans.extend(member.plan, circle.ends_on + datetime.timedelta(days=10))
    end(at_the_end)
    circles.end_due_circles(timezone.localdate())
    assert circles.notify_members() == 2
    at_the_end.shift(datetime.timedelta(days=10))
    plans.mature_due_plans(timezone.localdate())
    assert [row.user for row in mails("plan_matured")] == [member.user]


def test_maturities_do_not_wait_for_final_ranks(circle: Circle, at_the_end: time_machine.Traveller) -> None:
    member = join_circle(circle, saved_kobo=100_00)
    end(at_the_end)
    plans.mature_due_plans(timezone.localdate())
    assert [row.user for row in mails("plan_matured")] == [member.user]
    circles.end_due_circles(timezone.localdate())
    circles.notify_members()
    assert len(mails()) == 2


def test_many_members_are_mailed_in_bounded_batches_and_each_once(
    flexible: Circle, at_the_end: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "_MEMBERS_PER_BATCH", 2)
    monkeypatch.setattr(ending, "_BATCHES_PER_RUN", 2)
    members = [join_circle(flexible) for _ in range(6)]
    gone = members.pop()
    circles.leave(gone)
    end(at_the_end)
    circles.end_due_circles(timezone.localdate())
    assert [circles.notify_members() for _ in range(3)] == [4, 2, 0]
    mailed = {row.user_id for row in mails()}
    assert mailed == {flexible.owner_id, *(member.user_id for member in members)}
    flexible.refresh_from_db()
    assert flexible.told_until is None


@pytest.mark.django_db(transaction=True)
def test_two_workers_settle_and_mail_once() -> None:
    circle = start_circle(days=DAYS)
    for kobo in (500_00, 300_00):
        join_circle(circle, saved_kobo=kobo)
    today = timezone.localdate()
    Circle.objects.filter(pk=circle.pk).update(
        starts_on=today - datetime.timedelta(days=9), ends_on=today - datetime.timedelta(days=1)
    )
    begin, settled = threading.Barrier(2), []

    def work() -> None:
        begin.wait(10)
        try:
            settled.append(circles.end_due_circles(today))
            circles.notify_members()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(settled) == [0, 1]
    assert len(mails()) == 3
    assert circle.events.filter(kind=CircleEvent.Kind.WON).count() == 1
    assert Membership.objects.filter(final_rank__isnull=False).count() == 2
    assert Plan.objects.filter(closed_at=None).count() == 3
