"""Verifying a statement: possible with its code and closing balance, and not by guessing."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from savings.models import Statement, User
from tests.factories import make_plan
from tests.web.shelf import CONTENT, written
from web import uploads

pytestmark = pytest.mark.django_db

CLOSING = "1,250,400.00"


@pytest.fixture
def statement(saver: User) -> Statement:
    """A statement of a plan with a private name."""
    return written(saver, scope="plan", plan=make_plan(saver, name="Secret wedding"))


def check(client: Client, code: str, closing: str = CLOSING, **fields: Any) -> Any:
    return client.post("/statements/verify/", {"code": code, "closing": closing, **fields})


def upload(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("statement.csv", content)


def test_the_code_and_the_closing_balance_show_what_the_file_says(
    client: Client, statement: Statement
) -> None:
    page = check(client, statement.code).text
    for words in ("We made a statement with this code", "October 2026", "₦1,250,400.00", "Made on"):
        assert words in page
    for secret in ("Secret wedding", statement.user.name, statement.user.email, statement.sha256):
        assert secret not in page


def test_the_address_in_the_file_fills_the_code_in(client: Client, statement: Statement) -> None:
    page = client.get(f"/statements/verify/{statement.code}/")
    assert page.status_code == 200
    assert f'value="{statement.code}"' in page.text
    assert "October" not in page.text


def test_a_code_is_read_however_it_was_typed(client: Client, statement: Statement) -> None:
    Statement.objects.update(code="0123456789ABCDEF")
    for typed in ("0123-4567-89ab-cdef", " o123 4567 89AB CDEF ", "OI23456789ABCDEF", "0l23-4567–89AB-CDEF"):
        assert "We made a statement with this code" in check(client, typed).text


def test_a_wrong_code_and_a_wrong_sum_look_alike(client: Client, statement: Statement) -> None:
    wrong_code = check(client, "0" * 16)
    wrong_sum = check(client, statement.code, "1,250,400.01")
    assert wrong_code.status_code == wrong_sum.status_code == 200
    assert "No such statement" in wrong_sum.text
    main = [page.text.split("<form", 1)[0] for page in (wrong_code, wrong_sum)]
    assert main[0] == main[1]


def test_the_file_itself_matches_by_its_hash_and_by_upload(client: Client, statement: Statement) -> None:
    assert "The file matches" in check(client, statement.code, sha256=statement.sha256).text
    assert "The file matches" in check(client, statement.code, file=upload(CONTENT)).text


def test_one_byte_changed_is_another_file(client: Client, statement: Statement) -> None:
    changed = CONTENT.replace(b"100.00", b"900.00")
    assert len(changed) == len(CONTENT)
    for fields in ({"file": upload(changed)}, {"sha256": hashlib.sha256(changed).hexdigest()}):
        page = check(client, statement.code, **fields).text
        assert "This file has been changed" in page
        assert "matches" not in page


def test_an_upload_is_hashed_in_pieces_and_kept_nowhere(
    client: Client, saver: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    content = b"0123456789abcdef" * 400_000
    statement = written(saver, content)
    seen = set(tmp_path.rglob("*"))
    assert "The file matches" in check(client, statement.code, file=upload(content)).text
    assert set(tmp_path.rglob("*")) == seen


def test_a_file_that_is_too_large_to_send_is_refused_and_nothing_typed_is_lost(
    client: Client, statement: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 10)
    response = check(client, statement.code, file=upload(CONTENT))
    assert response.status_code == 422
    assert "too large to send" in response.text
    assert f'value="{statement.code}"' in response.text
    assert f'value="{CLOSING}"' in response.text


def test_a_file_need_not_be_sent_again_to_correct_the_code(client: Client, statement: Statement) -> None:
    for code, closing in (("0" * 16, CLOSING), (statement.code, "much")):
        page = check(client, code, closing, file=upload(CONTENT))
        assert f'name="sha256" value="{statement.sha256}"' in page.text
    assert 'name="sha256" id=' in check(client, statement.code, file=upload(CONTENT)).text


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"code": ""}, "code"),
        ({"code": "x" * 60_000}, "code"),
        ({"code": "\x00"}, "code"),
        ({"closing": ""}, "closing"),
        ({"closing": "-5"}, "closing"),
        ({"closing": "1e9"}, "closing"),
        ({"closing": "9" * 30}, "closing"),
        ({"sha256": "<img src=x>"}, "sha256"),
        ({"sha256": "A" * 64}, "sha256"),
    ],
)
def test_an_invalid_value_is_named(client: Client, values: dict[str, str], field: str) -> None:
    response = check(client, **{"code": "0" * 16, "closing": CLOSING} | values)
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert "<img src=x" not in response.text


@pytest.mark.parametrize("code", ["%00", "%3Cimg%20src=x%3E", "x" * 2000, "%E2%80%AE", "..%2f"])
def test_a_nasty_address_breaks_nothing(client: Client, code: str) -> None:
    page = client.get(f"/statements/verify/{code}/")
    assert page.status_code in {200, 404}
    assert "<img src=x" not in page.text


def test_guesses_of_one_address_are_limited(client: Client, statement: Statement) -> None:
    for number in range(10):
        assert check(client, f"{number:016}").status_code == 200
    blocked = check(client, statement.code)
    assert blocked.status_code == 429
    assert "Too many tries" in blocked.text


def test_guesses_at_the_sum_of_one_code_are_limited_however_it_is_written(
    client: Client, statement: Statement
) -> None:
    def check_from(address: str, code: str, closing: str = CLOSING) -> Any:
        sent = {"code": code, "closing": closing}
        return client.post("/statements/verify/", sent, REMOTE_ADDR=address)

    # All in the same /64 network.
    for number in range(5):
        code = statement.code.lower() if number % 2 else f" {statement.code}"
        assert check_from(f"2001:db8::{number}", code, str(number)).status_code == 200
    refused = check_from("2001:db8::9", statement.code)
    # If the right amount were still answered, guessing could continue.
    assert refused.status_code == 429
    assert "five a day about one statement" in refused.text
    with time_machine.travel(timezone.now() + datetime.timedelta(days=1, minutes=1)):
        assert "We made a statement with this code" in check_from("2001:db8::9", statement.code).text


def test_nobody_can_use_up_the_tries_of_another_user(client: Client, statement: Statement) -> None:
    for number in range(30):
        wrong = {"code": statement.code, "closing": str(number)}
        client.post("/statements/verify/", wrong, REMOTE_ADDR=f"10.0.0.{number // 6}")
    assert client.post("/statements/verify/", wrong, REMOTE_ADDR="10.0.0.0").status_code == 429
    assert "We made a statement with this code" in check(client, statement.code).text
    assert "No such statement" in check(client, statement.code, "5").text


def test_right_answers_use_up_nothing(client: Client, statement: Statement) -> None:
    for _ in range(30):
        assert check(client, statement.code).status_code == 200


def test_guesses_are_limited_while_redis_is_down(
    without_redis: None, client: Client, statement: Statement
) -> None:
    assert "We made a statement with this code" in check(client, statement.code).text
    for number in range(10):
        check(client, f"{number:016}")
    assert check(client, statement.code).status_code == 429


def test_the_form_is_safe_from_other_sites(statement: Statement) -> None:
    careful = Client(enforce_csrf_checks=True)
    assert check(careful, statement.code).status_code == 403
    token = careful.get("/statements/verify/").context["csrf_token"]
    response = check(careful, statement.code, csrfmiddlewaretoken=str(token), file=upload(CONTENT))
    assert "The file matches" in response.text


def test_a_statement_that_was_revoked_was_made_all_the_same(
    client: Client, saver_client: Client, statement: Statement
) -> None:
    saver_client.post(f"/statements/{statement.pk}/revoke/")
    assert "We made a statement with this code" in check(Client(), statement.code).text


def test_the_page_costs_no_more_than_one_query(
    client: Client, statement: Statement, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        check(client, statement.code)


def test_a_saver_who_is_signed_in_has_the_menu(saver_client: Client, statement: Statement) -> None:
    for answer in (saver_client.get("/statements/verify/"), check(saver_client, statement.code)):
        assert '<nav class="nav"' in answer.text
        assert answer.text.count("<h1") == 1
    assert '<nav class="nav"' not in Client().get("/statements/verify/").text
