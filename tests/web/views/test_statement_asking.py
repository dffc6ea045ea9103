"""Requesting a statement: the form, its errors and its preview."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from savings.models import Statement, StatementSubscription, User
from savings.statements.formats import pdf
from tests.factories import join_circle, make_plan, pay_in, start_circle
from tests.web.form_filling import filled_in
from tests.web.shelf import written

pytestmark = pytest.mark.django_db

PASSWORD = "a quiet word of 2026"
HTMX = {"HX-Request": "true"}


def ask(client: Client, **values: Any) -> Any:
    return client.post("/statements/start/", filled_in(client, "/statements/start/", **values))


def test_asking_is_answered_at_once_and_stands_on_the_shelf(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, name="School fees")
    response = ask(saver_client, about=f"plan-{plan.pk}", period="last-month", format="csv")
    assert response["Location"] == "/statements/"
    statement = saver.statements.get()
    assert (statement.plan, statement.format, statement.state) == (plan, "csv", "queued")
    page = saver_client.get("/statements/").text
    for words in ("School fees", "In the queue", "We’ll email you", "<progress"):
        assert words in page


def test_asking_by_htmx_leads_to_the_shelf(saver_client: Client) -> None:
    data = filled_in(saver_client, "/statements/start/")
    response = saver_client.post("/statements/start/", data, headers=HTMX)
    assert response["HX-Redirect"] == "/statements/"


@pytest.mark.parametrize(
    ("kind", "scope"),
    [("plan", "plan"), ("circle", "circle"), ("stash", "stash"), ("everything", "everything")],
)
def test_a_link_from_elsewhere_presets_what_it_is_about(
    saver_client: Client, saver: User, kind: str, scope: str
) -> None:
    made = {"plan": make_plan(saver).pk, "circle": start_circle(saver).pk}
    about = f"{kind}-{made[kind]}" if kind in made else kind
    data = filled_in(saver_client, f"/statements/start/?about={about}")
    saver_client.post("/statements/start/", data)
    assert (data["about"], saver.statements.get().scope) == (about, scope)


def test_pages_of_money_lead_to_a_statement_of_theirs(saver_client: Client, saver: User) -> None:
    plan, circle = make_plan(saver), start_circle(saver)
    pay_in(saver, 50_00, plan=plan)
    # A stash without transactions offers no statement.
    pay_in(saver, 50_00)
    for path, about in (
        (f"/plans/{plan.pk}/", f"?about=plan-{plan.pk}"),
        ("/stash/", "?about=stash"),
        (f"/circles/{circle.slug}/", f"?about=circle-{circle.pk}"),
        ("/transactions/", ""),
    ):
        assert f'href="/statements/start/{about}"' in saver_client.get(path).text


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"period": "days", "since": "2026-05-02", "until": "2026-05-01"}, "until"),
        ({"period": "days", "since": "2026-05-02", "until": "2999-05-01"}, "until"),
        ({"period": "days", "since": "yesterday", "until": "2026-05-01"}, "since"),
        ({"period": "days", "since": "", "until": "2026-05-01"}, "since"),
        ({"period": "days", "since": "0001-01-01", "until": "0002-01-01"}, "until"),
        ({"period": "for ever"}, "period"),
        ({"period": ""}, "period"),
        ({"format": "docx"}, "format"),
        ({"format": "csv", "password": PASSWORD}, "password"),
        ({"format": "pdf", "password": "short"}, "password"),
        ({"format": "pdf", "password": "nul\x00nulnul"}, "password"),
        ({"about": "plan-0"}, "about"),
        ({"about": "\x00"}, "about"),
    ],
)
def test_an_invalid_value_is_named_beside_its_field(
    saver_client: Client, saver: User, values: dict[str, str], field: str
) -> None:
    response = ask(saver_client, **values)
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not saver.statements.exists()


def test_two_hundred_years_are_what_there_is(saver_client: Client, saver: User) -> None:
    today = timezone.localdate()
    ask(saver_client, period="days", since="1826-01-01", until=today.isoformat(), format="csv")
    assert saver.statements.get().since == timezone.localdate(saver.date_joined)


def test_days_before_the_saver_joined_are_refused_beside_the_field(saver_client: Client, saver: User) -> None:
    User.objects.update(date_joined=datetime.datetime(2025, 5, 14, 12, tzinfo=datetime.UTC))
    wrong = ask(saver_client, period="days", since="2024-01-01", until="2025-05-13", format="csv")
    assert wrong.status_code == 422
    assert wrong.context["form"].errors["until"] == [
        "You joined on 14 May 2025. Choose that day or a later one."
    ]
    assert ask(saver_client, period="days", since="2024-01-01", until="2025-05-20").status_code == 302
    assert ">All time, to 20 May 2025</a>" in saver_client.get("/statements/").text


def test_more_rows_than_a_pdf_holds_are_said_before_and_refused_after(
    saver_client: Client, saver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf.Writer, "MOST_ROWS", 2)
    for _ in range(3):
        pay_in(saver, 100)
    ahead = saver_client.get("/statements/start/?about=stash&period=this-month", headers=HTMX).text
    assert "More than 2 transactions: too many for a PDF. Choose Excel or CSV." in ahead
    response = ask(saver_client, about="stash", period="this-month", format="pdf")
    assert response.status_code == 422
    assert "Choose Excel or CSV" in response.text
    assert ask(saver_client, about="stash", period="this-month", format="csv").status_code == 302


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-01-01", "9999-12-31"), ("9999-12-31", "9999-12-31"), ("0001-01-01", "0001-01-01")],
)
def test_days_at_either_end_of_the_calendar_are_refused_and_not_looked_at(
    saver_client: Client, since: str, until: str
) -> None:
    values = {"about": "stash", "period": "days", "since": since, "until": until}
    page = saver_client.get("/statements/start/", values)
    assert (page.status_code, page.context["ahead"]) == (200, "")
    assert ask(saver_client, **values, format="csv").status_code == 422


def test_the_preview_counts_rows(saver_client: Client, saver: User) -> None:
    pay_in(saver, 100)
    ask_ahead = "/statements/start/?about=stash&period="
    assert "1 transaction<" in saver_client.get(f"{ask_ahead}this-month", headers=HTMX).text
    assert "No transactions in this period" in saver_client.get(f"{ask_ahead}last-year", headers=HTMX).text
    assert 'id="ahead" aria-live="polite"></p>' in saver_client.get(f"{ask_ahead}days", headers=HTMX).text


def test_another_users_plan_and_circle_cannot_be_asked_about(saver_client: Client, saver: User) -> None:
    plan, circle = make_plan(), start_circle()
    for about in (f"plan-{plan.pk}", f"circle-{circle.pk}", "plan-x", "\x00"):
        # No query with a NUL reaches a view.
        expected = 400 if "\0" in about else 404
        assert saver_client.get("/statements/start/", {"about": about}).status_code == expected
        assert ask(saver_client, about=about).status_code == 422
    assert not saver.statements.exists()


def test_a_member_asks_about_the_circle(saver_client: Client, saver: User) -> None:
    circle = start_circle()
    join_circle(circle, saver)
    ask(saver_client, about=f"circle-{circle.pk}", format="csv")
    assert saver.statements.get().circle == circle


def test_a_password_is_never_sent_back_nor_kept_in_clear(
    saver_client: Client, saver: User, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = ask(saver_client, format="pdf", password=PASSWORD, period="days", since="", until="")
    assert PASSWORD not in wrong.text
    assert "Enter the password again" in wrong.text
    ask(saver_client, format="pdf", password=PASSWORD)
    statement = saver.statements.get()
    assert statement.has_password
    assert PASSWORD not in str(Statement.objects.values().get())
    pages = saver_client.get("/statements/").text + saver_client.get(f"/statements/{statement.pk}/").text
    assert PASSWORD not in pages + caplog.text


def test_a_form_with_a_password_does_not_wait_for_a_sign_in(client: Client, saver: User) -> None:
    client.force_login(saver)
    data = filled_in(client, "/statements/start/", password=PASSWORD)
    client.logout()
    response = client.post("/statements/start/", data)
    assert response["Location"] == "/accounts/login/?next=/statements/start/"
    assert PASSWORD not in str(dict(client.session))


def test_two_equal_requests_are_one_statement(saver_client: Client, saver: User) -> None:
    for _ in range(2):
        ask(saver_client, format="csv")
    assert saver.statements.count() == 1


def test_an_equal_request_soon_after_returns_the_ready_statement(saver_client: Client, saver: User) -> None:
    today = timezone.localdate()
    written(saver, since=today.replace(day=1), until=today)
    ask(saver_client, about="stash", period="this-month", format="csv")
    assert saver.statements.count() == 1
    assert "Already here" in saver_client.get("/statements/").text


def test_monthly_ones_are_asked_for_with_the_form_and_ended_on_the_shelf(
    saver_client: Client, saver: User
) -> None:
    ask(saver_client, about="stash", format="csv", monthly="on")
    subscription = StatementSubscription.objects.get(user=saver, scope="stash")
    page = saver_client.get("/statements/").text
    assert "CSV, next for" in page
    saver_client.post(f"/statements/monthly/{subscription.pk}/end/")
    assert not StatementSubscription.objects.exists()
    assert saver.statements.count() == 1
