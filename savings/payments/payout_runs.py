"""Sending payouts and asking about them. Only a conclusive word of the provider moves money out of hold.

An outcome that is unknown is never a failure: the provider is asked, and only the same reference is ever sent again.
"""

from __future__ import annotations

import datetime
import logging

from django.conf import settings
from django.db.models import F
from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger, money, outbox, tracing, typed_text
from savings.exceptions import CallFailed, ProviderRefused, ProviderUnavailable, UnclearAnswer
from savings.models import OutboxRow, Payout, User
from savings.payments import messages, payout_outcomes, paystack, provider_money, runs, transfers
from savings.payments.transfers import Transfer

logger = logging.getLogger(__name__)

State = Payout.State
_TASK = "process_payout"
_LEASE = datetime.timedelta(minutes=5)
_MOST_AT_ONCE = 300
# A request that was lost on its way may still reach the provider within this time.
_ARRIVES_WITHIN = datetime.timedelta(minutes=15)
# After so many tries staff are told.
_MOST_TRIES = 8
_WAIT_FOR_STAFF = datetime.timedelta(hours=1)
_WAIT_FOR_BALANCE = datetime.timedelta(minutes=15)


class Balance:
    """The provider's balance for transfers, read once and reduced by what is sent."""

    def __init__(self) -> None:
        self._left_kobo: int | None = None

    def reserve(self, amount_kobo: int) -> bool:
        """Return whether the balance is enough, and take the amount (kobo) from what is left for the others."""
        if self._left_kobo is None:
            self._left_kobo = provider_money.balances().get(settings.CURRENCY, 0)
        if amount_kobo > self._left_kobo:
            return False
        self._left_kobo -= amount_kobo
        return True


def send_payout(row: OutboxRow) -> dict[str, object]:
    """Send the payout of an outbox row at its time. What this call does not finish, `sweep_payouts` does."""
    payout = Payout.objects.get(pk=row.payload["payout"])
    now = timezone.now()
    if payout.state == State.WAITING and payout.send_at > now:
        raise outbox.RetryLater(int((payout.send_at - now).total_seconds()) + 1)
    try:
        _process(payout.pk, now, Balance())
    except (ProviderUnavailable, ProviderRefused) as error:
        put_off(payout.pk, error)
    return {}


def sweep_payouts(now: datetime.datetime) -> int:
    """Send the payouts that are due, ask about those on their way, and return how many calls had a result.

    Safe to run twice at once: each payout is claimed by a conditional update. One that fails stops no other.
    """
    due = Payout.objects.filter(next_try_at__lte=now).order_by("next_try_at", "pk")
    ids = list(due.values_list("pk", flat=True)[:_MOST_AT_ONCE])
    balance = Balance()
    return runs.for_each_id(_TASK, ids, lambda pk: _process(pk, now, balance), put_off=put_off)


def put_off(payout_id: int, error: Exception) -> None:
    """Note a call without a result. The next try is after a longer wait; after eight tries staff are told."""
    payout = Payout.objects.get(pk=payout_id)
    if payout.next_try_at is None:
        return
    reason = typed_text.describe_error(error)
    logger.warning("payout %s, try %s: %s", payout_id, payout.tries, reason)
    note = payout.staff_note
    if payout.tries >= _MOST_TRIES:
        note = typed_text.storable(messages.no_result(reason))[:200]
    if payout.tries == _MOST_TRIES:
        logger.error("payout %s has no result after %s tries: %s", payout_id, payout.tries, reason)
    with atomic():
        User.objects.touch(payout.user_id)
        Payout.objects.filter(pk=payout_id, next_try_at=payout.next_try_at).update(
            next_try_at=timezone.now() + payout_outcomes.wait_after(payout.tries), staff_note=note
        )


def _process(payout_id: int, now: datetime.datetime, balance: Balance) -> bool:
    """Take the next step with one payout, and return whether the provider answered about it."""
    payout = Payout.objects.select_related("transaction", "recipient", "user").get(pk=payout_id)
    if payout.next_try_at is None or not _claim(payout, now):
        return False
    with tracing.follower.following(_TASK, ""):
        if payout.state == State.WAITING:
            return _send(payout, balance)
        if payout.state == State.SENT:
            _ask(payout)
        elif payout.state == State.PAID and payout.cost_kobo is not None:
            # A bank may still give it back.
            payout_outcomes.apply(payout, transfers.verify_transfer(payout.transaction.reference))
        else:
            payout_outcomes.book_cost(payout)
    return True


def _claim(payout: Payout, now: datetime.datetime) -> bool:
    """Claim a payout for the length of the lease. If the worker dies, another may claim it afterwards."""
    mine = Payout.objects.filter(pk=payout.pk, next_try_at=payout.next_try_at, next_try_at__lte=now)
    payout.next_try_at, payout.tries = now + _LEASE, payout.tries + 1
    return bool(mine.update(next_try_at=payout.next_try_at, tries=F("tries") + 1))


