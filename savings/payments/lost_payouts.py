"""Withdrawals that the provider has carried out and a restored database has lost, or does not know to be sent."""

from __future__ import annotations

from django.conf import settings
from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger
from savings.exceptions import NotEnoughMoney
from savings.models import Payout, Recipient, Transaction, User
from savings.models.ledger import REFERENCE_PREFIXES
from savings.payments import messages, payout_fees, payout_outcomes, paystack, transfers
from savings.payments.transfers import NOT_CONCLUSIVE, Transfer

State = Payout.State
_PREFIX = REFERENCE_PREFIXES[Transaction.Kind.STASH_WITHDRAWAL]
# The money of all others is back on the provider balance.
_LEAVES = {"success", *NOT_CONCLUSIVE}


class Unbookable(Exception):
    """A transfer of ours that cannot be booked. `saver_id` is its owner, None if nobody can tell who that is."""

    def __init__(self, transfer: Transfer, why: str, saver_id: int | None = None) -> None:
        super().__init__(why)
        self.transfer, self.why, self.saver_id = transfer, why, saver_id


def book(transfer: Transfer) -> bool:
    """Book what the provider says of a transfer of ours, and return whether that was news.

    A withdrawal that is here is brought up to date, so that it can neither be cancelled nor be sent again. One that is
    not here is opened again under its reference, with the fees of today. Raises Unbookable when that is not possible,
    ProviderUnavailable and ProviderRefused.
    """
    if not transfer.reference.startswith(_PREFIX) or transfer.currency != settings.CURRENCY:
        return False
    payouts = Payout.objects.select_related("transaction")
    payout = payouts.filter(transaction__reference=transfer.reference).first()
    if payout is None and transfer.status not in _LEAVES:
        return False
    state = payout.state if payout else ""
    payout = payout or _reopen(transfer)
    if payout.is_in_flight:
        payout_outcomes.apply(payout, transfers.verify_transfer(transfer.reference))
        payout.refresh_from_db()
    return payout.state != state


def _reopen(transfer: Transfer) -> Payout:
    recipient = _recipient(transfer)
    fees = payout_fees.fees_for(transfer.amount_kobo)
    now = timezone.now()
    with atomic():
        User.objects.touch(recipient.user_id)
        user = User.objects.get(pk=recipient.user_id)
        try:
            withdrawal, _ = ledger.open_withdrawal(
                user, reference=transfer.reference, amount_kobo=transfer.amount_kobo, fees=fees
            )
        except NotEnoughMoney:
            raise Unbookable(transfer, messages.LOST_IS_SHORT, user.pk) from None
        return Payout.objects.create(
            transaction=withdrawal,
            user=user,
            recipient=recipient,
            provider=paystack.PROVIDER,
            **fees._asdict(),
            state=State.SENT,
            sent_at=now,
            next_try_at=now,
        )


def _recipient(transfer: Transfer) -> Recipient:
    """Return the bank account of a transfer. Several savers may have added the same one."""
    code = transfer.recipient_code
    found = list(Recipient.objects.filter(code=code).order_by("-id")) if code else []
    if not found:
        raise Unbookable(transfer, messages.LOST_RECIPIENT)
    if len({recipient.user_id for recipient in found}) > 1:
        raise Unbookable(transfer, messages.LOST_SHARED_RECIPIENT)
    return found[0]
