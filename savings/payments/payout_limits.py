"""How much a saver may withdraw now, and the reason when it is less than the stash holds."""

from __future__ import annotations

import dataclasses

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from savings import ledger
from savings.exceptions import BadAmount, NotEnoughMoney, Refused
from savings.models import Payout, Recipient, Transaction, User
from savings.models.local_days import end_of, start_of
from savings.payments import messages, payout_fees

_Status = Transaction.Status
# Withdrawals that count for the limit of a day: all that left or may leave.
_COUNTED = (_Status.PENDING, _Status.SUCCESS)


@dataclasses.dataclass(frozen=True)
class Room:
    """How much a saver may withdraw now. Amounts are kobo, without fees.

    `reasons` say why it is not all that the stash holds.
    """

    stash_kobo: int
    most_kobo: int
    reasons: list[str]


def room(user: User) -> Room:
    """Return how much a saver may withdraw now and why. Asks the same functions as a withdrawal."""
    available = ledger.available(user)
    try:
        check_may_withdraw(user)
    except Refused as refused:
        return Room(available.stash_kobo, 0, [str(refused)])
    today_kobo = withdrawn_today_kobo(user)
    left_today_kobo = max(0, settings.PAYOUTS.day_max_kobo - today_kobo)
    most_kobo = min(payout_fees.most_for(available.kobo), settings.PAYOUTS.max_kobo, left_today_kobo)
    reasons = [*_kept_here(available), *_limits(available.kobo, left_today_kobo)]
    if most_kobo < settings.PAYOUTS.min_kobo:
        most_kobo = 0
    return Room(available.stash_kobo, most_kobo, reasons)


def check_may_withdraw(user: User) -> None:
    """Raise Refused for a frozen user, and while withdrawals wait because of how the user signs in has changed.

    Call it with the user as read under the lock.
    """
    if why_frozen := ledger.why_frozen(user.frozen, leaves=True):
        raise Refused(why_frozen)
    changed_at = user.credentials_changed_at
    until = changed_at + settings.PAYOUTS.wait if changed_at else None
    if until is not None and until > timezone.now():
        raise Refused(messages.wait_after_sign_in_change(until))


def check_recipient(recipient: Recipient) -> None:
    """Raise Refused for a bank account that was removed, or that is too new to receive money."""
    if recipient.removed_at is not None:
        raise Refused(messages.RECIPIENT_REMOVED, field="recipient")
    if not recipient.is_usable():
        raise Refused(messages.wait_for_recipient(recipient.usable_at), field="recipient")


def check_amount(user: User, amount_kobo: int) -> None:
    """Raise BadAmount or NotEnoughMoney, with the reason, for an amount (kobo) that may not be withdrawn now.

    Call it under the lock of the user.
    """
    rules = settings.PAYOUTS
    if amount_kobo < rules.min_kobo:
        raise BadAmount(messages.payout_too_small(rules.min_kobo))
    if amount_kobo > rules.max_kobo:
        raise BadAmount(messages.payout_too_large(rules.max_kobo))
    left_kobo = rules.day_max_kobo - withdrawn_today_kobo(user)
    if amount_kobo > left_kobo:
        raise BadAmount(_day_limit(left_kobo))
    available = ledger.available(user)
    if not payout_fees.is_covered(amount_kobo, available.kobo):
        raise NotEnoughMoney(_too_much(amount_kobo, available))


def withdrawn_today_kobo(user: User) -> int:
    """Return what a user has withdrawn on this local day, in kobo without fees; withdrawals on their way count."""
    today = start_of(timezone.localdate())
    counted = Payout.objects.filter(user=user, asked_at__gte=today, transaction__status__in=_COUNTED)
    return int(counted.aggregate(kobo=Sum("transaction__amount_kobo", default=0))["kobo"])


def _kept_here(available: ledger.Available) -> list[str]:
    reasons = []
    if available.disputed_kobo:
        reasons.append(messages.disputed(available.disputed_kobo))
    if available.owed_kobo:
        reasons.append(messages.owed(available.owed_kobo))
    return reasons


def _limits(available_kobo: int, left_today_kobo: int) -> list[str]:
    rules = settings.PAYOUTS
    if left_today_kobo < min(available_kobo, rules.max_kobo):
        return [_day_limit(left_today_kobo)]
    if rules.max_kobo < available_kobo:
        return [messages.payout_too_large(rules.max_kobo)]
    if available_kobo > 0 and payout_fees.most_for(available_kobo) < rules.min_kobo:
        return [messages.payout_too_small_with_fee(rules.min_kobo)]
    return []


def _day_limit(left_kobo: int) -> str:
    day_max_kobo, again_at = settings.PAYOUTS.day_max_kobo, end_of(timezone.localdate())
    if left_kobo <= 0:
        return messages.day_limit_reached(day_max_kobo, again_at)
    return messages.day_limit(day_max_kobo, left_kobo, again_at)


def _too_much(amount_kobo: int, available: ledger.Available) -> str:
    most_kobo = payout_fees.most_for(available.kobo)
    fees_kobo = payout_fees.fees_for(amount_kobo).total_kobo
    if most_kobo <= 0:
        text = messages.stash_too_low(available.stash_kobo)
    elif fees_kobo:
        text = messages.above_most_with_fee(most_kobo, fees_kobo)
    else:
        text = messages.above_most(most_kobo)
    return " ".join([text, *_kept_here(available)])
