"""A saver's page for staff, notes about a saver, and the saver's own pages as staff see them."""

from __future__ import annotations

import datetime
import re

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_redis import get_redis_connection

from savings import backoffice
from savings.models import (
    AuditRow,
    Case,
    Device,
    EmailChange,
    OutboxRow,
    Payment,
    StaffNote,
    Statement,
    Transaction,
    User,
)
from tests.autosave import make_rule
from tests.cards import make_card
from tests.factories import fill, make_plan, make_user, pay_in, start_circle
from tests.payouts import make_recipient
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in
from web.messages.backoffice_savers import GROUPS
from web.pages.read_only import read_only
from web.pages.saver_tables import moment

pytestmark = pytest.mark.django_db

MOST_QUERIES = 30


@pytest.fixture
def ada() -> User:
    user = make_user("ada@example.com", name="Ada Obi")
    pay_in(user, 7_000_00, plan=make_plan(user, name="Rent"))
    pay_in(user, 3_000_00)
    return user


@pytest.fixture
def staff() -> Client:
    return sign_in(make_staff("Support"))


def page_of(user: User) -> str:
    return reverse("admin:saver", args=[user.pk])


def seen(user: User, page: str, key: object = "") -> str:
    if key:
        return reverse("admin:as_seen_row", args=[user.pk, page, key])
    return reverse("admin:as_seen", args=[user.pk, page])


def add_everything(user: User, times: int) -> None:
    """Add that many of each kind of row that the page shows."""
    now, today = timezone.now(), timezone.localdate()
    payment = Payment.objects.filter(transaction__user=user).first() or Payment.objects.create(
        transaction=Transaction.objects.filter(user=user).latest("pk")
    )
    for number in range(times):
        mark = f"{user.pk} {OutboxRow.objects.count()} {number}"
        plan = make_plan(user, name=f"Plan {mark}")
        make_rule(plan)
        make_recipient(user)
        make_card(user, signature=f"S{mark}", payment=payment)
        OutboxRow.objects.create(kind="welcome", dedupe_key=mark, user=user)
        Statement.objects.create(
            user=user, code=mark[:20], scope="stash", format="pdf", since=today, until=today
        )
        UserSession.objects.create(user=user, ip="127.0.0.1", session_key=f"s{mark}"[:40])
        Device.objects.create(user=user, token_hash=mark, label="Firefox on Linux")
        EmailChange.objects.create(user=user, old_email="a@example.com", new_email=user.email)
        case = Case.objects.create(kind="question", key=mark, saver=user, summary=f"Where is {mark}?")
        StaffNote.objects.create(saver=user, case=case, author=user, text=f"Note {mark}")
        AuditRow.objects.create(verb="frozen", saver=user, staff=user, at=now)


def test_it_shows_the_money_and_the_rows_of_a_saver(staff: Client, ada: User) -> None:
    assert "₦10,000.00" in staff.get(page_of(ada)).text
    add_everything(ada, 2)
    circle = start_circle(ada, name="December in Enugu")
    text = staff.get(page_of(ada)).text
    for shown in ("Ada Obi", "ada@example.com", "₦7,000.00", "₦3,000.00", "Rent", circle.name):
        assert shown in text
    for section in (
        "Cases",
        "Auto-saves",
        "Saved cards",
        "Bank accounts",
        "Mails",
        "Sessions",
        "Known devices",
    ):
        assert section in text
    assert "Firefox on Linux" in text
    assert "Where is" in text
    assert not re.search(r"\sstyle=|<script(?![^>]*\ssrc=)", text)


