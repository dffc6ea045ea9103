"""What a payment brought and how much of it has gone back: the figures of refunds and chargebacks."""

from __future__ import annotations

import dataclasses
import datetime

from django.db import models
from django.db.models import Q, Sum

from savings import leaderboards
from savings.exceptions import Refused
from savings.ledger import messages
from savings.ledger.posting import change_columns, lock_user
from savings.models import Account, Entry, Membership, Payment, Transaction

Kind = Transaction.Kind
Status = Transaction.Status
NOT_GOING_BACK = (Status.FAILED, Status.ABANDONED)


@dataclasses.dataclass(frozen=True)
class Paid:
    """A payment that was booked. Amounts are in kobo.

    `first_id` is the payment at the provider; money released from suspense is in a part of it. `account` is the plan or
    stash that was credited, None while the money is in suspense. `entry_id` is the entry that booked it.
    """

    movement: Transaction
    first_id: int
    clearing: Account
    paid_kobo: int
    account: Account | None
    credited_kobo: int
    value_on: datetime.date
    entry_id: int

    @property
    def plan_account(self) -> Account | None:
        """The account of the plan that was credited, None if it was no plan."""
        return self.account if self.account and self.account.kind == Account.Kind.PLAN else None


def lock_payment(movement: Transaction) -> Paid:
    """Lock the owner and the row of a payment, and return what it brought.

    Raises Refused when its money was never booked, or was reversed.
    """
    lock_user(movement.user_id)
    first_id = movement.part_of_id or movement.pk
    Transaction.objects.select_for_update().get(pk=first_id)
    movement = Transaction.objects.select_related("user", "plan").get(pk=movement.pk)
    entries = Entry.objects.select_related("debit_account", "credit_account__plan").order_by("id")
    arrived = entries.filter(
        transaction=first_id,
        code__in=[Entry.Code.PRIMARY, Entry.Code.SUSPENSE],
        debit_account__kind=Account.Kind.CLEARING,
    ).first()
    if arrived is None:
        raise Refused(messages.NOT_BOOKED)
    if Transaction.objects.filter(reverses=movement).exists():
        raise Refused(messages.PAYMENT_REVERSED)
    credited = entries.filter(transaction=movement, code=Entry.Code.PRIMARY).first()
    paid_kobo = Payment.objects.filter(transaction=first_id).values_list("paid_kobo", flat=True).first()
    booked = credited or arrived
    return Paid(
        movement=movement,
        first_id=first_id,
        clearing=arrived.debit_account,
        paid_kobo=paid_kobo or arrived.amount_kobo,
        account=credited.credit_account if credited else None,
        credited_kobo=credited.amount_kobo if credited else 0,
        value_on=booked.value_day,
        entry_id=booked.pk,
    )


def left_kobo(paid: Paid, *, besides: Transaction) -> int:
    """Return what of a payment has not gone back and is not on its way back, `besides` one refund or chargeback."""
    back = _given_back(paid.first_id).exclude(pk=besides.pk).exclude(status__in=NOT_GOING_BACK)
    return paid.paid_kobo - _sum(back)


def gone_without_entry_kobo(paid: Paid, account: Account, *, besides: Transaction) -> int:
    """Return what of a payment went back before, and did not come out of this account."""
    back = _given_back(paid.first_id).exclude(pk=besides.pk).exclude(status__in=NOT_GOING_BACK)
    taken = Entry.objects.filter(debit_account=account).filter(
        Q(transaction__in=back, code=Entry.Code.HOLD)
        | Q(transaction__part_of__in=back, transaction__kind=Kind.REPAYMENT)
    )
    return _sum(back) - _sum(taken)


def left_in_suspense(first: int) -> int:
    """Return how much (kobo) of the payment with this id of its transaction is still in suspense."""
    moved = Entry.objects.filter(
        Q(transaction=first)
        | Q(transaction__part_of=first)
        | Q(transaction__refunds=first)
        | Q(transaction__refunds__part_of=first)
        | Q(transaction__part_of__refunds=first)
        | Q(transaction__part_of__refunds__part_of=first)
    )
    suspense = Account.Kind.SUSPENSE
    return _sum(moved.filter(credit_account__kind=suspense)) - _sum(
        moved.filter(debit_account__kind=suspense)
    )


def mark_if_all_is_back(movement: Transaction) -> None:
    """Mark a payment as reversed once refunds and chargebacks have given back as much as it credited.

    The review of a payment in suspense is closed once nothing of it is left there.
    """
    close_review(movement.part_of_id or movement.pk)
    back = Transaction.objects.filter(refunds=movement, status=Status.SUCCESS)
    if _sum(back) < movement.amount_kobo:
        return
    if not change_columns(movement, {"status": Status.REVERSED}, only_from=[Status.SUCCESS]):
        return
    # The circle's activity does not show the payment any more.
    member = Membership.objects.filter(plan=movement.plan_id).first() if movement.plan_id else None
    if member is not None:
        leaderboards.bump_circle_version(member.circle_id, "given back")


def close_review(first: int) -> None:
    """Close a review whose money has all left suspense, unless a refund of it is still under way."""
    reviewed = Transaction.objects.get(pk=first)
    if reviewed.status != Status.REVIEW or left_in_suspense(first):
        return
    has_arrived = Entry.objects.filter(transaction=first, code=Entry.Code.SUSPENSE).exists()
    is_under_way = _given_back(first).filter(status=Status.PENDING).exists()
    if has_arrived and not is_under_way:
        change_columns(reviewed, {"status": Status.CLOSED}, only_from=[Status.REVIEW])


def _given_back(first: int) -> models.QuerySet[Transaction]:
    given_back = Q(refunds=first) | Q(refunds__part_of=first)
    return Transaction.objects.filter(given_back, kind__in=[Kind.REFUND, Kind.CHARGEBACK])


def _sum(rows: models.QuerySet[Transaction] | models.QuerySet[Entry]) -> int:
    return int(rows.aggregate(kobo=Sum("amount_kobo", default=0))["kobo"])
