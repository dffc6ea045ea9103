"""What the lists of the admin show: people, plans and references in words, exceptions, states, and looks as one row."""

from __future__ import annotations

import datetime
import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice, ledger, mails
from savings.models import (
    Account,
    AuditRow,
    AutosaveRule,
    Case,
    CoverageDay,
    Membership,
    OutboxRow,
    Payment,
    Plan,
    StaffRequest,
    Transaction,
    User,
)
from savings.tasks import HANDLERS
from tests.cards import make_card
from tests.factories import fund_balance, make_circle, make_plan, make_transaction, make_user, pay_in
from tests.payouts import make_recipient
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in
from tests.withdrawals import make_payout
from web.messages import admin as words
from web.messages import lists

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user("ada@example.com", name="Ada Okafor")


@pytest.fixture
def auditor(db: None) -> Client:
    """The browser of somebody who sees the audit log and exports lists."""
    return sign_in(make_staff("Auditor"))


def page(client: Client, model: str, **query: str) -> str:
    return re.sub(r"\s+", " ", client.get(reverse(f"admin:{model}_changelist"), query).text)


def test_a_person_is_named_with_a_link_and_the_address_below(desk: Client, ada: User) -> None:
    pay_in(ada, 5_00)
    named = f'<a href="{reverse("admin:saver", args=[ada.pk])}">Ada Okafor</a> <small>ada@example.com</small>'
    for model in ("savings_transaction", "savings_account"):
        assert named in page(desk, model), model


def accounts(client: Client, **query: str) -> list[Account]:
    response = client.get(reverse("admin:savings_account_changelist"), query)
    return list(response.context["cl"].result_list)


def test_the_accounts_of_the_house_come_first_by_kind(desk: Client, ada: User) -> None:
    pay_in(ada, 5_00)
    fund_balance(5_00)
    suspense = ledger.house_account(Account.Kind.SUSPENSE)
    shown = accounts(desk)
    kinds = [account.kind for account in shown if account.user is None]
    assert kinds == sorted(kinds, key=Account.Kind.values.index)
    assert [account.user for account in shown[len(kinds) :]] == [ada] * (len(shown) - len(kinds))
    assert accounts(desk, q=str(suspense.pk)) == [suspense]
    assert accounts(desk, before=str(shown[-1].pk)) == []


def test_an_account_of_the_house_has_its_balance_of_the_last_stored_day(desk: Client, ada: User) -> None:
    ledger.house_account(Account.Kind.SUSPENSE)
    assert "balance of" not in page(desk, "savings_account")
    CoverageDay.objects.create(
        day_on=datetime.date(2026, 11, 29),
        as_of=timezone.now(),
        owed_kobo=15_000_00,
        held_kobo=0,
        owed=[["Suspense", 15_000_00], ["Stashes", 1_00]],
        held=[["Provider balance", 7_00]],
    )
    text = page(desk, "savings_account")
    assert re.search(r"Suspense</a> <small>Account \d+, balance of 29 Nov</small>", text)
    assert ">₦15,000.00<" in text


def test_many_accounts_cost_the_queries_of_one(desk: Client, ada: User) -> None:
    pay_in(ada, 5_00)
    fund_balance(5_00)
    page(desk, "savings_account")
    with CaptureQueriesContext(connection) as few:
        page(desk, "savings_account")
    for _ in range(5):
        pay_in(make_user(), 5_00)
    ledger.house_account(Account.Kind.SUSPENSE)
    with CaptureQueriesContext(connection) as many:
        page(desk, "savings_account")
    assert len(many) == len(few)


def empty(client: Client, model: str, **query: str) -> str:
    """Return the sentence of a list without rows."""
    return page(client, model, **query).partition('class="nothing"')[2].partition("</p>")[0]


def test_an_empty_list_leads_to_the_page_that_it_names() -> None:
    desk = sign_in(make_user(is_staff=True, is_superuser=True))
    treasury = reverse("admin:treasury")
    assert reverse("admin:health") in empty(desk, "savings_ledgerproof")
    assert reverse("admin:requests") in empty(desk, "savings_productchange")
    assert f'<a href="{treasury}">{words.TREASURY}</a>' in empty(desk, "savings_manualposting")
    assert treasury not in empty(desk, "savings_manualposting", q="none")


