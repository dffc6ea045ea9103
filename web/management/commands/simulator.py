"""Serves the payment simulator at SIMULATOR_URL, and sends its webhooks."""

from __future__ import annotations

import logging
import signal
import threading
import time
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from savings import ledger
from savings.models import Account
from web.simulator import events, money
from web.simulator.app import application

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Serves the payment simulator. No real card is charged."
    # The simulator uses none of the site's tables but the balance that it begins with.
    requires_system_checks = ["security"]

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.USES_SIMULATOR:
            raise CommandError("PAYSTACK_SECRET_KEY is set, so the site uses the real provider.")
        address = urlsplit(settings.SIMULATOR_URL)
        host, port = address.hostname or "127.0.0.1", address.port or 80
        try:
            server = make_server(host, port, application, server_class=_Server, handler_class=_QuietHandler)
        except OSError as error:
            raise CommandError(f"The simulator cannot listen on {host}:{port}: {error.strerror}.") from error
        # A thread, because `shutdown` waits until the loop of this one has ended. Set here, because a program that a
        # shell starts in the background ignores SIGINT otherwise.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        take_over_balance()
        threading.Thread(target=_deliver_for_ever, daemon=True).start()
        self.stdout.write(f"The payment simulator is at {settings.SIMULATOR_URL}")
        server.serve_forever()
        server.server_close()


def take_over_balance() -> None:
    """Begin with the balance for transfers that the books have, so that the demo's money can be withdrawn at once.

    Only in a new storage. Without the site's tables it begins with nothing.
    """
    if money.movements(money.BALANCE):
        return
    try:
        account = ledger.house_account(Account.Kind.PROVIDER_BALANCE, "paystack")
        kobo = ledger.balance_kobo(account)
    except DatabaseError:
        return
    if kobo > 0:
        money.post(
            money.BALANCE, kobo, reason="Opening balance", model="Opening", row=1, currency=settings.CURRENCY
        )


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        logger.debug(format, *args)


def _deliver_for_ever() -> None:
    """Send due events four times a second. An error must not stop the loop."""
    while True:
        try:
            events.deliver_due()
        except Exception:
            logger.exception("the simulator could not send its events")
        time.sleep(0.25)