def _send(payout: Payout, balance: Balance) -> bool:
    """Send a payout for the first time. Returns False when it was not sent."""
    if _is_kept_back(payout):
        return False
    if not balance.reserve(payout.transaction.amount_kobo):
        return _wait_for_balance(payout)
    # Committed before the call: after a crash the provider is asked before it is sent again.
    if not _claim_sending(payout):
        return False
    try:
        answer = _call(payout)
    except ProviderRefused as error:
        return _take_refusal(payout, error)
    except ProviderUnavailable as error:
        if not isinstance(error, (CallFailed, UnclearAnswer)):
            # It did not reach the provider.
            _mark_unsent(payout)
        raise
    payout_outcomes.apply(payout, answer)
    return True


def _is_kept_back(payout: Payout) -> bool:
    """Return whether a payout has to wait because of its owner, and note it for staff then."""
    if payout.user.frozen and _waits_for_freeze(payout):
        return True
    if not payout.user.is_active:
        note = messages.SAVER_CLOSED
    elif ledger.available(payout.user).is_short:
        note = messages.SAVER_OWES
    else:
        return False
    _keep_waiting(payout, note, _WAIT_FOR_STAFF)
    return True


def _claim_sending(payout: Payout) -> bool:
    """Mark a payout as sent, just before it is; False if it was cancelled meanwhile, or if its owner is frozen."""
    with atomic():
        User.objects.touch(payout.user_id)
        # Under the lock: once it is marked, a freeze does not stop it.
        mine = Payout.objects.filter(pk=payout.pk, state=State.WAITING, user__frozen="")
        sent_at = timezone.now()
        if not mine.update(state=State.SENT, sent_at=sent_at):
            _waits_for_freeze(payout)
            return False
    payout.state, payout.sent_at = State.SENT, sent_at
    return True


def _waits_for_freeze(payout: Payout) -> bool:
    """Let a payout wait if its owner is frozen now, and return whether it does."""
    with atomic():
        User.objects.touch(payout.user_id)
        if not User.objects.filter(pk=payout.user_id).exclude(frozen="").exists():
            return False
        _keep_waiting(payout, messages.SAVER_FROZEN, _WAIT_FOR_STAFF)
    return True


def _take_refusal(payout: Payout, error: ProviderRefused) -> bool:
    """Act on a refusal of a payout that is certainly not at the provider yet. Returns whether the provider decided."""
    if error.code == paystack.DUPLICATE_REFERENCE:
        payout_outcomes.apply(payout, transfers.verify_transfer(payout.transaction.reference))
    elif payout_outcomes.is_low_balance(error):
        return _wait_for_balance(payout)
    elif error.code == paystack.BAD_KEY:
        _mark_unsent(payout)
        raise error
    else:
        payout_outcomes.refuse(payout, error)
    return True


def _ask(payout: Payout) -> None:
    """Ask what became of a payout that was sent. One that the provider does not know is sent again."""
    try:
        answer = transfers.verify_transfer(payout.transaction.reference)
    except ProviderRefused as error:
        if error.code != paystack.NOT_FOUND:
            raise
        _send_again(payout)
    else:
        payout_outcomes.apply(payout, answer)


def _send_again(payout: Payout) -> None:
    """Send a payout whose first request has not reached the provider so far, with the same reference.

    A refusal counts only when the first request cannot arrive any more.
    """
    try:
        answer = _call(payout)
    except ProviderRefused as error:
        if payout.sent_at is None or timezone.now() - payout.sent_at < _ARRIVES_WITHIN:
            raise
        _take_refusal(payout, error)
    else:
        payout_outcomes.apply(payout, answer)


def _call(payout: Payout) -> Transfer:
    movement = payout.transaction
    return transfers.send_transfer(
        reference=movement.reference,
        amount_kobo=movement.amount_kobo,
        recipient_code=payout.recipient.code,
        reason=f"Withdrawal {movement.reference}",
    )


def _mark_unsent(payout: Payout) -> None:
    """Note that a payout has certainly not reached the provider: it waits, and can be cancelled, as before."""
    _change_state(payout, State.SENT, state=State.WAITING, sent_at=None)


def _wait_for_balance(payout: Payout) -> bool:
    amount = money.naira(payout.transaction.amount_kobo)
    if payout.staff_note != messages.LOW_BALANCE:
        logger.error("the provider balance is too low for payout %s of %s", payout.transaction, amount)
    return _keep_waiting(payout, messages.LOW_BALANCE, _WAIT_FOR_BALANCE)


def _keep_waiting(payout: Payout, note: str, wait: datetime.timedelta) -> bool:
    """Let a payout that is certainly not at the provider wait. Such a wait is no failed try."""
    _change_state(
        payout,
        payout.state,
        state=State.WAITING,
        sent_at=None,
        next_try_at=timezone.now() + wait,
        tries=max(0, payout.tries - 1),
        staff_note=note,
    )
    return False


def _change_state(payout: Payout, only_from: str, **changes: object) -> bool:
    with atomic():
        User.objects.touch(payout.user_id)
        if not Payout.objects.filter(pk=payout.pk, state=only_from).update(**changes):
            return False
    for name, value in changes.items():
        setattr(payout, name, value)
    return True