def test_an_empty_list_leads_nowhere_for_those_who_may_not_go_there() -> None:
    reader = make_user(is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_productchange"))
    assert "<a" not in empty(sign_in(reader), "savings_productchange")


def test_the_audit_log_names_the_list_that_was_exported(auditor: Client) -> None:
    backoffice.request_export("savings.payout", {"state": "sent"}, by=make_staff("Auditor"))
    text = page(auditor, "savings_auditrow")
    assert "withdrawals, by state" in text
    assert "savings.payout" not in text


def test_why_a_payment_is_checked_stands_below_its_state(desk: Client, payment: Payment) -> None:
    Transaction.objects.filter(pk=payment.transaction_id).update(status="review")
    Payment.objects.filter(pk=payment.pk).update(review_reason="less")
    text = page(desk, "savings_payment")
    assert "Being checked</span> <small>Less than asked for</small>" in text
    assert "Review reason" not in text


def test_work_of_the_outbox_has_a_name() -> None:
    assert set(HANDLERS) - set(mails.KINDS) == set(words.TASKS)


def test_a_reader_without_the_right_gets_no_link_to_a_saver(ada: User) -> None:
    make_payout(ada)
    reader = make_user(is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename="view_payout"))
    text = page(sign_in(reader), "savings_payout")
    assert '<span class="named">Ada Okafor <small>ada@example.com</small></span>' in text


def test_staff_are_named_without_their_address(auditor: Client, finance: User, ada: User) -> None:
    backoffice.record("saver_seen", by=finance, saver=ada, subject=f"user:{ada.pk}")
    assert f'<span class="named" title="{finance.email}">' in page(auditor, "savings_auditrow")


def test_accounts_are_called_by_their_plan_and_owner(desk: Client, ada: User) -> None:
    plan = make_plan(ada, name="Rent", holding_kobo=5_00)
    account = Account.objects.get(plan=plan)
    url = reverse("admin:savings_account_change", args=[account.pk])
    assert f'<a href="{url}">Rent</a> <small>Ada Okafor</small>' in page(desk, "savings_entry")
    assert f"<small>Plan {account.pk}</small>" in page(desk, "savings_account")


def test_a_plan_that_is_on_its_own_line_of_a_transaction_is_folded(desk: Client, ada: User) -> None:
    plan = make_plan(ada, name="Rent", holding_kobo=5_00)
    text = page(desk, "savings_transaction")
    url = reverse("admin:savings_plan_change", args=[plan.pk])
    assert f'<small><a href="{url}">Rent</a></small>' in text
    assert 'class="column-plan"' not in text


def test_what_is_on_its_way_is_a_badge(desk: Client, ada: User) -> None:
    make_transaction("top_up", 5_00, user=ada, status="pending")
    assert '<span class="badge going">On its way</span>' in page(desk, "savings_transaction")


def test_a_matured_plan_is_not_running(desk: Client, ada: User) -> None:
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    plan = make_plan(ada)
    Plan.objects.filter(pk=plan.pk).update(
        started_on=yesterday - datetime.timedelta(days=90), matures_on=yesterday
    )
    text = page(desk, "savings_plan")
    assert "Matured</span>" in text
    assert "Running</span>" not in text


def test_a_bank_account_says_from_when_it_can_be_used(desk: Client, ada: User) -> None:
    later = timezone.now() + datetime.timedelta(days=3)
    make_recipient(ada, usable_at=later)
    day = timezone.localtime(later)
    assert f"Usable from {day.day} {day:%b}<" in page(desk, "savings_recipient")


