"""Receipts of withdrawals, their fees and what came back: each step, the figures, and what can still be done."""

from __future__ import annotations

import dataclasses
import datetime
import re

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import ledger, payments
from savings.models import Payout, Transaction, User
from tests.factories import make_user
from tests.payouts import ask, fund, make_saver
from tests.provider import Provider
from tests.web.withdrawing import say, sign_in

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind


@pytest.fixture
def saver(provider: Provider, client: Client) -> User:
    saver = make_saver()
    client.force_login(saver)
    return saver


def page_of(client: Client, movement: Transaction) -> str:
    return " ".join(client.get(f"/transactions/{movement.reference}/").text.split())


def steps_of(page: str) -> list[str]:
    return re.findall(r"<strong>([^<]+)</strong><span", page.partition('<ol class="steps"')[2])


def signed_kobo(client: Client, movement: Transaction) -> int:
    """The amount at the top of a receipt."""
    kobo: int = client.get(f"/transactions/{movement.reference}/?fresh=1").context["signed_kobo"]
    return kobo


def fee_of(payout: Payout) -> Transaction:
    return Transaction.objects.get(part_of=payout.transaction, kind=Kind.FEE)


def line(name: str, amount: str) -> str:
    return f'<dt>{name}</dt><dd><span class="money">{amount}</span></dd>'


def test_an_open_receipt_asks_for_news_and_loads_itself_again_when_there_is_some(
    client: Client, saver: User
) -> None:
    payout = ask(saver)
    url = f"/transactions/{payout.transaction.reference}/"
    assert 'hx-get="?look=1&amp;state=pending.waiting" hx-trigger="load delay:2s"' in page_of(
        client, payout.transaction
    )
    same = client.get(f"{url}?look=1&state=pending.waiting", headers={"HX-Request": "true"})
    assert 'hx-get="?look=2&amp;state=pending.waiting"' in same.text
    assert "<h1" not in same.text
    last = client.get(f"{url}?look=10&state=pending.waiting", headers={"HX-Request": "true"})
    assert "hx-get" not in last.text
    Payout.objects.update(state=Payout.State.SENT, sent_at=timezone.now())
    news = client.get(f"{url}?look=2&state=pending.waiting", headers={"HX-Request": "true"})
    assert news["HX-Refresh"] == "true"


def test_the_receipt_of_what_is_done_does_not_ask_for_news(client: Client, saver: User) -> None:
    movement = Transaction.objects.filter(user=saver, status="success")[0]
    assert "?look=" not in page_of(client, movement)


def test_a_withdrawal_that_was_sent_meanwhile_says_so_on_its_receipt(client: Client, saver: User) -> None:
    payout = ask(saver)
    url = f"/transactions/{payout.transaction.reference}/"
    Payout.objects.update(state=Payout.State.SENT, sent_at=timezone.now())
    answer = client.post(
        reverse("payouts:cancel", args=[payout.transaction.reference]),
        headers={"Referer": f"http://testserver{url}"},
        follow=True,
    )
    assert answer.redirect_chain == [(url, 302)]
    assert "This withdrawal was sent already" in answer.text


def test_a_withdrawal_that_waits_for_staff_says_that_it_takes_longer(client: Client, saver: User) -> None:
    payout = ask(saver)
    for state, sent_at in ((Payout.State.WAITING, None), (Payout.State.SENT, timezone.now())):
        note = "The provider balance is too low for it."
        Payout.objects.filter(pk=payout.pk).update(state=state, sent_at=sent_at, staff_note=note)
        User.objects.touch(saver.pk)
        page = page_of(client, payout.transaction)
        assert "This is taking longer than usual, and our staff know about it." in page
        assert "We’ll send it soon" not in page
        assert note not in page


def test_a_withdrawal_that_waits_can_be_cancelled(client: Client, saver: User) -> None:
    payout = ask(saver)
    page = page_of(client, payout.transaction)
    assert steps_of(page)[:4] == [
        "Requested",
        "Set aside from your stash",
        "Waiting to be sent",
        "Paid to your bank account",
    ]
    assert "We’ll send it soon. You can cancel it until then." in page
    assert f'action="/stash/withdrawals/{payout.transaction.reference}/cancel/"' in page
    for text in (
        payout.recipient.account_number,
        "ADA OBI",
        f'href="/transactions/{fee_of(payout).reference}/">Receipt<span class="sr"> of Fee</span></a></dt>'
        '<dd><span class="money">₦25.00</span></dd>',
        line("VAT on the fee", "₦1.87"),
        line("Stamp duty", "₦50.00"),
        line("From your stash", "₦50,076.87"),
        'to</span> <span class="money">₦49,923.13<',
    ):
        assert text in page


