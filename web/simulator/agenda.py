"""Advances the simulator's time: everything that is due happens in order, each at its own time."""

from __future__ import annotations

from collections.abc import Callable

from web.simulator import clock, disputes, payments, refunds, settlements, store, transfer_states

_HAPPEN: dict[str, Callable[[str], object]] = {
    "dispute-due": disputes.accept_unanswered,
    "dispute-remind": disputes.remind,
    "payment": payments.find,
    "refund": refunds.end,
    "settlement": lambda _: settlements.run(),
    "transfer": transfer_states.proceed,
}


def catch_up(until: float | None = None) -> None:
    """Do what is due by `until`, or by now. Each thing is one transaction with its removal from the agenda."""
    until = clock.now() if until is None else until
    while _next(until):
        pass


def _next(until: float) -> bool:
    with store.atomic():
        due = store.take_due(until)
        if due is None:
            return False
        kind, key, moment = due
        with clock.at(moment):
            _HAPPEN[kind](key)
    return True