def test_people_show_only_what_is_not_as_usual(desk: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(frozen="withdrawals")
    text = page(desk, "savings_user")
    assert '<span class="badge wait">Frozen</span>' in text
    assert "icon-yes" not in text


def test_money_that_waits_for_approval_is_not_on_its_way_to_banks(desk: Client, ada: User) -> None:
    make_payout(ada, state="approval")
    fund_balance(100_000_00)
    assert "On its way to banks: ₦0.00. Waits for approval: ₦" in page(desk, "savings_payout")


def test_the_amount_of_a_request_is_that_of_its_largest_entry(desk: Client, finance: User, ada: User) -> None:
    StaffRequest.objects.create(
        action="release",
        reference="STD1",
        subject="transaction:1",
        saver=ada,
        asked_by=finance,
        reason="Hers",
        expires_at=timezone.now(),
        lines=[["suspense:", "stash:1", 5_00, "primary"], ["stash:1", "tax_payable:", 1_00, "tax"]],
    )
    assert ">₦5.00<" in page(desk, "savings_staffrequest")


def test_a_list_without_rows_has_no_search_and_no_export(auditor: Client) -> None:
    text = page(auditor, "savings_closedmonth")
    assert "No month is closed yet." in text
    assert "Export as CSV" not in text
    assert 'id="searchbar"' in page(auditor, "savings_plan", q="nothing@example.com")


def test_an_empty_list_says_what_would_come(auditor: Client) -> None:
    assert "Savers open them from the products." in page(auditor, "savings_plan")


def test_the_search_the_filters_and_the_export_stand_in_one_row(auditor: Client, ada: User) -> None:
    make_plan(ada)
    text = page(auditor, "savings_plan", state="running")
    row = text[text.index('<div class="tools">') : text.index('id="changelist-form"')]
    for part in ('id="searchbar"', "Filters (1 set)", "Of circles", "Export as CSV"):
        assert part in row, part
    assert "1 row<" in text


def test_a_list_without_a_search_has_the_export_beside_its_title(auditor: Client, ada: User) -> None:
    make_plan(ada)
    text = page(auditor, "savings_product")
    assert text.index("Export as CSV") < text.index('id="changelist"')
    assert '<div class="tools">' not in text


def test_tries_are_shown_only_when_one_was_not_enough(desk: Client, ada: User) -> None:
    for tries in (1, 3):
        OutboxRow.objects.create(user=ada, kind="top_up", dedupe_key=str(tries), tries=tries)
    cells = re.findall(r'field-tries">([^<]*)<', page(desk, "savings_outboxrow"))
    assert cells == ["3", ""]


def test_the_choices_of_savers_are_in_the_words_of_staff(desk: Client, ada: User) -> None:
    rule = AutosaveRule.objects.create(
        reference="ASR1",
        user=ada,
        plan=make_plan(ada),
        source="stash",
        amount_kobo=5_00,
        every="week",
        weekday=4,
        next_on=timezone.localdate(),
    )
    text = desk.get(reverse("admin:savings_autosaverule_change", args=[rule.pk])).text
    assert "The stash" in text
    assert "Friday" in text
    assert "My stash" not in text
    monthly = {"every": "month", "weekday": None, "month_day": 1}
    into_stash = {"amount_kobo": 5_00, "plan": None, "source": "card", "card": make_card(ada)}
    for fields, cell in (
        ({"amount_kobo": None, **monthly}, 'field-amount">What is left to the goal<'),
        (into_stash, 'field-into">The stash<'),
    ):
        AutosaveRule.objects.update(**fields)
        assert cell in page(desk, "savings_autosaverule", q=ada.email)


def test_looks_at_the_same_saver_within_minutes_are_one_row(
    auditor: Client, finance: User, ada: User
) -> None:
    now = timezone.now()
    for minutes in (20, 4, 2, 0):
        at = now - datetime.timedelta(minutes=minutes)
        AuditRow.objects.create(verb="saver_seen", staff=finance, saver=ada, subject=f"user:{ada.pk}", at=at)
    text = page(auditor, "savings_auditrow", saver=str(ada.pk))
    assert text.count("Looked at a saver, 3 times") == 1
    assert text.count('field-what">Looked at a saver<') == 1


def test_the_installation_in_the_menu_is_its_row(desk: Client) -> None:
    assert reverse("admin:savings_installation_change", args=[1]) in desk.get(reverse("admin:index")).text


def test_a_search_in_words_finds_the_code(auditor: Client, ada: User) -> None:
    backoffice.record("payout_decided", by=None, saver=ada, subject="payout:12")
    assert "Withdrawal 12" in page(auditor, "savings_auditrow", q="Withdrawal 12")


def test_the_audit_log_names_the_action_of_a_request(auditor: Client, finance: User, ada: User) -> None:
    backoffice.record("request_made", by=finance, saver=ada, text="release: The saver sent it")
    assert "Release what arrived: The saver sent it" in page(auditor, "savings_auditrow")


@pytest.mark.parametrize(
    ("days", "said"), [(0, "Any term"), (1, "1 day and more"), (1_095, "1,095 days and more")]
)
def test_the_term_of_a_rate(days: int, said: str) -> None:
    assert lists.term_from(days) == said


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Withdrawal 12", "payout:12"),
        ("request 3", "request:3"),
        ("case 4", "case:4"),
        ("payout:12", "payout:12"),
    ],
)
def test_the_code_of_words(typed: str, code: str) -> None:
    assert words.code_of(typed) == code


