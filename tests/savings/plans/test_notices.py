"""Notices: giving, cancelling and carrying them out, and what ends them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from savings import ledger, money, outbox, plans, references, tasks
from savings.exceptions import BadAmount, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import Account, Entry, InterestPosting, Notice, Plan, Postponement, Product, Transaction
from savings.models.plans import EarlyExit
from savings.plans import early_exit
from tests.factories import make_plan, make_product, make_user, pay_in
from tests.refunds import refund

pytestmark = pytest.mark.django_db

START = datetime.datetime(2026, 11, 2, 10, 5, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
Status = Notice.Status


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def emergency(holding_kobo: int = 100_000_00, **fields: Any) -> Plan:
    return make_plan(product=make_product(Product.Kind.EMERGENCY), holding_kobo=holding_kobo, **fields)


def with_term(early_exit: str = EarlyExit.PENALTY, *, days: int = 90, **fields: Any) -> Plan:
    """Return a plan of ₦100,000 that matures, and needs 24 hours' notice before."""
    terms: dict[str, Any] = {"min_term_days": 1, "max_term_days": 900, "notice_hours": 24}
    product = make_product(early_exit=early_exit, penalty_bps=100, **terms)
    return make_plan(product=product, holding_kobo=100_000_00, days=days, **fields)


