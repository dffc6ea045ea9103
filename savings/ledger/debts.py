"""What a person owes after a chargeback, and how much of their money they may take out of the site."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import BigIntegerField, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.db.transaction import atomic

from savings.exceptions import SENT_OTHERWISE, NotEnoughMoney, ReferenceTaken, Refused
from savings.ledger import messages
from savings.ledger.accounts import balance_kobo, house_account, stash_account
from savings.ledger.people import check_people, check_reason, is_posted_by
from savings.ledger.posting import lock_user
from savings.ledger.transactions import open_transaction, settle
from savings.models import Account, Dispute, Entry, ManualPosting, Transaction, User

Kind = Transaction.Kind


def receivable_kobo(user: User | None) -> int:
    """Return what a person owes, in kobo: their entries on the account of receivables. None stands for nobody known."""
    receivable = house_account(Account.Kind.RECEIVABLE)
    entries = Entry.objects.filter(transaction__user=user)
    sums = entries.filter(Q(debit_account=receivable) | Q(credit_account=receivable)).aggregate(
        owed=Sum("amount_kobo", filter=Q(debit_account=receivable), default=0),
        paid=Sum("amount_kobo", filter=Q(credit_account=receivable), default=0),
    )
    return int(sums["owed"] - sums["paid"])


class Available(NamedTuple):
    """The money in a person's stash, and why not all of it may leave the site. Kobo."""

    stash_kobo: int
    # In open disputes: the provider may take it back.
    disputed_kobo: int
    owed_kobo: int

    @property
    def kobo(self) -> int:
        return max(0, self.stash_kobo - self.disputed_kobo - self.owed_kobo)

    @property
    def is_short(self) -> bool:
        """Whether the stash does not cover what is disputed and owed."""
        return self.stash_kobo < self.disputed_kobo + self.owed_kobo


def available(user: User) -> Available:
    """Return how much a person may take out of the site, and why it is not more, from rows alone.

    Every way out of the site asks this, under the lock of the user. Moves between a person's own accounts do not: that
    money stays here.
    """
    return Available(_stash_balance_kobo(user), _disputed_kobo(user), receivable_kobo(user))


def repay_debt(
    user: User,
    *,
    reference: str,
    asked_by: User,
    approved_by: User,
    reason: str,
    amount_kobo: int | None = None,
) -> Transaction:
    """Pay what a person owes from their stash, and return the transaction.

    Without an amount (kobo), as much as is owed and there. A repeat with the same reference returns the first
    transaction. Raises Refused when less is owed, and unless two different people of the staff ask and approve;
    NotEnoughMoney when the stash holds less or nothing, ReferenceTaken when the reference belongs to other details, and
    BadAmount for an amount out of range.
    """
    details: dict[str, Any] = {"asked_by": asked_by, "approved_by": approved_by, "reason": reason.strip()}
    check_reason(reason)
    with atomic():
        lock_user(user)
        earlier = Transaction.objects.filter(reference=reference).first()
        if earlier is not None:
            return _same_repayment(earlier, user, amount_kobo, details)
        check_people(asked_by, approved_by)
        stash = stash_account(user)
        owed_kobo, there_kobo = receivable_kobo(user), balance_kobo(stash)
        kobo = min(owed_kobo, there_kobo) if amount_kobo is None else amount_kobo
        _check_owed(max(kobo, 1), owed_kobo)
        if max(kobo, 1) > there_kobo:
            raise NotEnoughMoney(messages.stash_holds(there_kobo))
        repayment, _ = open_transaction(reference=reference, kind=Kind.REPAYMENT, user=user, amount_kobo=kobo)
        settle(repayment, debit=stash, credit=house_account(Account.Kind.RECEIVABLE))
        ManualPosting.objects.create(transaction=repayment, **details)
    return repayment


def write_off(
    user: User | None, *, reference: str, amount_kobo: int, asked_by: User, approved_by: User, reason: str
) -> Transaction:
    """Give up kobo that a person owes, and return the transaction. It moves nothing of the person's money.

    A repeat with the same reference returns the first transaction. Raises Refused when less is owed, and unless two
    different people of the staff ask and approve; ReferenceTaken when the reference belongs to other details; BadAmount
    for an amount out of range.
    """
    details: dict[str, Any] = {"asked_by": asked_by, "approved_by": approved_by, "reason": reason.strip()}
    check_reason(reason)
    receivable = house_account(Account.Kind.RECEIVABLE)
    with atomic():
        lock_user(user)
        written_off, opened = open_transaction(
            reference=reference, kind=Kind.WRITE_OFF, user=user, amount_kobo=amount_kobo
        )
        if not opened:
            if not is_posted_by(written_off, details):
                raise ReferenceTaken(SENT_OTHERWISE)
            return written_off
        check_people(asked_by, approved_by)
        _check_owed(amount_kobo, receivable_kobo(user))
        settle(written_off, debit=house_account(Account.Kind.BAD_DEBTS), credit=receivable)
        ManualPosting.objects.create(transaction=written_off, **details)
    return written_off


def _check_owed(amount_kobo: int, owed_kobo: int) -> None:
    if not owed_kobo:
        raise Refused(messages.NOTHING_OWED)
    if amount_kobo > owed_kobo:
        raise Refused(messages.only_owed(owed_kobo), field="amount_kobo")


def _same_repayment(
    earlier: Transaction, user: User, amount_kobo: int | None, details: dict[str, Any]
) -> Transaction:
    stored = (earlier.kind, earlier.user_id, earlier.part_of_id, earlier.amount_kobo)
    is_same = stored == (Kind.REPAYMENT, user.pk, None, amount_kobo or earlier.amount_kobo)
    if not is_same or not is_posted_by(earlier, details):
        raise ReferenceTaken(SENT_OTHERWISE)
    return earlier


def _stash_balance_kobo(user: User) -> int:
    balances = Account.objects.filter(user=user, kind=Account.Kind.STASH).values_list(
        "balance_kobo", flat=True
    )
    return balances.first() or 0


def _disputed_kobo(user: User) -> int:
    """Return the kobo of a person's payments under dispute that were not charged back yet.

    The money of a payment that was released to somebody else is theirs.
    """
    released = Transaction.objects.filter(
        part_of=OuterRef("payment__transaction"),
        kind__in=[Kind.TOP_UP, Kind.STASH_DEPOSIT, Kind.AUTOSAVE],
        status__in=[Transaction.Status.SUCCESS, Transaction.Status.REVERSED],
    )
    given_back = Transaction.objects.filter(
        Q(refunds=OuterRef("payment__transaction")) | Q(refunds__part_of=OuterRef("payment__transaction")),
        kind=Kind.CHARGEBACK,
        created_on__gte=OuterRef("opened_at"),
    )
    disputes = Dispute.objects.filter(resolved_at=None).annotate(
        owner_id=Coalesce(
            Subquery(released.order_by("-id").values("user_id")[:1]),
            F("payment__transaction__user_id"),
            output_field=BigIntegerField(),
        ),
        back_kobo=Subquery(
            given_back.order_by().values("kind").annotate(kobo=Sum("amount_kobo")).values("kobo")[:1]
        ),
    )
    rows = disputes.filter(owner_id=user.pk).values_list("amount_kobo", "back_kobo")
    return sum(max(0, kobo - (back_kobo or 0)) for kobo, back_kobo in rows)
