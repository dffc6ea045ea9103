"""The same form of staff sent twice at once, and two people who decide about one thing: one effect."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from savings import backoffice
from savings.models import AuditRow, Case, OutboxRow, StaffRequest, Transaction, User
from tests.factories import make_user
from tests.savings.backoffice.conftest import ARRIVED, make_staff
from tests.threads import at_once
from tests.web.admin.test_asking import ask, page_of, preview
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
State = StaffRequest.State
DECIDED = {
    State.DONE: "request_approved",
    State.REFUSED: "request_refused",
    State.WITHDRAWN: "request_withdrawn",
}


@pytest.fixture
def waiting(reviewed: Transaction, finance: User, approver: User) -> StaffRequest:
    """A request to release what arrived."""
    values = {"transaction": reviewed.pk, "amount_kobo": ARRIVED, "plan": None}
    return backoffice.ask("release", values, asked_by=finance, reason="The saver confirmed it")


def browsers(user: User) -> list[Client]:
    """Two browsers of one person: a client is not for two threads."""
    return [sign_in(user), sign_in(user)]


def test_the_same_request_sent_twice_is_one(
    finance: User, approver: User, case: Case, reviewed: Transaction
) -> None:
    url = page_of("release", case=case.pk, transaction=reviewed.pk)
    desks = browsers(finance)
    shown = preview(desks[0], url)
    typed = {"amount": "20,000", "place": str(reviewed.plan_id), "reason": "The saver sent the slip"}

    answers = at_once(lambda number: ask(desks[number], url, shown, **typed).headers.get("Location"), 2)

    made = StaffRequest.objects.get()
    assert answers == {reverse("admin:request", args=[made.pk]): 2}
    assert AuditRow.objects.filter(verb="request_made").count() == 1


def test_two_people_who_ask_about_the_same_make_one_request(
    finance: User, approver: User, case: Case, reviewed: Transaction
) -> None:
    url = page_of("release", case=case.pk, transaction=reviewed.pk)
    desks = [sign_in(finance), sign_in(make_staff("Support"))]
    shown = [preview(desk, url) for desk in desks]
    typed = {"amount": "20,000", "place": str(reviewed.plan_id), "reason": "The saver sent the slip"}

    answers = at_once(lambda number: ask(desks[number], url, shown[number], **typed).status_code, 2)

    assert answers == {302: 1, 422: 1}
    assert StaffRequest.objects.count() == 1


@pytest.mark.parametrize(
    "verbs",
    [
        ("approve", "approve"),
        ("approve", "refuse"),
        ("approve", "withdraw"),
        ("refuse", "refuse"),
        ("refuse", "withdraw"),
        ("withdraw", "withdraw"),
    ],
)
def test_a_request_ends_once(
    waiting: StaffRequest, finance: User, approver: User, verbs: tuple[str, str]
) -> None:
    people = {"approve": approver, "refuse": approver, "withdraw": finance}
    desks = [sign_in(people[verb]) for verb in verbs]

    def send(number: int) -> int:
        url = reverse(f"admin:request_{verbs[number]}", args=[waiting.pk])
        return desks[number].post(url, {"answer": "Ask the saver first"}).status_code

    assert at_once(send, 2) == {302: 1, 422: 1}

    waiting.refresh_from_db()
    ends = AuditRow.objects.filter(subject=f"request:{waiting.pk}", verb__in=DECIDED.values())
    assert [row.verb for row in ends] == [DECIDED[State(waiting.state)]]
    posted = 1 if waiting.state == State.DONE else 0
    assert Transaction.objects.filter(part_of__isnull=False).count() == posted
    assert OutboxRow.objects.filter(kind="top_up_received").count() == posted


def test_two_who_solve_one_case_solve_it_once() -> None:
    people = [make_staff("Support"), make_staff("Support")]
    case = backoffice.open_question(make_user(), by=people[0], summary="Where is my money?")
    desks = [sign_in(user) for user in people]

    def solve(number: int) -> int:
        url = reverse("admin:case_solve", args=[case.pk])
        return desks[number].post(url, {"outcome": f"Found by {number}"}).status_code

    assert at_once(solve, 2) == {302: 1, 422: 1}

    case.refresh_from_db()
    solved = AuditRow.objects.get(verb="case_solved")
    assert case.solved_by is not None
    assert case.solved_by == solved.staff
    assert case.outcome == solved.text == f"Found by {people.index(case.solved_by)}"
