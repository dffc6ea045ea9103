"""Any list of the admin as a CSV file: who may ask, what is in it, and who gets it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice, outbox, statements
from savings.models import AuditRow, OutboxRow, StaffExport, Transaction, User
from savings.tasks import HANDLERS
from tests.factories import make_plan, make_transaction, make_user
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in
from web.admin import exports
from web.messages import backoffice as messages

pytestmark = pytest.mark.django_db
State = StaffExport.State


@pytest.fixture
def auditor() -> User:
    return make_staff("Auditor")


@pytest.fixture
def client(auditor: User) -> Client:
    return sign_in(auditor)


def ask(client: Client, listed: str = "savings.transaction", filters: str = "") -> StaffExport:
    response = client.post(reverse("admin:export_ask", args=[listed]), {"filters": filters})
    assert response.status_code == 302, response
    return StaffExport.objects.latest("pk")


def written(export: StaffExport) -> list[list[str]]:
    """Have the worker write an export, and return its rows."""
    row = OutboxRow.objects.get(kind="staff_export", payload__export=export.pk)
    assert outbox.deliver(row.pk, HANDLERS)
    export.refresh_from_db()
    assert export.state == State.READY, export.reason
    return rows_of(export)


def rows_of(export: StaffExport) -> list[list[str]]:
    with statements.open_file(export) as file:
        text = file.read().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_list_is_written_and_downloaded(client: Client, auditor: User) -> None:
    movement = make_transaction("top_up", 5_00, user=make_user())
    export = ask(client)

    names, *rows = written(export)

    assert names[:4] == ["reference", "kind", "Amount", "State"]
    assert [row[0] for row in rows] == list(
        Transaction.objects.order_by("-pk").values_list("reference", flat=True)
    )
    assert movement.get_kind_display() in {row[1] for row in rows}
    assert export.rows_written == len(rows)
    response = client.get(reverse("admin:export_file", args=[export.pk]))
    body = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert body.startswith(b"\xef\xbb\xbf")
    assert len(body) == export.size_bytes
    assert "no-store" in response["Cache-Control"]
    log = AuditRow.objects.filter(staff=auditor, subject=f"export:{export.pk}")
    assert list(log.order_by("pk").values_list("verb", flat=True)) == ["list_exported", "file_downloaded"]


@pytest.mark.parametrize("filters", ["a=1", "user__password__startswith=x", "a%00b=a%00b", f"{'x' * 900}=1"])
def test_filters_that_the_list_does_not_have_are_refused_at_once(client: Client, filters: str) -> None:
    response = client.post(
        reverse("admin:export_ask", args=["savings.transaction"]), {"filters": filters}, follow=True
    )
    assert response.redirect_chain == [(reverse("admin:savings_transaction_changelist"), 302)]
    assert messages.EXPORT_FILTERS in response.content.decode()
    assert not StaffExport.objects.exists()


@pytest.mark.parametrize("filters", ["q=a%00b", "q=%ED%A0%80", f"q={'9' * 5_000}"])
def test_a_search_for_text_that_no_database_stores_finds_nothing(client: Client, filters: str) -> None:
    """PostgreSQL refuses NUL in JSON and lone surrogates everywhere."""
    make_transaction("top_up", 5_00, user=make_user())
    assert written(ask(client, filters=filters))[1:] == []


def test_filters_of_the_list_are_those_of_the_file(client: Client) -> None:
    plan = make_plan()
    make_transaction("top_up", 5_00, user=plan.user, plan=plan)
    make_transaction("top_up", 5_00, user=plan.user, plan=plan, status="failed")

    _, *rows = written(ask(client, filters="state=pending&before=9"))

    assert {row[3] for row in rows} == {"On its way"}


def test_a_search_for_an_email_address_is_not_in_the_audit_log(client: Client) -> None:
    saver = make_user()
    _, *rows = written(ask(client, "savings.user", filters=f"q={saver.email}"))

    assert [row[1] for row in rows] == [saver.email]
    assert saver.email not in AuditRow.objects.get(verb="list_exported").text


@pytest.mark.parametrize("name", ['=HYPERLINK("x")', "+1", "@SUM(1)", "a;=1"])
def test_formulas_are_text(client: Client, name: str) -> None:
    make_user(name=name)
    _, *rows = written(ask(client, "savings.user"))
    cells = [cell for row in rows for cell in row]
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)


def test_more_rows_are_read_in_chunks(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    users = User.objects.bulk_create(User(email=f"u{n}@example.com", name="X") for n in range(25))
    monkeypatch.setattr(exports, "_ROWS_AT_ONCE", 10)
    _, *rows = written(ask(client, "savings.user"))
    assert len(rows) == len(users) + 1


def test_rows_cost_no_queries_of_their_own(client: Client) -> None:
    plan = make_plan()
    make_transaction("top_up", 5_00, user=plan.user, plan=plan)
    few = ask(client)
    with CaptureQueriesContext(connection) as one:
        list(exports.read_list(few))
    for _ in range(10):
        make_transaction("top_up", 5_00, user=plan.user, plan=plan)
    with CaptureQueriesContext(connection) as many:
        list(exports.read_list(few))
    assert len(one) == len(many)


@pytest.mark.parametrize("role", ["Support", "Approver", "Operations"])
def test_other_roles_do_not_export(role: str) -> None:
    client = sign_in(make_staff(role))
    url = reverse("admin:export_ask", args=["savings.transaction"])
    assert client.post(url).status_code == 403
    assert not StaffExport.objects.exists()
    page = client.get(reverse("admin:savings_case_changelist"))
    assert b"Export as CSV" not in page.content


def test_a_list_that_one_may_not_see_is_refused() -> None:
    client = sign_in(make_staff("Finance"))
    url = reverse("admin:export_ask", args=["savings.auditrow"])
    assert client.post(url).status_code == 403


@pytest.mark.parametrize("listed", ["savings.nothing", "auth.group", "sessions.session"])
def test_only_our_lists_are_exported(client: Client, listed: str) -> None:
    assert client.post(reverse("admin:export_ask", args=[listed])).status_code == 404


def test_the_file_is_for_the_person_who_asked(client: Client) -> None:
    export = ask(client)
    written(export)
    other = sign_in(make_staff("Auditor"))
    assert other.get(reverse("admin:export_file", args=[export.pk])).status_code == 404


def test_rights_that_were_taken_since_count(client: Client, auditor: User) -> None:
    export = ask(client)
    auditor.groups.clear()

    row = OutboxRow.objects.get(kind="staff_export")
    assert outbox.deliver(row.pk, HANDLERS)

    export.refresh_from_db()
    assert (export.state, export.file_name) == (State.FAILED, "")


def test_a_file_expires(client: Client) -> None:
    export = ask(client)
    written(export)
    assert backoffice.expire_exports(timezone.now()) == 0
    assert backoffice.expire_exports(timezone.now() + timedelta(hours=25)) == 1
    export.refresh_from_db()
    assert (export.state, export.file_name) == (State.EXPIRED, "")
    assert client.get(reverse("admin:export_file", args=[export.pk])).status_code == 404


def test_an_export_that_the_worker_gave_up_has_failed(client: Client) -> None:
    export = ask(client)
    OutboxRow.objects.filter(kind="staff_export").update(due_at=None, dead_at=timezone.now())
    backoffice.expire_exports(timezone.now())
    export.refresh_from_db()
    assert export.state == State.FAILED


def test_asking_is_a_post(client: Client) -> None:
    assert client.get(reverse("admin:export_ask", args=["savings.transaction"])).status_code == 405