def test_the_time_of_a_withdrawal_and_its_approval_are_steps(
    client: Client, saver: User, settings: Settings
) -> None:
    settings.PAYOUTS = dataclasses.replace(
        settings.PAYOUTS, approval_from_kobo=50_000_00, delay=datetime.timedelta(hours=2)
    )
    payout = ask(saver)
    assert "Waiting for approval" in steps_of(page_of(client, payout.transaction))
    payments.approve_payout(payout, by=make_user(is_staff=True))
    page = page_of(client, payout.transaction)
    assert steps_of(page)[2:4] == ["Approved by our staff", "Waiting to be sent"]
    payout.refresh_from_db()
    assert f"We’ll send it at {timezone.localtime(payout.send_at):%H:%M}" in page


def test_a_withdrawal_that_was_sent_waits_for_the_provider(client: Client, saver: User) -> None:
    payout = ask(saver)
    say(payout, "pending")
    page = page_of(client, payout.transaction)
    assert steps_of(page)[2:5] == [
        "Sent to the payment provider",
        "Waiting for the payment provider",
        "Paid to your bank account",
    ]
    assert "/cancel/" not in page
    assert "Try again" not in page


def test_a_withdrawal_goes_its_whole_way_at_the_provider(client: Client, provider: Provider) -> None:
    with time_machine.travel(datetime.datetime(2026, 5, 4, 9, tzinfo=datetime.UTC), tick=False) as clock:
        saver = make_saver()
        fund(200_000_00)
        client.force_login(saver)
        payout = ask(saver)
        payments.sweep_payouts(timezone.now())
        assert "Waiting for the payment provider" in steps_of(page_of(client, payout.transaction))
        clock.shift(120)
        payments.sweep_payouts(timezone.now())
        steps = steps_of(page_of(client, payout.transaction))
        assert "Paid to your bank account" in steps
        assert "Waiting for the payment provider" not in steps
        assert "On its way out" not in client.get("/stash/").text
    payout.refresh_from_db()
    assert payout.cost_kobo == 25_00 + 50_00
    assert list(ledger.run_checks()) == []


def test_a_withdrawal_that_was_paid_shows_no_cost_of_ours(client: Client, saver: User) -> None:
    payout = ask(saver)
    say(payout, "success")
    ledger.record_transfer_cost(payout.transaction, cost_kobo=25_00, duty_kobo=50_00, provider="paystack")
    page = page_of(client, payout.transaction)
    assert "Paid to your bank account" in steps_of(page)
    assert steps_of(page)[-1] == "Email"
    # It leads with what the bank gets.
    assert signed_kobo(client, payout.transaction) == -50_000_00
    assert "₦50,000 withdrawn</h1>" in page
    codes = [
        line.step for line in client.get(f"/transactions/{payout.transaction.reference}/?x").context["lines"]
    ]
    assert codes == ["Hold", "Posting"]
    for text in ("Transfer costs", "/cancel/", "Try again"):
        assert text not in page
    assert 'Stash</dt> <dd><span class="sr">from </span><span class="money quiet">₦100,000.00<' in page
    assert "On its way out</dt>" not in page


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("failed", "The payment provider could not pay it. The reason: Account is closed. All of it is back"),
        ("rejected", "The payment provider rejected it."),
        ("blocked", "The payment provider blocked it."),
        ("abandoned", "The payment provider did not carry it out."),
        ("reversed", "The bank sent the money back."),
    ],
)
def test_a_failure_has_its_reason_and_a_way_to_try_again(
    client: Client, saver: User, status: str, why: str
) -> None:
    payout = ask(saver)
    say(payout, status, "Account is closed.")
    page = page_of(client, payout.transaction)
    assert {"Back in your stash", "Withdrawal failed"} <= set(steps_of(page))
    assert why in page
    (amount,) = re.findall(r'href="(/stash/withdraw/\?amount=[^"]+)">Try again', page)
    sign_in(saver, client)
    assert 'value="50,000' in client.get(amount).text
    fee = page_of(client, fee_of(payout))
    assert "Not charged" in steps_of(fee)
    assert "Try again" not in fee


def test_what_staff_refused_and_what_was_cancelled_say_so(
    client: Client, saver: User, settings: Settings
) -> None:
    settings.PAYOUTS = dataclasses.replace(settings.PAYOUTS, approval_from_kobo=1)
    refused, cancelled = ask(saver, 500_00), ask(saver, 500_00)
    payments.refuse_payout(refused, by=make_user(is_staff=True), reason="Call us first")
    payments.cancel_payout(cancelled)
    page = page_of(client, refused.transaction)
    assert "Our staff refused it. The reason: Call us first." in page
    assert "Approved by our staff" not in page
    assert "Cancelled" in steps_of(page_of(client, cancelled.transaction))
    assert "The withdrawal was cancelled." in page_of(client, fee_of(cancelled))


