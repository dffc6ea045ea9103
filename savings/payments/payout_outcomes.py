"""What the provider says of a payout, booked: in any order, any number of times, with the same result."""

from __future__ import annotations

import datetime
import logging

from django.conf import settings
from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger, mails, outbox, references
from savings.exceptions import ProviderRefused, ProviderUnavailable, UnclearAnswer
from savings.models import Payout, Transaction
from savings.payments import messages, payouts, transfers
from savings.payments.transfers import CONCLUSIVE, Transfer

logger = logging.getLogger(__name__)

State = Payout.State
Status = Transaction.Status
# A transfer that was paid may come back without an event. The provider is asked at these ages.
_ASK_AFTER_PAID = [datetime.timedelta(days=days) for days in (1, 3, 7, 14, 30)]
# The wait after a try without a result doubles from the first to the last, and stays there.
_FIRST_WAIT, _LONGEST_WAIT = datetime.timedelta(minutes=1), datetime.timedelta(hours=1)
_CHANGED_BY_ANSWER = [
    "state",
    "sent_at",
    "transferred_at",
    "next_try_at",
    "tries",
    "transfer_code",
    "provider_status",
    "provider_message",
    "staff_note",
]
# The states in which a conclusive answer says nothing new. Any other answer after the end is a contradiction.
_FITTING = {status: {State.RETURNED} for status in CONCLUSIVE} | {
    "success": {State.PAID},
    "reversed": {State.RETURNED, State.CAME_BACK},
}
_NEEDS_STAFF = {
    "otp": messages.ENTER_PASSWORD,
    "received": messages.PROVIDER_CHECKS,
}


def apply(payout: Payout, answer: Transfer) -> None:
    """Book what the provider says of a payout. Raises UnclearAnswer when the answer is about something else."""
    _check_same(payout, answer)
    with atomic():
        now = payouts.lock(payout)
        state, note = now.state, now.staff_note
        now.staff_note = _NEEDS_STAFF.get(answer.status, "")
        now.provider_status, now.provider_message = answer.status[:20], answer.message[:200]
        now.transfer_code = answer.code[:100]
        _take_step(now, answer)
        now.save(update_fields=_CHANGED_BY_ANSWER)
        if now.staff_note not in {"", note}:
            logger.error("payout %s: %s", now.transaction, now.staff_note)
    if now.state not in {state, State.SENT}:
        _try_to_book_cost(now)


def refuse(payout: Payout, error: ProviderRefused) -> None:
    """Give the money of a payout back that the provider refused at the first request, so that nothing was sent."""
    logger.error("the provider refused payout %s: %s", payout.transaction, error)
    with atomic():
        now = payouts.lock(payout)
        if now.state == State.SENT:
            now.provider_status, now.provider_message = "refused", str(error)[:200]
            _fail(now, "refused")
            now.next_try_at = None
            now.save(update_fields=_CHANGED_BY_ANSWER)


def book_cost(payout: Payout) -> None:
    """Ask the provider what a transfer cost and post it, or post what it gave back after a reversal."""
    answer = transfers.fetch_transfer(payout.transfer_code)
    _check_same(payout, answer)
    if answer.cost_kobo is None:
        raise UnclearAnswer(f"The provider does not say what transfer {payout.transfer_code} cost.")
    with atomic():
        now = payouts.lock(payout)
        if _post_cost(now, answer.cost_kobo, answer.duty_kobo):
            now.cost_kobo = answer.cost_kobo
        else:
            now.staff_note = messages.other_cost(answer.cost_kobo)
            logger.error("payout %s: %s", now.transaction, now.staff_note)
        now.next_try_at, now.tries = _next_question(now), 0
        now.save(update_fields=["cost_kobo", "next_try_at", "tries", "staff_note"])


def wait_after(tries: int) -> datetime.timedelta:
    """Return how long to wait after so many tries without a result."""
    doubled: datetime.timedelta = _FIRST_WAIT * 2 ** max(0, min(tries - 1, 10))
    return min(doubled, _LONGEST_WAIT)


def is_low_balance(error: ProviderRefused) -> bool:
    """Return whether the provider refused a transfer because the balance is too low, which is no failure."""
    return error.code == "insufficient_balance" or "balance is not enough" in str(error).lower()


