"""The queue of requests, the page of each, and every outcome of a decision."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice, ledger, payments, references
from savings.backoffice import messages
from savings.models import AuditRow, Case, Payout, StaffRequest, Transaction, User
from tests.factories import make_user
from tests.savings.backoffice.conftest import ARRIVED, make_staff
from tests.web.admin.test_asking import hidden
from tests.web.staff import sign_in
from tests.withdrawals import make_payout

pytestmark = pytest.mark.django_db
State = StaffRequest.State


def url(request: StaffRequest, step: str = "") -> str:
    return reverse(f"admin:request_{step}" if step else "admin:request", args=[request.pk])


def queue(client: Client, tab: str = "waiting") -> str:
    page = client.get(reverse("admin:requests"), {"tab": tab})
    assert page.status_code == 200
    return page.text


def decide(client: Client, request: StaffRequest, step: str = "approve", **typed: str) -> str:
    return client.post(url(request, step), typed, follow=True).text


def goodwill(by: User, saver: User | None = None) -> StaffRequest:
    """Return a request to give a saver goodwill."""
    values = {"user": (saver or make_user()).pk, "amount_kobo": 1_000_00, "plan": None, "gives": True}
    return backoffice.ask("adjust", values, asked_by=by, reason="An apology")


@pytest.fixture
def request_(case: Case, reviewed: Transaction, finance: User, approver: User) -> StaffRequest:
    """A request to release what arrived."""
    values = {"transaction": reviewed.pk, "amount_kobo": ARRIVED, "plan": None}
    return backoffice.ask("release", values, asked_by=finance, reason="It is hers", case=case)


def stash_kobo(request: StaffRequest) -> int:
    assert request.saver is not None
    return ledger.balance_kobo(ledger.stash_account(request.saver))


# What is shown


def test_the_queue_shows_all_that_decides(second_desk: Client, request_: StaffRequest, finance: User) -> None:
    page = queue(second_desk)
    assert request_.saver is not None
    for text in (
        "Release what arrived",
        "It is hers",
        finance.name,
        request_.saver.email,
        f"{request_.saver.name}’s stash",
        "₦20,000.00",
        "In suspense",
        url(request_, "approve"),
    ):
        assert text in page, text


def test_each_tab_shows_its_requests(desk: Client, second_desk: Client, request_: StaffRequest) -> None:
    link = f'href="{url(request_)}"'
    assert link in queue(desk, "mine")
    assert link not in queue(second_desk, "mine")
    assert link not in queue(desk, "over")
    backoffice.withdraw(request_, by=request_.asked_by)
    assert link not in queue(desk)
    assert link in queue(desk, "over")
    assert link in queue(desk, "mine")


def test_the_queue_costs_the_same_with_many_requests(
    second_desk: Client, finance: User, approver: User
) -> None:
    goodwill(finance)
    queue(second_desk)
    with CaptureQueriesContext(connection) as few:
        queue(second_desk)
    for _ in range(12):
        goodwill(finance)
    for _ in range(3):
        make_payout(make_user(), "approval")
    with CaptureQueriesContext(connection) as many:
        page = queue(second_desk)
    assert page.count("Give or take back goodwill") == 13
    assert len(many) == len(few) <= 20


@pytest.mark.parametrize("role", ["Support", "Finance", "Approver", "Auditor"])
def test_these_roles_see_requests(request_: StaffRequest, role: str) -> None:
    client = sign_in(make_staff(role))
    assert client.get(url(request_)).status_code == 200
    for tab in ("waiting", "mine", "over", "nonsense"):
        queue(client, tab)


def test_operations_does_not_see_requests(request_: StaffRequest) -> None:
    client = sign_in(make_staff("Operations"))
    assert client.get(url(request_)).status_code == 403
    assert client.get(reverse("admin:requests")).status_code == 403


def test_a_request_that_is_not_there_is_404(second_desk: Client) -> None:
    for request_id in (10**6, 10**30):
        assert second_desk.get(reverse("admin:request", args=[request_id])).status_code == 404
        for step in ("approve", "refuse", "withdraw"):
            path = reverse(f"admin:request_{step}", args=[request_id])
            assert second_desk.post(path).status_code == 404
            assert second_desk.get(path).status_code == 405
    assert second_desk.get(reverse("admin:requests"), {"before": "x"}).status_code == 404


# Approving


def test_another_person_approves_and_the_case_is_solved(
    second_desk: Client, request_: StaffRequest, case: Case
) -> None:
    page = decide(second_desk, request_)

    request_.refresh_from_db()
    assert request_.state == State.DONE
    assert f"Release what arrived: done, as {request_.reference}." in page
    assert stash_kobo(request_) == ARRIVED
    case.refresh_from_db()
    assert not case.is_open


def test_nobody_approves_their_own(request_: StaffRequest, finance: User) -> None:
    User.objects.filter(pk=finance.pk).update(is_superuser=True)
    client = sign_in(User.objects.get(pk=finance.pk))

    assert url(request_, "approve") not in queue(client)
    page = client.post(url(request_, "approve"))

    assert page.status_code == 422
    assert "Somebody else has to approve what you asked for." in page.text
    assert stash_kobo(request_) == 0


def test_a_request_is_approved_once(second_desk: Client, request_: StaffRequest) -> None:
    decide(second_desk, request_)
    page = second_desk.post(url(request_, "approve"))

    assert page.status_code == 422
    assert "This request is over" in page.text
    assert stash_kobo(request_) == ARRIVED


def test_a_request_whose_facts_have_changed_is_void(
    second_desk: Client, request_: StaffRequest, reviewed: Transaction, finance: User, approver: User
) -> None:
    payments.release_from_suspense(
        reviewed,
        reference=references.new("stash_deposit"),
        asked_by=finance,
        approved_by=approver,
        reason="By another way",
        amount_kobo=1_000_00,
    )
    page = decide(second_desk, request_)

    assert "Nothing was posted: the request is void." in page
    assert messages.FACTS_CHANGED in page
    assert stash_kobo(request_) == 1_000_00


def test_an_expired_request_is_not_approved(request_: StaffRequest, approver: User) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=settings.STAFF.request_hours, minutes=1)):
        page = decide(sign_in(approver), request_)
    assert "Nothing was posted: the request has expired." in page
    assert stash_kobo(request_) == 0


@pytest.mark.parametrize("role", ["Support", "Finance", "Auditor", "Operations"])
def test_other_roles_do_not_decide(request_: StaffRequest, role: str) -> None:
    client = sign_in(make_staff(role))
    for step in ("approve", "refuse"):
        assert client.post(url(request_, step), {"answer": "No"}).status_code == 403
    request_.refresh_from_db()
    assert request_.is_waiting


def test_nobody_decides_about_their_own_money(request_: StaffRequest) -> None:
    saver = User.objects.filter(email=request_.saver.email if request_.saver else "")
    saver.update(is_staff=True, is_superuser=True)
    client = sign_in(saver.get())
    page = client.post(url(request_, "approve"))
    assert page.status_code == 422
    assert "your own money" in page.text


# Refusing and withdrawing


def test_a_refusal_needs_its_reason(second_desk: Client, request_: StaffRequest) -> None:
    page = second_desk.post(url(request_, "refuse"), {"answer": " "})
    assert page.status_code == 422
    assert "Say why you refuse it." in page.text

    assert "Not hers" in decide(second_desk, request_, "refuse", answer="Not hers")
    request_.refresh_from_db()
    assert (request_.state, request_.answer) == (State.REFUSED, "Not hers")


def test_the_person_who_asked_withdraws(desk: Client, request_: StaffRequest) -> None:
    assert "You took the request back." in decide(desk, request_, "withdraw")
    request_.refresh_from_db()
    assert request_.state == State.WITHDRAWN


def test_nobody_withdraws_what_another_asked_for(second_desk: Client, request_: StaffRequest) -> None:
    page = second_desk.post(url(request_, "withdraw"))
    assert page.status_code == 422
    assert "Only the person who asked" in page.text


# Withdrawals that wait for approval


def test_a_withdrawal_is_approved_in_the_queue(second_desk: Client, approver: User) -> None:
    payout = make_payout(make_user(), "approval")
    approve = reverse("admin:payout_approve", args=[payout.pk])
    assert approve in queue(second_desk)

    page = second_desk.post(approve, follow=True)

    payout.refresh_from_db()
    assert (payout.state, payout.decided_by) == (Payout.State.WAITING, approver)
    assert "is approved" in page.text
    row = AuditRow.objects.get(verb="payout_decided")
    assert (row.staff, row.saver, row.subject) == (approver, payout.user, f"payout:{payout.pk}")
    again = second_desk.post(approve, follow=True)
    assert "is approved" not in again.text


def test_a_withdrawal_has_the_form_of_a_request(second_desk: Client) -> None:
    payout = make_payout(make_user(), "approval")
    now = timezone.now() + timedelta(hours=1, minutes=52)
    with time_machine.travel(now):
        page = queue(second_desk)
    assert f'<h2 id="payout-{payout.pk}">' in page
    assert reverse("admin:saver", args=[payout.user_id]) in page
    assert re.search(r"waits for 1\shour</dd>", page)
    assert payout.recipient.account_name in page


def test_what_has_waited_longest_is_decided_first(second_desk: Client, finance: User, approver: User) -> None:
    first, second = goodwill(finance), goodwill(finance)
    page = queue(second_desk)
    assert page.index(url(first)) < page.index(url(second))


def test_a_withdrawal_that_is_refused_is_in_the_audit_log(second_desk: Client) -> None:
    payout = make_payout(make_user(), "approval")
    second_desk.post(reverse("admin:savings_payout_refuse", args=[payout.pk]), {"reason": "Wrong name"})
    assert AuditRow.objects.get(verb="payout_decided").text == "refused: Wrong name"


def test_nobody_approves_their_own_withdrawal() -> None:
    staff = make_staff("Approver")
    payout = make_payout(staff, "approval")
    client = sign_in(staff)
    assert "This is your own withdrawal." in queue(client)
    client.post(reverse("admin:payout_approve", args=[payout.pk]))
    payout.refresh_from_db()
    assert payout.state == Payout.State.APPROVAL


@pytest.mark.parametrize("role", ["Support", "Finance", "Auditor", "Operations"])
def test_other_roles_do_not_approve_withdrawals(role: str) -> None:
    payout = make_payout(make_user(), "approval")
    client = sign_in(make_staff(role))
    assert client.post(reverse("admin:payout_approve", args=[payout.pk])).status_code == 403


# From a mail to the solved case


def test_a_saver_s_question_is_solved_in_five_pages(
    desk: Client, second_desk: Client, case: Case, reviewed: Transaction
) -> None:
    """A mail says “my 4,000 has not arrived”, with an email address and nothing else."""
    assert reviewed.user is not None
    pages: list[Any] = [desk.get(reverse("admin:savings_case_changelist"), {"q": reviewed.user.email})]
    pages.append(desk.get(link(pages[-1].text, r"/admin/cases/\d+/")))
    release = link(pages[-1].text, r"/admin/ask/release/\?[^\"]+")
    pages.append(desk.post(release, {"step": "start"}))
    typed = {"amount": "20,000", "place": str(reviewed.plan_id), "reason": "She sent the slip"}
    shown = {name: hidden(pages[-1], name) for name in ("reference", "seen")}
    pages.append(desk.post(release, {"step": "ask", **shown, **typed}, follow=True))
    pages.append(second_desk.get(reverse("admin:requests")))
    second_desk.post(link(pages[-1].text, r"/admin/requests/\d+/approve/"))

    case.refresh_from_db()
    assert case.state == Case.State.SOLVED
    assert [page.status_code for page in pages] == [200] * 5


def link(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    assert found, pattern
    return found[0].replace("&amp;", "&")
