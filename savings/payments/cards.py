"""Saved cards: made with a payment by the saver's choice, named, made the default, removed, and announced to expire."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.db.models import Q
from django.db.transaction import atomic
from django.utils import timezone

from savings import mails, outbox, typed_text
from savings.exceptions import ProviderRefused, Refused
from savings.models import Dispute, OutboxRow, Payment, SavedCard, Transaction, User
from savings.payments import card_failures, fees, messages, paystack
from savings.payments.paystack_answers import Charge

MOST_CARDS = 10
LONGEST_CARD_NAME = 40
DEACTIVATE_CARD = "deactivate_card"
# An expiry is announced so many days before.
_ANNOUNCE_DAYS = 31
_AT_ONCE = 500
Trouble = SavedCard.Trouble


def save_card(payment: Payment, charge: Charge) -> SavedCard | None:
    """Save the card of a paid payment if its payer chose so and the provider lets it be charged again.

    Call it in the commit that credits the payment, under the lock of its payer. The same card again renews the card
    that is there. None where nothing is saved: a reason never stops the credit.
    """
    user = payment.transaction.user
    if not payment.mandate or user is None or not _can_be_saved(charge):
        return None
    renewed = {
        "authorization_code": charge.authorization_code,
        "email": charge.email,
        "brand": charge.brand,
        "last4": charge.last4,
        "expires_on": charge.card_expires_on,
        "bank": charge.bank[:100],
        "country": charge.card_country,
        "payment": payment,
        "mandate": payment.mandate,
        "mandate_at": payment.transaction.created_on,
        "mandate_device": payment.mandate_device,
    }
    current = list(SavedCard.objects.current().filter(user=user))
    same = next((card for card in current if _is_same(card, charge)), None)
    if same is not None:
        trouble = "" if same.trouble == Trouble.REFUSED else same.trouble
        SavedCard.objects.filter(pk=same.pk).update(**renewed, trouble=trouble)
        same.refresh_from_db()
        return same
    if len(current) >= MOST_CARDS:
        return None
    return SavedCard.objects.create(
        user=user,
        provider=payment.provider,
        signature=charge.signature,
        is_default=not any(card.is_default for card in current),
        **renewed,
    )


def rename_card(card: SavedCard, name: str) -> None:
    """Set what its owner calls a card; empty for its brand and digits. Raises Refused for a name that is too long."""
    name = typed_text.line(name)
    if len(name) > LONGEST_CARD_NAME:
        raise Refused(messages.card_name_too_long(LONGEST_CARD_NAME), field="name")
    with atomic():
        User.objects.touch(card.user_id)
        SavedCard.objects.filter(pk=card.pk, removed_at=None).update(name=name)


def make_default_card(card: SavedCard) -> None:
    """Make a card the one that forms propose. Does nothing for one that was removed."""
    with atomic():
        User.objects.touch(card.user_id)
        if SavedCard.objects.filter(pk=card.pk, removed_at=None).exists():
            SavedCard.objects.filter(user=card.user_id, is_default=True).update(is_default=False)
            SavedCard.objects.filter(pk=card.pk).update(is_default=True)


def remove_card(card: SavedCard) -> bool:
    """Remove a card here at once, and have the provider told; return whether this call did. Another one is the default.

    Auto-save rules that charge it are looked at after the commit.
    """
    with atomic():
        User.objects.touch(card.user_id)
        current = SavedCard.objects.filter(pk=card.pk, removed_at=None)
        if not current.update(removed_at=timezone.now(), is_default=False):
            return False
        others = SavedCard.objects.current().filter(user=card.user_id)
        first = others.first()
        if first is not None and not first.is_default:
            SavedCard.objects.filter(pk=first.pk).update(is_default=True)
        outbox.add(DEACTIVATE_CARD, dedupe_key=f"{DEACTIVATE_CARD}:{card.pk}", payload={"card": card.pk})
        outbox.recheck_autosaves(card.user_id)
    return True


def deactivate_card(row: OutboxRow) -> dict[str, object]:
    """Delete a removed card at the provider, which an outbox row asks for. The provider may not know it any more.

    Raises the provider's error, so that the row is tried again.
    """
    card = SavedCard.objects.get(pk=row.payload["card"])
    same_right = SavedCard.objects.filter(authorization_code=card.authorization_code, removed_at=None)
    # Saved again meanwhile, and the provider gave the same right once more: deleting it would end the new card.
    if card.deactivated_at is not None or same_right.exists():
        return {}
    try:
        paystack.deactivate_authorization(card.authorization_code)
    except ProviderRefused as error:
        if error.code != paystack.NOT_FOUND:
            raise
    SavedCard.objects.filter(pk=card.pk).update(deactivated_at=timezone.now())
    return {}


def note_failure(card_id: int, failure_code: str) -> None:
    """Note on a card why a charge failed, if it cannot be charged any more. Call it under the lock of its owner."""
    card = SavedCard.objects.get(pk=card_id)
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    if failure_code in card_failures.ENDS_CARD and not card.trouble:
        _change(card, trouble=Trouble.REFUSED)
    elif failure_code == card_failures.EXPIRED and not card.is_expired:
        _change(card, expires_on=yesterday)


def note_dispute(payment: Payment) -> None:
    """Stop the charges of a card while a payment with it is disputed or was charged back; else allow them again.

    Call it after each change of a dispute, under the lock of the payer.
    """
    user_id = payment.transaction.user_id
    cards = SavedCard.objects.filter(user=user_id).filter(Q(pk=payment.saved_card_id) | Q(payment=payment))
    disputes = Dispute.objects.filter(resolved_at=None)
    back = Transaction.objects.filter(user=user_id, kind=Transaction.Kind.CHARGEBACK)
    for card in cards:
        is_stopped = (
            disputes.filter(Q(payment__saved_card=card) | Q(payment=card.payment_id)).exists()
            or back.filter(
                Q(refunds__payment__saved_card=card) | Q(refunds__payment=card.payment_id)
            ).exists()
        )
        if is_stopped and card.trouble != Trouble.DISPUTED:
            _change(card, trouble=Trouble.DISPUTED)
        elif not is_stopped and card.trouble == Trouble.DISPUTED:
            _change(card, trouble="")


def announce_expiring_cards(today: datetime.date) -> int:
    """Mail the owners of cards that expire within a month, once per card and expiry; return how many mails it added."""
    last_day = today + datetime.timedelta(days=_ANNOUNCE_DAYS)
    cards = SavedCard.objects.filter(removed_at=None, user__is_active=True)
    expiring = cards.filter(expires_on__gte=today, expires_on__lte=last_day).select_related("user")
    added, last_id = 0, 0
    # In pages, because a pooler of connections breaks cursors.
    while batch := list(expiring.filter(pk__gt=last_id).order_by("pk")[:_AT_ONCE]):
        last_id = batch[-1].pk
        keys = {mails.card_expires_key(card): card for card in batch}
        told = set(OutboxRow.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
        for card in (card for key, card in keys.items() if key not in told):
            with atomic():
                added += mails.card_expires(card) is not None
    return added


def takes_country(country: str) -> bool:
    """Return whether a card of a country can be saved: a foreign one only if its payer bears the fee."""
    if country in {"", settings.HOME_COUNTRY}:
        return True
    return bool(settings.FEE_BEARER_FOREIGN_CARD == fees.PAYER)


def _can_be_saved(charge: Charge) -> bool:
    fits = len(charge.authorization_code) <= 100 and len(charge.email) <= 254 and len(charge.signature) <= 100
    named = charge.authorization_code and charge.email and charge.last4
    return bool(charge.is_reusable and fits and named) and takes_country(charge.card_country)


def _is_same(card: SavedCard, charge: Charge) -> bool:
    if charge.signature and card.signature:
        return card.signature == charge.signature
    return card.authorization_code == charge.authorization_code


def _change(card: SavedCard, **changes: object) -> None:
    """Change a card, and have auto-save rules looked at again."""
    SavedCard.objects.filter(pk=card.pk).update(**changes)
    outbox.recheck_autosaves(card.user_id)
