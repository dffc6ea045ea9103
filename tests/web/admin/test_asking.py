"""Asking for an action: its form, the preview of what it posts, and one request for it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from savings import backoffice, ledger, plans, references
from savings.models import Account, Case, Entry, OutboxRow, StaffRequest, Transaction, User
from tests.factories import make_plan, make_user, pay_in, put_in
from tests.refunds import charge_back
from tests.savings.backoffice.conftest import ARRIVED, make_staff
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db
State = StaffRequest.State


def page_of(action: str, **ids: int) -> str:
    return reverse("admin:ask", args=[action], query=ids)


def hidden(response: Any, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', response.text)
    assert found, f"{name} is not on the page"
    return found[1]


def preview(client: Client, url: str, **typed: str) -> Any:
    """Press the button of another page, or `Preview` with what is typed."""
    if not typed:
        return client.post(url, {"step": "start"})
    first = client.get(url)
    return client.post(url, {"step": "preview", "reference": hidden(first, "reference"), **typed})


def ask(client: Client, url: str, shown: Any, **typed: str) -> Any:
    data = {"reference": hidden(shown, "reference"), "seen": hidden(shown, "seen"), **typed}
    return client.post(url, {"step": "ask", **data})


@pytest.fixture
def release(case: Case, reviewed: Transaction, approver: User) -> str:
    """The page that releases what arrived."""
    return page_of("release", case=case.pk, transaction=reviewed.pk)


def amount_of(movement: Transaction) -> dict[str, str]:
    return {"amount": "20,000", "place": str(movement.plan_id), "reason": "The saver sent the slip"}


# The preview


def test_a_preview_shows_accounts_balances_and_the_mail(
    desk: Client, release: str, reviewed: Transaction
) -> None:
    assert reviewed.plan is not None
    assert reviewed.user is not None
    page = preview(desk, release)

    assert page.status_code == 200
    for text in (
        "Suspense",
        f"{reviewed.user.name}’s plan “{reviewed.plan.name}”",
        "₦20,000.00",
        "₦0.00",
        "The saver gets this mail",
        "In suspense",
    ):
        assert text in page.text, text
    assert not Transaction.objects.filter(part_of=reviewed).exists()
    assert not StaffRequest.objects.exists()


def test_the_page_opens_by_a_link_without_a_preview(desk: Client, release: str) -> None:
    page = desk.get(release)
    assert page.status_code == 200
    assert "Ask for approval" not in page.text
    assert 'value="20,000"' in page.text


def test_a_proposal_that_is_refused_says_why(desk: Client, reviewed: Transaction) -> None:
    page = preview(desk, page_of("release", transaction=reviewed.pk))
    assert page.status_code == 422
    assert "give a second active member of staff the right" in page.text


def test_what_cannot_be_posted_is_said_beside_the_amount(
    desk: Client, release: str, reviewed: Transaction
) -> None:
    page = preview(desk, release, **amount_of(reviewed) | {"amount": "20,000.01"})

    assert page.status_code == 422
    assert "Enter up to" in page.text or "₦20,000" in page.text
    assert 'value="20,000.01"' in page.text
    assert "The saver sent the slip" in page.text
    assert "Ask for approval" not in page.text


# Asking


def test_what_was_previewed_is_asked_for(
    desk: Client, release: str, reviewed: Transaction, case: Case
) -> None:
    shown = preview(desk, release)
    response = ask(desk, release, shown, **amount_of(reviewed))

    request = StaffRequest.objects.get()
    assert response.status_code == 302
    assert response["Location"] == reverse("admin:request", args=[request.pk])
    assert (request.action, request.state, request.case) == ("release", State.WAITING, case)
    assert request.values == {
        "transaction": reviewed.pk,
        "amount_kobo": ARRIVED,
        "plan": reviewed.plan_id,
    }
    assert not Transaction.objects.filter(part_of=reviewed).exists()


def test_the_same_form_sent_twice_asks_once(desk: Client, release: str, reviewed: Transaction) -> None:
    shown = preview(desk, release)
    first = ask(desk, release, shown, **amount_of(reviewed))
    second = ask(desk, release, shown, **amount_of(reviewed))

    assert first["Location"] == second["Location"]
    assert StaffRequest.objects.count() == 1


def test_the_same_form_with_another_amount_is_refused(
    desk: Client, release: str, reviewed: Transaction
) -> None:
    shown = preview(desk, release)
    ask(desk, release, shown, **amount_of(reviewed))
    again = ask(desk, release, shown, **amount_of(reviewed) | {"amount": "5,000"})

    assert again.status_code == 422
    assert "already sent with other details" in again.text
    assert StaffRequest.objects.count() == 1


def test_a_second_request_about_the_same_is_refused(
    desk: Client, release: str, reviewed: Transaction
) -> None:
    ask(desk, release, preview(desk, release), **amount_of(reviewed))
    again = ask(desk, release, preview(desk, release), **amount_of(reviewed))

    assert again.status_code == 422
    assert "waits for approval already" in again.text


def test_a_reason_is_needed(desk: Client, release: str, reviewed: Transaction) -> None:
    page = ask(desk, release, preview(desk, release), **amount_of(reviewed) | {"reason": "  "})

    assert page.status_code == 422
    assert "Say why" in page.text
    assert "Ask for approval" in page.text
    assert not StaffRequest.objects.exists()


def test_a_changed_preview_is_shown_again(desk: Client, release: str, reviewed: Transaction) -> None:
    shown = preview(desk, release)
    page = ask(desk, release, shown, **amount_of(reviewed) | {"amount": "5,000"})

    assert page.status_code == 422
    assert "would not post what the preview showed" in page.text
    assert "₦5,000.00" in page.text
    assert ask(desk, release, page, **amount_of(reviewed) | {"amount": "5,000"}).status_code == 302


@pytest.mark.parametrize("seen", ["", "forged", "eyJsaW5lcyI6W119:1:x"])
def test_nothing_is_asked_for_without_its_preview(
    desk: Client, release: str, reviewed: Transaction, seen: str
) -> None:
    shown = preview(desk, release)
    data = {"step": "ask", "reference": hidden(shown, "reference"), "seen": seen}
    page = desk.post(release, data | amount_of(reviewed))

    assert page.status_code == 422
    assert "Look at the preview first" in page.text
    assert not StaffRequest.objects.exists()


def test_html_in_a_reason_is_text(desk: Client, release: str, reviewed: Transaction) -> None:
    reason = "<script>alert(1)</script>"
    typed = amount_of(reviewed) | {"reason": reason}
    page = ask(desk, release, preview(desk, release), **typed | {"amount": "1"})
    assert reason not in page.text
    assert "&lt;script&gt;" in page.text

    ask(desk, release, preview(desk, release), **typed)
    request = StaffRequest.objects.get()
    for name, args in (("request", [request.pk]), ("requests", []), ("case", [request.case_id])):
        page = desk.get(reverse(f"admin:{name}", args=args))
        assert reason not in page.text
        assert "&lt;script&gt;" in page.text


# Each action


def test_money_is_allocated_to_a_person_by_email_address(
    desk: Client, case: Case, reviewed: Transaction, approver: User
) -> None:
    other = make_user("chidi@example.com", name="Chidi Eze")
    plan = make_plan(other, name="Rent")
    url = page_of("allocate", case=case.pk, transaction=reviewed.pk)
    typed = {"amount": "20,000", "email": "chidi@example.com", "reason": "Wrong account number"}

    page = preview(desk, url, **typed)
    assert "Chidi Eze’s stash" in page.text
    assert "The plan “Rent”" in page.text
    page = preview(desk, url, **typed | {"place": str(plan.pk)})
    assert "Chidi Eze’s plan “Rent”" in page.text
    ask(desk, url, page, **typed | {"place": str(plan.pk)})

    assert StaffRequest.objects.get().saver == other


def test_an_unknown_email_address_is_refused(
    desk: Client, case: Case, reviewed: Transaction, approver: User
) -> None:
    url = page_of("allocate", case=case.pk, transaction=reviewed.pk)
    page = preview(desk, url, amount="20,000", email="nobody@example.com")
    assert page.status_code == 422
    assert "Nobody has this email address" in page.text


def test_the_plan_of_another_person_cannot_be_chosen(
    desk: Client, release: str, reviewed: Transaction
) -> None:
    page = preview(desk, release, **amount_of(reviewed) | {"place": str(make_plan().pk)})
    assert page.status_code == 422
    assert "open plan of this saver" in page.text


@pytest.mark.parametrize("direction", ["gives", "takes"])
def test_goodwill_is_given_and_taken_back(desk: Client, approver: User, direction: str) -> None:
    saver = make_user()
    put_in(saver, 5_000_00)
    url = page_of("adjust", user=saver.pk)
    typed = {"direction": direction, "amount": "1,000", "place": "", "reason": "An apology"}
    ask(desk, url, preview(desk, url, **typed), **typed)

    backoffice.approve(StaffRequest.objects.get(), by=approver)

    expected = 6_000_00 if direction == "gives" else 4_000_00
    assert ledger.balance_kobo(ledger.stash_account(saver)) == expected


def test_a_movement_inside_the_house_is_reversed_with_its_family(desk: Client, approver: User) -> None:
    saver = make_user()
    movement = put_in(saver, 5_000_00)
    url = page_of("reverse", transaction=movement.pk)
    typed = {"reason": "Twice"}
    ask(desk, url, preview(desk, url), **typed)

    done = backoffice.approve(StaffRequest.objects.get(), by=approver)

    assert done.state == State.DONE
    assert ledger.balance_kobo(ledger.stash_account(saver)) == 0


def test_a_reversal_is_not_reversed(desk: Client, approver: User) -> None:
    movement = put_in(make_user(), 5_000_00)
    reversal = ledger.reverse(movement, reference=references.new(Transaction.Kind.REVERSAL))

    for row in (reversal, movement):
        page = preview(desk, page_of("reverse", transaction=row.pk), reason="Again")
        assert page.status_code == 422
        assert "Ask for approval" not in page.text


def test_what_was_moved_on_cannot_be_reversed(desk: Client, approver: User) -> None:
    saver = make_user()
    movement = put_in(saver, 5_000_00)
    put_in(saver, 1_000_00)
    plans.move_to_plan(
        saver,
        make_plan(saver),
        amount_kobo=4_000_00,
        reference=references.new(Transaction.Kind.STASH_TO_PLAN),
    )

    page = preview(desk, page_of("reverse", transaction=movement.pk), reason="Too late")

    assert page.status_code == 422
    assert "Ask for approval" not in page.text


def test_a_card_payment_is_refunded_and_not_reversed(desk: Client, approver: User) -> None:
    movement = pay_in(make_user(), 5_000_00)
    page = preview(desk, page_of("reverse", transaction=movement.pk), reason="Wrong")
    assert page.status_code == 422


def test_the_house_posts_with_a_form_of_its_own(desk: Client, approver: User) -> None:
    url = page_of("treasury")
    typed = {
        "purpose": "capital_in",
        "amount": "500,000",
        "bank": "own",
        "document": "Slip 12",
        "reason": "Start",
    }
    ask(desk, url, preview(desk, url, **typed), **typed)

    backoffice.approve(StaffRequest.objects.get(), by=approver)

    assert ledger.balance_kobo(ledger.house_account(Account.Kind.CAPITAL)) == 500_000_00


def test_a_debt_is_paid_from_the_stash(desk: Client, approver: User) -> None:
    saver = make_user("ada@example.com")
    movement = pay_in(saver, 5_000_00)
    plans.move_to_plan(
        saver, make_plan(saver), amount_kobo=5_000_00, reference=references.new("stash_to_plan")
    )
    charge_back(movement, 5_000_00)
    url = page_of("repay_debt", user=saver.pk)
    assert b"The stash holds" in preview(desk, url, amount="10", reason="Agreed by phone").content
    pay_in(saver, 2_000_00)
    assert 'value="2,000"' in desk.get(url).content.decode()
    typed = {"amount": "2,000", "reason": "Agreed by phone"}
    ask(desk, url, preview(desk, url, **typed), **typed)

    done = backoffice.approve(StaffRequest.objects.get(), by=approver)

    assert done.transaction is not None
    assert done.transaction.manual_posting.approved_by == approver
    assert ledger.receivable_kobo(saver) == 3_000_00
    mail = OutboxRow.objects.get(transaction=done.transaction)
    assert mail.payload["subject"] == "We took ₦2,000.00 for what you owed"


def test_a_debt_of_nobody_is_refused(desk: Client, approver: User) -> None:
    saver = make_user()
    page = preview(desk, page_of("write_off", user=saver.pk), amount="10", reason="Old")
    assert page.status_code == 422


# Who may ask, and for what


@pytest.mark.parametrize("role", ["Approver", "Auditor", "Operations"])
def test_other_roles_cannot_open_the_page(release: str, reviewed: Transaction, role: str) -> None:
    client = sign_in(make_staff(role))
    assert client.get(release).status_code == 403
    assert client.post(release, {"step": "start"}).status_code == 403


def test_support_asks_for_money_and_not_for_the_house(release: str, approver: User) -> None:
    client = sign_in(make_staff("Support"))
    assert preview(client, release).status_code == 200
    assert client.get(page_of("treasury")).status_code == 403


def test_nobody_asks_for_their_own_money(reviewed: Transaction, release: str) -> None:
    owner = User.objects.filter(transactions=reviewed)
    owner.update(is_staff=True, is_superuser=True)
    client = sign_in(owner.get())
    page = preview(client, release, **amount_of(reviewed))
    assert page.status_code == 422
    assert "your own money" in page.text


@pytest.mark.parametrize(
    "url",
    [
        "/admin/ask/nothing/",
        "/admin/ask/release/",
        "/admin/ask/release/?transaction=99999999",
        "/admin/ask/release/?transaction=x",
        "/admin/ask/release/?transaction=9999999999999999999999",
        "/admin/ask/adjust/?user=0&case=-1",
    ],
)
def test_what_is_not_there_is_404(desk: Client, url: str) -> None:
    assert desk.get(url).status_code == 404
    assert desk.post(url, {"step": "start"}).status_code == 404


@pytest.mark.parametrize("step", ["preview", "ask", "nonsense"])
def test_an_empty_form_is_refused_with_its_fields(desk: Client, release: str, step: str) -> None:
    page = desk.post(release, {"step": step})
    assert page.status_code == 422
    assert "Enter an amount" in page.text


def test_a_preview_costs_the_same_with_many_plans(desk: Client, release: str, reviewed: Transaction) -> None:
    preview(desk, release)
    with CaptureQueriesContext(
        connection,
    ) as few:
        preview(desk, release)
    for _ in range(10):
        make_plan(reviewed.user)
    with CaptureQueriesContext(connection) as many:
        preview(desk, release)
    assert len(many) == len(few)


def test_a_preview_writes_nothing(desk: Client, release: str) -> None:
    entries = Entry.objects.count()
    preview(desk, release)
    assert Entry.objects.count() == entries
