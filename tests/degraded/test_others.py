"""The mail server or the provider never answers, or the storage is full: only those who need them notice."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from savings import payments
from savings.models import OutboxRow, Payment, Payout, Statement
from savings.payments import paystack
from tests.degraded.areas import AREAS, USUAL, Site, work
from tests.provider import Provider
from tests.savings.statements.test_writing import Full, keep_in
from tests.statements import try_to_write

pytestmark = pytest.mark.django_db


class Silent:
    """A server that accepts connections and never answers."""

    def __init__(self) -> None:
        self.connections: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        try:
            while True:
                self.connections.append(self._socket.accept()[0])
        except OSError:
            return

    def close(self) -> None:
        # This wakes the thread; closing alone does not.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for end in (self._socket, *self.connections):
            end.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()


@pytest.fixture
def site(provider: Provider) -> Site:
    return Site()


@pytest.fixture
def mail_server(site: Site, silent: Silent, settings: Settings) -> Silent:
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": silent.port, "timeout": 0.2},
        }
    }
    return silent


@pytest.fixture
def silent_provider(
    site: Site, silent: Silent, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Silent:
    monkeypatch.setattr(paystack, "transport", None)
    settings.PROVIDER_URL, settings.PROVIDER_TIMEOUT_SECONDS = f"http://127.0.0.1:{silent.port}", 0.2
    return silent


@pytest.mark.parametrize("area", AREAS)
def test_no_request_waits_for_the_mail_server(site: Site, mail_server: Silent, area: str) -> None:
    assert AREAS[area](site).status_code == USUAL[area]
    assert mail_server.connections == []


def test_a_mail_waits_for_its_server(site: Site, mail_server: Silent) -> None:
    assert work() == 0
    site.mail.refresh_from_db()
    assert (site.mail.tries, site.mail.dead_at, "timed out" in site.mail.error) == (1, None, True)


@pytest.mark.parametrize("area", sorted(AREAS.keys() - {"paying-in"}))
def test_only_paying_in_waits_for_the_provider(site: Site, silent_provider: Silent, area: str) -> None:
    assert AREAS[area](site).status_code == USUAL[area]
    assert silent_provider.connections == []


def test_a_payment_can_be_sent_again_when_the_provider_answers(site: Site, silent_provider: Silent) -> None:
    begun_at = time.monotonic()
    response = site.pay_in()
    assert time.monotonic() - begun_at < 2
    payment = Payment.objects.get()
    assert response["Location"] == f"/payments/return/{payment.transaction.reference}/"
    assert "We can’t reach the payment provider." in site.browser.get(response["Location"]).text


def test_a_withdrawal_stays_on_its_way_until_the_provider_answers(
    site: Site, silent_provider: Silent
) -> None:
    site.withdraw()
    payments.send_payout(OutboxRow.objects.get(kind=payments.PAYOUT_KIND))
    payout = Payout.objects.get()
    assert payout.state in {Payout.State.SENT, Payout.State.WAITING}
    assert payout.transaction.status == "pending"


@pytest.mark.parametrize("area", AREAS)
def test_a_full_storage_stops_no_request(site: Site, settings: Settings, area: str) -> None:
    keep_in(settings, Full)
    assert AREAS[area](site).status_code == USUAL[area]


def test_a_statement_waits_for_room(site: Site, settings: Settings) -> None:
    site.ask_for_statement()
    usual = settings.STORAGES
    keep_in(settings, Full)
    statement = try_to_write(Statement.objects.get())
    assert statement.state == Statement.State.FAILED
    assert statement.reason == "There was no room for the file. We’ll try again automatically."
    assert "There was no room for the file." in site.browser.get("/statements/").text
    settings.STORAGES = usual
    assert try_to_write(statement).state == Statement.State.READY