def test_the_receipt_of_a_fee_adds_vat_and_duty(client: Client, saver: User) -> None:
    payout = ask(saver)
    fee = fee_of(payout)
    steps = ["Set aside from your stash", "Charged when the withdrawal is paid"]
    assert steps_of(page_of(client, fee)) == steps
    say(payout, "success")
    page = page_of(client, fee)
    assert "Fee for your ₦50,000 withdrawal</h1>" in page
    assert steps_of(page) == ["Set aside from your stash", "Charged with the withdrawal"]
    for name in ("VAT on the fee", "Stamp duty"):
        assert f"<dt>{name}</dt>" in page
    assert line("Total", "₦76.87") in page
    assert signed_kobo(client, fee) == -76_87
    assert payout.recipient.account_number not in page


def test_a_withdrawal_that_came_back_has_receipts_of_its_return(client: Client, saver: User) -> None:
    payout = ask(saver)
    say(payout, "success")
    say(payout, "reversed", "Account is dormant")
    page = page_of(client, payout.transaction)
    assert "Returned" in steps_of(page)
    assert "Returned by" in page
    assert "Try again" in page
    back = Transaction.objects.get(reverses=payout.transaction)
    page = page_of(client, back)
    assert steps_of(page)[:3] == [
        "The bank returned the money",
        "Came back from the bank",
        "Back in your stash",
    ]
    assert signed_kobo(client, back) == 50_000_00
    assert "Returns" in page
    assert "Taken" not in page
    fee_back = Transaction.objects.get(reverses=fee_of(payout))
    fee = page_of(client, fee_back)
    assert steps_of(fee)[0] == "The withdrawal came back"
    assert {"Fee given back", "VAT given back", "Stamp duty given back"} <= set(steps_of(fee))
    assert signed_kobo(client, fee_back) == 76_87


def test_activity_shows_fees_with_vat_and_duty_and_their_return(client: Client, saver: User) -> None:
    payout = ask(saver)
    say(payout, "success")
    for query in ("", "?plan=stash"):
        page = client.get(f"/transactions/{query}").text.replace("\u202f", " ").replace("\xa0", " ")
        assert "− ₦50,000.00" in page
        assert "− ₦76.87" in page
    say(payout, "reversed")
    page = client.get("/transactions/").text.replace("\u202f", " ").replace("\xa0", " ")
    for text in ("Withdrawal came back", "Fee given back", "+ ₦76.87", "+ ₦50,000.00"):
        assert text in page
    assert client.get("/transactions/?kind=stash_withdrawal").text.count('class="cover"') == 1
    assert client.get("/transactions/?kind=fee&status=reversed").text.count('class="cover"') == 1


def test_mails_are_steps_and_the_sending_of_the_money_is_not(client: Client, saver: User) -> None:
    payout = ask(saver)
    assert payout.transaction.outbox_rows.filter(kind=payments.PAYOUT_KIND).count() == 1
    assert steps_of(page_of(client, payout.transaction)).count("Email") == 1


def test_what_came_back_after_a_failure_shows_no_balances(client: Client, saver: User) -> None:
    payout = ask(saver)
    ask(saver, 500_00)
    payments.cancel_payout(payout)
    assert "from </span>" not in page_of(client, payout.transaction)


def test_receipts_of_another_user_are_not_found(client: Client, saver: User) -> None:
    payout = ask(make_saver())
    for movement in (payout.transaction, fee_of(payout)):
        assert client.get(f"/transactions/{movement.reference}/").status_code == 404


def test_a_fee_stands_below_its_withdrawal(client: Client, saver: User) -> None:
    payouts = [ask(saver, 500_00) for _ in range(2)]
    [(_, _, rows)] = client.get("/transactions/").context["days"]
    expected = [movement for payout in payouts[::-1] for movement in (payout.transaction, fee_of(payout))]
    assert [row.reference for row in rows][:4] == [movement.reference for movement in expected]


def test_the_pages_cost_the_same_for_one_withdrawal_and_for_many(
    client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = ask(saver, 500_00)
    client.get("/transactions/")
    for number in (1, 15):
        for _ in range(number):
            payout = ask(saver, 500_00)
        with django_assert_num_queries(5):
            client.get("/transactions/")
        for movement in (payout.transaction, first.transaction):
            with django_assert_num_queries(5):
                client.get(f"/transactions/{movement.reference}/?again={number}")


def test_the_balance_afterwards_is_that_after_the_fees(client: Client, saver: User) -> None:
    payout = ask(saver)
    assert payout.fees_kobo > 0
    stash_kobo = ledger.balance_kobo(ledger.stash_account(saver))
    [(name, before_kobo, after_kobo)] = client.get(f"/transactions/{payout.transaction.reference}/").context[
        "balances"
    ]
    assert (name, after_kobo) == ("Stash", stash_kobo)
    assert before_kobo - after_kobo == payout.transaction.amount_kobo + payout.fees_kobo
    assert 'Receipt<span class="sr"> of Fee<' in page_of(client, payout.transaction)
