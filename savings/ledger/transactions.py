"""The ledger: the only writer of entries and balances.

Customers' accounts are what the house owes, so a credit adds to them and a debit takes away. Every public
function here first takes the row of the user concerned: one order of locks everywhere, and the `version`
that keys everything the user is shown moves in the same commit as the money.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any, Protocol, cast

from django.db import IntegrityError, transaction
from django.db.models import Q, Sum
from django.utils import timezone

from savings import installation, leaderboards, money
from savings.exceptions import SENT_OTHERWISE, BadAmount, NotEnoughMoney, ReferenceTaken, Refused
from savings.ledger import sql
from savings.models import Account, Entry, Plan, Transaction, User


def stash_account(user: User) -> Account:
    """Return the user's stash, opened at the first call."""
    return Account.objects.get_or_create(
        user=user, kind=Account.Kind.STASH, plan=None, defaults={"balance_kobo": 0}
    )[0]


def hold_account(user: User) -> Account:
    """Return the account of the user's money on its way out, opened at the first call."""
    return Account.objects.get_or_create(
        user=user, kind=Account.Kind.HOLD, plan=None, defaults={"balance_kobo": 0}
    )[0]


def open_plan_account(plan: Plan) -> Account:
    """Open the account of a new plan, with the plan's rate and the days on which it earns."""
    installation.confirm()
    return Account.objects.create(
        kind=Account.Kind.PLAN,
        user=plan.user,
        plan=plan,
        balance_kobo=0,
        rate_bps=plan.rate_bps,
        accrued_to=plan.started_on.toordinal(),
        accrues_until=_accrues_until(plan),
    )


def move_maturity(plan: Plan) -> None:
    """Let the account of a plan earn until the plan's maturity as it is now. Only for one that has not come yet."""
    Account.objects.filter(plan=plan).update(accrues_until=_accrues_until(plan))


def house_account(kind: str, provider: str = "") -> Account:
    """Return one of the house's accounts, opened at the first call."""
    known = sql.house_account_id(kind, provider)
    if known is not None:
        return Account(pk=known, kind=kind, provider=provider)
    return Account.objects.get_or_create(kind=kind, provider=provider, user=None, plan=None)[0]


def balance_kobo(account: Account) -> int:
    """Return what an account holds: stored for customers, summed from entries for the house (credits less debits)."""
    if account.is_customers:
        return Account.objects.values_list("balance_kobo", flat=True).get(pk=account.pk) or 0
    sums = Entry.objects.filter(Q(debit_account=account) | Q(credit_account=account)).aggregate(
        credits=Sum("amount_kobo", filter=Q(credit_account=account), default=0),
        debits=Sum("amount_kobo", filter=Q(debit_account=account), default=0),
    )
    return int(sums["credits"] - sums["debits"])


class Earning(Protocol):
    """What is asked of an account to know its interest: the columns of it that say so."""

    @property
    def balance_kobo(self) -> int | None: ...
    @property
    def rate_bps(self) -> int: ...
    @property
    def accrued_numerator(self) -> int: ...
    @property
    def accrued_to(self) -> int: ...
    @property
    def accrues_until(self) -> int: ...


def accrued_numerator(account: Earning, day: datetime.date) -> int:
    """Return balance_kobo x rate_bps x days that the account has earned up to the start of `day`, not yet posted.

    Simple interest, actual/365, on end-of-day balances; `savings.money.interest` turns it into kobo.
    """
    days = max(0, min(day.toordinal(), account.accrues_until) - account.accrued_to)
    return account.accrued_numerator + (account.balance_kobo or 0) * account.rate_bps * days


def accrued_kobo(account: Earning, day: datetime.date) -> int:
    """Return the interest that an account has earned by the start of a day and not been paid, in whole kobo."""
    return money.interest(accrued_numerator(account, day))


