"""The head of a receipt: how it ended in plain words, and the next step."""

from __future__ import annotations

import datetime
import re

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import ledger, payments, plans, references
from savings.models import Payment, Plan, Product, Transaction, User
from tests.autosave import make_rule
from tests.factories import make_plan, make_product, make_transaction, pay_in, settled
from tests.payments import start
from tests.provider import Provider

pytestmark = pytest.mark.django_db


def shown(client: Client, payment: Payment | Transaction) -> str:
    movement = payment.transaction if isinstance(payment, Payment) else payment
    return " ".join(client.get(f"/transactions/{movement.reference}/").text.split())


def said(page: str) -> str:
    """The title and the sentence below it."""
    found = re.search(r"<h1>(.*?)</h1>(?: <p[^>]*>(.*?)</p>)?", page)
    assert found
    return " | ".join(filter(None, found.groups()))


@pytest.fixture
def plan(saver: User) -> Plan:
    return make_plan(saver, make_product(Product.Kind.TARGET), name="School fees", target_kobo=100_000_00)


def test_a_payment_leads_with_what_was_saved_and_what_is_left(
    saver_client: Client, saver: User, plan: Plan
) -> None:
    movement = pay_in(saver, 25_000_00, plan=plan)
    page = shown(saver_client, movement)
    assert said(page) == "₦25,000 saved in School fees"
    assert "A quarter there" in page
    assert '<progress value="25" max="100"' in page
    assert "₦75,000 to go" in page
    assert f'<a class="btn" href="/plans/{plan.pk}/">See the plan</a>' in page
    assert f'href="/plans/{plan.pk}/top-up/">Top up again</a>' in page
    assert "data-share=" in page


def test_a_later_payment_does_not_change_a_receipt(saver_client: Client, saver: User, plan: Plan) -> None:
    first = pay_in(saver, 25_000_00, plan=plan)
    last = pay_in(saver, 80_000_00, plan=plan)
    assert "₦75,000 to go" in shown(saver_client, first)
    page = shown(saver_client, last)
    assert '<progress value="100" max="100"' in page
    assert "Goal reached" in page
    assert "You reached your goal" in page
    assert "to go" not in page
    assert "You reached your goal" not in shown(saver_client, first)
    # The next payment reaches nothing new.
    assert "You reached your goal" not in shown(saver_client, pay_in(saver, 1_000_00, plan=plan))


def test_a_plan_without_a_target_has_no_bar_and_a_closed_one_no_top_up(
    saver_client: Client, saver: User
) -> None:
    plan = make_plan(saver, name="Rainy day")
    movement = pay_in(saver, 1_000_50, plan=plan)
    Plan.objects.filter(pk=plan.pk).update(closed_at=timezone.now())
    page = shown(saver_client, movement)
    assert said(page) == "₦1,000.50 saved in Rainy day"
    assert "<progress" not in page
    assert "Top up again" not in page


def test_money_from_the_stash_and_into_the_stash(saver_client: Client, saver: User, plan: Plan) -> None:
    assert said(shown(saver_client, pay_in(saver, 500_00))) == "₦500 saved in your stash"
    moved = plans.move_to_plan(
        saver, plan, amount_kobo=500_00, reference=references.new(Transaction.Kind.STASH_TO_PLAN)
    )
    assert said(shown(saver_client, moved)) == "₦500 saved in School fees"


@pytest.mark.parametrize("is_over", [False, True])
def test_money_that_moves_to_the_stash_says_so_and_why(
    saver_client: Client, saver: User, *, is_over: bool
) -> None:
    product = make_product(Product.Kind.TARGET if is_over else Product.Kind.FLEXIBLE, rate_bps=0)
    with time_machine.travel(timezone.now() - datetime.timedelta(days=90)):
        plan = make_plan(saver, product, name="Rent", holding_kobo=900_00, days=90)
    if is_over:
        plans.mature_due_plans(timezone.localdate())
    else:
        plans.move_from_plan(
            saver, plan, amount_kobo=900_00, reference=references.new(Transaction.Kind.PLAN_TO_STASH)
        )
    page = shown(saver_client, plan.transactions.get(kind=Transaction.Kind.PLAN_TO_STASH))
    assert said(page) == "₦900 moved to your stash" + (" | Rent matured." if is_over else "")
    assert ("The plan matured" in page, "Requested" in page) == (is_over, not is_over)
    assert ('href="/plans/start/">Start a plan</a>' in page) == is_over


