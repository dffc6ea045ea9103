"""The link to a statement's file: for its owner only, expiring, and counted."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone

from savings import statements
from savings.models import Statement, User
from tests.factories import PASSWORD, make_plan, make_user
from tests.web.shelf import CONTENT, asked_for, written

pytestmark = pytest.mark.django_db


def link(statement: Statement) -> str:
    return f"/statements/{statement.pk}/download/?token={statements.link_token(statement)}"


def later(**ahead: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + datetime.timedelta(**ahead))


def test_the_link_on_the_shelf_fetches_the_file(saver_client: Client, saver: User) -> None:
    statement = written(saver, scope="plan", plan=make_plan(saver, name="School fees"))
    row = saver_client.get("/statements/").context["rows"][0]
    response = saver_client.get(row.download_url)
    assert response.status_code == 200
    assert response.getvalue() == CONTENT
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    name = "asusu-school-fees-2026-10-01-to-2026-10-31.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    statement.refresh_from_db()
    assert statement.downloads == 1


@pytest.mark.parametrize(
    ("plan", "name"),
    [
        ("Àjọ ọdún tuntun", "ajo-odun-tuntun"),
        ('../../etc/"passwd"\r\nX-Evil: 1', "etcpasswd-x-evil-1"),
        ("储蓄", "plan"),
        ("x" * 60, "x" * 40),
    ],
)
def test_a_file_has_a_plain_name_whatever_the_plan_is_called(
    saver_client: Client, saver: User, plan: str, name: str
) -> None:
    made = make_plan(saver)
    saver.plans.filter(pk=made.pk).update(name=plan)
    statement = written(saver, scope="plan", plan=made, format="pdf")
    response = saver_client.get(link(statement))
    response.close()
    assert f'filename="asusu-{name}-2026-10-01-to-2026-10-31.pdf"' in response["Content-Disposition"]
    assert response["Content-Type"] == "application/pdf"


def test_twenty_downloads_are_twenty(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    for _ in range(20):
        assert saver_client.get(link(statement)).getvalue() == CONTENT
    statement.refresh_from_db()
    assert statement.downloads == 20
    assert "downloaded 20 times" in saver_client.get("/statements/").text


def test_a_look_at_the_headers_is_no_download(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    response = saver_client.head(link(statement))
    whole = saver_client.get(link(statement))
    headers = [
        {k: v for k, v in each.items() if k not in {"X-Request-ID", "Server-Timing"}}
        for each in (response, whole)
    ]
    assert headers[0] == headers[1]
    statement.refresh_from_db()
    assert statement.downloads == 0
    whole.close()


def test_a_link_used_while_signed_out_continues_after_the_sign_in(client: Client, saver: User) -> None:
    good = link(written(saver))
    first = client.get(good)
    assert first.status_code == 302
    assert first["Location"].startswith("/accounts/login/?next=/statements/")
    page = client.get(first["Location"])
    field = page.context["redirect_field_value"]
    signed_in = client.post("/accounts/login/", {"login": saver.email, "password": PASSWORD, "next": field})
    assert signed_in["Location"] == good
    assert client.get(signed_in["Location"]).getvalue() == CONTENT


def test_a_browser_that_comes_from_the_sign_in_gets_a_page_and_the_file_after_it(
    saver_client: Client, saver: User
) -> None:
    statement = written(saver)
    came_from = {"Referer": "http://testserver/accounts/login/?next=/statements/"}
    there = saver_client.get(link(statement), headers=came_from)
    assert there["Location"] == f"/statements/{statement.pk}/?download=1"
    page = saver_client.get(there["Location"]).text
    assert f'<meta http-equiv="refresh" content="0; url=/statements/{statement.pk}/download/?token=' in page
    assert "http-equiv" not in saver_client.get(f"/statements/{statement.pk}/").text


def test_a_referer_that_is_no_address_does_not_keep_the_file_back(saver_client: Client, saver: User) -> None:
    came_from = {"Referer": "http://[accounts"}
    assert saver_client.get(link(written(saver)), headers=came_from).getvalue() == CONTENT


@pytest.mark.parametrize(
    "change", ["flip", "cut", "none", "garbage", "of another", "nul", "empty parts", "from far ahead"]
)
def test_a_link_that_was_tampered_with_leads_nowhere(saver_client: Client, saver: User, change: str) -> None:
    statement, other = written(saver), written(saver)
    token = statements.link_token(statement)
    forged = {
        "flip": token[:-1] + ("a" if token[-1] != "a" else "b"),
        "cut": token[:-5],
        "none": "",
        "garbage": "1:2:3:4",
        "of another": statements.link_token(other),
        "nul": "\x00",
        "empty parts": "::",
        "from far ahead": f"{statement.pk}:{'z' * 500}:x",
    }[change]
    response = saver_client.get(f"/statements/{statement.pk}/download/", {"token": forged})
    # No query with a NUL reaches a view.
    assert response.status_code == (400 if change == "nul" else 404)
    statement.refresh_from_db()
    assert statement.downloads == 0


def test_a_link_that_is_too_old_says_so_and_gives_a_fresh_one(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    old = link(statement)
    with later(hours=25):
        saver_client.force_login(saver)
        response = saver_client.get(old)
        assert response.status_code == 410
        assert "This link has expired" in response.text
        assert saver_client.get(response.context["row"].download_url).getvalue() == CONTENT


def test_an_expired_statement_can_be_requested_again(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    with later(days=8):
        saver_client.force_login(saver)
        response = saver_client.get(link(statement))
        assert response.status_code == 410
        assert f'action="/statements/{statement.pk}/again/"' in response.text
        assert "Expired. Make it again" in saver_client.get("/statements/").text


def test_a_revoked_link_is_invalid_at_once(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    good = link(statement)
    saver_client.post(f"/statements/{statement.pk}/revoke/")
    response = saver_client.get(good)
    assert response.status_code == 410
    assert "Its links no longer work" in response.text


def test_one_that_is_still_being_made_says_so(saver_client: Client, saver: User) -> None:
    response = saver_client.get(link(asked_for(saver)))
    assert response.status_code == 410
    assert "still being made" in response.text


def test_a_deleted_statement_is_404(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    good = link(statement)
    saver_client.post(f"/statements/{statement.pk}/delete/")
    assert saver_client.get(good).status_code == 404


def test_the_link_of_somebody_else_leads_nowhere(saver_client: Client) -> None:
    statement = written(make_user())
    assert saver_client.get(link(statement)).status_code == 404
    statement.refresh_from_db()
    assert statement.downloads == 0


def test_a_file_that_is_gone_from_the_storage_is_a_page(saver_client: Client, saver: User) -> None:
    statement = written(saver)
    storages["statements"].delete(statement.file_name)
    response = saver_client.get(link(statement))
    assert response.status_code == 410
    assert "The file is missing" in response.text
    assert f'action="/statements/{statement.pk}/again/"' in response.text
    statement.refresh_from_db()
    assert statement.downloads == 0


def test_a_link_is_only_read(saver_client: Client, saver: User) -> None:
    assert saver_client.post(link(written(saver))).status_code == 405
