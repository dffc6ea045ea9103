"""Withdrawals: money of a stash that is set aside, leaves through the provider, and may come back, with its fees.

The fee is a transaction of its own, part of the withdrawal, with its own hold and release. VAT and stamp duty are steps
of the fee. The entries are those of the worked example in savings/README.md.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from django.db.transaction import atomic

from savings.ledger.accounts import hold_account, house_account, stash_account
from savings.ledger.families import open_part, reference_after
from savings.ledger.posting import Posting, apply_to_instance, lock_user
from savings.ledger.reversals import REVERSED, open_reversal, primary_entry
from savings.ledger.transactions import change_status, open_transaction, post, settle
from savings.models import Account, Entry, Transaction, User

Kind = Transaction.Kind
Status = Transaction.Status
Code = Entry.Code


class WithdrawalFees(NamedTuple):
    """What a saver pays for a withdrawal besides its amount: the fee before VAT, its VAT, the stamp duty. Kobo."""

    fee_kobo: int = 0
    vat_kobo: int = 0
    duty_kobo: int = 0

    @property
    def total_kobo(self) -> int:
        return self.fee_kobo + self.vat_kobo + self.duty_kobo


def open_withdrawal(
    user: User, *, reference: str, amount_kobo: int, fees: WithdrawalFees
) -> tuple[Transaction, bool]:
    """Set the money of a withdrawal and its fees aside, and return it, and whether this call opened it.

    A repeat with the same reference returns the first withdrawal. Raises NotEnoughMoney when the stash holds less than
    both, ReferenceTaken when the reference belongs to something else, and BadAmount for an amount out of range.
    """
    with atomic():
        withdrawal, opened = open_transaction(
            reference=reference, kind=Kind.STASH_WITHDRAWAL, user=user, amount_kobo=amount_kobo
        )
        if opened:
            _hold(withdrawal, amount_kobo)
            if fees.total_kobo:
                # A withdrawal without a fee may bear a stamp duty, which is the amount then.
                fee = open_part(withdrawal, Kind.FEE, amount_kobo=fees.fee_kobo or fees.duty_kobo)
                _hold(fee, fees.total_kobo)
    return withdrawal, opened


def settle_withdrawal(withdrawal: Transaction, fees: WithdrawalFees, *, provider: str) -> bool:
    """Book that the provider has paid a withdrawal out, and return whether this call did. The fees are earned now."""
    with atomic():
        hold = _hold_account(withdrawal)
        balance = house_account(Account.Kind.PROVIDER_BALANCE, provider)
        if not settle(withdrawal, debit=hold, credit=balance):
            return False
        for fee in _fees_of(withdrawal):
            first, *others = _fee_postings(hold, fees)
            settle(fee, debit=first.debit, credit=first.credit, also=others)
    return True


def fail_withdrawal(withdrawal: Transaction, to: str, *, failure_code: str) -> bool:
    """Give the money of a withdrawal and its fees back to the stash, and return whether this call did.

    `to` is the status afterwards: failed, or abandoned when its owner cancelled it.
    """
    with atomic():
        if not change_status(withdrawal, to, only_from=[Status.PENDING], failure_code=failure_code):
            return False
        _release(withdrawal)
        for fee in _fees_of(withdrawal):
            change_status(fee, to, only_from=[Status.PENDING], failure_code=failure_code)
            _release(fee)
    return True


def record_transfer_cost(
    withdrawal: Transaction, *, cost_kobo: int, duty_kobo: int = 0, provider: str
) -> bool:
    """Post what the provider took for a transfer, and return whether this call did.

    `duty_kobo` is the part that pays the stamp duty which the saver was charged; `cost_kobo` is what the house bears.
    """
    balance = house_account(Account.Kind.PROVIDER_BALANCE, provider)
    postings = [
        Posting(Code.COST, house_account(Account.Kind.TRANSFER_COSTS), balance, cost_kobo),
        Posting(Code.DUTY, house_account(Account.Kind.STAMP_DUTY_PAYABLE), balance, duty_kobo),
    ]
    return _post_all(withdrawal, [posting for posting in postings if posting.amount_kobo])


def return_withdrawal(withdrawal: Transaction, *, reference: str) -> Transaction:
    """Book that the provider gave a withdrawal back after it had succeeded, and return the reversal.

    The money goes from the provider balance through the hold to the stash, and so do fee, VAT and duty: a withdrawal
    that comes back costs its owner nothing. The house bears a duty that was paid to the provider until that gives it
    back (`record_returned_cost`). A repeat with the same reference returns the first reversal. Raises Refused when the
    withdrawal is not successful.
    """
    with atomic():
        lock_user(withdrawal.user_id)
        earlier = Transaction.objects.filter(reverses=withdrawal, reference=reference).first()
        if earlier is not None:
            return earlier
        reversal = _return_one(withdrawal, reference)
        for place, fee in enumerate(_fees_of(withdrawal), start=1):
            part = _return_one(fee, reference_after(reference, place))
            Transaction.objects.filter(pk=part.pk).update(part_of=reversal)
    apply_to_instance(withdrawal, REVERSED)
    return reversal


def record_returned_cost(reversal: Transaction, *, cost_kobo: int, provider: str) -> bool:
    """Post what the provider gave back of its fee and duty after a reversal, and return whether this call did."""
    balance = house_account(Account.Kind.PROVIDER_BALANCE, provider)
    costs = house_account(Account.Kind.TRANSFER_COSTS)
    return _post_all(reversal, [Posting(Code.COST, balance, costs, cost_kobo)] if cost_kobo else [])


def _fee_postings(hold: Account, fees: WithdrawalFees) -> list[Posting]:
    """Return the steps of a fee that is earned. The first one is primary."""
    duty_payable = house_account(Account.Kind.STAMP_DUTY_PAYABLE)
    if not fees.fee_kobo:
        return [Posting(Code.PRIMARY, hold, duty_payable, fees.duty_kobo)]
    steps = [
        Posting(Code.PRIMARY, hold, house_account(Account.Kind.FEE_INCOME), fees.fee_kobo),
        Posting(Code.VAT, hold, house_account(Account.Kind.VAT_PAYABLE), fees.vat_kobo),
        Posting(Code.DUTY, hold, duty_payable, fees.duty_kobo),
    ]
    return [step for step in steps if step.amount_kobo]


def _return_one(movement: Transaction, reference: str) -> Transaction:
    """Reverse a withdrawal or its fee: the opposite of each step, and the release of all of it to the stash."""
    reversal = open_reversal(movement, reference)
    primary = primary_entry(movement)
    hold, kobo = primary.debit_account, primary.amount_kobo
    also: list[Posting] = []
    steps = Entry.objects.filter(transaction=movement, code__in=[Code.VAT, Code.DUTY])
    for step in steps.select_related("debit_account", "credit_account").order_by("id"):
        if step.debit_account == hold:
            also.append(Posting(step.code, step.credit_account, hold, step.amount_kobo))
            kobo += step.amount_kobo
        else:
            # The duty that the provider took for us: no longer the saver's, so it is a cost.
            costs = house_account(Account.Kind.TRANSFER_COSTS)
            also.append(Posting(step.code, costs, step.debit_account, step.amount_kobo))
    also.append(Posting(Code.RELEASE, hold, stash_account(_owner(movement)), kobo))
    settle(reversal, debit=primary.credit_account, credit=hold, also=also)
    return reversal


def _hold(movement: Transaction, amount_kobo: int) -> None:
    stash = stash_account(_owner(movement))
    post(movement, Code.HOLD, debit=stash, credit=_hold_account(movement), amount_kobo=amount_kobo)


def _release(movement: Transaction) -> None:
    held = Entry.objects.select_related("debit_account", "credit_account").get(
        transaction=movement, code=Code.HOLD
    )
    post(
        movement,
        Code.RELEASE,
        debit=held.credit_account,
        credit=held.debit_account,
        amount_kobo=held.amount_kobo,
    )


def _post_all(movement: Transaction, postings: list[Posting]) -> bool:
    if not postings:
        return False
    (code, debit, credit, amount_kobo), *others = postings
    return post(movement, code, debit=debit, credit=credit, amount_kobo=amount_kobo, also=others)


def _fees_of(withdrawal: Transaction) -> list[Transaction]:
    return list(Transaction.objects.filter(part_of=withdrawal, kind=Kind.FEE).select_related("user"))


def _hold_account(movement: Transaction) -> Account:
    return hold_account(_owner(movement))


def _owner(movement: Transaction) -> User:
    # A withdrawal has an owner.
    return cast("User", movement.user)
