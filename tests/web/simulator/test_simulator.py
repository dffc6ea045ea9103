"""The simulator: its checkout page, its answers to bad requests, its storage and its webhooks."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from tests.processes import PATIENCE_SECONDS, free_port, wait_until
from tests.provider import Provider
from tests.web.simulator.conftest import KEY
from web.simulator import events, payments, store

ASKED = {"email": "ada@example.com", "amount": 2_500_000, "reference": "TOP01M85MW6EM6C1D15Q"}


def announce(http: httpx.Client, **changes: object) -> httpx.Response:
    return http.post("/transaction/initialize", json=ASKED | changes)


def pay_page(http: httpx.Client) -> str:
    return str(announce(http, callback_url="http://site/back/").json()["data"]["authorization_url"])


@contextlib.contextmanager
def running(folder: Path, ends_by: signal.Signals) -> Iterator[str]:
    """The simulator as a separate process, which must exit cleanly on a signal."""
    address = f"http://127.0.0.1:{free_port()}"
    told = {
        "DJANGO_SETTINGS_MODULE": "web.settings",
        "SIMULATOR_URL": address,
        "SIMULATOR_FILE": str(folder / "simulator.sqlite3"),
    }
    # As a shell starts a program in the background: it ignores Ctrl-C.
    command = ["sh", "-c", "trap '' INT; exec \"$0\" manage.py simulator", sys.executable]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=os.environ | told, text=True)
    try:
        wait_until(lambda: _answers(address))
        yield address
        process.send_signal(ends_by)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def _answers(address: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(address).is_success
    return False


def status(http: httpx.Client) -> str:
    return str(http.get(f"/transaction/verify/{ASKED['reference']}").json()["data"]["status"])


def test_the_pay_page_says_what_it_is_and_what_is_paid(http: httpx.Client) -> None:
    page = http.get(pay_page(http))
    assert "₦25,000.00" in page.text
    assert "No real card is charged." in page.text
    assert all(f'value="{outcome}"' in page.text for outcome in payments.OUTCOMES)


def test_its_pages_may_load_nothing_but_their_own_style(http: httpx.Client) -> None:
    policy = http.get(pay_page(http)).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"form-action 'self' {settings.SITE_URL}" in policy
    assert http.get("/static/css/app.css").headers["Content-Type"] == "text/css"
    assert http.get("/static/js/app.js").status_code == 404
    assert http.get("/static/../web/settings.py").status_code == 404


@pytest.mark.parametrize(
    ("outcome", "end", "deliveries"),
    [
        ("success", "success", 1),
        ("foreign", "success", 1),
        ("declined", "failed", 0),
        ("abandon", "abandoned", 0),
        ("late", "pending", 1),
        ("twice", "success", 2),
        ("wrong-amount", "success", 1),
        ("forged", "abandoned", 1),
        ("silent", "success", 0),
    ],
)
def test_each_button_ends_as_it_says(http: httpx.Client, outcome: str, end: str, deliveries: int) -> None:
    answer = http.post(pay_page(http), data={"outcome": outcome})
    assert answer.status_code == 303
    query = f"?trxref={ASKED['reference']}&reference={ASKED['reference']}"
    assert answer.headers["Location"] == "http://site/back/" + query
    assert status(http) == end
    assert len(store.due_deliveries(time.time() + 60)) == deliveries


def test_leaving_leads_to_where_the_site_wants_leavers(http: httpx.Client) -> None:
    announce(http, metadata={"cancel_action": "http://site/left/"}, callback_url="http://site/back/")
    payment = payments.find(str(ASKED["reference"]))
    assert payment is not None
    answer = http.post(f"/pay/{payment['access_code']}", data={"outcome": "abandon"})
    assert answer.headers["Location"] == "http://site/left/"


def test_a_late_payment_succeeds_by_itself(http: httpx.Client, provider: Provider) -> None:
    http.post(pay_page(http), data={"outcome": "late"})
    provider.change(str(ASKED["reference"]), succeeds_at=time.time() - 1)
    assert status(http) == "success"


@pytest.mark.parametrize("outcome", ["", "nonsense"])
def test_a_button_that_is_not_there_changes_nothing(http: httpx.Client, outcome: str) -> None:
    assert http.post(pay_page(http), data={"outcome": outcome}).status_code == 200
    assert status(http) == "abandoned"


def test_a_payment_cannot_be_paid_twice(http: httpx.Client) -> None:
    page = pay_page(http)
    http.post(page, data={"outcome": "success"})
    assert "This payment is done" in http.post(page, data={"outcome": "success"}).text
    assert len(store.due_deliveries(time.time())) == 1


def test_a_declined_payment_can_be_tried_again(http: httpx.Client) -> None:
    page = pay_page(http)
    http.post(page, data={"outcome": "declined"})
    http.post(page, data={"outcome": "success"})
    assert status(http) == "success"


def test_an_unknown_pay_page_says_so(http: httpx.Client) -> None:
    assert http.get("/pay/nothing").status_code == 404


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 0}, "invalid_amount"),
        ({"amount": -1}, "invalid_amount"),
        ({"amount": "2500000"}, "invalid_amount"),
        ({"amount": True}, "invalid_amount"),
        ({"email": "nobody"}, "invalid_email_address"),
        ({"email": None}, "invalid_email_address"),
        ({"reference": "a/b"}, "invalid_reference"),
        ({"reference": ""}, "invalid_reference"),
    ],
)
def test_a_bad_announcement_is_declined(http: httpx.Client, changes: dict[str, object], code: str) -> None:
    answer = announce(http, **changes)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_reference_is_taken_once(http: httpx.Client) -> None:
    announce(http)
    assert announce(http).json()["code"] == "duplicate_reference"


@pytest.mark.parametrize("body", [b"", b"not json", b"[]"])
def test_a_body_that_is_no_object_is_declined(http: httpx.Client, body: bytes) -> None:
    assert http.post("/transaction/initialize", content=body).status_code == 400


@pytest.mark.parametrize("key", ["", "Bearer wrong", "sk_test_simulator"])
def test_without_the_key_the_api_answers_401(http: httpx.Client, key: str) -> None:
    answer = http.get("/transaction/verify/x", headers={"Authorization": key})
    assert (answer.status_code, answer.json()["message"]) == (401, "Invalid key")


def test_a_wrong_method_and_a_wrong_path_are_declined(http: httpx.Client) -> None:
    assert http.get("/transaction/initialize").status_code == 405
    assert http.get("/customer").status_code == 404


def test_a_card_is_charged_again_only_for_its_owner(http: httpx.Client, provider: Provider) -> None:
    http.post(pay_page(http), data={"outcome": "success"})
    payment = payments.find(str(ASKED["reference"]))
    assert payment is not None
    asked = ASKED | {"reference": "AUT-2", "authorization_code": payment["authorization"]["code"]}
    assert http.post("/transaction/charge_authorization", json=asked).json()["data"]["status"] == "success"
    somebody = asked | {"reference": "AUT-3", "email": "bola@example.com"}
    assert http.post("/transaction/charge_authorization", json=somebody).status_code == 400


def test_an_unanswered_event_is_sent_again_as_the_provider_would(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "transport", httpx.MockTransport(lambda request: httpx.Response(500)))
    http.post(pay_page(http), data={"outcome": "success"})
    now = time.time() + 1
    waits = []
    for _ in range(6):
        assert events.deliver_due(now) == 0
        due = store.due_deliveries(now + 10_000)[0].due_at
        waits.append(round(due - now))
        now = due
    assert waits == [180, 180, 180, 180, 3600, 3600]


def test_an_event_is_given_up_after_three_days(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "transport", httpx.MockTransport(lambda request: httpx.Response(401)))
    http.post(pay_page(http), data={"outcome": "forged"})
    now = began = time.time() + 1
    while due := store.due_deliveries(now + 10_000):
        now = max(now, due[0].due_at)
        events.deliver_due(now)
    assert 71 < (now - began) / 3600 < 73


@pytest.mark.timeout(240)
def test_it_serves_keeps_its_memory_over_a_restart_and_ends(tmp_path: Path) -> None:
    with running(tmp_path, signal.SIGINT) as address:
        page = httpx.post(f"{address}/transaction/initialize", json=ASKED, headers=KEY).json()
        other = httpx.post(
            f"{address}/transaction/initialize", json=ASKED | {"reference": "other"}, headers=KEY
        )
        httpx.post(other.json()["data"]["authorization_url"], data={"outcome": "silent"})
    with running(tmp_path, signal.SIGTERM) as again:
        url = page["data"]["authorization_url"].replace(address, again)
        assert httpx.post(url, data={"outcome": "silent"}).status_code == 303
        answer = httpx.get(f"{again}/transaction/verify/{ASKED['reference']}", headers=KEY)
        # Two payments of 25,000 naira less 475 each.
        assert "₦49,050.00" in httpx.get(again).text
    assert answer.json()["data"]["status"] == "success"


def test_it_does_not_start_beside_the_real_provider(settings: Settings) -> None:
    settings.USES_SIMULATOR = False
    with pytest.raises(CommandError, match="the site uses the real provider"):
        call_command("simulator")


def test_a_taken_port_is_reported_in_one_sentence(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings.SIMULATOR_URL = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CommandError, match="cannot listen"):
            call_command("simulator")