def open_transaction(
    *,
    reference: str,
    kind: str,
    user: User | None,
    amount_kobo: int,
    plan: Plan | None = None,
    reverses: Transaction | None = None,
) -> tuple[Transaction, bool]:
    """Return the transaction of this reference, and whether this call opened it (status pending, no money moved).

    The reference is the idempotency key: the same one again, for the same movement, returns what is there.
    Raises ReferenceTaken when it already stands for another user, kind, plan, sum (in kobo) or reversed transaction,
    and BadAmount for a sum that is none or more than there is money.
    """
    check_sum(amount_kobo)
    with transaction.atomic():
        installation.confirm()
        _lock_user(user)
        movement, opened = Transaction.objects.get_or_create(
            reference=reference,
            defaults={
                "kind": kind,
                "user": user,
                "plan": plan,
                "amount_kobo": amount_kobo,
                "reverses": reverses,
            },
        )
    found = (movement.kind, movement.user_id, movement.plan_id, movement.amount_kobo, movement.reverses_id)
    asked_for = (kind, *(row.pk if row else None for row in (user, plan)), amount_kobo)
    if found != (*asked_for, reverses.pk if reverses else None):
        raise ReferenceTaken(SENT_OTHERWISE)
    return movement, opened


def change_status(
    movement: Transaction, to: str, *, only_from: Iterable[str], failure_code: str = ""
) -> bool:
    """Move a transaction to another status. False when somebody else was first, and then nothing has changed.

    Raises ValueError for a move that has to come with a posting: those are `settle` and `reverse`.
    """
    only_from = list(only_from)
    if {to, *only_from} & {Transaction.Status.SUCCESS, Transaction.Status.REVERSED}:
        raise ValueError("A transaction becomes or stops being successful only together with its posting.")
    changes = {"status": to, "failure_code": failure_code}
    with transaction.atomic():
        _lock_user(movement.user_id)
        if not _change_status(movement, changes, only_from=only_from):
            return False
    _apply_after_commit(movement, changes)
    return True


def post(movement: Transaction, code: str, *, debit: Account, credit: Account, amount_kobo: int) -> bool:
    """Post a step of a transaction beside its primary one: `amount_kobo` from the debit to the credit account.

    The same step twice changes nothing and returns False. Raises NotEnoughMoney when a customer's account
    would go below zero (nothing has changed then either), ValueError for the primary step, which `settle` posts.
    """
    if code == Entry.Code.PRIMARY:
        raise ValueError("The primary step is posted together with the success: use settle.")
    with transaction.atomic():
        _lock_user(movement.user_id)
        try:
            with transaction.atomic():
                _post(movement, code, debit=debit, credit=credit, amount_kobo=amount_kobo, now=timezone.now())
        except (IntegrityError, NotEnoughMoney):
            # The unique step is the proof that this very posting was made before; anything else is a real refusal.
            if Entry.objects.filter(transaction=movement, code=code).exists():
                return False
            raise
    return True


def settle(
    movement: Transaction,
    *,
    debit: Account,
    credit: Account,
    only_from: Iterable[str] = (Transaction.Status.PENDING,),
) -> bool:
    """Make a transaction successful and post its sum, both or neither.

    False when it was no longer in one of the statuses `only_from`: somebody else settled it. Raises NotEnoughMoney.
    """
    with transaction.atomic():
        _lock_user(movement.user_id)
        now = timezone.now()
        if not sql.mark_successful(movement, now, only_from=only_from):
            return False
        _post(
            movement,
            Entry.Code.PRIMARY,
            debit=debit,
            credit=credit,
            amount_kobo=movement.amount_kobo,
            now=now,
        )
    _apply_after_commit(
        movement, {"status": Transaction.Status.SUCCESS, "failure_code": "", "settled_on": now}
    )
    return True