def _take_step(now: Payout, answer: Transfer) -> None:
    """Change a payout that was read under the lock, and post what the change means."""
    status = now.transaction.status
    if answer.status not in CONCLUSIVE:
        if now.state in Payout.IN_FLIGHT:
            now.state, now.sent_at = State.SENT, now.sent_at or timezone.now()
            now.next_try_at = timezone.now() + wait_after(now.tries)
    elif status == Status.PENDING and answer.status == "success":
        _pay(now, answer)
    elif status == Status.PENDING:
        _fail(now, answer.status)
    elif status == Status.SUCCESS and answer.status == "reversed":
        _bring_back(now)
    elif now.state not in _FITTING[answer.status]:
        now.staff_note = messages.contradiction(answer.status)
    elif now.state == State.PAID and now.cost_kobo is not None:
        now.next_try_at = _next_question(now)


def _pay(now: Payout, answer: Transfer) -> None:
    ledger.settle_withdrawal(now.transaction, payouts.fees_of(now), provider=now.provider)
    now.transferred_at = answer.transferred_at or timezone.now()
    _end(now, State.PAID)
    mails.payout_sent(now)


def _fail(now: Payout, failure_code: str) -> None:
    ledger.fail_withdrawal(now.transaction, Status.FAILED, failure_code=failure_code)
    _end(now, State.RETURNED)
    outbox.open_case("payout", now.pk)
    mails.payout_returned(now)


def _bring_back(now: Payout) -> None:
    ledger.return_withdrawal(now.transaction, reference=_reversal_reference(now))
    _end(now, State.CAME_BACK)
    outbox.open_case("payout", now.pk)
    mails.payout_came_back(now)


def _end(now: Payout, state: str) -> None:
    """Set the state after a conclusive answer. The next try asks what it cost."""
    now.state, now.sent_at = state, now.sent_at or timezone.now()
    now.tries, now.next_try_at = 0, timezone.now() + _FIRST_WAIT


def _post_cost(now: Payout, cost_kobo: int, duty_kobo: int) -> bool:
    """Post what the provider has taken in all, less what is booked, and return whether the books have it now."""
    movement = now.transaction
    if now.cost_kobo is None:
        # The provider's duty is paid from what the saver paid for it, as long as that is not given back.
        covered_kobo = min(duty_kobo, now.duty_kobo, cost_kobo) if movement.status == Status.SUCCESS else 0
        ledger.record_transfer_cost(
            movement, cost_kobo=cost_kobo - covered_kobo, duty_kobo=covered_kobo, provider=now.provider
        )
        return True
    if cost_kobo < now.cost_kobo and now.state == State.CAME_BACK:
        reversal = Transaction.objects.get(reverses=movement)
        returned_kobo = now.cost_kobo - cost_kobo
        return ledger.record_returned_cost(reversal, cost_kobo=returned_kobo, provider=now.provider)
    return cost_kobo == now.cost_kobo


def _try_to_book_cost(payout: Payout) -> None:
    """Book the cost at once. If the provider does not answer, the sweep asks again."""
    try:
        book_cost(payout)
    except (ProviderUnavailable, ProviderRefused) as error:
        logger.warning("the cost of payout %s is not known yet: %s", payout.transaction, error)


def _next_question(now: Payout) -> datetime.datetime | None:
    """Return when to ask whether a payout that was paid has come back; None when nothing is left to ask."""
    if now.state != State.PAID:
        return None
    paid_at = now.transaction.settled_on or timezone.now()
    return next((paid_at + age for age in _ASK_AFTER_PAID if paid_at + age > timezone.now()), None)


def _reversal_reference(now: Payout) -> str:
    return references.with_prefix(now.transaction.reference, Transaction.Kind.REVERSAL)


def _check_same(payout: Payout, answer: Transfer) -> None:
    movement = payout.transaction
    found = (answer.reference, answer.amount_kobo, answer.currency)
    if found != (movement.reference, movement.amount_kobo, settings.CURRENCY):
        raise UnclearAnswer(
            f"The provider's transfer {answer.code[:40]} is {answer.amount_kobo} as {answer.reference[:40]}, and"
            f" payout {movement.reference} is {movement.amount_kobo}."
        )
