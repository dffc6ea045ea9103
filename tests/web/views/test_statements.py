"""The statements page: states, progress of one being written, and the actions afterwards."""

from __future__ import annotations

import datetime
import re

import pytest
from django.core.files.storage import storages
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from savings import mails, statements
from savings.models import OutboxRow, Statement, User
from tests.factories import make_plan, make_user
from tests.web.form_filling import filled_in
from tests.web.shelf import asked_for, written

pytestmark = pytest.mark.django_db

PASSWORD = "a quiet word of 2026"
HTMX = {"HX-Request": "true"}
NASTY = "=HYPERLINK(1)<img src=x onerror=alert(1)>\u202e\u200b"


def titles(page: str) -> list[str]:
    return re.findall(r'class="b title" href="/statements/\d+/">([^<]+)<', page)


def test_an_empty_shelf_says_what_to_do(saver_client: Client) -> None:
    page = saver_client.get("/statements/")
    assert page.status_code == 200
    assert "No statements yet" in page.text
    assert 'action="/statements/start/"' in page.text


def test_the_shelf_says_where_each_stands(saver_client: Client, saver: User) -> None:
    written(saver, downloads=2, format="pdf", password=PASSWORD)
    Statement.objects.update(downloads=2, rows_written=1284, size_bytes=142_300)
    for state, reason in (("failed", "The disk was full."), ("revoked", ""), ("expired", "")):
        Statement.objects.filter(pk=asked_for(saver, since=datetime.date(2026, 9, 1)).pk).update(
            state=state, reason=reason
        )
    page = saver_client.get("/statements/").text
    for words in (
        "1,284 transactions · password · downloaded twice · until",
        "The disk was full.",
        "Its links no longer work and the file is deleted.",
        "Expired. Make it again any time.",
    ):
        assert words in page
    assert titles(page) == ["September to October 2026"] * 3 + ["October 2026"]
    assert page.count("/download/?token=") == 1


def test_pages_walk_to_the_end_and_back(saver_client: Client, saver: User) -> None:
    made = [written(saver).pk for _ in range(30)][::-1]
    first = saver_client.get("/statements/")
    second = saver_client.get(f"/statements/{first.context['page'].older}", headers=HTMX)
    assert [row.id for row in (*first.context["rows"], *second.context["rows"])] == made
    assert second.text.strip().startswith('<section class="card" id="listing"')
    assert second.context["page"].older is None
    back = saver_client.get(f"/statements/{second.context['page'].newer}")
    assert [row.id for row in back.context["rows"]] == made[:25]


@pytest.mark.parametrize(
    "query",
    ["before=x", "after=-1", "before=" + "9" * 40, "watch=x&unfinished=%00&look=-1", "watch=" + "1." * 5000],
)
def test_a_nasty_query_breaks_nothing(saver_client: Client, query: str) -> None:
    # No query with a NUL reaches a view.
    expected = {400} if "%00" in query else {200, 404}
    for path in ("/statements/", "/statements/start/"):
        for headers in ({}, HTMX):
            assert saver_client.get(f"{path}?{query}", headers=headers).status_code in expected


def test_a_plans_name_is_text_wherever_it_stands(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, name="x")
    saver.plans.update(name=NASTY[:60])
    made = written(saver, scope="plan", plan=plan)
    for path in ("/statements/", "/statements/start/", f"/statements/{made.pk}/"):
        page = saver_client.get(path).text
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page
    statements.subscribe(saver, scope="plan", plan=plan, format="csv")
    assert "<img src=x" not in saver_client.get("/statements/").text


def test_the_page_polls_while_a_statement_is_written(saver_client: Client, saver: User) -> None:
    statement = asked_for(saver)
    page = saver_client.get("/statements/")
    watch = page.context["watch"]
    assert f'hx-get="/statements/{watch.replace("&", "&amp;")}"' in page.text
    Statement.objects.update(state="writing", rows_expected=2071, rows_written=1284)
    part = saver_client.get(f"/statements/{watch}", headers=HTMX)
    assert part.text.strip().startswith('<section class="card" id="jobs"')
    assert '<progress value="61" max="100"' in part.text
    assert "1,284 of 2,071 transactions" in part.text
    written_now = written(saver)
    Statement.objects.filter(pk=written_now.pk).delete()
    Statement.objects.filter(pk=statement.pk).update(
        state="ready",
        file_name=written_now.file_name,
        sha256="0" * 64,
        closing_kobo=0,
        size_bytes=1,
        expires_at=timezone.now() + datetime.timedelta(days=1),
    )
    last = saver_client.get(f"/statements/{part.context['watch']}", headers=HTMX).text
    assert "hx-trigger" not in last
    assert "Your statement is ready" in last
    assert f"/statements/{statement.pk}/download/?token=" in last


def test_a_failure_while_watching_shows_a_notice(saver_client: Client, saver: User) -> None:
    asked_for(saver)
    watch = saver_client.get("/statements/").context["watch"]
    Statement.objects.update(state="failed", reason="The disk was full.")
    part = saver_client.get(f"/statements/{watch}", headers=HTMX).text
    assert "We couldn’t make a statement" in part
    assert "hx-trigger" not in part


def test_without_a_script_there_is_a_link_to_look_again(saver_client: Client, saver: User) -> None:
    statement = asked_for(saver)
    assert '<a href="/statements/">Refresh</a>' in saver_client.get("/statements/").text
    assert ">Refresh</a>" in saver_client.get(f"/statements/{statement.pk}/").text


def test_a_page_stops_polling_in_the_end(saver_client: Client, saver: User) -> None:
    statement = asked_for(saver)
    for path in (f"/statements/?watch={statement.pk}&look=600", f"/statements/{statement.pk}/?look=600"):
        assert "hx-trigger" not in saver_client.get(path, headers=HTMX).text