def test_the_tables_are_folded_by_subject_with_what_is_inside(staff: Client, ada: User) -> None:
    add_everything(ada, 2)
    today = timezone.localdate().strftime("%-d %b %Y")
    text = staff.get(page_of(ada)).text
    assert re.findall(r'<h2 id="\w+-h">(.+)</h2>', text)[-4:] == list(GROUPS.values())
    lines = dict(re.findall(r'<summary><h3>(.+)</h3> <span class="quiet">(.+)</span>', text))
    assert lines["Plans"] == "3, ₦7,000.00"
    assert lines["Transactions"] == f"4, newest {today}"
    assert lines["Saved cards"] == "2"
    make_plan(ada)
    make_plan(ada)
    assert '<h3>Plans</h3> <span class="quiet">5, ₦7,000.00' in staff.get(page_of(ada)).text
    make_plan(ada, name="The sixth")
    text = staff.get(page_of(ada)).text
    assert '<h3>Plans</h3> <span class="quiet">more than 5, ₦7,000.00' in text
    table = text.partition("<h3>Plans</h3>")[2].partition("</table>")[0]
    assert table.partition("<tbody>")[2].count("<tr>") == 5


def test_the_plans_with_money_are_shown_first(ada: User) -> None:
    for number in range(5):
        make_plan(ada, name=f"Empty {number}")
    assert backoffice.saver_sheet(ada).plans[0].name == "Rent"


def test_every_link_of_the_page_opens(staff: Client, ada: User) -> None:
    add_everything(ada, 1)
    start_circle(ada)
    content = staff.get(page_of(ada)).text.partition('id="content"')[2]
    links = set(re.findall(r'href="(/admin/[^"]+)"', content))
    assert any("?user=" in link for link in links)
    assert any("as-seen" in link for link in links)
    for link in links:
        assert staff.get(link).status_code == 200, link


def test_a_list_of_one_saver_has_only_their_rows(staff: Client, ada: User) -> None:
    other = make_user()
    pay_in(other, 1_00)
    rows = (
        staff.get(f"{reverse('admin:savings_transaction_changelist')}?user={ada.pk}")
        .context["cl"]
        .result_list
    )
    assert {row.user_id for row in rows} == {ada.pk}
    Case.objects.create(kind="question", key="a", saver=ada, summary="Where?")
    Case.objects.create(kind="question", key="b", saver=other, summary="Where?")
    rows = staff.get(f"{reverse('admin:savings_case_changelist')}?user={ada.pk}").context["cl"].result_list
    assert [row.saver_id for row in rows] == [ada.pk]


def test_each_look_is_audited_once(staff: Client, ada: User) -> None:
    staff.get(page_of(ada))
    row = AuditRow.objects.get(verb="saver_seen")
    assert (row.saver_id, row.subject, row.text) == (ada.pk, f"user:{ada.pk}", "")
    staff.get(page_of(ada))
    assert AuditRow.objects.filter(verb="saver_seen").count() == 2


@pytest.mark.parametrize("role", ["Operations"])
def test_roles_without_the_right_are_refused(role: str, ada: User) -> None:
    client = sign_in(make_staff(role))
    for path in (page_of(ada), seen(ada, "dashboard"), reverse("admin:write_saver_note", args=[ada.pk])):
        assert client.get(path).status_code == 403, path
        assert client.post(path).status_code == 403, path
    assert not AuditRow.objects.exists()


def test_another_id_is_not_found(staff: Client) -> None:
    for path in (reverse("admin:saver", args=[0]), reverse("admin:as_seen", args=[0, "dashboard"])):
        assert staff.get(path).status_code == 404


def test_a_frozen_and_a_closed_account_are_named(staff: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(frozen="withdrawals", closed_at=timezone.now(), is_active=False)
    backoffice.record("frozen", by=ada, saver=ada, text="A stolen <b>phone")
    text = staff.get(page_of(ada)).text
    assert "Frozen: no withdrawals" in text
    assert "A stolen &lt;b&gt;phone" in text
    assert "Closed on" in text


def test_html_in_names_is_shown_as_text(staff: Client) -> None:
    user = make_user(name="<script>alert(1)</script>")
    make_plan(user, name="<img src=x>")
    for path in (page_of(user), seen(user, "dashboard")):
        text = staff.get(path).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)" in staff.get(page_of(user)).text