def test_an_auto_save_from_the_stash_has_no_sign_and_nobody_requested_it(
    saver_client: Client, saver: User, plan: Plan
) -> None:
    pay_in(saver, 10_000_00)
    rule = make_rule(plan, amount_kobo=2_500_00)
    run = rule.runs.create(
        due_on=timezone.localdate(),
        amount_kobo=2_500_00,
        source="stash",
        status="done",
        ended_at=timezone.now(),
    )
    saved = settled(
        Transaction.Kind.AUTOSAVE,
        2_500_00,
        debit=ledger.stash_account(saver),
        credit=plan.account,
        user=saver,
        plan=plan,
    )
    Transaction.objects.filter(pk=saved.pk).update(autosave_run=run)
    page = shown(saver_client, saved)
    assert said(page) == "₦2,500 saved in School fees"
    assert [
        step.title for step in saver_client.get(f"/transactions/{saved.reference}/").context["steps"]
    ] == ["Added to your balance"]
    assert "<dt>From</dt><dd>Your stash</dd>" in page
    assert "Requested" not in page
    assert "+₦2,500" not in page
    [[_, _, rows]] = saver_client.get("/transactions/").context["days"]
    assert rows[0].amount == "₦2,500.00"
    assert not rows[0].is_in


def test_a_payment_that_waits_says_when_the_provider_is_asked(saver_client: Client, plan: Plan) -> None:
    with time_machine.travel(datetime.datetime(2026, 5, 4, 9, tzinfo=datetime.UTC), tick=False):
        page = shown(saver_client, start(plan, 1_500_00))
    assert "we keep asking the payment provider, from 10:10 until 5 May, 10:00." in page
    assert "As soon as the provider confirms the payment." in page


def test_the_steps_name_each_day_once(saver_client: Client, plan: Plan) -> None:
    with time_machine.travel(datetime.datetime(2026, 5, 4, 9, tzinfo=datetime.UTC), tick=False):
        movement = pay_in(plan.user, 1_500_00, plan=plan)
        steps = shown(saver_client, movement).partition("What happened")[2]
    assert len(re.findall(r"\d\d:\d\d:\d\d</time>", steps)) >= 2
    assert steps.count(">4 May, ") == 1


def test_a_long_check_says_what_to_do(saver_client: Client, plan: Plan, settings: Settings) -> None:
    movement = make_transaction("top_up", 1_500_00, user=plan.user, plan=plan, status="review")
    Payment.objects.create(transaction=movement, review_reason="no_answer")
    usual = "We’re checking this payment | The payment provider hasn’t told us yet how this payment ended."
    for days, contact, is_long in (
        (3, "help@example.com", False),
        (4, "help@example.com", True),
        (4, "", False),
    ):
        settings.OPERATOR = settings.OPERATOR._replace(contact=contact)
        created_on = timezone.now() - datetime.timedelta(days=days)
        Transaction.objects.filter(pk=movement.pk).update(created_on=created_on)
        User.objects.touch(plan.user_id)
        told = said(shown(saver_client, movement))
        assert told.startswith(usual)
        assert ("contact us with the reference" in told) == is_long


def test_a_payment_that_waits_has_one_state(saver_client: Client, provider: Provider, plan: Plan) -> None:
    page = shown(saver_client, start(plan, 1_500_00))
    assert "Waiting</span>" in page
    assert "On its way" not in page


