"""Payouts and bank accounts in the admin: lists, filters, decisions of staff, and what they cost."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import ledger, money
from savings.models import OutboxRow, Payout, Recipient, Transaction, User
from tests.factories import fund_balance, make_user
from tests.payouts import make_recipient
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in
from tests.withdrawals import FEES, make_payout

pytestmark = pytest.mark.django_db

State = Payout.State
BADGE = re.compile(r'<span class="badge \w+">([^<]+)</span>')
PAYOUTS, RECIPIENTS = "admin:savings_payout_changelist", "admin:savings_recipient_changelist"


def staff_with(*permissions: str) -> User:
    user = make_user(is_staff=True)
    names = ("view_payout", "view_recipient", "view_user", *permissions)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


@pytest.fixture
def staff() -> User:
    """A member of staff who decides about withdrawals and bank accounts."""
    return staff_with("change_payout", "change_recipient")


@pytest.fixture
def desk(staff: User) -> Client:
    """Their browser."""
    return sign_in(staff)


def found(client: Client, page: str, **query: str | int) -> list[int]:
    response = client.get(reverse(page), query)
    assert response.status_code == 200
    return [row.pk for row in response.context["cl"].result_list]


def detail(row: Payout | Recipient) -> str:
    return reverse(f"admin:savings_{row._meta.model_name}_change", args=[row.pk])


def refusal_of(payout: Payout) -> str:
    return reverse("admin:savings_payout_refuse", args=[payout.pk])


def act(client: Client, row: Payout | Recipient, action: str, page: str = PAYOUTS) -> Any:
    chosen = {"action": action, "_selected_action": [row.pk]}
    return client.post(reverse(page), chosen, follow=True)


def stash_of(payout: Payout) -> int:
    return ledger.balance_kobo(ledger.stash_account(payout.user))


def test_the_list_says_who_withdraws_what_and_since_when(desk: Client) -> None:
    payout = make_payout(make_user("ada@example.com"), "sent", provider_status="otp", staff_note="Enter it")
    Payout.objects.update(asked_at=timezone.now() - datetime.timedelta(hours=3, minutes=20))
    row = desk.get(reverse(PAYOUTS)).text.partition("result_list")[2]
    for text in (
        payout.transaction.reference,
        "ada@example.com",
        "₦50,000.00",
        "With the provider",
        "3\u00a0hours",
        f"Guaranty Trust Bank ··{payout.recipient.account_number[-4:]}",
        "Enter it",
    ):
        assert text in row


def test_a_payout_that_is_over_has_no_age(desk: Client) -> None:
    make_payout(state="paid")
    make_payout(state="sent")
    page = desk.get(reverse(PAYOUTS)).text
    assert len(re.findall(r"<small>for 0\sminutes</small>", page)) == 1


@pytest.mark.parametrize("state", State.values)
def test_the_list_is_filtered_by_state(desk: Client, state: str) -> None:
    rows = {each: make_payout(state=each).pk for each in State.values}
    assert found(desk, PAYOUTS, state=state) == [rows[state]]


def test_what_needs_staff_is_found_in_any_state(desk: Client) -> None:
    make_payout()
    noted = [make_payout(state=state, staff_note="Look").pk for state in ("sent", "returned")]
    assert sorted(found(desk, PAYOUTS, state="staff")) == noted


def test_the_list_is_filtered_by_the_time_on_its_way(desk: Client) -> None:
    now = timezone.now()
    ages = [datetime.timedelta(minutes=50), datetime.timedelta(hours=2), datetime.timedelta(hours=30)]
    new, older, oldest = [make_payout(asked_at=now - age).pk for age in ages]
    make_payout(state="paid", asked_at=now - datetime.timedelta(days=9))
    assert sorted(found(desk, PAYOUTS, state="hour")) == [older, oldest]
    assert found(desk, PAYOUTS, state="day") == [oldest]
    assert new in found(desk, PAYOUTS)


def test_a_search_finds_a_reference_an_email_address_and_an_account_number(desk: Client) -> None:
    payout = make_payout(make_user("ada@example.com"))
    make_payout()
    reference, number = payout.transaction.reference, payout.recipient.account_number
    for term in (reference, reference.lower(), "Ada@example.com", number):
        assert found(desk, PAYOUTS, q=term) == [payout.pk], term
    assert found(desk, PAYOUTS, q=number[:9]) == []
    for term in ("ada@example.com", number):
        assert found(desk, RECIPIENTS, q=term) == [payout.recipient.pk]


def test_the_page_of_a_user_leads_to_their_withdrawals_and_bank_accounts(desk: Client) -> None:
    payout, other = make_payout(), make_payout()
    page = desk.get(reverse("admin:savings_user_change", args=[payout.user.pk])).text
    for name, row in ((PAYOUTS, payout), (RECIPIENTS, payout.recipient)):
        link = f"{reverse(name)}?user={payout.user.pk}"
        assert f'href="{link}"' in page
        assert [found.pk for found in desk.get(link).context["cl"].result_list] == [row.pk]
    assert payout.user.email not in link
    assert found(desk, PAYOUTS, user="x" * 40) == [other.pk, payout.pk]


def test_the_page_of_a_payout_shows_all_that_the_provider_said(desk: Client) -> None:
    payout = make_payout(
        state="paid",
        transfer_code="TRF_1",
        provider_status="success",
        provider_message="Approved",
        transferred_at=timezone.now(),
    )
    page = desk.get(detail(payout)).text
    for text in ("TRF_1", "Success", "Approved", "₦25.00", "₦1.87", "₦75.00", "ADA OBI", "Paid"):
        assert text in page
    # Without a link: this role sees no transactions.
    assert f'<span class="reference">{payout.transaction.reference}</span>' in page
    for model, pk in (
        ("user", payout.user_id),
        ("recipient", payout.recipient_id),
    ):
        assert f'href="{reverse(f"admin:savings_{model}_change", args=[pk])}"' in page
    assert f"webhookevent/?q={payout.transaction.reference.lower()}" in page


# The balance


def test_the_list_compares_the_balance_with_what_is_on_its_way(desk: Client) -> None:
    for state in ("waiting", "approval", "sent", "returned"):
        make_payout(state=state, amount_kobo=1_000_00)
    fund_balance(3_000_00)
    page = re.sub(r"\s+", " ", desk.get(reverse(PAYOUTS)).text)
    assert "the balance at the provider is ₦3,000.00. On its way to banks: ₦2,000.00." in page
    assert "Waits for approval: ₦1,000.00." in page
    assert "errornote" not in page


def test_a_balance_that_is_too_low_is_an_alarm(desk: Client) -> None:
    make_payout(amount_kobo=1_000_00)
    fund_balance(999_99)
    alarm = re.sub(r"\s+", " ", desk.get(reverse(PAYOUTS)).text.partition("errornote")[2])
    assert "₦999.99 for ₦1,000.00, so ₦0.01 is missing" in alarm


# Approving and refusing


def test_an_approved_withdrawal_is_sent_by_the_worker(desk: Client, staff: User) -> None:
    payout = make_payout(state="approval")
    assert "approved; the worker sends it when it is due" in act(desk, payout, "approve").text
    payout.refresh_from_db()
    assert (payout.state, payout.decided_by) == (State.WAITING, staff)
    assert OutboxRow.objects.filter(kind="payout", transaction=payout.transaction).exists()
    assert "approved" in LogEntry.objects.get(object_id=str(payout.pk)).get_change_message()
    assert "is not waiting for approval" in act(desk, payout, "approve").text


def test_a_withdrawal_is_approved_on_its_own_page_too(desk: Client) -> None:
    payout = make_payout(state="approval")
    assert 'value="approve"' in desk.get(detail(payout)).text
    chosen = {"CHANGE_FORM-action": "approve", "_selected_action": payout.pk}
    assert "approved" in desk.post(detail(payout), chosen, follow=True).text
    payout.refresh_from_db()
    assert payout.state == State.WAITING


def test_a_fee_has_one_amount_on_all_pages_of_staff() -> None:
    payout = make_payout()
    fee = Transaction.objects.get(kind="fee")
    assert fee.amount_kobo < FEES.total_kobo
    finance = sign_in(make_staff("Finance"))
    amount = money.naira(FEES.total_kobo)
    pages = [
        reverse("admin:savings_transaction_changelist"),
        reverse("admin:savings_transaction_change", args=[fee.pk]),
        reverse("admin:saver", args=[payout.user_id]),
    ]
    for page in pages:
        text = finance.get(page).text
        assert amount in text, page
        assert money.naira(fee.amount_kobo) not in text, page


@pytest.mark.parametrize("state", ["approval", "waiting"])
def test_a_refusal_gives_the_money_back_and_mails_the_reason(desk: Client, staff: User, state: str) -> None:
    payout = make_payout(state=state)
    page = act(desk, payout, "refuse")
    assert page.redirect_chain[-1][0] == refusal_of(payout)
    assert "Refuse ₦50,000.00" in page.text
    answer = desk.post(refusal_of(payout), {"reason": "Please call us"}, follow=True)
    assert "The money is back in the stash" in answer.text
    payout.refresh_from_db()
    assert (payout.state, payout.provider_message, payout.decided_by) == ("returned", "Please call us", staff)
    assert stash_of(payout) == 50_000_00 + FEES.total_kobo
    assert OutboxRow.objects.get(kind="payout_returned").user == payout.user
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize(("reason", "message"), [("", "required"), ("x" * 201, "at most 200")])
def test_a_refusal_needs_a_reason_that_fits(desk: Client, reason: str, message: str) -> None:
    payout = make_payout(state="approval")
    page = desk.post(refusal_of(payout), {"reason": reason})
    assert page.status_code == 422
    assert message in str(page.context["form"].errors["reason"])
    assert f">\n{reason}</textarea>" in page.text
    payout.refresh_from_db()
    assert (payout.state, stash_of(payout)) == (State.APPROVAL, 0)


def test_a_refusal_that_comes_too_late_is_answered_on_its_page(desk: Client) -> None:
    payout = make_payout(state="sent")
    page = desk.post(refusal_of(payout), {"reason": "Please call us"})
    assert (page.status_code, stash_of(payout)) == (422, 0)
    assert "was sent already" in page.text
    assert "Please call us" in page.text
    assert "Choose one withdrawal that was not sent yet" in act(desk, payout, "refuse").text


def test_nobody_decides_about_their_own_withdrawal(desk: Client, staff: User) -> None:
    payout = make_payout(staff, "approval")
    assert "Someone else has to decide" in act(desk, payout, "approve").text
    page = desk.post(refusal_of(payout), {"reason": "Mine"})
    assert page.status_code == 422
    assert "Someone else has to decide" in page.text
    payout.refresh_from_db()
    assert payout.state == State.APPROVAL


def test_only_staff_with_the_permission_decide() -> None:
    payout = make_payout(state="approval")
    viewer = sign_in(staff_with())
    for action in ("approve", "refuse"):
        act(viewer, payout, action)
    assert [viewer.get(refusal_of(payout)).status_code, viewer.post(refusal_of(payout)).status_code] == [
        403
    ] * 2
    assert 'value="approve"' not in viewer.get(detail(payout)).text
    payout.refresh_from_db()
    assert (payout.state, payout.decided_by) == (State.APPROVAL, None)


def test_a_payout_that_does_not_exist_cannot_be_refused(desk: Client) -> None:
    assert desk.get(reverse("admin:savings_payout_refuse", args=[10**12])).status_code == 404


# Asking the provider


def test_the_provider_is_asked_about_a_sent_payout_at_once(desk: Client) -> None:
    later = timezone.now() + datetime.timedelta(hours=1)
    payout = make_payout(state="sent", next_try_at=later)
    assert "asks the provider within a minute" in act(desk, payout, "ask_now").text
    payout.refresh_from_db()
    assert payout.next_try_at is not None
    assert payout.next_try_at <= timezone.now()


def test_nothing_is_asked_about_a_payout_that_was_not_sent(desk: Client) -> None:
    later = timezone.now() + datetime.timedelta(hours=1)
    payout = make_payout(next_try_at=later)
    assert "only about a withdrawal that is with the provider" in act(desk, payout, "ask_now").text
    payout.refresh_from_db()
    assert payout.next_try_at == later


# Bank accounts


def test_an_account_of_two_savers_is_a_warning(desk: Client) -> None:
    ours = make_recipient(make_user("ada@example.com"), account_number="0123456789")
    theirs = make_recipient(
        make_user("bola@example.com"), account_number="0123456789", removed_at=timezone.now()
    )
    make_recipient(make_user(), account_number="0123456789", bank_code="057")
    rows = desk.get(reverse(RECIPIENTS)).text
    assert rows.count("Also another saver’s") == 2
    warning = re.sub(r"\s+", " ", desk.get(detail(ours)).text.partition("errornote")[2])
    assert f'<a href="{detail(theirs)}">bola@example.com</a> (ADA OBI, removed).' in warning


def test_one_saver_with_one_account_is_no_warning(desk: Client) -> None:
    saver = make_user()
    removed = make_recipient(saver, account_number="0123456789", removed_at=timezone.now(), is_default=False)
    make_recipient(saver, account_number="0123456789")
    assert "Also another saver’s" not in desk.get(reverse(RECIPIENTS)).text
    assert "errornote" not in desk.get(detail(removed)).text


def test_a_removed_account_cancels_what_is_not_sent_to_it(desk: Client) -> None:
    payout = make_payout()
    said = act(desk, payout.recipient, "remove", RECIPIENTS).text
    assert "removed; 1 withdrawal cancelled" in said
    payout.refresh_from_db()
    assert (payout.state, stash_of(payout)) == (State.CANCELLED, 50_000_00 + FEES.total_kobo)
    assert "This bank account is already removed" in act(desk, payout.recipient, "remove", RECIPIENTS).text


def test_only_staff_with_the_permission_remove_an_account() -> None:
    recipient = make_recipient(make_user())
    act(sign_in(staff_with("change_payout")), recipient, "remove", RECIPIENTS)
    recipient.refresh_from_db()
    assert recipient.removed_at is None


# Costs


def test_lists_and_details_cost_the_same_with_many_rows(desk: Client) -> None:
    first = make_payout(state="sent", staff_note="Look")
    pages = [
        reverse(PAYOUTS),
        reverse(PAYOUTS) + "?state=sent",
        reverse(PAYOUTS) + "?state=staff",
        reverse(PAYOUTS) + "?state=hour",
        f"{reverse(PAYOUTS)}?user={first.user.pk}",
        f"{reverse(PAYOUTS)}?q={first.recipient.account_number}",
        reverse(RECIPIENTS),
        detail(first),
        detail(first.recipient),
    ]

    def costs() -> list[int]:
        found = []
        for page in pages:
            with CaptureQueriesContext(connection) as queries:
                assert desk.get(page).status_code == 200
            found.append(len(queries))
        return found

    costs()
    one = costs()
    an_hour_ago = timezone.now() - datetime.timedelta(hours=2)
    movements = Transaction.objects.bulk_create(
        Transaction(reference=f"STW{number:017}", kind="stash_withdrawal", user=first.user, amount_kobo=1)
        for number in range(99)
    )
    Payout.objects.bulk_create(
        Payout(
            transaction=movement,
            user=first.user,
            recipient=first.recipient,
            state="sent",
            staff_note="Look",
            asked_at=an_hour_ago,
            sent_at=an_hour_ago,
            next_try_at=an_hour_ago,
        )
        for movement in movements
    )
    for _ in range(99):
        make_recipient(make_user(), account_number=first.recipient.account_number)
    assert costs() == one


def test_the_transaction_of_a_withdrawal_says_that_it_waits_for_approval() -> None:
    browser = sign_in(make_staff("Support"))
    waits, sent = make_payout(state=State.APPROVAL), make_payout(state=State.SENT)
    for payout, state in ((waits, "Waits for approval"), (sent, "On its way")):
        for name, key in (("savings_transaction_change", payout.transaction_id), ("saver", payout.user_id)):
            assert state in BADGE.findall(browser.get(reverse(f"admin:{name}", args=[key])).text)
    listed = BADGE.findall(browser.get(reverse("admin:savings_transaction_changelist")).text)
    assert {"Waits for approval", "On its way"} <= set(listed)
