"""The page of a case: what it is about, who works on it, and how it is solved."""

from __future__ import annotations

import datetime
import re
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice, money
from savings.models import (
    AuditRow,
    Case,
    Dispute,
    Payment,
    Payout,
    Refund,
    StaffNote,
    Transaction,
    User,
    WebhookEvent,
)
from tests.factories import make_user, pay_in
from tests.provider import Provider
from tests.savings.backoffice.conftest import ARRIVED, make_staff
from tests.web.staff import sign_in
from tests.withdrawals import make_payout

pytestmark = pytest.mark.django_db

LIST = "admin:savings_case_changelist"
FIGURE = re.compile(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>")


def url(case: Case, step: str = "") -> str:
    return reverse(f"admin:case_{step}" if step else "admin:case", args=[case.pk])


def question(by: User) -> Case:
    return backoffice.open_question(make_user(name="Ada Obi"), by=by, summary="My 4,000 has not arrived")


# What it shows


def test_a_payment_case_shows_whose_money_how_much_and_since_when(
    desk: Client, case: Case, reviewed: Transaction
) -> None:
    assert reviewed.user is not None
    page = desk.get(url(case)).text
    for text in (
        reviewed.user.name,
        reviewed.user.email,
        reviewed.reference,
        "₦25,000.00",
        "₦20,000.00",
        "In suspense",
        "Clearing (paystack)",
        "We’re checking",
        "Nobody has written a note yet.",
    ):
        assert text in page, text


def test_the_amount_of_a_payment_s_case_is_what_arrived(
    desk: Client, case: Case, reviewed: Transaction
) -> None:
    """What was asked for stands beside it on the page, and the transaction says both."""
    asked, arrived = money.naira(reviewed.amount_kobo), money.naira(ARRIVED)
    assert asked != arrived
    amounts = re.findall(r'class="field-amount"[^>]*>([^<]+)<', desk.get(reverse(LIST)).text)
    assert amounts == [arrived]
    facts = dict(FIGURE.findall(desk.get(url(case)).text))
    assert (facts["Asked for"], facts["Arrived"]) == (asked, arrived)
    page = desk.get(reverse("admin:savings_transaction_change", args=[reviewed.pk])).text
    facts = dict(FIGURE.findall(re.sub(r"\s+(?=<)", "", page)))
    assert (facts["Amount"], facts["Arrived"]) == (asked, arrived)


def test_the_list_leads_to_the_page(desk: Client, case: Case) -> None:
    page = desk.get(reverse("admin:savings_case_changelist")).text
    assert f'href="{url(case)}"' in page
    assert url(case) in desk.get(reverse("admin:savings_case_changelist"), {"q": case.saver.email}).text  # type: ignore[union-attr]


def test_a_button_that_does_not_fit_says_why(desk: Client, case: Case, reviewed: Transaction) -> None:
    Dispute.objects.create(payment=reviewed.payment, provider_id=9, amount_kobo=ARRIVED)
    page = desk.get(url(case)).text
    assert "This payment is disputed. Decide the dispute first." in page
    assert "Release what arrived" in page


def test_a_request_that_waits_is_linked_and_stops_another(
    desk: Client, case: Case, reviewed: Transaction, finance: User, approver: User
) -> None:
    values = {"transaction": reviewed.pk, "amount_kobo": ARRIVED, "plan": None}
    request = backoffice.ask("release", values, asked_by=finance, reason="It is hers", case=case)

    page = desk.get(url(case)).text

    assert reverse("admin:request", args=[request.pk]) in page
    assert "waits for approval already" in page


@pytest.mark.parametrize(("kind", "leads"), [("dispute", "See the evidence, or contest"), ("payment", "Ask")])
def test_what_is_possible_leads_the_actions_of_a_case(
    provider: Provider, payment: Payment, kind: str, leads: str
) -> None:
    """Of a payment without an answer only the provider can be asked; a disputed one has its evidence."""
    links: dict[str, Any] = {"payment": payment}
    if kind == "dispute":
        links["dispute"] = Dispute.objects.create(payment=payment, provider_id=9, amount_kobo=5_00)
    else:
        Transaction.objects.filter(pk=payment.transaction_id).update(status="review")
        Payment.objects.filter(pk=payment.pk).update(review_reason="no_answer")
    case = Case.objects.create(kind=kind, key="x", summary="x", saver=payment.transaction.user, **links)
    boss = make_user(is_staff=True, is_superuser=True)
    actions = sign_in(boss).get(url(case)).text.partition('<ul class="steps">')[2].partition("</ul>")[0]
    first = re.search(r'class="button( default)?"[^>]*>\s*(.*)', actions)
    assert first is not None
    assert first[1] == " default"
    assert first[2].startswith(leads)


def test_a_solved_case_says_first_when_and_how_it_was_solved(desk: Client, finance: User) -> None:
    case = question(finance)
    backoffice.solve(case, by=finance, outcome="It arrived after all")
    page = desk.get(url(case)).text
    assert re.search(rf'<h2 id="solved">\s*Solved <time .+,\s+by {finance.name}\s*</h2>', page)
    assert "It arrived after all" in page
    assert "What you can do" not in page
    assert "Solve the case" not in page


def test_a_role_that_only_reads_gets_one_sentence(reviewed: Transaction) -> None:
    client = sign_in(make_staff("Auditor"))
    for case in make_every_case(reviewed, make_payout(make_user(), "approval")):
        page = client.get(url(case)).text
        assert "Your role reads cases. Others decide them." in page
        assert "What you can do" not in page
        assert "disabled" not in page
        assert ("See the evidence</a>" in page) == (case.kind == "dispute")


def make_every_case(movement: Transaction, payout: Payout) -> list[Case]:
    """Return a case of each kind."""
    payment = movement.payment
    dispute = Dispute.objects.create(
        payment=payment, provider_id=9, amount_kobo=5_00, due_at=timezone.now() + datetime.timedelta(hours=30)
    )
    event = WebhookEvent.objects.create(
        key="x", event="refund.processed", reference=movement.reference, body="{}", needs_staff=True
    )
    refund = Refund.objects.create(transaction=pay_in(make_user(), 5_00), payment=payment)
    rows: list[tuple[str, dict[str, Any]]] = [
        ("payment", {"payment": payment}),
        ("dispute", {"payment": payment, "dispute": dispute}),
        ("event", {"payment": payment, "event": event}),
        ("refund", {"payment": payment, "refund": refund}),
        ("payout", {"payout": payout}),
        ("question", {}),
    ]
    return [
        Case.objects.create(kind=kind, key=f"{kind}:every", saver=movement.user, summary=kind, **links)
        for kind, links in rows
    ]


@pytest.mark.parametrize("role", ["Support", "Finance", "Approver", "Auditor", "Operations"])
def test_every_role_sees_every_kind_of_case(reviewed: Transaction, role: str) -> None:
    client = sign_in(make_staff(role))
    for case in make_every_case(reviewed, make_payout(make_user(), "approval")):
        assert client.get(url(case)).status_code == 200


@pytest.mark.parametrize("state", ["approval", "sent", "returned"])
def test_a_withdrawal_that_has_ended_is_not_decided(approver: User, state: str) -> None:
    payout = make_payout(make_user(), state)
    found = Case.objects.create(
        kind=Case.Kind.PAYOUT, key=f"payout-failed:{payout.pk}", summary="x", payout=payout
    )
    text = sign_in(approver).get(url(found)).text
    assert (bool(re.search("Refuse[…:]", text)), "Nothing is left to decide" in text) == (
        state != "returned",
        state == "returned",
    )


def test_operations_sees_no_entries(reviewed: Transaction, case: Case) -> None:
    page = sign_in(make_staff("Operations")).get(url(case)).text
    assert "Clearing" not in page
    assert "Your role does not allow this action." in page


def test_a_case_costs_the_same_with_many_rows(desk: Client, case: Case, finance: User) -> None:
    desk.get(url(case))
    with CaptureQueriesContext(connection) as few:
        desk.get(url(case))
    for _ in range(12):
        backoffice.write_note("Called her", by=finance, case=case)
        make_staff("Support")
    with CaptureQueriesContext(connection) as many:
        page = desk.get(url(case))
    assert page.text.count("Called her") == 12
    assert len(many) == len(few) <= 40


# A question of a saver


def test_a_case_is_opened_for_a_question(desk: Client, finance: User) -> None:
    saver = make_user()
    new = reverse("admin:case_new", query={"user": saver.pk})
    assert saver.email in desk.get(new).text
    typed = {"summary": "My 4,000 has not arrived", "text": "She called twice.\nThe bank has the slip."}
    page = desk.post(new, typed, follow=True)

    case = Case.objects.get()
    assert case.notes.get().text == "She called twice.\nThe bank has the slip."
    assert "The case is open" in page.text
    assert (case.kind, case.saver, case.assignee) == (Case.Kind.QUESTION, saver, finance)


def test_a_question_needs_a_sentence_and_a_saver(desk: Client) -> None:
    page = desk.post(reverse("admin:case_new", query={"user": make_user().pk}), {"summary": " "})
    assert page.status_code == 422
    assert "Say in a sentence what the saver asks." in page.text
    for user in ("", "x", "99999999"):
        assert desk.get(reverse("admin:case_new", query={"user": user})).status_code == 404


# Who works on it


def test_a_case_is_assigned_and_given_back(desk: Client, finance: User) -> None:
    case = question(finance)
    other = make_staff("Support")

    assert desk.post(url(case, "assign"), {"assignee": other.pk}).status_code == 302
    case.refresh_from_db()
    assert case.assignee == other
    desk.post(url(case, "assign"), {"assignee": ""})
    assert Case.objects.get().assignee is None
    assert AuditRow.objects.filter(verb="case_assigned", staff=finance).count() == 2


@pytest.mark.parametrize("who", ["x", "0", "99999999"])
def test_a_case_is_not_assigned_to_others(desk: Client, finance: User, who: str) -> None:
    case = question(finance)
    page = desk.post(url(case, "assign"), {"assignee": who})
    assert page.status_code == 422
    assert "Choose somebody who works on cases." in page.text


def test_an_auditor_does_not_work_on_cases(case: Case) -> None:
    client = sign_in(make_staff("Auditor"))
    for step in ("assign", "note", "solve", "ask_provider"):
        assert client.post(url(case, step), {"text": "x", "outcome": "x"}).status_code == 403
    assert "Write the note" not in client.get(url(case)).text


def test_steps_change_only_by_post(desk: Client, case: Case) -> None:
    for step in ("assign", "note", "solve", "ask_provider"):
        assert desk.get(url(case, step)).status_code == 405
    assert desk.post(url(case)).status_code == 405


@pytest.mark.parametrize("step", ["", "assign", "note", "solve", "ask_provider"])
def test_another_case_is_not_found(desk: Client, step: str) -> None:
    name = f"admin:case_{step}" if step else "admin:case"
    for case_id in (10**6, 10**30):
        path = reverse(name, args=[case_id])
        assert (desk.post(path) if step else desk.get(path)).status_code == 404


# Notes


def test_a_note_is_written_and_escaped(desk: Client, finance: User) -> None:
    case = question(finance)
    desk.post(url(case, "note"), {"text": "<b>Called her</b>\nTwice"})

    assert StaffNote.objects.get().author == finance
    page = desk.get(url(case)).text
    assert "&lt;b&gt;Called her&lt;/b&gt;<br>Twice" in page


@pytest.mark.parametrize(("text", "said"), [("  ", "Write something."), ("x" * 2_001, "at most 2000")])
def test_a_note_that_is_refused_stays_typed(desk: Client, finance: User, text: str, said: str) -> None:
    page = desk.post(url(question(finance), "note"), {"text": text})
    assert page.status_code == 422
    assert said in page.text
    assert text.strip() in page.text
    assert not StaffNote.objects.exists()


# Solving


def test_a_question_is_solved_by_a_sentence(desk: Client, finance: User) -> None:
    case = question(finance)
    response = desk.post(url(case, "solve"), {"outcome": "It arrived"}, follow=True)
    assert "The case is solved." in response.text
    case.refresh_from_db()
    assert (case.state, case.outcome, case.solved_by) == (Case.State.SOLVED, "It arrived", finance)


def test_the_second_of_two_sees_the_solved_case(desk: Client, second_desk: Client, finance: User) -> None:
    case = question(finance)
    desk.post(url(case, "solve"), {"outcome": "It arrived"})
    page = second_desk.post(url(case, "solve"), {"outcome": "She found it"})

    assert page.status_code == 422
    assert "This case is solved already." in page.text
    assert "It arrived" in page.text
    case.refresh_from_db()
    assert case.outcome == "It arrived"


def test_a_case_without_a_sentence_is_not_solved(desk: Client, finance: User) -> None:
    page = desk.post(url(question(finance), "solve"), {"outcome": " "})
    assert page.status_code == 422
    assert "Say in a sentence how it was solved." in page.text


def test_a_payment_case_has_no_sentence(desk: Client, case: Case) -> None:
    assert "Solve the case" not in desk.get(url(case)).text
    page = desk.post(url(case, "solve"), {"outcome": "Looks fine"})
    assert page.status_code == 422
    assert "Use one of its actions." in page.text


def test_nobody_solves_their_own_case(finance: User, approver: User) -> None:
    case = backoffice.open_question(finance, by=approver, summary="Where is my money?")
    page = sign_in(finance).post(url(case, "solve"), {"outcome": "Fine"})
    assert page.status_code == 422
    assert "your own money" in page.text


# Asking the provider


@pytest.fixture
def unanswered(payment: Payment, finance: User) -> Case:
    """A case about a payment that the provider has not answered about."""
    case = question(finance)
    Case.objects.filter(pk=case.pk).update(payment=payment)
    return case


def test_the_provider_is_asked_again(
    desk: Client, unanswered: Case, payment: Payment, provider: Provider, finance: User
) -> None:
    provider.pay(payment)
    assert "Ask the provider again" in desk.get(url(unanswered)).text

    page = desk.post(url(unanswered, "ask_provider"), follow=True)

    assert "We asked the provider. The payment is now: done." in page.text
    assert AuditRow.objects.get(verb="provider_asked").staff == finance
    assert "Ask the provider again" not in page.text


def test_a_provider_that_does_not_answer_is_said(
    desk: Client, unanswered: Case, payment: Payment, provider: Provider
) -> None:
    provider.instead = lambda _: httpx.Response(503)
    page = desk.post(url(unanswered, "ask_provider"), follow=True)
    assert page.status_code == 200
    assert "The provider did not answer." in page.text


def test_a_last_answer_is_not_asked_for_again(desk: Client, case: Case) -> None:
    assert "Ask the provider again" not in desk.get(url(case)).text
    page = desk.post(url(case, "ask_provider"), follow=True)
    assert "has given its last answer about this payment" in page.text


def test_the_provider_is_not_asked_about_a_question(desk: Client, finance: User) -> None:
    case = question(finance)
    page = desk.post(url(case, "ask_provider"), follow=True)
    assert "nothing to say about this case" in page.text


# From other pages of the admin


def test_pages_of_rows_link_to_their_actions(desk: Client, reviewed: Transaction, case: Case) -> None:
    plan, payment = reviewed.plan, reviewed.payment
    assert plan is not None
    links = {
        reverse("admin:savings_transaction_change", args=[reviewed.pk]): "/admin/ask/release/",
        reverse("admin:savings_payment_change", args=[payment.pk]): "/admin/ask/send_back/",
        reverse("admin:savings_plan_change", args=[plan.pk]): f"/admin/ask/correct_interest/?plan={plan.pk}",
    }
    for page, link in links.items():
        assert link in desk.get(page).text, page


def test_a_role_without_requests_sees_no_links(reviewed: Transaction) -> None:
    user = make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_transaction"))
    page = sign_in(user).get(reverse("admin:savings_transaction_change", args=[reviewed.pk]))
    assert page.status_code == 200
    assert "/admin/ask/" not in page.text


def test_the_filter_mine_has_the_open_cases_of_the_reader(desk: Client, finance: User, case: Case) -> None:
    mine = {"state": "mine"}
    listed = reverse("admin:savings_case_changelist")
    assert url(case) not in desk.get(listed, mine).text
    backoffice.assign(case, finance, by=finance)
    text = desk.get(listed, mine).text
    assert url(case) in text
    assert "Works on it" in text
