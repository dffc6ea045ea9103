"""Payouts: asking for a withdrawal to a bank account, cancelling it, and approving it. `payout_runs` sends them."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.conf import settings
from django.core import signing
from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger, mails, outbox, references
from savings.exceptions import QuoteOutdated, Refused
from savings.ledger import WithdrawalFees
from savings.models import Payout, Recipient, Transaction, User
from savings.payments import messages, payout_fees, payout_limits

State = Payout.State
Status = Transaction.Status
OUTBOX_KIND = "payout"
# How long a confirmation page is valid.
QUOTE_SECONDS = 5 * 60
_SALT = "savings.payments.payouts.quote"
_CANCELLED = "cancelled"


@dataclasses.dataclass(frozen=True)
class PayoutQuote:
    """What a withdrawal comes to now. Amounts are kobo. It carries the reference, so a quote moves money once."""

    recipient: Recipient
    amount_kobo: int
    fees: WithdrawalFees
    reference: str
    send_at: datetime.datetime
    needs_approval: bool

    @property
    def total_kobo(self) -> int:
        """What leaves the stash."""
        return self.amount_kobo + self.fees.total_kobo


def quote_payout(user: User, recipient: Recipient, amount_kobo: int | None) -> PayoutQuote:
    """Return what withdrawing an amount (kobo; None for all that is possible) to a bank account comes to.

    Raises Refused, with the field, for an account that was removed or is too new, an amount outside the limits or above
    what may leave, for a frozen user, and after a change of how the user signs in.
    """
    payout_limits.check_may_withdraw(user)
    payout_limits.check_recipient(recipient)
    if amount_kobo is None:
        amount_kobo = payout_limits.room(user).most_kobo
    payout_limits.check_amount(user, amount_kobo)
    limit_kobo = settings.PAYOUTS.approval_from_kobo
    return PayoutQuote(
        recipient,
        amount_kobo,
        payout_fees.fees_for(amount_kobo),
        references.new(Transaction.Kind.STASH_WITHDRAWAL),
        timezone.now() + settings.PAYOUTS.delay,
        limit_kobo is not None and amount_kobo >= limit_kobo,
    )


def sign_payout(user: User, quote: PayoutQuote, *, session: str) -> str:
    """Return a quote as a token, which `request_payout` accepts for five minutes from the same user and session."""
    values = [quote.recipient.pk, quote.amount_kobo, *quote.fees, quote.needs_approval, quote.reference]
    return signing.dumps([user.pk, session, *values], salt=_SALT)


def request_payout(user: User, token: str, *, session: str) -> Payout:
    """Withdraw exactly as a token says: set the money aside, and let the worker send it. Returns the payout.

    The same token again returns the same payout. Raises QuoteOutdated for a token that is not this user's or session's,
    is older than five minutes, or is not what the withdrawal comes to now; otherwise as `quote_payout`. Nothing has
    moved then.
    """
    owner, bound_to, recipient_id, amount_kobo, *values, reference = _read(token)
    if (owner, bound_to) != (user.pk, session):
        raise QuoteOutdated(messages.PAYOUT_OUTDATED)
    with atomic():
        User.objects.touch(user.pk)
        earlier = Payout.objects.filter(user=user, transaction__reference=reference).first()
        if earlier is not None:
            return earlier
        _check_fresh(token)
        user = User.objects.get(pk=user.pk)
        quote = quote_payout(user, Recipient.objects.get(pk=recipient_id, user=user), amount_kobo)
        if [*quote.fees, quote.needs_approval] != values:
            raise QuoteOutdated(messages.PAYOUT_OUTDATED)
        withdrawal, _ = ledger.open_withdrawal(
            user, reference=reference, amount_kobo=amount_kobo, fees=quote.fees
        )
        payout = _store(user, withdrawal, quote)
        mails.payout_asked(payout)
        if not quote.needs_approval:
            _add_to_outbox(payout)
    return payout


def cancel_payout(payout: Payout) -> None:
    """Cancel a withdrawal that was not sent yet: money and fees are back in the stash. A second call changes nothing.

    Raises Refused for one that was sent or is over.
    """
    with atomic():
        now = lock(payout)
        if now.state != State.CANCELLED and not cancel_locked(now):
            raise Refused(messages.SENT_ALREADY)


def cancel_locked(payout: Payout) -> bool:
    """Cancel a withdrawal that was not sent yet, and return whether it was not. The caller has locked the user."""
    if not payout.can_be_cancelled:
        return False
    ledger.fail_withdrawal(payout.transaction, Status.ABANDONED, failure_code=_CANCELLED)
    _change(payout, state=State.CANCELLED, next_try_at=None, staff_note="")
    return True


def approve_payout(payout: Payout, *, by: User) -> None:
    """Let a withdrawal that waits for approval be sent.

    Raises Refused for any other, for one's own, and unless `by` is active staff.
    """
    with atomic():
        now = _to_decide(payout, by)
        if now.state != State.APPROVAL:
            raise Refused(messages.NOT_WAITING_FOR_APPROVAL)
        at = timezone.now()
        _change(now, state=State.WAITING, next_try_at=max(now.send_at, at), decided_by=by, decided_at=at)
        _add_to_outbox(now)


def refuse_payout(payout: Payout, *, by: User, reason: str) -> None:
    """Give the money of a withdrawal that was not sent yet back, and mail its owner the reason.

    Raises Refused for any other withdrawal, for one's own, without a reason, and unless `by` is active staff.
    """
    if not reason.strip():
        raise Refused(messages.REASON_MISSING, field="reason")
    with atomic():
        now = _to_decide(payout, by)
        if not now.can_be_cancelled:
            raise Refused(messages.PAYOUT_OVER)
        ledger.fail_withdrawal(now.transaction, Status.FAILED, failure_code=ledger.REFUSED_BY_STAFF)
        _change(
            now,
            state=State.RETURNED,
            next_try_at=None,
            staff_note="",
            provider_message=reason.strip()[:200],
            decided_by=by,
            decided_at=timezone.now(),
        )
        mails.payout_returned(now)


def wake_frozen(user_id: int) -> int:
    """Let the payouts that waited for the end of a freeze be sent at the next run, and return how many."""
    with atomic():
        User.objects.touch(user_id)
        waiting = Payout.objects.filter(user=user_id, state=State.WAITING, staff_note=messages.SAVER_FROZEN)
        return waiting.update(staff_note="", next_try_at=timezone.now())


def lock(payout: Payout) -> Payout:
    """Lock the owner of a payout until the commit, and read the payout again."""
    User.objects.touch(payout.user_id)
    return Payout.objects.select_related("transaction__user", "user", "recipient").get(pk=payout.pk)


def ask_soon(payout: Payout) -> None:
    """Let the worker ask the provider about a withdrawal at its next run. Raises Refused unless the provider has it."""
    with atomic():
        now = lock(payout)
        if now.state != State.SENT:
            raise Refused(messages.NOT_WITH_PROVIDER)
        _change(now, next_try_at=timezone.now())


def fees_of(payout: Payout) -> WithdrawalFees:
    """Return what the saver pays for a payout besides its amount."""
    return WithdrawalFees(payout.fee_kobo, payout.vat_kobo, payout.duty_kobo)


def _store(user: User, withdrawal: Transaction, quote: PayoutQuote) -> Payout:
    now = timezone.now()
    send_at = now + settings.PAYOUTS.delay
    return Payout.objects.create(
        transaction=withdrawal,
        user=user,
        recipient=quote.recipient,
        provider=quote.recipient.provider,
        fee_kobo=quote.fees.fee_kobo,
        vat_kobo=quote.fees.vat_kobo,
        duty_kobo=quote.fees.duty_kobo,
        state=State.APPROVAL if quote.needs_approval else State.WAITING,
        asked_at=now,
        send_at=send_at,
        next_try_at=None if quote.needs_approval else send_at,
    )


def _add_to_outbox(payout: Payout) -> None:
    outbox.add(
        OUTBOX_KIND,
        dedupe_key=f"{OUTBOX_KIND}:{payout.transaction.reference}",
        user=payout.user,
        movement=payout.transaction,
        payload={"payout": payout.pk},
    )


def _to_decide(payout: Payout, by: User) -> Payout:
    if by.pk == payout.user_id:
        raise Refused(messages.OTHER_DECIDES)
    if not User.objects.filter(pk=by.pk, is_staff=True, is_active=True).exists():
        raise Refused(messages.STAFF_DECIDE)
    return lock(payout)


def _change(payout: Payout, **changes: Any) -> None:
    Payout.objects.filter(pk=payout.pk).update(**changes)
    for name, value in changes.items():
        setattr(payout, name, value)


def _read(token: str) -> list[Any]:
    try:
        values: list[Any] = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        raise QuoteOutdated(messages.PAYOUT_OUTDATED) from None
    return values


def _check_fresh(token: str) -> None:
    try:
        signing.loads(token, salt=_SALT, max_age=QUOTE_SECONDS)
    except signing.SignatureExpired:
        raise QuoteOutdated(messages.PAYOUT_OUTDATED) from None