def give(plan: Plan, amount_kobo: int, reference: str | None = None) -> Notice:
    reference = reference or references.mint(references.NOTICE_PREFIX)
    return plans.give_notice(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def run(after: datetime.timedelta = datetime.timedelta()) -> int:
    """Run the worker's task, and return how many notices were decided."""
    return plans.carry_out_due_notices(timezone.now() + after)


def take_back(plan: Plan, amount_kobo: int) -> None:
    """Refund a part of the payment that is in a plan."""
    refund(plan.transactions.get(kind=Transaction.Kind.TOP_UP), amount_kobo)


def in_plan(plan: Plan) -> int:
    return ledger.balance_kobo(plan.account)


def in_stash(plan: Plan) -> int:
    return ledger.balance_kobo(ledger.stash_account(plan.user))


def now(notice: Notice) -> str:
    notice.refresh_from_db()
    return notice.status


def moves(plan: Plan) -> int:
    return Transaction.objects.filter(plan=plan, kind=Transaction.Kind.PLAN_TO_STASH).count()


def test_money_moves_to_the_stash_when_the_notice_is_due(clock: Any) -> None:
    plan = emergency()
    notice = give(plan, 40_000_00)
    assert notice.due_at == START + DAY
    clock.move_to(START + DAY - datetime.timedelta(seconds=1))
    assert run() == 0
    assert (in_plan(plan), in_stash(plan)) == (100_000_00, 0)
    clock.move_to(START + DAY)
    assert run() == 1
    assert (in_plan(plan), in_stash(plan)) == (60_000_00, 40_000_00)
    assert now(notice) == Status.DONE
    assert notice.decided_at == START + DAY
    assert notice.transaction
    assert notice.transaction.reference == f"PTS{notice.reference[3:]}"
    assert list(ledger.run_checks()) == []


def test_money_on_notice_earns_until_it_moves(clock: Any) -> None:
    plan = emergency()
    give(plan, 100_000_00)
    clock.move_to(START + 3 * DAY)
    run()
    account = Account.objects.get(plan=plan)
    assert ledger.accrued_numerator(account, timezone.localdate()) == 100_000_00 * plan.rate_bps * 3


def test_a_second_run_moves_nothing(clock: Any) -> None:
    plan = emergency()
    give(plan, 40_000_00)
    clock.move_to(START + 2 * DAY)
    assert [run(), run()] == [1, 0]
    assert (in_plan(plan), moves(plan)) == (60_000_00, 1)


def test_the_same_form_sent_twice_gives_one_notice() -> None:
    plan = emergency()
    reference = references.mint(references.NOTICE_PREFIX)
    assert give(plan, 40_000_00, reference) == give(plan, 40_000_00, reference)
    assert plans.waiting_kobo(plan) == 40_000_00
    with pytest.raises(ReferenceTaken):
        give(plan, 40_000_01, reference)
    with pytest.raises(ReferenceTaken):
        give(emergency(), 40_000_00, reference)
    assert Notice.objects.count() == 1


def test_a_form_sent_again_after_its_notice_was_carried_out_gives_no_other(clock: Any) -> None:
    plan = emergency()
    notice = give(plan, 100_000_00)
    clock.move_to(START + DAY)
    run()
    assert give(plan, 100_000_00, notice.reference) == notice
    assert not Notice.objects.waiting().exists()


def test_several_notices_add_up_to_at_most_the_balance(clock: Any) -> None:
    plan = emergency()
    notices = [give(plan, kobo) for kobo in (60_000_00, 30_000_00)]
    with pytest.raises(NotEnoughMoney, match="up to ₦10,000"):
        give(plan, 10_000_01)
    notices.append(give(plan, 10_000_00))
    with pytest.raises(NotEnoughMoney, match="All of the money"):
        give(plan, 1)
    assert plans.waiting_kobo(plan) == 100_000_00
    clock.move_to(START + DAY)
    assert run() == 3
    assert (in_plan(plan), in_stash(plan), plans.waiting_kobo(plan)) == (0, 100_000_00, 0)
    assert [now(notice) for notice in notices] == [Status.DONE] * 3


def test_a_plan_has_at_most_ten_waiting_notices() -> None:
    plan = emergency()
    notices = [give(plan, 1_00) for _ in range(10)]
    with pytest.raises(Refused, match="10 notices"):
        give(plan, 1_00)
    plans.cancel_notice(notices[0])
    give(plan, 1_00)


@pytest.mark.parametrize("amount_kobo", [0, -1, 10**16])
def test_an_amount_must_be_one(amount_kobo: int) -> None:
    plan = emergency()
    with pytest.raises(BadAmount):
        give(plan, amount_kobo)
    assert not Notice.objects.exists()


def test_an_empty_plan_takes_no_notice() -> None:
    with pytest.raises(NotEnoughMoney, match="empty"):
        give(emergency(holding_kobo=0), 1)


def test_a_plan_with_notice_refuses_a_direct_move() -> None:
    plan = emergency()
    for _ in range(2):
        with pytest.raises(Refused, match="needs 24 hours’ notice"):
            plans.move_from_plan(plan.user, plan, amount_kobo=1_00, reference=references.new("plan_to_stash"))
        give(plan, 1_00)
    assert (in_plan(plan), moves(plan)) == (100_000_00, 0)


def test_a_plan_without_notice_or_locked_or_closed_takes_none() -> None:
    locked = make_plan(product=make_product(Product.Kind.LOCKED, notice_hours=24), holding_kobo=100)
    closed = emergency(holding_kobo=0)
    plans.close(closed)
    for plan, reason in (
        (make_plan(holding_kobo=100), "needs no notice"),
        (locked, "locked until"),
        (closed, "closed"),
    ):
        with pytest.raises(Refused, match=reason):
            give(plan, 1)
    with pytest.raises(Refused, match="locked until"):
        plans.move_from_plan(locked.user, locked, amount_kobo=1, reference=references.new("plan_to_stash"))


def test_a_matured_plan_needs_no_notice(clock: Any) -> None:
    plan = with_term(days=30)
    clock.move_to(START + 30 * DAY)
    with pytest.raises(Refused, match="needs no notice"):
        give(plan, 1_00)
    plans.move_from_plan(plan.user, plan, amount_kobo=100_000_00, reference=references.new("plan_to_stash"))
    assert in_stash(plan) == 100_000_00


def test_a_cancelled_notice_moves_nothing_and_frees_its_amount(clock: Any) -> None:
    plan = emergency()
    notice = give(plan, 100_000_00)
    for _ in range(2):
        plans.cancel_notice(Notice.objects.get(pk=notice.pk))
    give(plan, 30_000_00)
    clock.move_to(START + DAY)
    assert run() == 1
    assert (in_stash(plan), now(notice)) == (30_000_00, Status.CANCELLED)


def test_a_notice_that_is_over_cannot_be_cancelled(clock: Any) -> None:
    done, ended, refused = (give(emergency(), 100_000_00) for _ in range(3))
    plans.end_notices(ended.plan)
    take_back(refused.plan, 100_000_00)
    stale = Notice.objects.get(pk=done.pk)
    clock.move_to(START + DAY)
    run()
    for notice, reason in ((stale, "is done"), (ended, "ended"), (refused, "was empty")):
        with pytest.raises(Refused, match=reason):
            plans.cancel_notice(notice)
    assert now(done) == Status.DONE


def test_the_penalty_is_that_of_the_day_on_which_the_notice_is_carried_out(clock: Any) -> None:
    plan = with_term()
    notice = give(plan, 50_000_00)
    clock.move_to(START + DAY)
    run()
    assert (in_plan(plan), in_stash(plan)) == (50_000_00, 49_500_00)
    penalty = Transaction.objects.get(kind=Transaction.Kind.PENALTY)
    notice.refresh_from_db()
    assert (penalty.amount_kobo, penalty.part_of) == (500_00, notice.transaction)
    assert list(ledger.run_checks()) == []


def test_a_run_that_is_late_by_the_maturity_still_pays_and_without_a_penalty(clock: Any) -> None:
    plan = with_term(days=3, at_maturity=Plan.AtMaturity.ROLLOVER)
    give(plan, 50_000_00)
    clock.move_to(START + 5 * DAY)
    assert run() == 1
    assert in_stash(plan) == 50_000_00


def test_maturities_wait_for_the_notices_that_were_due_before(clock: Any) -> None:
    plan = with_term(days=3, at_maturity=Plan.AtMaturity.COMPOUND)
    notice = give(plan, 50_000_00)
    clock.move_to(START + 5 * DAY)
    tasks.carry_out_maturities.call_local()
    assert now(notice) == Status.DONE
    assert notice.transaction
    assert notice.transaction.amount_kobo == 50_000_00
    plan.refresh_from_db()
    assert plan.matures_on == timezone.localdate(START) + 6 * DAY


def test_a_notice_that_is_due_on_the_day_of_maturity_or_later_ends(clock: Any) -> None:
    plan = with_term(days=1)
    notice = give(plan, 50_000_00)
    clock.move_to(START + DAY)
    assert [run(), run()] == [1, 0]
    assert (now(notice), in_stash(plan), notice.transaction) == (Status.ENDED, 0, None)


def test_a_maturity_moved_later_keeps_the_notice(clock: Any) -> None:
    plan = with_term(days=1)
    notice = give(plan, 50_000_00)
    plans.extend(plan, timezone.localdate() + 10 * DAY)
    clock.move_to(START + DAY)
    run()
    assert (now(notice), in_stash(plan)) == (Status.DONE, 49_500_00)


def test_less_in_the_plan_pays_what_is_there(clock: Any, mailoutbox: list[EmailMessage]) -> None:
    plan = emergency(name="Rainy day")
    first, second, third = (give(plan, kobo) for kobo in (50_000_00, 30_000_00, 20_000_00))
    take_back(plan, 35_000_00)
    clock.move_to(START + DAY)
    assert run() == 3
    assert (in_plan(plan), in_stash(plan)) == (0, 65_000_00)
    assert [now(notice) for notice in (first, second, third)] == [Status.DONE, Status.DONE, Status.REFUSED]
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    said = {mail.subject: str(mail.body) for mail in mailoutbox}
    assert list(said) == [
        "₦50,000.00 from Rainy day is in your stash",
        "₦15,000.00 from Rainy day is in your stash",
        "Nothing could move from Rainy day",
    ]
    assert "You gave notice of" not in said["₦50,000.00 from Rainy day is in your stash"]
    less = said["₦15,000.00 from Rainy day is in your stash"]
    assert "You gave notice of ₦30,000.00. The plan held ₦15,000.00 by then" in less
    assert "Asked for: ₦20,000.00" in said["Nothing could move from Rainy day"]
    assert list(ledger.run_checks()) == []


def test_the_mail_says_what_moved(clock: Any, mailoutbox: list[EmailMessage]) -> None:
    plan = with_term(name="House")
    give(plan, 50_000_00)
    clock.move_to(START + DAY)
    run()
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    [mail] = mailoutbox
    assert (mail.subject, mail.to) == ("₦49,500.00 from House is in your stash", [plan.user.email])
    html = str(mail.alternatives[0][0])  # type: ignore[attr-defined]
    for part in ("₦50,000.00", "₦500.00", "₦49,500.00", "3 November 2026, 11:05", plan.user.first_name):
        assert part in str(mail.body)
        assert part in html


def test_the_mail_of_a_notice_that_empties_a_plan_names_its_interest(
    clock: Any, mailoutbox: list[EmailMessage]
) -> None:
    plan = with_term()
    give(plan, 100_000_00)
    clock.move_to(START + 10 * DAY)
    run()
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    posting = InterestPosting.objects.get(account__plan=plan, interest__isnull=False)
    assert posting.gross_kobo > 0
    [mail] = mailoutbox
    html = " ".join(str(mail.alternatives[0][0]).split())  # type: ignore[attr-defined]
    for part in (
        "The plan is empty and closed.",
        money.naira(posting.gross_kobo),
        money.naira(posting.tax_kobo),
    ):
        assert part in str(mail.body)
        assert part in html


def test_a_mail_without_a_penalty_names_none(clock: Any, mailoutbox: list[EmailMessage]) -> None:
    give(emergency(), 50_000_00)
    clock.move_to(START + DAY)
    run()
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    assert "penalty" not in str(mailoutbox[0].body)
    assert "closed" not in str(mailoutbox[0].body)
    assert "Interest" not in str(mailoutbox[0].body)


def test_closing_a_plan_ends_its_notices(clock: Any) -> None:
    plan = emergency()
    notice = give(plan, 100_000_00)
    take_back(plan, 100_000_00)
    ledger.settle_refund(plan.transactions.get(kind=Transaction.Kind.REFUND))
    plans.close(plan)
    assert now(notice) == Status.ENDED
    clock.move_to(START + DAY)
    assert run() == 0


def test_ending_leaves_other_plans_and_what_was_decided_alone() -> None:
    plan = emergency()
    other, cancelled, waiting = give(emergency(), 1_00), give(plan, 1_00), give(plan, 1_00)
    plans.cancel_notice(cancelled)
    plans.end_notices(plan)
    statuses = [now(notice) for notice in (other, cancelled, waiting)]
    assert statuses == [Status.WAITING, Status.CANCELLED, Status.ENDED]


def test_one_that_fails_does_not_stop_the_others(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, fine = give(emergency(), 40_000_00), give(emergency(), 40_000_00)
    take_out = early_exit.exit_without_quote

    def failing(user: Any, plan: Plan, **values: Any) -> Transaction:
        if plan.pk == broken.plan_id:
            raise RuntimeError("no")
        return take_out(user, plan, **values)

    monkeypatch.setattr(early_exit, "exit_without_quote", failing)
    clock.move_to(START + DAY)
    assert run() == 1
    assert (now(broken), now(fine)) == (Status.WAITING, Status.DONE)
    assert Postponement.objects.get().task == "carry_out_notice"
    monkeypatch.undo()
    clock.move_to(START + 2 * DAY)
    assert run() == 1
    assert (in_stash(broken.plan), Postponement.objects.count()) == (40_000_00, 0)


class Killed(BaseException):
    """Ends a worker as a signal does: nothing handles it."""


@pytest.mark.parametrize("before", ["notice_carried_out", "with_prefix"])
def test_a_worker_that_is_killed_between_leaves_no_half(
    clock: Any, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    from savings import mails  # noqa: PLC0415

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    plan = emergency()
    notice = give(plan, 40_000_00)
    monkeypatch.setattr(mails if hasattr(mails, before) else references, before, die)
    clock.move_to(START + DAY)
    with pytest.raises(Killed), transaction.atomic():
        run()
    assert (now(notice), in_plan(plan), moves(plan)) == (Status.WAITING, 100_000_00, 0)
    assert Entry.objects.count() == 1
    monkeypatch.undo()
    assert run() == 1
    assert (in_stash(plan), moves(plan)) == (40_000_00, 1)


def test_the_task_carries_notices_out(clock: Any) -> None:
    plan = emergency()
    give(plan, 40_000_00)
    clock.move_to(START + DAY)
    tasks.carry_out_notices.call_local()
    assert in_stash(plan) == 40_000_00


def test_a_run_without_work_costs_the_same_whatever_waits() -> None:
    counts = []
    for plan in (emergency(), emergency()):
        for _ in range(9):
            give(plan, 1_00)
        with CaptureQueriesContext(connection) as queries:
            run()
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"amount_kobo": 0}, "notice_amount_above_zero"),
        ({"due_at": START}, "notice_due_after_asked"),
        ({"status": Status.CANCELLED}, "notice_waits_until_decided"),
        ({"decided_at": START}, "notice_waits_until_decided"),
        ({"status": Status.DONE, "decided_at": START}, "notice_moves_money_when_done"),
    ],
)
def test_the_database_refuses_what_no_notice_can_be(
    clock: Any, changes: dict[str, Any], constraint: str
) -> None:
    notice = give(emergency(), 1_00)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(**changes)


def test_a_notice_of_another_user_s_plan_uses_the_plan_that_is_given() -> None:
    """The views look plans up among those of the user, so a reference alone reaches nobody's plan."""
    plan, other = emergency(), make_user()
    pay_in(other, 100_00)
    notice = give(plan, 1_00)
    with pytest.raises(ReferenceTaken):
        plans.give_notice(other, plan, amount_kobo=1_00, reference=notice.reference)


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (1, "1 hour’s notice"),
        (24, "24 hours’ notice"),
        (36, "36 hours’ notice"),
        (48, "2 days’ notice"),
        (168, "7 days’ notice"),
    ],
)
def test_a_length_of_notice_in_words(hours: int, text: str) -> None:
    assert plans.format_notice(hours) == text