def test_nobody_watches_somebody_elses(saver_client: Client) -> None:
    other = asked_for(make_user())
    part = saver_client.get(f"/statements/?watch={other.pk}", headers=HTMX).text
    assert "October 2026" not in part


def test_one_statement_has_a_page_with_all_there_is_to_know(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    page = saver_client.get(f"/statements/{statement.pk}/").text
    code = f"{statement.code[:4]}-{statement.code[4:8]}-{statement.code[8:12]}-{statement.code[12:]}"
    for words in ("October 2026", "Stash", code, statement.sha256, "₦1,250,400.00", "not yet", "Download"):
        assert words in page


def test_the_page_of_one_follows_it(saver_client: Client, saver: User) -> None:
    statement = asked_for(saver)
    page = saver_client.get(f"/statements/{statement.pk}/").text
    assert f'hx-get="/statements/{statement.pk}/?look=1"' in page
    Statement.objects.update(state="failed", reason="The disk was full.")
    part = saver_client.get(f"/statements/{statement.pk}/?look=1", headers=HTMX).text
    assert part.strip().startswith('<div class="split" id="statement"')
    assert "hx-trigger" not in part
    assert "The disk was full." in part
    assert "Try again" in part


def test_requesting_it_again_makes_a_new_statement(saver_client: Client, saver: User) -> None:
    old = asked_for(saver)
    Statement.objects.update(state="failed")
    assert saver_client.post(f"/statements/{old.pk}/again/")["Location"] == "/statements/"
    new = saver.statements.exclude(pk=old.pk).get()
    assert (new.since, new.until, new.state) == (old.since, old.until, "queued")


def test_one_with_a_password_is_made_again_by_typing_one(saver_client: Client, saver: User) -> None:
    statement = written(saver, format="pdf", password=PASSWORD)
    page = saver_client.get("/statements/").text
    assert f"/statements/{statement.pk}/again/" not in page
    again = re.search(r'href="(/statements/start/\?about=stash[^"]+)"', page)
    assert again is not None
    data = filled_in(saver_client, again[1].replace("&amp;", "&"))
    assert (data["since"], data["until"], data["format"]) == ("2026-10-01", "2026-10-31", "pdf")


def test_the_mail_is_sent_again_and_its_state_shown(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    saver_client.post(f"/statements/{statement.pk}/resend-mail/")
    row = OutboxRow.objects.get(user=saver, kind="statement_ready")
    page = saver_client.get(f"/statements/{statement.pk}/").text
    assert f'<a href="/messages/{row.pk}/">On its way</a>' in page


def test_a_page_shows_the_mail_of_its_own_statement(saver_client: Client, saver: User) -> None:
    first, second = written(saver), written(saver)
    with transaction.atomic():
        mails.statement_ready(first)
        mails.statement_ready(second)
    page = saver_client.get(f"/statements/{first.pk}/").text
    assert f"/messages/{OutboxRow.objects.get(kind='statement_ready', statement=first).pk}/" in page
    assert f"/messages/{OutboxRow.objects.get(kind='statement_ready', statement=second).pk}/" not in page


def test_a_revoked_statement_has_no_file(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    saver_client.post(f"/statements/{statement.pk}/revoke/")
    assert not storages["statements"].exists(statement.file_name)
    assert "Its links no longer work" in saver_client.get("/statements/").text


def test_a_deleted_statement_is_not_listed(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    saver_client.post(f"/statements/{statement.pk}/delete/")
    assert not saver.statements.exists()
    assert not storages["statements"].exists(statement.file_name)


def test_a_refused_action_shows_a_message(saver_client: Client, saver: User) -> None:
    statement = asked_for(saver)
    response = saver_client.post(f"/statements/{statement.pk}/resend-mail/")
    assert response.status_code == 422
    assert "Make it again" in response.text


@pytest.mark.parametrize("verb", ["again", "resend-mail", "revoke", "delete"])
def test_a_visitor_does_nothing_to_it(saver_client: Client, verb: str) -> None:
    statement = written(make_user())
    assert saver_client.post(f"/statements/{statement.pk}/{verb}/").status_code == 404
    assert saver_client.get(f"/statements/{statement.pk}/{verb}/").status_code == 405
    assert Statement.objects.get().state == "ready"


def test_a_visitor_sees_nothing_and_ends_nothing(saver_client: Client) -> None:
    other = make_user()
    statement = written(other)
    subscription = statements.subscribe(other, scope="stash", format="csv")
    assert saver_client.get(f"/statements/{statement.pk}/").status_code == 404
    assert saver_client.post(f"/statements/monthly/{subscription.pk}/end/").status_code == 404
    assert titles(saver_client.get("/statements/").text) == []


def test_the_shelf_costs_the_same_for_one_and_for_many(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    saver_client.get("/transactions/")
    for more in (1, 9):
        for number in range(more):
            plan = make_plan(saver)
            written(saver, scope="plan", plan=plan)
            asked_for(saver, scope="plan", plan=plan, since=datetime.date(2026, 1, 1 + number))
            statements.subscribe(saver, scope="plan", plan=plan, format="csv")
        with django_assert_num_queries(6):
            watch = saver_client.get("/statements/").context["watch"]
        with django_assert_num_queries(2):
            saver_client.get(f"/statements/{watch}", headers=HTMX)


def test_one_page_costs_a_constant_number_of_queries(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    statement = written(saver)
    saver_client.get("/transactions/")
    with django_assert_num_queries(3):
        saver_client.get(f"/statements/{statement.pk}/")