@pytest.mark.parametrize(
    ("summary", "title", "facts"),
    [
        (
            "STD01M2W5DDXGGG10DSC: ₦30.00 asked for, ₦15.00 arrived. Another amount arrived than was asked for.",
            "Another amount arrived than was asked for",
            "₦30.00 asked for, ₦15.00 arrived",
        ),
        (
            "Withdrawal STW01M8NFM7HPRMPPTW2 of ₦45,000.00 waits for approval.",
            "Withdrawal of ₦45,000.00 waits for approval",
            "",
        ),
        ("Where is it?", "Where is it?", ""),
    ],
)
def test_a_case_is_called_by_its_problem(summary: str, title: str, facts: str) -> None:
    assert lists.case_title(summary) == (title, facts)


def test_a_case_has_its_amount_and_age(desk: Client, ada: User) -> None:
    Case.objects.create(
        kind=Case.Kind.PAYOUT,
        key="payout:1",
        saver=ada,
        summary="It did not arrive.",
        payout=make_payout(ada),
        opened_at=timezone.now() - datetime.timedelta(hours=5),
    )
    text = page(desk, "savings_case")
    assert "for 5\xa0hours" in text or "for 5 hours" in text
    assert "data-money" in text


def test_the_members_and_events_of_one_circle(desk: Client, ada: User) -> None:
    circle, other = make_circle(owner=ada), make_circle(owner=ada)
    for one in (circle, other):
        Membership.objects.create(circle=one, user=ada, plan=make_plan(ada), nickname=f"In {one.pk}")
    text = page(desk, "savings_membership", circle=str(circle.pk))
    assert f"In {circle.pk}" in text
    assert f"In {other.pk}" not in text
    assert f"?circle={circle.pk}" in page(desk, "savings_circle")


def test_a_mail_is_called_by_its_subject_without_its_secret(desk: Client, ada: User) -> None:
    OutboxRow.objects.create(
        kind="welcome",
        dedupe_key="w",
        user=ada,
        subject="Your code is 2781 9294",
        text="x",
        payload={"secret": "2781 9294"},
    )
    text = page(desk, "savings_outboxrow")
    assert "Your code is" in text
    assert "2781 9294" not in text


def test_a_search_with_one_match_leads_to_it(desk: Client, ada: User) -> None:
    plan = make_plan(ada, name="Rent")
    make_plan(make_user("bola@example.com"))
    url = reverse("admin:savings_plan_change", args=[plan.pk])
    button = f'<a class="button" href="{url}'
    assert button not in page(desk, "savings_plan")
    assert button in page(desk, "savings_plan", q="ada@example.com")


def test_the_search_of_a_list_says_what_it_searches_and_begins_at_the_first_page(
    desk: Client, ada: User
) -> None:
    after = make_plan(ada).pk + 1
    form = page(desk, "savings_plan", before=str(after)).partition('id="changelist-search"')[2]
    form = form.partition("</form>")[0]
    assert 'placeholder="Find in plans"' in form
    assert "before" not in form


def test_the_title_of_a_case_about_an_event_has_no_code() -> None:
    title = lists.case_title("charge.success TOP01M8PQGWK53574HC2: Another amount than we asked for.")
    assert title == ("Another amount than we asked for", "Payment succeeded")