def reverse(movement: Transaction, *, reference: str) -> Transaction:
    """Take a successful transaction back by the opposite entry, and return the reversal (itself a transaction).

    Twice with the same reference returns the first reversal. Raises NotEnoughMoney when the money has moved on,
    Refused when the transaction was never successful, is itself a reversal or came out of a plan that is closed.
    """
    if movement.kind == Transaction.Kind.REVERSAL:
        raise Refused("A reversal cannot be reversed.")
    changes = {"status": Transaction.Status.REVERSED}
    with transaction.atomic():
        _lock_user(movement.user_id)
        # As it is now: money that was meant for a plan may have gone to the stash.
        now = Transaction.objects.select_related("user", "plan").get(pk=movement.pk)
        if not _change_status(movement, changes, only_from=[Transaction.Status.SUCCESS]):
            earlier = Transaction.objects.filter(reverses=movement, reference=reference).first()
            if earlier is None:
                raise Refused("Only a successful transaction can be reversed, and only once.")
            return earlier
        reversal, _ = open_transaction(
            reference=reference,
            kind=Transaction.Kind.REVERSAL,
            user=now.user,
            plan=now.plan,
            amount_kobo=now.amount_kobo,
            reverses=now,
        )
        entry = Entry.objects.select_related("debit_account__plan", "credit_account").get(
            transaction=movement, code=Entry.Code.PRIMARY
        )
        if entry.debit_account.plan and entry.debit_account.plan.is_closed:
            raise Refused("The plan it came from is closed and takes no money back.")
        # A withdrawal that comes back is no longer on its way out: its money returns to the stash, not to the hold.
        is_held = entry.debit_account.kind == Account.Kind.HOLD
        back_to = stash_account(cast("User", now.user)) if is_held else entry.debit_account
        settle(reversal, debit=entry.credit_account, credit=back_to)
    _apply_after_commit(movement, changes)
    return reversal


def check_sum(amount_kobo: int) -> None:
    """Raise BadAmount for a sum (kobo) that is none, or more than there is money."""
    if amount_kobo <= 0:
        raise BadAmount("Enter an amount above zero.")
    if amount_kobo > money.MOST_KOBO:
        raise BadAmount("That is more money than there is. Enter a smaller amount.")


def _lock_user(user: User | int | None) -> None:
    """Lock the user's row for the rest of this database transaction, and mark that what they see has changed."""
    if user is not None:
        User.objects.touch(user if isinstance(user, int) else user.pk)


def _accrues_until(plan: Plan) -> int:
    # A plan that rolls over earns on: its new term begins with the day on which the old one ends, whenever
    # somebody gets round to carrying that out.
    ends = plan.matures_on and plan.at_maturity != Plan.AtMaturity.ROLLOVER
    return (plan.matures_on if plan.matures_on and ends else datetime.date.max).toordinal()


def _change_status(movement: Transaction, changes: dict[str, Any], *, only_from: Iterable[str]) -> bool:
    return bool(Transaction.objects.filter(pk=movement.pk, status__in=list(only_from)).update(**changes))


def _apply_after_commit(movement: Transaction, changes: dict[str, Any]) -> None:
    """Bring the object in hand up to date, once all has gone well: it must not claim a success that was undone."""
    for name, value in changes.items():
        setattr(movement, name, value)


def _post(
    movement: Transaction,
    code: str,
    *,
    debit: Account,
    credit: Account,
    amount_kobo: int,
    now: datetime.datetime,
) -> None:
    """Change the balances and write the entry, in the caller's transaction."""
    check_sum(amount_kobo)
    changed = _change_balances({debit: -amount_kobo, credit: amount_kobo}, timezone.localdate(now))
    sql.write_entry(
        movement, code, debit=debit, credit=credit, amount_kobo=amount_kobo, changed=changed, now=now
    )
    # Here, since whatever changes a plan's balance comes through: no verb can forget its circle.
    for account, change_kobo in ((debit, -amount_kobo), (credit, amount_kobo)):
        membership_id = changed[account].membership_id if account in changed else None
        if membership_id is not None:
            leaderboards.record_contribution(movement, membership_id, change_kobo, now)


def _change_balances(changes: dict[Account, int], today: datetime.date) -> dict[Account, sql.Changed]:
    """Apply kobo to customers' accounts, in ascending id so that two postings never wait for each other in a ring.

    `today` is the day of the entry's own moment, so that midnight cannot fall between the two.
    """
    customers = sorted((account for account in changes if account.is_customers), key=lambda a: a.pk)
    return {account: sql.change_balance(account, changes[account], today) for account in customers}
