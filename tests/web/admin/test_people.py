"""The pages on which staff act on a person's account, in a browser: what they say, refuse and keep."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice
from savings.models import AuditRow, OutboxRow, StaffRequest, User
from tests.factories import make_circle, make_member, make_plan, make_user, make_welcome
from tests.savings.backoffice.conftest import make_staff
from tests.web.shelf import written
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db

NASTY = '<script>alert(1)</script> =HYPERLINK("http://x")'
HELP = [
    "freeze",
    "unfreeze",
    "end_sessions",
    "remove_second_step",
    "resend_confirmation",
    "undo_email_change",
]
CLOSING = ["close_account", "export_person", "erase_person"]


@pytest.fixture
def saver(db: None) -> User:
    return make_user("ada@example.com", name="Ada Obi")


@pytest.fixture
def support(db: None) -> User:
    return make_staff("Support")


@pytest.fixture
def desk(support: User) -> Client:
    return sign_in(support)


@pytest.fixture
def root(db: None) -> User:
    return make_user(is_staff=True, is_superuser=True)


def page(name: str, user: User) -> str:
    return reverse(f"admin:{name}", args=[user.pk])


def test_the_savers_page_offers_what_can_help(desk: Client, saver: User) -> None:
    def offered() -> set[str]:
        text = desk.get(reverse("admin:saver", args=[saver.pk])).text
        return {name for name in HELP if f'href="{page(name, saver)}"' in text}

    assert offered() == {"freeze"}
    Authenticator.objects.create(user=saver, type=Authenticator.Type.TOTP, data={})
    UserSession.objects.create(user=saver, ip="127.0.0.1", session_key="x" * 32)
    change = saver.email_changes.create(old_email=saver.email, new_email="new@example.com")
    assert offered() == {
        "freeze",
        "end_sessions",
        "remove_second_step",
        "resend_confirmation",
        "undo_email_change",
    }
    change.ended_at = timezone.now()
    change.save()
    assert "resend_confirmation" not in offered()


def test_a_freeze_by_the_page_is_shown_on_every_page_of_the_saver(desk: Client, saver: User) -> None:
    browser = Client()
    browser.force_login(saver)
    plan = make_plan(saver, holding_kobo=5_000_00)
    paths = ["/", "/stash/", f"/plans/{plan.pk}/", f"/plans/{plan.pk}/top-up/"]
    for path in paths:
        assert "is frozen" not in browser.get(path, follow=True).text
    response = desk.post(page("freeze", saver), {"how": "movements", "reason": "A stolen phone"})
    assert response.status_code == 302
    # Pages that were cached before say so too, without any script.
    for path in paths:
        assert "Your account is frozen." in browser.get(path, follow=True).text, path
    desk.post(page("freeze", saver), {"how": "withdrawals", "reason": "Only these"})
    assert "Withdrawals from your account are stopped." in browser.get("/", follow=True).text
    desk.post(page("unfreeze", saver), {"reason": "It was found"})
    assert "frozen" not in browser.get("/", follow=True).text


@pytest.mark.parametrize("name", HELP)
def test_bad_input_keeps_what_was_typed_and_does_nothing(desk: Client, saver: User, name: str) -> None:
    typed = {"reason": "x" * 301, "check": "passport number", "how": "nothing"}
    response = desk.post(page(name, saver), typed)
    assert response.status_code == 422
    assert "x" * 301 in response.text
    assert "errorlist" in response.text
    assert not AuditRow.objects.exists()


def test_html_and_formulas_in_a_reason_are_text(desk: Client, saver: User) -> None:
    desk.post(page("freeze", saver), {"how": "movements", "reason": NASTY})
    assert NASTY in AuditRow.objects.get().text
    auditor = sign_in(make_staff("Auditor"))
    shown = auditor.get("/admin/savings/auditrow/").text
    assert "<script>alert(1)" not in shown
    assert "&lt;script&gt;alert(1)" in shown


@pytest.mark.parametrize("name", HELP)
def test_staff_see_no_form_for_their_own_account(desk: Client, support: User, name: str) -> None:
    response = desk.get(page(name, support))
    assert "Somebody else has to do it." in response.text
    posted = desk.post(page(name, support), {"reason": "Me", "how": "movements", "check": "me"})
    assert posted.status_code == 422
    assert not AuditRow.objects.exists()


@pytest.mark.parametrize("name", HELP)
def test_the_account_of_staff_is_for_superusers(desk: Client, name: str) -> None:
    other = make_staff("Finance")
    assert "Only a superuser" in desk.get(page(name, other)).text
    typed: dict[str, Any] = {"reason": "Because", "how": "movements", "check": "passport"}
    if name == "end_sessions":
        typed["reference"] = desk.get(page(name, other)).context["form"]["reference"].value()
    assert desk.post(page(name, other), typed).status_code in {403, 422}
    assert not AuditRow.objects.exists()


def test_the_same_form_sent_twice_signs_out_once(desk: Client, saver: User) -> None:
    form = desk.get(page("end_sessions", saver)).context["form"]
    typed = {"reason": "Lost phone", "reference": form["reference"].value()}
    for _ in range(2):
        assert desk.post(page("end_sessions", saver), typed).status_code == 302
    assert AuditRow.objects.count() == 1


@pytest.mark.parametrize("name", [*HELP, *CLOSING])
def test_nobody_is_404_and_other_methods_405(root: User, name: str) -> None:
    client = sign_in(root)
    path = reverse(f"admin:{name}", args=[999_999])
    assert client.get(path).status_code == 404
    assert client.post(path, {"reason": "Because"}).status_code == 404
    assert client.put(path).status_code == 405
    assert client.delete(path).status_code == 405


@pytest.mark.parametrize("name", CLOSING)
def test_support_closes_and_finance_exports_and_erases_too(desk: Client, saver: User, name: str) -> None:
    is_allowed = name == "close_account"
    assert desk.get(page(name, saver)).status_code == (200 if is_allowed else 403)
    assert desk.post(page(name, saver), {"reason": "Because"}).status_code == (302 if is_allowed else 403)
    assert sign_in(make_staff("Finance")).get(page(name, saver)).status_code == 200


def test_what_was_erased_stands_on_the_page(root: User, saver: User) -> None:
    finance, approver = make_staff("Finance"), make_staff("Approver")
    backoffice.close_account(saver.pk, by=root, reason="She asked")
    client = sign_in(finance)
    response = client.post(page("erase_person", saver), {"reason": "She asked by letter"})
    assert response.status_code == 302
    backoffice.approve(StaffRequest.objects.get(), by=approver)
    shown = client.get(page("erase_person", saver)).text
    assert "What was erased" in shown
    assert "Name, email addresses, password" in shown
    assert "<form method" not in shown.split("content-main")[1]


def test_an_account_with_money_says_what_stands_in_the_way(root: User, saver: User) -> None:
    plan = make_plan(saver, name="Rent", holding_kobo=5_000_00)
    client = sign_in(root)
    shown = client.get(page("close_account", saver)).text
    assert "There are ₦5,000.00 in “Rent”." in shown
    assert "1 check is in the way of closing this account" in shown
    assert "No case is open, and no request waits." in shown
    assert f"/admin/savings/plan/{plan.pk}/change/" in shown
    response = client.post(page("close_account", saver), {"reason": "She asked"})
    assert response.status_code == 422
    saver.refresh_from_db()
    assert saver.is_active


def test_the_page_costs_the_same_with_one_plan_and_with_many(root: User, saver: User) -> None:
    client = sign_in(root)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page("close_account", saver)).status_code == 200
        return len(captured)

    make_plan(saver, holding_kobo=1_000_00)
    # The first page also opens the house's accounts.
    queries()
    few = queries()
    for _ in range(5):
        make_plan(saver, holding_kobo=1_000_00)
    assert queries() == few


def test_an_account_is_closed_and_its_erasure_asked_for(root: User, saver: User) -> None:
    make_staff("Approver")
    client = sign_in(root)
    assert client.post(page("erase_person", saver), {"reason": "She asked"}).status_code == 422
    assert client.post(page("close_account", saver), {"reason": "She asked"}).status_code == 302
    assert client.post(page("erase_person", saver), {"reason": "She asked"}).status_code == 302
    request = StaffRequest.objects.get()
    assert (request.action, request.saver, request.asked_by) == ("erase", saver, root)
    # A second request about the same waits for nothing.
    assert client.post(page("erase_person", saver), {"reason": "She asked"}).status_code == 422


def test_the_data_is_downloaded_once(root: User, saver: User) -> None:
    client = sign_in(root)
    assert client.post(page("export_person", saver), {"reason": "She asked"}).status_code == 302
    export = backoffice.exports_of(saver).get()
    backoffice.write_person_export(OutboxRow.objects.get(kind="person_export"))
    assert "Download once" in client.get(page("export_person", saver)).text
    # Not by the page for lists, which does not end with the first download.
    assert client.get(reverse("admin:export_file", args=[export.pk])).status_code == 404
    assert client.get("/admin/savings/staffexport/").status_code == 200
    response = client.post(page("download_person", saver), {"export": export.pk})
    assert response["Content-Type"] == "application/zip"
    assert response.getvalue()[:2] == b"PK"
    again = client.post(page("download_person", saver), {"export": export.pk}, follow=True)
    assert "There is no file" in again.text
    assert client.get(page("download_person", saver)).status_code == 405
    assert client.post(page("download_person", saver), {"export": "x"}).status_code == 404


def act(client: Client, path: str, action: str, row: int) -> str:
    chosen = {"action": action, "_selected_action": [row]}
    return client.post(path, chosen, follow=True).text


def test_a_sent_mail_is_sent_again_once_a_minute(desk: Client) -> None:
    row = make_welcome()
    OutboxRow.objects.filter(pk=row.pk).update(
        done_at=row.created_at, due_at=None, text="Welcome", subject="Welcome", to="old@example.com"
    )
    path = "/admin/savings/outboxrow/"
    assert "will be sent again now" in act(desk, path, "send_again", row.pk)
    act(desk, path, "send_again", row.pk)
    again = OutboxRow.objects.get(dedupe_key__startswith=f"again:{row.pk}:")
    assert row.user is not None
    assert (again.text, again.to) == ("Welcome", row.user.email)
    assert AuditRow.objects.filter(verb="mail_sent_again").count() == 1
    OutboxRow.objects.filter(pk=row.pk).update(text="Your link: [removed after sending]")
    assert "which we removed" in act(desk, path, "send_again", row.pk)


def test_operations_make_a_statement_again_and_appoint_owners() -> None:
    client = sign_in(make_staff("Operations"))
    statement = written(make_user())
    assert "is being written as statement" in act(
        client, "/admin/savings/statement/", "make_again", statement.pk
    )
    owner = make_user(is_active=False)
    circle = make_circle(owner=owner)
    member = make_member(circle)
    assert "is the owner now" in act(client, "/admin/savings/membership/", "appoint", member.pk)
    subjects = set(AuditRow.objects.values_list("subject", flat=True))
    assert subjects == {f"statement:{statement.pk}", f"circle:{circle.pk}"}


@pytest.fixture
def log(saver: User, support: User) -> Client:
    backoffice.freeze(saver.pk, "movements", by=support, reason="First")
    backoffice.unfreeze(saver.pk, by=make_staff("Finance"), reason="Second")
    return sign_in(make_staff("Auditor"))


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ({"verb": "frozen"}, ["movements: First"]),
        ({"verb": "nonsense"}, ["Second", "movements: First"]),
        ({"day": "today"}, ["Second", "movements: First"]),
        ({"day": "yesterday"}, []),
        ({"q": "2001-01-01"}, []),
        ({"q": "ada@example.com"}, ["Second", "movements: First"]),
        ({"q": "unfrozen"}, ["Second"]),
        ({"saver": "999999"}, []),
        ({"staff": "x"}, ["Second", "movements: First"]),
    ],
)
def test_the_audit_log_is_searched(log: Client, query: dict[str, str], texts: list[str]) -> None:
    response = log.get("/admin/savings/auditrow/", query)
    assert [row.text for row in response.context["cl"].result_list] == texts


def test_the_audit_log_of_one_member_of_staff(log: Client, support: User) -> None:
    response = log.get("/admin/savings/auditrow/", {"staff": support.pk})
    assert [row.text for row in response.context["cl"].result_list] == ["movements: First"]


def test_the_audit_log_costs_the_same_with_many_rows(log: Client, saver: User, support: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            log.get("/admin/savings/auditrow/")
        return len(captured)

    few = queries()
    for _ in range(30):
        backoffice.record("saver_seen", by=support, saver=saver, subject=f"user:{saver.pk}")
    assert queries() == few
