"""The payment provider of the simulated year: the simulator in this process, which fails in every way."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

import httpx
from django.db import connection

from savings import payments, tasks
from savings.exceptions import ForgedEvent, MalformedEvent
from tests.soak.faults import Steps
from web.simulator import agenda, events, store, transfer_states
from web.simulator import payments as charges
from web.simulator.app import application

# How a call can fail, each as often as the others.
_FAULTS = ("refused", "lost", "timeout", "error", "error after", "busy", "garbage", "event first")
_FAULTY, _EVENT_LOST, _EVENT_TWICE = 0.05, 0.05, 0.05


class Provider(httpx.BaseTransport):
    """Passes calls to the simulator and its events to the site. `fails` is off while everything has to work."""

    def __init__(self, steps: Steps, chance: random.Random) -> None:
        self.steps, self.chance = steps, chance
        self.simulator = httpx.WSGITransport(app=application)
        self.fails = True
        # Until then, in seconds since 1970, nobody reaches it.
        self.away_until = 0.0
        self.faults: Counter[str] = Counter()
        # Calls that were made while a database transaction was open: a slow answer would hold its locks.
        self.calls_in_transactions: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if connection.in_atomic_block:
            self.calls_in_transactions.append(str(request.url))
        self.steps.take("before a call of the provider")
        response = self._answer(request, self._choose_fault())
        self.steps.take("after a call of the provider")
        return response

    def deliver(self) -> None:
        """Send the events that are due to the site. Some get lost, and others arrive twice."""
        if self.fails:
            for delivery in store.due_deliveries(time.time()):
                if self.chance.random() < _EVENT_LOST:
                    self.faults["event lost"] += 1
                    store.drop_delivery(delivery.id)
        events.deliver_due()

    def receive(self, request: httpx.Request) -> httpx.Response:
        """Receive an event as the site does."""
        times = 2 if self.fails and self.chance.random() < _EVENT_TWICE else 1
        for _ in range(times):
            try:
                event = payments.receive_event(
                    request.content, request.headers.get("x-paystack-signature", "")
                )
            except (ForgedEvent, MalformedEvent):
                return httpx.Response(400)
            tasks.nudge(tasks.process_webhook_event, event.pk)
        return httpx.Response(200)

    def _choose_fault(self) -> str:
        if not self.fails:
            return ""
        if time.time() < self.away_until:
            return "refused"
        return self.chance.choice(_FAULTS) if self.chance.random() < _FAULTY else ""

    def _answer(self, request: httpx.Request, fault: str) -> httpx.Response:
        if fault:
            self.faults[fault] += 1
        if fault in _BEFORE:
            return _BEFORE[fault](request)
        response = self.simulator.handle_request(request)
        response.read()
        if fault == "event first" and not connection.in_atomic_block:
            self.deliver()
        return _AFTER[fault](request) if fault in _AFTER else response


def _refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def _time_out(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


# Faults before the provider has done what it was asked for, and after it.
_BEFORE: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "refused": _refuse,
    "lost": _time_out,
    "error": lambda _: httpx.Response(500),
    "busy": lambda _: httpx.Response(429),
}
_AFTER: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "timeout": _time_out,
    "error after": lambda _: httpx.Response(502),
    "garbage": lambda _: httpx.Response(200, content=b"<html>"),
}


def press(reference: str, outcome: str) -> bool:
    """Press a button on the provider's checkout page; return whether the payment was still to be paid."""
    agenda.catch_up()
    with store.atomic():
        payment = charges.find(reference)
        if payment is None or payment["status"] in {"success", "reversed", "pending"}:
            return False
        charges.OUTCOMES[outcome](payment)
        charges.save(payment)
    return True


def end_transfers(chance: random.Random, *, everything: bool = False) -> None:
    """Let people at the provider end transfers that wait for them, some or all."""
    agenda.catch_up()
    for sent in reversed(transfer_states.newest_first()):
        if sent["steps"] or sent["status"] not in {"pending", "otp", "received"}:
            continue
        if everything or chance.random() < 0.3:
            with store.atomic():
                transfer_states.click(sent["reference"], chance.choice(["success", "success", "failed"]))
