"""Lists and row pages of the admin in staff's words: states as badges, titles, buttons, and rows on a phone."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice, ledger, references
from savings.models import (
    Account,
    AuditRow,
    Case,
    JobRun,
    OutboxRow,
    Payment,
    TaxRate,
    Transaction,
    User,
    WebhookEvent,
)
from tests.factories import fund_balance, make_plan, make_transaction, make_user, pay_in
from tests.payouts import make_recipient
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in
from tests.withdrawals import make_payout
from web.messages import admin as words

pytestmark = pytest.mark.django_db
# The groups of the rights of a role, with how many it has.
RIGHTS = re.compile(r"<summary><b>(\w+)</b> <span class=\"quiet\">([^<]+)</span>")


@pytest.fixture
def desk(client: Client) -> Client:
    return sign_in(make_user("desk@example.com", is_staff=True, is_superuser=True), client)


def page(client: Client, name: str, *args: object, **query: str) -> str:
    return re.sub(r"\s+", " ", client.get(reverse(f"admin:{name}", args=args), query).text)


def open_case(summary: str, *, days_ago: int = 0, **fields: object) -> Case:
    opened_at = timezone.now() - datetime.timedelta(days=days_ago)
    return Case.objects.create(
        kind=Case.Kind.QUESTION, key=f"question:{summary}", summary=summary, opened_at=opened_at, **fields
    )


def test_a_state_is_a_badge_in_the_list_and_on_the_page(desk: Client) -> None:
    payout = make_payout(state="approval")
    badge = '<span class="badge wait">Waits for approval</span>'
    assert badge in page(desk, "savings_payout_changelist")
    assert badge in page(desk, "savings_payout_change", payout.pk)


def test_the_title_of_a_page_says_what_the_row_is(desk: Client) -> None:
    movement = pay_in(make_user(name="Ada Obi"), 4_000_00)
    day = timezone.localdate(movement.created_on)
    title = f"Card top-up of ₦4,000.00 by Ada Obi, {day.day} {day:%b %Y}"
    if movement.kind != Transaction.Kind.TOP_UP:
        title = title.replace("Card top-up", str(movement.get_kind_display()))
    assert f"<h1>{title}</h1>" in page(desk, "savings_transaction_change", movement.pk)


def test_a_movement_of_the_house_says_what_it_was_for(desk: Client) -> None:
    fund_balance(5_000_00)
    paid_in = Transaction.objects.filter(kind=Transaction.Kind.TREASURY).earliest("pk")
    text = page(desk, "savings_transaction_change", paid_in.pk)
    assert "<h1>Capital paid in: ₦5,000.00, " in text
    posting = reverse("admin:savings_manualposting_change", args=[paid_in.manual_posting.pk])
    assert f'<dt>Posted by hand</dt> <dd><a href="{posting}">For withdrawals</a></dd>' in text
    text = page(desk, "savings_transaction_changelist")
    assert "Capital paid in" in text
    assert "Top-up of the provider balance" in text


def test_accrued_interest_says_that_it_is(desk: Client) -> None:
    movement, _ = ledger.open_transaction(
        reference=references.new(Transaction.Kind.TREASURY), kind="treasury", user=None, amount_kobo=5_00
    )
    payable, expense = (
        ledger.house_account(kind) for kind in (Account.Kind.INTEREST_PAYABLE, Account.Kind.INTEREST_EXPENSE)
    )
    ledger.settle(movement, debit=expense, credit=payable)
    assert "<h1>Interest accrued at the end of a month: ₦5.00, " in page(
        desk, "savings_transaction_change", movement.pk
    )


def test_movements_of_the_house_are_read_at_once(desk: Client) -> None:
    fund_balance(5_000_00)
    page(desk, "savings_transaction_changelist")
    with CaptureQueriesContext(connection) as few:
        page(desk, "savings_transaction_changelist")
    for more in range(6, 10):
        fund_balance(more * 1_000_00)
    with CaptureQueriesContext(connection) as many:
        assert page(desk, "savings_transaction_changelist").count("Capital paid in") == 5
    assert len(many) == len(few)


def test_a_settlement_s_transaction_leads_to_it(desk: Client) -> None:
    paid_in = pay_in(make_user(), 5_000_00)
    Payment.objects.create(transaction=paid_in, provider_id=77, paid_kobo=5_000_00, fee_kobo=0)
    settlement = ledger.record_settlement(
        reference=references.new(Transaction.Kind.TREASURY),
        provider_id=9,
        settled_on=timezone.localdate(),
        gross_kobo=5_000_00,
        fees_kobo=0,
        payment_ids=[77],
    )
    text = page(desk, "savings_transaction_change", settlement.transaction_id)
    assert "<h1>Settlement to the bank: ₦5,000.00, " in text
    url = reverse("admin:savings_settlement_change", args=[settlement.pk])
    assert f'<dt>Settlement</dt> <dd><a href="{url}">9</a></dd>' in text


def test_a_mail_is_titled_by_its_subject_and_sent_again_only_by_choice(desk: Client) -> None:
    row = OutboxRow.objects.create(
        kind="welcome",
        dedupe_key="x",
        user=make_user(),
        subject="Your box is ready",
        text="Hello",
        due_at=None,
        done_at=timezone.now(),
    )
    text = page(desk, "savings_outboxrow_change", row.pk)
    assert "<h1>Your box is ready</h1>" in text
    assert re.findall(r'<button class="(button[^"]*)" name="CHANGE_FORM-action"', text) == ["button"]


def test_the_page_of_a_person_has_one_primary_button(desk: Client) -> None:
    text = page(desk, "savings_user_change", make_user().pk)
    assert "Saver’s page" in text
    assert "addlink" not in text
    assert text.count('class="button default"') == 1


def test_a_role_that_only_reads_has_no_card_of_actions_on_a_row(client: Client) -> None:
    movement = pay_in(make_user(), 4_000_00)
    assert "What you can do" in page(sign_in(make_staff("Finance")), "savings_plan_change", make_plan().pk)
    reader = sign_in(make_staff("Auditor"), client)
    for name, row in (("savings_plan_change", make_plan()), ("savings_transaction_change", movement)):
        assert "What you can do" not in page(reader, name, row.pk)


def test_a_row_of_a_list_has_its_parts_on_a_phone(desk: Client) -> None:
    pay_in(make_user(), 4_000_00)
    text = page(desk, "savings_transaction_changelist")
    parts = {part: label for label, part in re.findall(r'data-label="([^"]*)"[^>]*? data-part="(\w+)"', text)}
    assert {part: parts[part] for part in ("main", "sum", "state", "side", "when")} == {
        "main": "Kind",
        "sum": "Amount",
        "state": "State",
        "side": "Saver",
        "when": "Begun",
    }


def test_a_phone_shows_what_a_list_is_read_for(desk: Client) -> None:
    OutboxRow.objects.create(kind="welcome", dedupe_key="x", user=make_user(), error="No answer", tries=8)
    text = page(desk, "savings_outboxrow_changelist")
    assert re.search('data-label="Error"[^>]* data-part="text"[^>]*>No answer<', text)


def test_what_takes_something_back_is_red_also_alone(desk: Client) -> None:
    text = page(desk, "savings_recipient_change", make_recipient(make_user()).pk)
    assert re.findall(r'<button class="button(.*?)"\s+name="CHANGE_FORM-action"', text) == [" danger"]


def test_a_column_without_any_value_is_left_out(desk: Client) -> None:
    make_payout()
    assert "Why staff" not in page(desk, "savings_payout_changelist")
    make_payout(staff_note="The name differs")
    assert "Why staff" in page(desk, "savings_payout_changelist")


def test_what_can_be_done_is_a_button_that_says_what_follows(desk: Client) -> None:
    text = page(desk, "savings_payout_change", make_payout(state="approval").pk)
    assert re.findall(r'name="CHANGE_FORM-action" value="(\w+)"', text) == ["approve", "refuse"]
    assert "The saver gets it by email, and the money goes back to the stash." in text
    assert "What you can do" not in page(desk, "savings_payout_change", make_payout(state="paid").pk)


def test_cases_open_with_the_open_ones_oldest_first(desk: Client) -> None:
    now = timezone.now()
    first = open_case("first")
    open_case("over", state=Case.State.SOLVED, solved_at=now, outcome="Done")
    second = open_case("second")

    def listed(**query: str) -> list[int]:
        rows = desk.get(reverse("admin:savings_case_changelist"), query).context["cl"].result_list
        return [row.pk for row in rows]

    assert listed() == [first.pk, second.pk]
    assert len(listed(state="all")) == 3
    assert listed(state="open", after=str(first.pk)) == [second.pk]
    assert listed(state="open", before=str(second.pk)) == [first.pk]


def test_lists_have_the_names_that_staff_use(desk: Client) -> None:
    index = page(desk, "index")
    for name in (
        "Withdrawals",
        "Mails and tasks",
        "Provider events",
        "Auto-save rules",
        "Bank accounts",
    ):
        assert f">{name}</a>" in index, name
    assert "<h1>Provider events</h1>" in page(desk, "savings_webhookevent_changelist")
    assert "No event yet. The provider reports each payment and transfer here." in page(
        desk, "savings_webhookevent_changelist"
    )


def test_the_rights_of_a_role_are_boxes_by_list(desk: Client) -> None:
    group = Group.objects.create(name="Juniors")
    may_view = Permission.objects.get(codename="view_payout")
    text = page(desk, "auth_group_change", group.pk)
    assert '<th scope="row">Withdrawals</th>' in text
    assert f'name="permissions" value="{may_view.pk}"' in text
    form = {"name": "Juniors", "permissions": [may_view.pk]}
    desk.post(reverse("admin:auth_group_change", args=[group.pk]), form)
    assert list(group.permissions.all()) == [may_view]
    text = page(desk, "auth_group_change", group.pk)
    assert f'value="{may_view.pk}" checked' in text
    assert [name for name, _ in RIGHTS.findall(text)] == ["Savers", "Money", "Machinery"]
    assert ("Money", "1 right") in RIGHTS.findall(text)


def test_the_list_of_roles_says_what_each_may_do_and_how_many_have_it(desk: Client) -> None:
    group, _ = Group.objects.get_or_create(name="Auditor")
    group.user_set.add(make_user(), make_user())
    text = page(desk, "auth_group_changelist")
    assert "Looks at everything and exports lists. Changes nothing." in text
    assert re.search(r'class="field-people">2<', text)


def test_a_role_says_what_it_does_on_its_page_and_beside_its_box(desk: Client) -> None:
    group, _ = Group.objects.get_or_create(name="Auditor")
    sentence = "Looks at everything and exports lists. Changes nothing."
    assert sentence in page(desk, "auth_group_change", group.pk)
    person = make_user("ada@example.com")
    text = page(desk, "savings_user_change", person.pk)
    assert sentence in text
    assert "Superuser status" not in text
    assert "Designates" not in text


def test_the_rules_of_another_person_s_password_are_about_theirs(desk: Client) -> None:
    text = page(desk, "auth_user_password_change", make_user("ada@example.com").pk)
    assert "Their password must have at least 10 characters" in text
    assert "Your password" not in text


def test_staff_without_the_right_read_words_for_staff(client: Client) -> None:
    nobody = sign_in(make_user(is_staff=True), client)
    text = nobody.get(reverse("admin:treasury")).text
    assert "Your role doesn’t include it." in text
    assert "Your money" not in text


def test_the_own_password_is_changed_from_a_page_of_the_admin(desk: Client) -> None:
    text = page(desk, "password_change")
    assert 'id="staff-search"' in text
    assert f'action="{reverse("account_change_password")}"' in text
    assert f'name="next" value="{reverse("admin:index")}"' in text


def test_a_saver_s_page_masks_the_number_of_a_bank_account(desk: Client) -> None:
    payout = make_payout()
    text = page(desk, "saver", payout.user.pk)
    number = payout.recipient.account_number
    assert f"··{number[-4:]}" in text
    assert number not in text


def test_the_menu_is_a_link_on_every_page(desk: Client) -> None:
    assert 'class="menu" href="#lists"' in page(desk, "index")
    assert 'id="lists"' in page(desk, "index")
    text = page(desk, "savings_payout_changelist")
    assert 'class="menu" href="#nav-sidebar"' in text
    assert 'id="nav-sidebar"' in text


def test_a_user_s_page_keeps_rights_that_nobody_changes(desk: Client) -> None:
    person = make_user("ada@example.com", is_staff=True)
    right = Permission.objects.get(codename="view_payout")
    person.user_permissions.add(right)
    text = page(desk, "savings_user_change", person.pk)
    assert re.search(rf'name="user_permissions" value="{right.pk}" checked', text)


def test_the_audit_log_says_in_words_what_a_line_is_about() -> None:
    codes = ("payout:12", "request:3", "case:4", "found:user,plan", "")
    assert [words.subject(code) for code in codes] == [
        "Withdrawal 12",
        "Request 3",
        "Case 4",
        "Found: person, plan",
        "",
    ]


def test_what_has_no_value_is_named_once_below_the_details(desk: Client) -> None:
    movement = make_transaction("top_up", 5_00, user=make_user())
    payment = Payment.objects.create(transaction=movement)
    text = page(desk, "savings_payment_change", payment.pk)
    assert re.search(r"<summary>Not set: \d+ fields</summary> <p class=\"quiet\">[^<]*\bFee\b", text)
    assert "<dt>Fee</dt>" not in text


def test_what_only_technicians_need_is_folded(desk: Client) -> None:
    movement = make_transaction("top_up", 5_00, user=make_user(name="Ada Obi"))
    payment = Payment.objects.create(transaction=movement, provider_id=417)
    text = page(desk, "savings_payment_change", payment.pk)
    details, folded = text.split("For technicians:")
    assert "417" in folded
    assert "417" not in details
    # The person is linked by name.
    assert f'<a href="{reverse("admin:saver", args=[movement.user_id])}">Ada Obi</a>' in details


def test_an_account_shows_its_last_entries_in_constant_queries(
    desk: Client, django_assert_max_num_queries: Any
) -> None:
    user = make_user()
    for _ in range(12):
        pay_in(user, 1_00)
    account = ledger.stash_account(user)
    with django_assert_max_num_queries(16):
        text = page(desk, "savings_account_change", account.pk)
    assert text.count('data-label="Amount"') == 10


def test_the_entries_of_an_account_say_what_came_in_and_what_went_out(desk: Client) -> None:
    payout = make_payout()
    text = page(desk, "savings_account_change", ledger.stash_account(payout.user).pk)
    amounts = re.findall(r'<td data-label="Amount" class="sum"> ([+−-])', text)
    assert {sign.replace("-", "−") for sign in amounts} == {"+", "−"}
    assert "Balance ₦" in text


def test_a_line_of_the_audit_log_leads_to_the_others_of_the_same_person(desk: Client) -> None:
    staff = make_staff("Support")
    row = backoffice.record(backoffice.Verb.SEARCHED, by=staff, subject="found:user")
    text = page(desk, "savings_auditrow_change", row.pk)
    assert f"{reverse('admin:savings_auditrow_changelist')}?staff={staff.pk}" in text
    assert "<dt>What</dt>" not in text


def test_an_event_says_its_outcome_its_amount_and_its_payment(desk: Client, payment: Payment) -> None:
    event = WebhookEvent.objects.create(
        key="x",
        event="charge.success",
        reference=payment.transaction.reference,
        body='{"data": {"amount": 400000}}',
        due_at=None,
        processed_at=timezone.now(),
    )
    head = page(desk, "savings_webhookevent_change", event.pk).partition("Details</h2>")[0]
    assert "Processed" in head
    assert "₦4,000.00" in head
    assert reverse("admin:savings_payment_change", args=[payment.pk]) in head


@pytest.mark.parametrize(
    "body", ["", "[]", '{"data": null}', '{"data": {"amount": "1"}}', '{"data": {"amount": true}}']
)
def test_an_event_without_an_amount_has_a_page(desk: Client, body: str) -> None:
    event = WebhookEvent.objects.create(
        key="x", event="charge.success", body=body, needs_staff=True, due_at=None
    )
    assert "Needs staff" in page(desk, "savings_webhookevent_change", event.pk)


def test_a_job_says_when_it_runs_next(desk: Client) -> None:
    run = JobRun.objects.create(job="sweep_outbox", started_at=timezone.now(), ended_at=timezone.now())
    assert "Next run" in page(desk, "savings_jobrun_change", run.pk)


def test_a_page_of_our_own_is_marked_in_the_sidebar(desk: Client) -> None:
    for name, label in (("treasury", "Treasury"), ("health", "Ledger health"), ("requests", "Requests")):
        assert re.search(f'aria-current="page">{label}</a>', page(desk, name))


def test_a_person_whom_the_reader_may_not_change_has_the_page_of_a_row(client: Client) -> None:
    reader = sign_in(make_staff("Auditor"), client)
    text = page(reader, "savings_user_change", make_user("ada@example.com").pk)
    assert '<div id="content-main" class="row-page">' in text
    assert "<img" not in text.partition("Details</h2>")[2].partition("</section>")[0]


def test_a_row_of_one_fact_has_it_in_its_title_and_says_what_it_means(desk: Client) -> None:
    rate = make_plan().product.rates.create(from_days=90, rate_bps=1_150)
    text = page(desk, "savings_productrate_change", rate.pk)
    assert f"<h1>11.5% for {rate.product}</h1>" in text
    assert "with a term of 90 days or more earns this rate in a year." in text
    assert "<dt>Rate</dt>" not in text
    tax = TaxRate.objects.create(from_on=datetime.date(2031, 1, 1), rate_bps=750)
    text = page(desk, "savings_taxrate_change", tax.pk)
    assert "7.5% of the interest that is posted from 1 Jan 2031 on is withheld" in text
    assert "Details" not in text
    address = EmailAddress.objects.create(user=make_user(), email="a@example.com", verified=True)
    assert "Confirmed, not the main one" in page(desk, "account_emailaddress_change", address.pk)


def test_a_button_that_refuses_is_red_and_the_one_that_approves_is_the_primary(desk: Client) -> None:
    text = page(desk, "savings_payout_change", make_payout(state="approval").pk)
    buttons = dict(re.findall(r'<button class="(button[^"]*)" name="CHANGE_FORM-action" value="(\w+)"', text))
    assert buttons == {"button default": "approve", "button danger": "refuse"}


def test_what_nobody_changes_in_the_form_of_a_person_is_a_list(desk: Client) -> None:
    text = page(desk, "savings_user_change", make_user().pk)
    assert "<dt>Joined</dt>" in text
    assert "<dt>Closed</dt>" not in text
    assert "Superuser</label>" in text


def test_a_person_that_the_reader_may_not_change_has_their_emails_in_one_line() -> None:
    person = make_user(wants_receipts=False)
    text = page(sign_in(make_staff("Support")), "savings_user_change", person.pk)
    assert "<dd>Without: email for each top-up</dd>" in text
    assert "<dt>Superuser</dt>" in text


def test_a_moment_that_a_method_returns_is_written_for_people(desk: Client, payment: Payment) -> None:
    at = datetime.datetime(2028, 1, 20, 9, 30, tzinfo=datetime.UTC)
    Transaction.objects.filter(pk=payment.transaction_id).update(created_on=at)
    assert "20 Jan 2028, 10:30</dd>" in page(desk, "savings_payment_change", payment.pk)


def test_a_line_of_the_audit_log_says_what_was_done_and_to_what(finance: User) -> None:
    backoffice.record("saver_seen", by=finance, saver=None, subject="payout:12")
    row = AuditRow.objects.get(subject="payout:12")
    text = page(sign_in(make_staff("Auditor")), "savings_auditrow_change", row.pk)
    assert "Withdrawal 12" in text
    assert "payout:12" not in text