@pytest.mark.parametrize(
    ("outcome", "message", "told"),
    [
        (
            "declined",
            "Declined",
            "Payment failed | Your bank declined this payment. No money left your account."
            " Try another card, or ask your bank.",
        ),
        (
            "declined",
            "Insufficient Funds",
            "Payment failed | Your bank declined this payment: Insufficient Funds. No money left your account."
            " Try another card, or ask your bank.",
        ),
        ("abandon", "", "Payment not finished | You left before paying ₦1,500. No money has moved."),
    ],
)
def test_a_failure_has_a_reason_and_a_way_forward(  # noqa: PLR0917 - fixtures and parameters
    saver_client: Client, provider: Provider, plan: Plan, outcome: str, message: str, told: str
) -> None:
    payment = start(plan, 1_500_00)
    provider.pay(payment, outcome)
    payments.settle_payment(payment.transaction.reference)
    Payment.objects.filter(pk=payment.pk).update(provider_message=message)
    page = shown(saver_client, payment)
    assert said(page) == told
    words = "Try again" if outcome == "abandon" else "Try another card"
    again = re.search(rf'href="([^"]+)">{words}</a>', page)
    assert again
    form = saver_client.get(again[1]).text
    assert 'value="1,500"' in form
    assert payment.transaction.reference not in form
    assert "Pay from your stash" not in page


def test_a_failed_payment_can_come_from_a_stash_that_has_the_money(
    saver_client: Client,
    saver: User,
    provider: Provider,
    plan: Plan,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    pay_in(saver, 1_500_00)
    payment = start(plan, 1_500_00)
    provider.pay(payment, "declined")
    payments.settle_payment(payment.transaction.reference)
    with django_assert_num_queries(6):
        page = shown(saver_client, payment)
    link = re.search(r'href="([^"]+)">Pay from your stash</a>', page)
    assert link
    form = saver_client.get(link[1].replace("&amp;", "&")).text
    assert re.search(r'value="stash"[^>]* checked', form)


def test_a_failed_payment_into_a_closed_plan_or_the_stash_leads_to_the_stash(
    saver_client: Client, saver: User, provider: Provider, plan: Plan
) -> None:
    for goes_to, words in ((plan, "Add it to your stash"), (None, "Try another card")):
        payment = payments.start_payment(
            saver, plan=goes_to, amount_kobo=1_500_00, reference=references.new(Transaction.Kind.TOP_UP)
        )
        provider.pay(payment, "declined")
        payments.settle_payment(payment.transaction.reference)
        Plan.objects.filter(pk=plan.pk).update(closed_at=timezone.now())
        link = re.search(rf'href="(/stash/fund/[^"]+)">{words}</a>', shown(saver_client, payment))
        assert link
        assert 'value="1,500"' in saver_client.get(link[1]).text


def test_a_payment_that_is_checked_names_what_arrived(
    saver_client: Client, provider: Provider, plan: Plan
) -> None:
    payment = start(plan, 1_500_00)
    provider.pay(payment, "wrong-amount")
    payments.settle_payment(payment.transaction.reference)
    page = shown(saver_client, payment)
    assert said(page) == "We’re checking this payment | ₦750 of ₦1,500 arrived. It’s safe while we check it."
    assert page.count("safe") == 1
    assert "In your savings, or back with you" in page
    assert "Our staff decide it. You’ll see it here." in page
    assert '<dt>Asked for</dt><dd><span class="money">₦1,500.00</span>' in page
    assert '<dt>Arrived</dt><dd><span class="money">₦750.00</span>' in page
    assert "₦750<wbr><small>.00</small>" in page
    assert "Try again" not in page


def test_a_payment_without_an_answer_is_checked_too(saver_client: Client, plan: Plan) -> None:
    movement = make_transaction("top_up", 1_500_00, user=plan.user, plan=plan, status="review")
    Payment.objects.create(transaction=movement, review_reason="no_answer")
    assert "hasn’t told us yet" in said(shown(saver_client, movement))


@pytest.mark.parametrize("status", ["failed", "abandoned", "review"])
def test_receipts_that_need_it_have_the_contact_if_there_is_one(
    saver_client: Client, plan: Plan, settings: Settings, status: str
) -> None:
    without, movement = (
        make_transaction("top_up", 1_500_00, user=plan.user, plan=plan, status=status) for _ in range(2)
    )
    for each in (without, movement):
        Payment.objects.create(transaction=each)
    without_contact = shown(saver_client, without)
    assert "Contact us" not in without_contact
    settings.OPERATOR = settings.OPERATOR._replace(contact="help@example.com")
    page = shown(saver_client, movement)
    assert "Contact us" in page
    assert page.count(movement.reference) == without_contact.count(without.reference)
    assert ("Quote the reference above." in page) == (status != "review")
    assert "Need help?" not in shown(saver_client, pay_in(plan.user, 100_00))
