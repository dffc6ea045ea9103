"""Interest from before it could be posted: paid once, dated today, without compounding, with one mail to each owner."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.utils import timezone

from savings import ledger, outbox, plans, tasks
from savings.models import Account, Entry, InterestPosting, Plan, Product, Transaction
from savings.models.plans import InterestPaid
from tests.factories import make_plan, make_product, make_user

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind
HELD_KOBO = 100_000_00
TODAY = "2026-06-10T09:00:00Z"


@pytest.fixture
def clock() -> object:
    with time_machine.travel("2026-01-01T09:00:00Z", tick=False) as clock:
        yield clock


def of_previous_release(*plans: Plan) -> None:
    """Leave out what only this release writes."""
    Account.objects.filter(plan__in=plans).update(interest_due=None)


def gross(days: int, kobo: int = HELD_KOBO) -> int:
    """Return the interest of kobo at 10 % for some days."""
    return kobo * 1000 * days // 3_650_000


def posted(plan: Plan) -> list[tuple[datetime.date, int]]:
    rows = InterestPosting.objects.filter(account__plan=plan).order_by("period_end")
    return [(datetime.date.fromordinal(row.period_end), row.gross_kobo) for row in rows]


def monthly() -> Plan:
    return make_plan(make_user(), make_product(rate_bps=1000), holding_kobo=HELD_KOBO)


def test_a_closed_plan_gets_its_interest_to_the_stash(clock: time_machine.Traveller) -> None:
    plan = monthly()
    clock.move_to("2026-03-02T09:00:00Z")
    plans.move_from_plan(plan.user, plan, amount_kobo=HELD_KOBO, reference="PTS00000000000000001")
    Plan.objects.filter(pk=plan.pk).update(closed_at=timezone.now())
    of_previous_release(plan)
    clock.move_to(TODAY)
    (done,) = plans.post_missed_interest(timezone.localdate())
    assert (done.plan, done.posting.gross_kobo, done.to_stash) == (plan, gross(60), True)
    assert plans.post_missed_interest(timezone.localdate()) == []
    stash = ledger.balance_kobo(ledger.stash_account(plan.user))
    assert stash == HELD_KOBO + done.posting.gross_kobo - done.posting.tax_kobo
    assert list(ledger.run_checks()) == []


def test_a_running_plan_gets_one_posting_dated_today_and_then_monthly_ones(
    clock: time_machine.Traveller,
) -> None:
    plan = monthly()
    of_previous_release(plan)
    clock.move_to(TODAY)
    (done,) = plans.post_missed_interest(timezone.localdate())
    assert posted(plan) == [(datetime.date(2026, 6, 1), gross(151))]
    entries = Entry.objects.filter(transaction__kind__in=[Kind.INTEREST, Kind.TAX_WITHHELD])
    assert {entry.value_on for entry in entries} == {timezone.localdate()}
    assert not done.to_stash
    net_kobo = done.posting.gross_kobo - done.posting.tax_kobo
    clock.move_to("2026-07-01T01:00:00Z")
    assert plans.post_due_interest(timezone.localdate()) == 1
    expected = (HELD_KOBO * 30 + net_kobo * 21) * 1000 + done.posting.remainder
    assert posted(plan)[1] == (datetime.date(2026, 7, 1), expected // 3_650_000)
    assert list(ledger.run_checks()) == []


def test_a_plan_of_this_month_is_only_scheduled(clock: time_machine.Traveller) -> None:
    clock.move_to("2026-06-03T09:00:00Z")
    plan = monthly()
    of_previous_release(plan)
    clock.move_to(TODAY)
    assert plans.post_missed_interest(timezone.localdate()) == []
    assert Account.objects.get(plan=plan).interest_due == datetime.date(2026, 7, 1).toordinal()
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize("paid", InterestPaid)
def test_a_plan_that_rolled_over_gets_one_posting_for_each_ended_term(
    clock: time_machine.Traveller, paid: InterestPaid
) -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=1000, interest_paid=paid)
    at_maturity = Plan.AtMaturity.ROLLOVER
    plan = make_plan(product=product, holding_kobo=HELD_KOBO, days=60, at_maturity=at_maturity)
    # The previous release renewed plans without posting anything.
    started = datetime.date(2026, 5, 1)
    Plan.objects.filter(pk=plan.pk).update(
        started_on=started, matures_on=started + datetime.timedelta(days=60)
    )
    of_previous_release(plan)
    clock.move_to(TODAY)
    plans.post_missed_interest(timezone.localdate())
    ended = [datetime.date(2026, 3, 2), started]
    months = [datetime.date(2026, 6, 1)] if paid == InterestPaid.MONTHLY else []
    assert [day for day, _ in posted(plan)] == ended + months
    stash = ledger.balance_kobo(ledger.stash_account(plan.user))
    terms = InterestPosting.objects.filter(period_end__lte=started.toordinal())
    assert stash == sum(term.gross_kobo - term.tax_kobo for term in terms)
    assert plans.post_missed_interest(timezone.localdate()) == []
    assert list(ledger.run_checks()) == []


def test_a_matured_and_emptied_plan_gets_its_interest(clock: time_machine.Traveller) -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=1000, interest_paid=InterestPaid.AT_MATURITY)
    plan = make_plan(product=product, holding_kobo=HELD_KOBO, days=60)
    clock.move_to("2026-03-02T09:00:00Z")
    plans.move_from_plan(plan.user, plan, amount_kobo=HELD_KOBO, reference="PTS00000000000000001")
    clock.move_to(TODAY)
    plans.post_missed_interest(timezone.localdate())
    assert posted(plan) == [(datetime.date(2026, 3, 2), gross(60))]
    assert list(ledger.run_checks()) == []


def test_each_owner_gets_one_mail(clock: time_machine.Traveller, mailoutbox: list[EmailMessage]) -> None:
    user = make_user()
    made = [make_plan(user, make_product(rate_bps=1000), holding_kobo=HELD_KOBO) for _ in range(2)]
    of_previous_release(*made)
    clock.move_to(TODAY)
    plans.post_missed_interest(timezone.localdate())
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    (mail,) = mailoutbox
    assert mail.to == [user.email]
    for plan in made:
        assert plan.name in str(mail.body)
    assert "₦4,136.98" in str(mail.body)


def test_the_command_says_what_it_did(
    clock: time_machine.Traveller, capsys: pytest.CaptureFixture[str]
) -> None:
    of_previous_release(monthly(), monthly())
    clock.move_to(TODAY)
    call_command("post_missed_interest")
    said = capsys.readouterr().out
    assert "2 postings for 2 savers: ₦8,273.96 interest, ₦827.38 tax." in said
    call_command("post_missed_interest")
    assert "0 postings for 0 savers" in capsys.readouterr().out


def test_an_owner_whose_posting_fails_is_postponed(clock: time_machine.Traveller) -> None:
    broken, fine = monthly(), monthly()
    of_previous_release(broken, fine)
    Account.objects.filter(plan=broken).update(balance_kobo=10**15, accrued_numerator=9 * 10**18)
    clock.move_to(TODAY)
    assert [one.plan for one in plans.post_missed_interest(timezone.localdate())] == [fine]


def test_a_plan_opened_by_this_release_is_left_to_the_run(clock: time_machine.Traveller) -> None:
    plan = monthly()
    clock.move_to(TODAY)
    assert plans.post_missed_interest(timezone.localdate()) == []
    assert posted(plan) == []
