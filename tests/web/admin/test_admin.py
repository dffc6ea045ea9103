"""The admin: every page opens, no list counts rows, read-only rows stay unchanged, and failed rows can be retried."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import backoffice, outbox, payments, references
from savings.models import (
    Account,
    AuditRow,
    AutosaveRule,
    AutosaveRun,
    BalanceDay,
    BoardDay,
    CalendarFeed,
    Case,
    Circle,
    CircleEvent,
    ClosedMonth,
    CoverageDay,
    Device,
    DigestLine,
    Dispute,
    EmailChange,
    Entry,
    ForfeitedInterest,
    InterestPosting,
    JobRun,
    LedgerProof,
    ManualPosting,
    Membership,
    MoneyDay,
    Notice,
    OutboxRow,
    Payment,
    Payout,
    Plan,
    Postponement,
    Product,
    ProductChange,
    RatePeriod,
    Refund,
    SavedCard,
    Settlement,
    StaffExport,
    StaffNote,
    StaffRequest,
    Statement,
    StatementSubscription,
    ToldPlaces,
    Transaction,
    UsedTotpStep,
    User,
    WebhookEvent,
)
from tests.factories import fill, make_plan, make_product, make_transaction, make_user, pay_in
from tests.payouts import make_recipient
from tests.provider import Provider
from tests.web.staff import sign_in
from web.admin.base import ReadOnlyAdmin

pytestmark = pytest.mark.django_db

LARGE = [model for model in admin.site._registry if model is not Group]
READ_ONLY = [model for model, its in admin.site._registry.items() if isinstance(its, ReadOnlyAdmin)]


def url(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def superuser(client: Client) -> Client:
    return sign_in(make_user(is_staff=True, is_superuser=True), client)


@pytest.fixture
def support() -> Client:
    """A member of staff who may view everything and has the support permissions."""
    user = make_user(is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__startswith="view_")
        | Permission.objects.filter(
            codename__in=["change_payment", "change_outboxrow", "change_postponement"]
        )
    )
    return sign_in(user)


def add_rows(times: int) -> None:
    """Add that many rows to every list of the admin."""
    plan = make_plan(holding_kobo=100)
    fill(plan.user, times, plan=plan)
    now = timezone.now()
    movements = list(Transaction.objects.filter(plan=plan).order_by("-id")[:times])
    users = User.objects.bulk_create(User(email=f"{plan.pk}-{n}@example.com", name="X") for n in range(times))
    Payment.objects.bulk_create(Payment(transaction=movement, meant_for=plan) for movement in movements)
    OutboxRow.objects.bulk_create(
        OutboxRow(kind="welcome", dedupe_key=f"{user.pk}", user=user, transaction=movements[0])
        for user in users
    )
    WebhookEvent.objects.bulk_create(
        WebhookEvent(key=f"{user.pk}", event="charge.success", body="{}") for user in users
    )
    plans = Plan.objects.bulk_create(
        Plan(
            reference=f"PLN{user.pk:017}",
            user=user,
            product=plan.product,
            name="Rent",
            rate_bps=850,
            early_exit="free",
            interest_paid="monthly",
            started_on=now.date(),
        )
        for user in users
    )
    accounts = Account.objects.bulk_create(
        Account(kind="plan", plan=p, user=p.user, balance_kobo=0) for p in plans
    )
    RatePeriod.objects.bulk_create(
        RatePeriod(account=one, from_day=700_000, rate_bps=850) for one in accounts
    )
    ForfeitedInterest.objects.bulk_create(
        ForfeitedInterest(account=one, transaction=movement, numerator=5)
        for one, movement in zip(accounts, movements, strict=True)
    )
    InterestPosting.objects.bulk_create(
        InterestPosting(
            account=one,
            period_start=700_000,
            period_end=700_031,
            numerator=3_650_000,
            gross_kobo=1,
            remainder=0,
            tax_rate_bps=1_000,
            tax_kobo=0,
            tax_remainder=1_000,
            interest=movement,
        )
        for one, movement in zip(accounts, movements, strict=True)
    )
    Notice.objects.bulk_create(
        Notice(
            reference=f"NTC{p.pk:017}",
            user=p.user,
            plan=p,
            amount_kobo=5,
            due_at=now + datetime.timedelta(days=1),
        )
        for p in plans
    )
    add_provider_rows(movements)
    products = [make_product() for _ in range(min(times, 20))]
    assert products
    for user in users:
        Device.objects.create(user=user, token_hash="x", label="Phone")
        CalendarFeed.objects.create(user=user, nonce="THE-SECRET")
        EmailChange.objects.create(user=user, old_email=f"was-{user.email}", new_email=user.email)
        UsedTotpStep.objects.create(user=user, step=59_000_000)
        EmailAddress.objects.create(user=user, email=user.email)
        Authenticator.objects.create(user=user, type="totp", data={"secret": "THE-SECRET"})
        UserSession.objects.create(user=user, session_key=f"THE-SECRET{user.pk}", ip="127.0.0.1")
    Postponement.objects.bulk_create(
        Postponement(task="mature_plan", row_id=plan.pk, reason="no", retry_at=now) for plan in plans
    )
    add_backoffice_rows(users, products[0])
    for user in users:
        day = now.date() - datetime.timedelta(days=user.pk)
        MoneyDay.objects.create(day_on=day, counted_at=now, in_kobo=5)
        LedgerProof.objects.create(command="manage.py check_ledger", ended_at=now)
    JobRun.objects.bulk_create(JobRun(job=f"job-{plan.pk}", started_at=now) for plan in plans)
    BalanceDay.objects.bulk_create(
        BalanceDay(
            day_on=now.date() - datetime.timedelta(days=user.pk),
            product=product,
            accounts=1,
            balance_kobo=5,
        )
        for user in users
        for product in (None, products[0])
    )
    add_circles(users, plans, products[0])
    add_statements(users)
    add_treasury(users, movements)
    add_payouts(users, movements)
    add_cards(users, movements)
    add_rules(plans)


def add_cards(users: list[User], movements: list[Transaction]) -> None:
    SavedCard.objects.bulk_create(
        SavedCard(
            user=user,
            authorization_code="THE-SECRET",
            signature=f"THE-SECRET{user.pk}",
            email=user.email,
            brand="Visa",
            last4="4242",
            payment=movement.payment,
            mandate="I agree.",
            mandate_at=timezone.now(),
        )
        for user, movement in zip(users, movements, strict=True)
    )


def add_rules(plans: list[Plan]) -> None:
    rules = AutosaveRule.objects.bulk_create(
        AutosaveRule(
            reference=f"ASR{plan.pk}",
            user=plan.user,
            plan=plan,
            source="stash",
            amount_kobo=100_00,
            every="day",
            next_on=timezone.localdate(),
        )
        for plan in plans
    )
    AutosaveRun.objects.bulk_create(
        AutosaveRun(
            rule=rule,
            due_on=timezone.localdate(),
            amount_kobo=100_00,
            source="stash",
            next_try_at=timezone.now(),
            reason="short",
        )
        for rule in rules
    )


def add_payouts(users: list[User], movements: list[Transaction]) -> None:
    recipients = [make_recipient(user) for user in users]
    soon = timezone.now()
    Payout.objects.bulk_create(
        Payout(transaction=movement, user=one.user, recipient=one, next_try_at=soon, staff_note="Look at it")
        for one, movement in zip(recipients, movements, strict=True)
    )


def add_treasury(users: list[User], movements: list[Transaction]) -> None:
    """Add closed months and days of coverage that earlier calls have not added, and a manual posting for each user."""
    first = datetime.date(2000, 1, 1) + datetime.timedelta(days=CoverageDay.objects.order_by("id").count())
    days = [first + datetime.timedelta(days=number) for number in range(len(users))]
    now = timezone.now()
    CoverageDay.objects.bulk_create(
        CoverageDay(day_on=day, as_of=now, owed_kobo=5, held_kobo=5, owed=[["Plans", 5]], held=[["Bank", 5]])
        for day in days
    )
    ClosedMonth.objects.bulk_create(
        ClosedMonth(month_on=day, ends_at="2000-02-01T00:00Z", last_entry_id=1, lines=[["stash", 0, 0, 5, 5]])
        for day in days
    )
    ManualPosting.objects.bulk_create(
        ManualPosting(transaction=movement, asked_by=user, approved_by=movement.user, reason="Monthly")
        for user, movement in zip(users, movements, strict=True)
        if movement.user
    )


def add_backoffice_rows(users: list[User], product: Product) -> None:
    now, another = timezone.now(), make_user(is_staff=True)
    for user in users:
        case = Case.objects.create(
            kind=Case.Kind.QUESTION, key=f"question:{user.pk}", saver=user, summary="Where is it?"
        )
        StaffNote.objects.create(case=case, saver=user, author=user, text="Called back")
        AuditRow.objects.create(verb="saver_seen", staff=user, saver=user, subject=f"user:{user.pk}")
        ProductChange.objects.create(
            product=product,
            terms={name: getattr(product, name) for name in backoffice.TERMS},
            rates=[[0, 850]],
            valid_from=now.date(),
            asked_by=user,
            approved_by=another,
            reason="More",
        )
        StaffExport.objects.create(asked_by=user, listed="savings.payment")
        StaffRequest.objects.create(
            action="release",
            reference=f"STD{user.pk:017}",
            subject=f"payment:{user.pk}",
            saver=user,
            asked_by=user,
            reason="It is hers",
            expires_at=now,
        )


def add_provider_rows(movements: list[Transaction]) -> None:
    today = timezone.localdate()
    for movement in movements:
        Settlement.objects.create(provider_id=movement.pk, settled_on=today, gross_kobo=100, fees_kobo=1)
        Refund.objects.create(transaction=movement, payment=movement.payment)
        Dispute.objects.create(payment=movement.payment, provider_id=movement.pk, amount_kobo=5)


def add_statements(users: list[User]) -> None:
    today = timezone.localdate()
    asked = {"scope": "stash", "format": "pdf"}
    Statement.objects.bulk_create(
        Statement(
            user=user,
            code=f"{user.pk}",
            since=today,
            until=today,
            file_name="THE-SECRET",
            sealed_password="THE-SECRET",
            **asked,
        )
        for user in users
    )
    StatementSubscription.objects.bulk_create(
        StatementSubscription(user=user, next_month=today, **asked) for user in users
    )


def add_circles(users: list[User], plans: list[Plan], product: Product) -> None:
    today = timezone.localdate()
    rows = Circle.objects.bulk_create(
        Circle(
            slug=f"circle-{user.pk}",
            name="Enugu",
            product=product,
            goal_kobo=1,
            starts_on=today,
            ends_on=today.replace(year=today.year + 1),
            owner=user,
            invite_code=f"THE-SECRET{user.pk}",
        )
        for user in users
    )
    members = Membership.objects.bulk_create(
        Membership(circle=circle, user=plan.user, plan=plan, nickname="A")
        for circle, plan in zip(rows, plans, strict=True)
    )
    BoardDay.objects.bulk_create(
        BoardDay(circle=circle, day=today, taken_at=timezone.now(), size=0, marks=[]) for circle in rows
    )
    CircleEvent.objects.bulk_create(
        CircleEvent(circle=member.circle, membership=member, kind="joined") for member in members
    )
    ToldPlaces.objects.bulk_create(ToldPlaces(circle=circle) for circle in rows)
    DigestLine.objects.bulk_create(
        DigestLine(user=member.user, membership=member, week=today, change_kobo=1) for member in members
    )


def test_every_model_of_ours_is_there() -> None:
    assert set(apps.get_app_config("savings").get_models()) <= set(admin.site._registry)


def test_every_page_opens_for_a_superuser_and_for_support(superuser: Client, support: Client) -> None:
    add_rows(2)
    for model in LARGE:
        row = model._default_manager.order_by("-pk")[0]
        for client in (superuser, support):
            if client is support and model._meta.app_label != "savings":
                continue
            for page in (
                url(model, "changelist"),
                url(model, "change", row.pk),
                url(model, "history", row.pk),
            ):
                response = client.get(page)
                assert response.status_code == 200, page
                assert b"THE-SECRET" not in response.content, page
                assert not re.search(rb"\sstyle=|<script(?![^>]*\ssrc=)|<style", response.content), page
    for model in (User, Group):
        assert superuser.get(url(model, "add")).status_code == 200
    assert superuser.get(reverse("admin:index")).status_code == 200


def test_no_page_shows_kobo_basis_points_or_none(superuser: Client) -> None:
    add_rows(2)
    add_circles_with_rates()
    for model in LARGE:
        row = model._default_manager.order_by("-pk")[0]
        for page in (url(model, "changelist"), url(model, "change", row.pk)):
            html = superuser.get(page).content.decode()
            assert not re.search(r">\s*None\s*<", html), page
            if model is not Product:
                assert not re.search(r"\b(kobo|bps)\b(?=[:\s]*<)", html.lower()), page


def test_amounts_rates_and_steps_are_written_out(superuser: Client) -> None:
    add_rows(1)
    add_circles_with_rates()
    circle = superuser.get(url(Circle, "change", Circle.objects.latest("id").pk)).content.decode()
    assert ">₦1,234.50<" in circle
    assert "8.5% from 0 days<br>11% from 90 days" in circle
    assert "8.50%" in superuser.get(url(Plan, "changelist")).content.decode()


def test_a_row_s_page_folds_the_names_of_what_has_no_value(superuser: Client) -> None:
    movement = pay_in(make_user(), 5_00)
    page = superuser.get(reverse("admin:savings_transaction_change", args=[movement.pk])).text
    assert "Not set: 5 fields" in page
    assert ">Plan, Failure code, Reverses, Refunds, Part of.<" in page
    assert "<dt>Failure code</dt>" not in page


def test_nobody_reads_what_charges_a_card_again(superuser: Client) -> None:
    body = '{"data": {"authorization": {"authorization_code": "AUTH_x1", "signature": "SIG_x1", "bank": "Demo"}}}'
    event = WebhookEvent.objects.create(key="k", event="charge.success", body=body)
    page = superuser.get(reverse("admin:savings_webhookevent_change", args=[event.pk])).text
    assert "Demo" in page
    assert "AUTH_x1" not in page
    assert "SIG_x1" not in page


def test_the_head_of_a_column_of_money_stands_above_the_amounts(superuser: Client) -> None:
    pay_in(make_user(), 5_00)
    page = superuser.get(reverse("admin:savings_transaction_changelist")).text
    assert re.findall(r"<th scope=.col. data-money[^>]*>\s*<div class=.text.><span>(.*?)</span>", page) == [
        "Amount"
    ]


def test_lists_are_called_what_they_hold(superuser: Client) -> None:
    index = superuser.get(reverse("admin:index")).content.decode()
    assert "Last mails about ranks<" in index
    assert "Used authenticator codes<" in index


def add_circles_with_rates() -> None:
    Circle.objects.update(min_target_kobo=123_450, rates=[[0, 850], [90, 1100]])


def test_savers_and_visitors_cannot_open_it(saver_client: Client, client: Client) -> None:
    assert saver_client.get(reverse("admin:index"), follow=True).status_code == 403
    assert Client().get(url(Transaction, "changelist")).status_code == 302


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_nobody_changes_what_is_read_only(model: type[Model], superuser: Client) -> None:
    add_rows(1)
    row = model._default_manager.order_by("-pk")[0]
    before = model._default_manager.filter(pk=row.pk).values().get()
    assert superuser.post(url(model, "add"), {}).status_code == 403
    assert superuser.post(url(model, "change", row.pk), {"amount_kobo": 1}).status_code == 403
    assert superuser.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    superuser.post(url(model, "changelist"), chosen)
    assert model._default_manager.filter(pk=row.pk).values().get() == before


def test_lists_cost_the_same_for_one_row_and_for_many_and_count_nothing(superuser: Client) -> None:
    def costs() -> dict[str, int]:
        found = {}
        for model in LARGE:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert superuser.get(url(model, "changelist")).status_code == 200
            assert not [query["sql"] for query in queries if "COUNT(" in query["sql"]]
            found[model.__name__] = len(queries)
        return found

    add_rows(1)
    costs()
    one = costs()
    add_rows(200)
    assert costs() == one


def test_a_row_costs_the_same_with_one_entry_and_with_many_rows_beside_it(superuser: Client) -> None:
    add_rows(1)
    row = Transaction.objects.latest("id")
    superuser.get(url(Transaction, "change", row.pk))
    with CaptureQueriesContext(connection) as few:
        superuser.get(url(Transaction, "change", row.pk))
    add_rows(50)
    with CaptureQueriesContext(connection) as many:
        superuser.get(url(Transaction, "change", row.pk))
    assert len(few) == len(many)
    assert not [query["sql"] for query in many if "COUNT(" in query["sql"]]


def test_lists_are_walked_in_both_directions_without_a_gap(superuser: Client) -> None:
    add_rows(120)
    seen: list[int] = []
    page: Any = "?"
    for _ in range(3):
        response = superuser.get(url(Entry, "changelist") + page)
        seen += [row.pk for row in response.context["cl"].result_list]
        page = response.context["cl"].page.older
    assert seen == list(Entry.objects.order_by("-id").values_list("pk", flat=True))
    assert page is None
    back = superuser.get(url(Entry, "changelist") + response.context["cl"].page.newer)
    assert [row.pk for row in back.context["cl"].result_list] == seen[50:100]


def found(client: Client, model: type[Model], term: str) -> list[Any]:
    return [row.pk for row in client.get(url(model, "changelist"), {"q": term}).context["cl"].result_list]


def test_a_search_finds_the_whole_reference_or_address_and_no_part_of_it(support: Client) -> None:
    ours = make_plan(make_user("ada@example.com"), holding_kobo=500)
    make_plan(holding_kobo=500)
    movement = ours.transactions.get()
    assert found(support, Transaction, f" {movement.reference.lower()} ") == [movement.pk]
    assert found(support, Transaction, "Ada@example.com") == [movement.pk]
    assert found(support, Transaction, movement.reference[:10]) == []
    assert found(support, Transaction, "ada@") == []
    assert found(support, Account, "ada@example.com") == [ours.account.pk]
    assert found(support, Account, str(ours.account.pk)) == [ours.account.pk]
    assert found(support, Account, "ten") == []
    assert found(support, Entry, movement.reference) == [movement.entries.get().pk]
    assert found(support, User, "ada@example.com") == [ours.user.pk]
    assert found(support, Plan, ours.reference) == [ours.pk]


def test_only_the_offered_filters_work(support: Client) -> None:
    make_plan(holding_kobo=500)
    checked = make_transaction("top_up", 500, user=make_user(), status="review")
    page = url(Transaction, "changelist")
    picked = support.get(page, {"state": "review"}).context["cl"].result_list
    assert [row.pk for row in picked] == [checked.pk]
    assert support.get(page, {"amount_kobo__gt": "5"}).status_code == 400


def test_coverage_below_the_whole_is_an_alarm(support: Client) -> None:
    page = url(CoverageDay, "changelist")
    day = {"as_of": timezone.now(), "owed": [["Plans", 10_000]], "held": [["Bank", 9_999]]}
    CoverageDay.objects.create(day_on=datetime.date(2026, 1, 1), owed_kobo=10_000, held_kobo=9_999, **day)
    alarm = "Coverage of 2026-01-01 is 99.99%: ₦0.01 is missing."
    assert alarm in support.get(page).text
    CoverageDay.objects.create(day_on=datetime.date(2026, 1, 2), owed_kobo=10_000, held_kobo=10_000, **day)
    assert "is missing" not in support.get(page).text


# Retrying


def dead_row() -> OutboxRow:
    now = timezone.now()
    return OutboxRow.objects.create(
        kind="welcome",
        dedupe_key=f"w{OutboxRow.objects.count()}",
        user=make_user(),
        dead_at=now,
        due_at=None,
        tries=8,
        error="SMTP: no",
    )


def test_a_dead_row_can_be_retried(support: Client) -> None:
    row = dead_row()
    assert b"SMTP: no" in support.get(url(OutboxRow, "changelist"), {"state": "dead"}).content
    chosen = {"action": "try_again", "_selected_action": [row.pk]}
    assert b"will be retried" in support.post(url(OutboxRow, "changelist"), chosen, follow=True).content
    row.refresh_from_db()
    assert (row.dead_at, row.tries) == (None, 0)
    assert (
        b"Only a row that was given up"
        in support.post(url(OutboxRow, "changelist"), chosen, follow=True).content
    )


def test_one_row_that_fails_keeps_no_other_from_an_action(
    support: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = dead_row(), dead_row()
    real = outbox.retry_dead_row

    def try_again(row: OutboxRow) -> bool:
        if row == bad:
            raise ValueError("no")
        return real(row)

    monkeypatch.setattr(outbox, "retry_dead_row", try_again)
    chosen = {"action": "try_again", "_selected_action": [bad.pk, good.pk]}
    page = support.post(url(OutboxRow, "changelist"), chosen, follow=True).text
    assert f"Welcome {bad.pk}: ValueError: no" in page
    assert f"Welcome {good.pk}: will be retried" in page
    assert OutboxRow.objects.get(dead_at=None) == good


def test_a_postponed_row_can_be_retried_at_the_next_run(support: Client) -> None:
    later = timezone.now() + datetime.timedelta(hours=6)
    row = Postponement.objects.create(task="mature_plan", row_id=7, reason="no", retry_at=later)
    chosen = {"action": "try_again", "_selected_action": [row.pk]}
    assert b"will be retried" in support.post(url(Postponement, "changelist"), chosen, follow=True).content
    row.refresh_from_db()
    assert row.retry_at <= timezone.now()


def test_a_payment_can_be_asked_about_again(
    support: Client, provider: Provider, django_capture_on_commit_callbacks: Any
) -> None:
    payment = payments.start_payment(
        make_user(), plan=None, amount_kobo=500_00, reference=references.new("stash_deposit")
    )
    provider.pay(payment, "silent")
    chosen = {"action": "ask_again", "_selected_action": [payment.pk]}
    assert b"now: done" in support.post(url(Payment, "changelist"), chosen, follow=True).content
    payment.transaction.refresh_from_db()
    assert payment.transaction.status == Transaction.Status.SUCCESS


def test_view_permission_does_not_allow_a_retry(client: Client) -> None:
    user = make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    sign_in(user, client)
    row = dead_row()
    client.post(url(OutboxRow, "changelist"), {"action": "try_again", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.dead_at


def test_the_link_of_a_mail_that_waits_is_not_shown(support: Client, settings: Settings) -> None:
    settings.SHOWS_MAILBOX = False
    row = OutboxRow.objects.create(
        kind="account",
        dedupe_key="a",
        to="x@example.com",
        payload={"secret": "a-secret-code"},
        subject="a-secret-code",
        text="Code: a-secret-code",
        html="a-secret-code",
    )
    for page in (url(OutboxRow, "changelist"), url(OutboxRow, "change", row.pk)):
        assert b"a-secret-code" not in support.get(page).content


# Users and products


def test_staff_who_edit_users_cannot_raise_their_own_rights(client: Client) -> None:
    user = make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    sign_in(user, client)
    fields = {"email": user.email, "name": "New name", "is_active": "on", "is_superuser": "on", "theme": ""}
    assert client.post(url(User, "change", user.pk), fields).status_code == 302
    user.refresh_from_db()
    assert (user.name, user.is_superuser, user.is_staff) == ("New name", False, True)


def test_a_superuser_adds_people_by_their_address(superuser: Client) -> None:
    password = "a long and unusual one"
    fields = {"email": "New@Example.com", "name": "New", "usable_password": "true"}
    response = superuser.post(url(User, "add"), fields | {"password1": password, "password2": password})
    assert response.status_code == 302
    assert User.objects.get(email="new@example.com").check_password(password)
