"""What the books know about a disputed payment: who paid, what was agreed to, and where the money is now."""

from __future__ import annotations

import dataclasses
import datetime
from typing import NamedTuple

from allauth.usersessions.models import UserSession
from django.db.models import Q, QuerySet, Sum

from savings import ledger
from savings.models import (
    Account,
    AutosaveRule,
    AutosaveRun,
    Device,
    Dispute,
    EmailChange,
    Entry,
    OutboxRow,
    Payment,
    Transaction,
    User,
)

# The newest of each list; an older one says little about the payment.
_MOST = 200


class SignIn(NamedTuple):
    """A session of the payer's that has not ended. Expired ones are deleted."""

    began_at: datetime.datetime
    last_seen_at: datetime.datetime
    ip: str
    browser: str


class Mandate(NamedTuple):
    """What the payer agreed to so that a card may be charged again: the text, when, and on which device."""

    text: str
    agreed_at: datetime.datetime
    device: str
    card: str


@dataclasses.dataclass(frozen=True)
class Evidence:
    """The evidence about a dispute. Lists are in the order of time, and have at most 200 of the newest rows.

    `payers` are those whose accounts were credited, and the one who paid first. `since` are the entries on their
    accounts after the payment was credited. Amounts are in kobo.
    """

    dispute: Dispute
    payment: Payment
    payer: User | None
    former_emails: list[str]
    # The payment, the parts of it, and what gave it back.
    receipts: list[Transaction]
    entries: list[Entry]
    mandate: Mandate | None
    autosave: AutosaveRule | None
    devices: list[Device]
    sign_ins: list[SignIn]
    mails: list[OutboxRow]
    since: list[Entry]
    withdrawn_kobo: int
    available: ledger.Available | None


def dispute_evidence(dispute: Dispute) -> Evidence:
    """Return what is known about a disputed payment, from rows alone. The number of queries does not grow.

    The payer is the person whose account was credited: of a payment released from suspense, the one who got it.
    """
    payment = Payment.objects.select_related(
        "transaction__user", "transaction__plan", "saved_card__payment", "meant_for"
    ).get(pk=dispute.payment_id)
    receipts = _receipts(payment.transaction)
    payer = next((one.user for one in receipts if one.part_of_id and one.user), payment.transaction.user)
    entries = list(_entries().filter(transaction__in=receipts).order_by("id"))
    credited = next((entry for entry in entries if entry.credit_account.is_customers), None)
    since = _since(payer, credited)
    return Evidence(
        dispute=dispute,
        payment=payment,
        payer=payer,
        former_emails=list(
            EmailChange.objects.filter(user=payer, effective_at__isnull=False)
            .order_by("id")
            .values_list("old_email", flat=True)
        ),
        receipts=receipts,
        entries=entries,
        mandate=_mandate(payment),
        autosave=_autosave(payment.transaction),
        devices=list(reversed(Device.objects.filter(user=payer).order_by("-last_seen_at")[:_MOST])),
        sign_ins=_sign_ins(payer),
        mails=list(OutboxRow.objects.filter(transaction__in=receipts).exclude(subject="").order_by("id")),
        since=list(reversed(since.order_by("-id")[:_MOST])),
        withdrawn_kobo=_withdrawn_kobo(since),
        available=ledger.available(payer) if payer else None,
    )


def _receipts(movement: Transaction) -> list[Transaction]:
    """Return a payment and its parts, what gave any of them back, and the parts of that, the oldest first."""
    # One lookup after the other: PostgreSQL has no index for these conditions joined by OR, and reads the whole table.
    rows = Transaction.objects.select_related("user", "plan")
    family = [movement, *rows.filter(part_of=movement)]
    back = list(rows.filter(refunds__in=family))
    return sorted([*family, *back, *rows.filter(part_of__in=back)], key=lambda row: row.pk)


def _entries() -> QuerySet[Entry]:
    accounts = ("debit_account__plan", "credit_account__plan")
    return Entry.objects.select_related("transaction", *accounts)


def _mandate(payment: Payment) -> Mandate | None:
    """Return the mandate of the card that was charged, or the one that was given with this payment."""
    card = payment.saved_card
    if card is not None:
        return Mandate(card.mandate, card.mandate_at, card.mandate_device, card.digits)
    if payment.mandate:
        agreed_at = payment.transaction.created_on
        return Mandate(payment.mandate, agreed_at, payment.mandate_device, payment.card)
    return None


def _autosave(movement: Transaction) -> AutosaveRule | None:
    """Return the auto-save rule for which a payment was charged."""
    run = AutosaveRun.objects.select_related("rule").filter(transactions=movement).first()
    return run.rule if run else None


def _sign_ins(payer: User | None) -> list[SignIn]:
    rows = UserSession.objects.filter(user=payer).order_by("-created_at")
    values = rows.values_list("created_at", "last_seen_at", "ip", "user_agent")[:_MOST]
    return [SignIn(*row) for row in reversed(values)]


def _since(payer: User | None, credited: Entry | None) -> QuerySet[Entry]:
    """Return the entries on a person's accounts after the payment was credited to one of them."""
    ids = list(Account.objects.filter(user=payer).values_list("pk", flat=True)) if payer else []
    own = Q(debit_account__in=ids) | Q(credit_account__in=ids)
    return _entries().filter(own, pk__gt=credited.pk if credited else 0)


def _withdrawn_kobo(since: QuerySet[Entry]) -> int:
    """Return what was paid to a bank account since, less what came back."""
    paid = Q(transaction__kind=Transaction.Kind.STASH_WITHDRAWAL, transaction__status="success")
    rows = since.filter(paid, code=Entry.Code.PRIMARY).aggregate(kobo=Sum("amount_kobo", default=0))
    return int(rows["kobo"])