def test_it_costs_the_same_with_one_row_and_with_many(staff: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(frozen="movements")

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(page_of(ada)).status_code == 200
        assert not [query["sql"] for query in queries if "COUNT(" in query["sql"]]
        return len(queries)

    add_everything(ada, 1)
    cost()
    few = cost()
    add_everything(ada, 12)
    fill(ada, 100)
    assert cost() == few <= MOST_QUERIES


@pytest.mark.usefixtures("without_redis")
def test_it_works_without_redis(staff: Client, ada: User) -> None:
    assert staff.get(page_of(ada)).status_code == 200
    assert staff.get(seen(ada, "dashboard")).status_code == 200


# Notes


def write(client: Client, user: User, text: str) -> int:
    return client.post(reverse("admin:write_saver_note", args=[user.pk]), {"text": text}).status_code


def test_a_note_is_stored_and_shown(staff: Client, ada: User) -> None:
    assert write(staff, ada, "Called <b>back") == 302
    note = StaffNote.objects.get()
    assert (note.saver_id, note.text) == (ada.pk, "Called <b>back")
    assert "Called &lt;b&gt;back" in staff.get(page_of(ada)).text
    assert AuditRow.objects.get(verb="note_written").saver_id == ada.pk


def test_a_note_sent_twice_is_one_note(staff: Client, ada: User) -> None:
    assert [write(staff, ada, "Called back"), write(staff, ada, "Called back")] == [302, 302]
    assert StaffNote.objects.count() == 1


def test_a_bad_note_is_refused_beside_the_field_and_kept(staff: Client, ada: User) -> None:
    path = reverse("admin:write_saver_note", args=[ada.pk])
    response = staff.post(path, {"text": "long " * 500})
    assert response.status_code == 422
    assert "long long" in response.text
    assert 'class="errorlist"' in response.text
    assert staff.post(path, {"text": " "}).status_code == 422
    assert staff.get(path).status_code == 405
    assert not StaffNote.objects.exists()


def test_an_auditor_writes_no_note(ada: User) -> None:
    auditor = sign_in(make_staff("Auditor"))
    assert "Write the note" not in auditor.get(page_of(ada)).text
    assert write(auditor, ada, "Hello") == 403


def test_a_role_that_only_reads_has_no_card_of_actions(staff: Client, ada: User) -> None:
    assert "What you can do" in staff.get(page_of(ada)).text
    text = sign_in(make_staff("Auditor")).get(page_of(ada)).text
    assert "What you can do" not in text
    assert "As the saver sees it" in text


# The saver's own pages


def pages(user: User) -> list[str]:
    plan, movement = user.plans.earliest("pk"), user.transactions.latest("pk")
    circle = start_circle(user)
    return [
        seen(user, "dashboard"),
        seen(user, "stash"),
        seen(user, "transactions"),
        seen(user, "plan", plan.pk),
        seen(user, "receipt", movement.reference),
        seen(user, "circle", circle.slug),
    ]


def test_each_page_is_shown_as_the_saver_sees_it_and_cannot_be_pressed(staff: Client, ada: User) -> None:
    for path in pages(ada):
        text = staff.get(path).text
        assert "You are looking at <bdi>Ada Obi</bdi>’s page. Nothing can be pressed here." in text, path
        rest = text.replace(f'href="{page_of(ada)}"', "")
        assert not re.search(r"<a\b[^>]*\shref=|<form|<script|\shx-|\saction=|csrfmiddlewaretoken", rest), (
            path
        )
        assert not re.findall(r"<(?:button|input|select|textarea)\b(?![^>]*\sdisabled)[^>]*>", rest), path
    assert "₦7,000" in staff.get(seen(ada, "dashboard")).text


def test_looking_leaves_no_session_no_row_and_no_cached_page(staff: Client, ada: User) -> None:
    paths = pages(ada)
    staff.get(paths[0])
    for name in ("default", "template_fragments"):
        caches[name].clear()
    staff.get(page_of(ada))
    before = User.objects.filter(pk=ada.pk).values().get()
    for path in paths:
        kept = staff.cookies.output()
        with CaptureQueriesContext(connection) as queries:
            response = staff.get(path)
        writes = [q["sql"] for q in queries if re.match(r"INSERT|UPDATE|DELETE", q["sql"])]
        assert len(writes) == 1, writes
        assert "savings_auditrow" in writes[0]
        assert staff.cookies.output() == kept
        assert "no-store" in response["Cache-Control"]
        assert "ETag" not in response
    assert User.objects.filter(pk=ada.pk).values().get() == before
    keys = [str(key) for key in get_redis_connection("template_fragments").keys("*")]
    assert not [key for key in keys if "page:" in key or "template.cache" in key], keys
    names = [str(key) for key in get_redis_connection("default").keys("*")]
    assert not [key for key in names if "circle-ids" in key], names


def test_looking_is_audited_with_the_page(staff: Client, ada: User) -> None:
    plan = ada.plans.get()
    staff.get(seen(ada, "stash"))
    staff.get(seen(ada, "plan", plan.pk))
    subjects = (
        AuditRow.objects.filter(verb="page_seen", saver=ada).order_by("pk").values_list("subject", flat=True)
    )
    assert list(subjects) == ["page:stash", f"plan:{plan.pk}"]


def test_another_savers_rows_are_not_found_there(staff: Client, ada: User) -> None:
    other = make_user()
    plan, movement = make_plan(other), pay_in(other, 5_00)
    circle = start_circle(other)
    for path in (
        seen(ada, "plan", plan.pk),
        seen(ada, "receipt", movement.reference),
        seen(ada, "circle", circle.slug),
        seen(ada, "plan", "x"),
        seen(ada, "nothing"),
        seen(ada, "plan"),
        seen(ada, "dashboard", "1"),
    ):
        assert staff.get(path).status_code == 404, path
    assert not AuditRow.objects.filter(verb="page_seen").exists()


def test_nothing_can_be_sent_there(staff: Client, ada: User) -> None:
    for path in (seen(ada, "dashboard"), seen(ada, "plan", ada.plans.get().pk)):
        assert staff.post(path, {"amount": "5"}).status_code == 405


def test_a_browser_that_hides_balances_and_htmx_change_nothing(staff: Client, ada: User) -> None:
    staff.cookies["balances"] = "hidden"
    response = staff.get(seen(ada, "dashboard"), headers={"HX-Request": "true"})
    assert "<html" in response.text
    assert "₦7,000" in response.text


def test_the_saver_does_not_get_the_page_of_staff(staff: Client, ada: User, client: Client) -> None:
    staff.get(seen(ada, "dashboard"))
    client.force_login(ada)
    text = client.get(reverse("dashboard:home")).text
    assert "You are looking at" not in text
    assert "<form" in text


def test_what_leads_somewhere_is_taken_from_html() -> None:
    html = (
        '<!doctype html><body><a class="b" href="/x" hx-get="/y">A &amp; B</a><form action="/z" method="post">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="t"><input name="n" value="1 &quot;2"><br>'
        '<button formaction="/q">Go</button></form><script>bad()</script><svg><path d="M0 0"/></svg></body>'
    )
    assert read_only(html, banner="!") == (
        '<!doctype html><body>!<a class="b" role="link" aria-disabled="true">A &amp; B</a><div>'
        '<input name="n" value="1 &quot;2" disabled><br>'
        '<button disabled>Go</button></div><svg><path d="M0 0"></path></svg></body>'
    )


def test_a_day_of_a_moment_is_local() -> None:
    assert moment(datetime.datetime(2026, 1, 1, 23, 30, tzinfo=datetime.UTC)) == "2 Jan 2026, 00:30"
