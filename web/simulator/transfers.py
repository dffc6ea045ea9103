"""Transfers to bank accounts: paid from the balance with fee and duty at once, and given back if they fail.

What becomes of a transfer is its outcome: the next one that `script` has queued, else the one that the last three
digits of the account number stand for (`ENDINGS`), else success.
"""

from __future__ import annotations

from collections.abc import Callable

from web.simulator import clock, money, notices, store, transfer_shapes, transfer_states
from web.simulator.request_bodies import Declined
from web.simulator.store import Document
from web.simulator.transfer_states import pay, save, schedule, set_status

# The seconds until a transfer ends, and until a late reversal.
_SECONDS, _DAY = 4, 86_400
# The provider's fee by the largest amount of each band, and the state's stamp duty on the sender.
_FEES = ((5_000_00, 10_00), (50_000_00, 25_00), (2**63, 50_00))
_DUTY, _DUTY_FROM = 50_00, 10_000_00
_LOW = ("Your balance is not enough to fulfil this request", "insufficient_balance")


class Refused(Declined):
    """Raised by an outcome that refuses the transfer. That the outcome is used up must stay stored."""


def send(*, reference: str, amount: int, currency: str, reason: str, recipient: Document) -> Document:
    """Begin a transfer of kobo. Raises Declined for a reference that exists, and if the balance is not enough."""
    if transfer_states.find(reference) is not None:
        raise Declined("Transfer reference already exists", code="duplicate_reference")
    sent: Document = {
        "id": store.next_id(),
        "reference": reference,
        "transfer_code": f"TRF_{reference}",
        "amount": amount,
        "currency": currency,
        "reason": reason,
        "recipient": recipient,
        "status": "pending",
        "gateway_response": None,
        "fee": next(fee for most, fee in _FEES if amount <= most),
        "duty": _DUTY if amount >= _DUTY_FROM else 0,
        "created_at": clock.now(),
        "sent_at": None,
        "steps": [],
    }
    if money.balance(money.BALANCE, currency) < amount + sent["fee"] + sent["duty"]:
        raise Declined(_LOW[0], code=_LOW[1])
    OUTCOMES[_take_outcome(recipient["account_number"])](sent)
    save(sent)
    pay(sent)
    return sent


def script(*outcomes: str) -> None:
    """Queue outcomes for the next transfers that the balance can pay, whatever their account numbers stand for."""
    unknown = [name for name in outcomes if name not in OUTCOMES]
    if unknown:
        raise Declined(f"There is no outcome {unknown[0][:20]}.")
    with store.atomic():
        _set_script([*scripted(), *outcomes])


def scripted() -> list[str]:
    """Return the queued outcomes, next one first."""
    return list((store.get("transfer-script", "") or {"outcomes": []})["outcomes"])


def clear_script() -> None:
    """Drop the queued outcomes."""
    _set_script([])


def succeed(sent: Document) -> None:
    """Pending for some seconds, then success."""
    schedule(sent, (_SECONDS, "success", 1))


def fail(sent: Document) -> None:
    """Pending, then failed."""
    schedule(sent, (_SECONDS, "failed", 1))


def stay_pending(sent: Document) -> None:
    """Pending until clicked."""


def reverse(sent: Document) -> None:
    """Pending, then reversed."""
    schedule(sent, (_SECONDS, "reversed", 1))


def reverse_later(sent: Document) -> None:
    """Success, then reversed a day later."""
    schedule(sent, (_SECONDS, "success", 1), (_DAY, "reversed", 1))


def succeed_silently(sent: Document) -> None:
    """Success, but no event."""
    schedule(sent, (_SECONDS, "success", 0))


def succeed_twice(sent: Document) -> None:
    """Success, with the same event twice."""
    schedule(sent, (_SECONDS, "success", 2))


def refuse_once(sent: Document) -> None:
    """Refused once: the balance is too low. Sent again, success."""
    if store.add("refused-transfer", sent["reference"], {}):
        raise Refused(_LOW[0], code=_LOW[1])
    succeed(sent)


def ask_for_otp(sent: Document) -> None:
    """Waits for a one-time password (otp) until clicked."""
    sent["status"] = "otp"


def receive(sent: Document) -> None:
    """Received, but not processed until clicked."""
    sent["status"] = "received"


def reject(sent: Document) -> None:
    """Pending, then rejected, without an event."""
    schedule(sent, (_SECONDS, "rejected", 0))


def block(sent: Document) -> None:
    """Pending, then blocked, without an event."""
    schedule(sent, (_SECONDS, "blocked", 0))


def abandon(sent: Document) -> None:
    """Pending, then abandoned, without an event."""
    schedule(sent, (_SECONDS, "abandoned", 0))


def refuse_recipient(sent: Document) -> None:
    """Refused: the recipient's account is not found."""
    raise Refused("Recipient account not found", code="invalid_recipient")


def lose_answer(sent: Document) -> None:
    """Success, but the answer is lost: HTTP 504."""
    sent["loses_answer"] = True
    succeed(sent)


def tell_first(sent: Document) -> None:
    """Success at once, and the event is due before the answer arrives."""
    set_status(sent, "success")


def succeed_at_once(sent: Document) -> None:
    """Success in the answer, and the event some seconds later."""
    set_status(sent, "success", events=0)
    notices.send("transfer.success", transfer_shapes.event(sent), at=clock.now() + _SECONDS)


# In the order of their account numbers, which end in 900, 901, …: add new ones at the end.
OUTCOMES: dict[str, Callable[[Document], None]] = {
    "success": succeed,
    "failed": fail,
    "pending": stay_pending,
    "reversed": reverse,
    "reversed-later": reverse_later,
    "silent": succeed_silently,
    "twice": succeed_twice,
    "low-balance": refuse_once,
    "otp": ask_for_otp,
    "received": receive,
    "rejected": reject,
    "blocked": block,
    "abandoned": abandon,
    "not-found": refuse_recipient,
    "timeout": lose_answer,
    "event-first": tell_first,
    "instant": succeed_at_once,
}
ENDINGS = {str(number): name for number, name in enumerate(OUTCOMES, start=900)}


def _take_outcome(account_number: str) -> str:
    """Return the outcome of the next transfer, and remove it from the queue."""
    queue = scripted()
    if not queue:
        return ENDINGS.get(account_number[-3:], "success")
    _set_script(queue[1:])
    return queue[0]


def _set_script(outcomes: list[str]) -> None:
    store.put("transfer-script", "", {"outcomes": outcomes})
