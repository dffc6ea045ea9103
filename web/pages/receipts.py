"""The receipt of a transaction: its ledger entries, the balances they changed, and the transactions it belongs to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from savings import money
from savings.models import Account, Entry, InterestPosting, OutboxRow, Payout, Transaction
from savings.payments import PAYOUT_KIND
from web.messages import transactions as messages
from web.pages.polling import PROVIDER_STEPS, next_look
from web.pages.transactions import direction

Kind, Status = Transaction.Kind, Transaction.Status
# What the bank gives back, and not we.
_RETURNED = {Kind.STASH_WITHDRAWAL, Kind.FEE}


class SumLine(NamedTuple):
    """A line of what an amount consists of, or comes to; `reference` is that of the line's own receipt."""

    name: str
    amount: str
    is_sum: bool = False
    reference: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class LedgerLine:
    """A ledger entry as the receipt shows it."""

    step: str
    debit: str
    credit: str
    amount_kobo: int


def ledger_line(entry: Entry) -> LedgerLine:
    """Return an entry with its accounts by name. Load it with the accounts and their plans (`select_related`)."""
    return LedgerLine(
        step=Entry.Code(entry.code).label,
        debit=_account_name(entry.debit_account),
        credit=_account_name(entry.credit_account),
        amount_kobo=entry.amount_kobo,
    )


def entries(movement: Transaction) -> QuerySet[Entry]:
    """Return the entries that a saver is shown, without what the provider charges us for a payment or withdrawal."""
    of_house = Q(debit_account__user=None, credit_account__user=None)
    shown = Entry.objects.filter(transaction=movement).exclude(code=Entry.Code.COST)
    shown = shown.exclude(of_house, code=Entry.Code.DUTY)
    return shown.select_related("debit_account__plan", "credit_account__plan").order_by("id")


def payout_of(movement: Transaction) -> Payout | None:
    """Return the payout of a withdrawal or its fee. Load it with `payout__recipient` and `part_of__payout`."""
    withdrawal = movement.part_of if movement.kind == Kind.FEE else movement
    return getattr(withdrawal, "payout", None)


def watch(movement: Transaction, payout: Payout | None, polls: int) -> dict[str, Any]:
    """Return how a receipt polls until its transaction is settled: the state it shows, and the seconds until then."""
    state = f"{movement.status}.{payout.state if payout else ''}"
    return {"state": state, **next_look(polls, PROVIDER_STEPS, is_open=movement.status == Status.PENDING)}


def changes(
    movement: Transaction, touched: Iterable[tuple[str, int, int]], others: Iterable[Transaction]
) -> list[tuple[str, int, int]]:
    """Return the `balances` that a receipt shows.

    None of money that was set aside and came back, and none of money on its way out, because others move meanwhile. A
    withdrawal's balance is that after its fees, and that of interest is after its tax: a transaction of their own
    posts these in the same commit, right after. `others` are the `others_of` the transaction.
    """
    if movement.status in {Status.FAILED, Status.ABANDONED}:
        return []
    payout = payout_of(movement) if movement.kind == Kind.STASH_WITHDRAWAL else None
    less_kobo = payout.fees_kobo if payout else _tax_kobo(movement, others)
    return [(name, before, after - less_kobo) for name, before, after in touched if name != messages.ON_HOLD]


def mails(movement: Transaction) -> QuerySet[OutboxRow]:
    """Return the mails about a transaction. Its other outbox rows send a withdrawal."""
    return movement.outbox_rows.exclude(kind=PAYOUT_KIND).order_by("id")


def balances(entries: Iterable[Entry]) -> list[tuple[str, int, int]]:
    """Return the name and the balance before and after (kobo) of each customer account in a transaction."""
    touched: dict[str, tuple[int, int]] = {}
    for entry in entries:
        for account, after, change in (
            (entry.debit_account, entry.debit_balance_kobo, -entry.amount_kobo),
            (entry.credit_account, entry.credit_balance_kobo, entry.amount_kobo),
        ):
            if after is not None:
                name = _account_name(account)
                before = touched[name][0] if name in touched else after - change
                touched[name] = (before, after)
    return [(name, before, after) for name, (before, after) in touched.items()]


def amount_kobo(movement: Transaction, entries: Iterable[Entry]) -> int:
    """Return the amount of a receipt in kobo. That of a fee, and of its return, is with VAT and stamp duty."""
    reversed_kind = movement.reverses.kind if movement.reverses else None
    if Kind.FEE in {movement.kind, reversed_kind}:
        moved = (entry.amount_kobo for entry in entries if entry.code in Entry.SETS_ASIDE)
        return next(moved, movement.amount_kobo)
    return movement.amount_kobo


def signed_kobo(movement: Transaction, amount_kobo: int, touched: Iterable[tuple[str, int, int]]) -> int:
    """Return an amount (kobo) of a receipt with the sign that Activity shows, negative for money out; 0 for no sign.

    `touched` are the `balances` of the transaction. Without any, nothing of the saver's has moved: a chargeback moves
    money of the house, and its repayments move the saver's. A correction of interest and an adjustment go either way,
    and an auto-save from the stash moves between the saver's own accounts.
    """
    change_kobo = sum(after - before for _, before, after in touched)
    if movement.kind in {Kind.INTEREST_CORRECTION, Kind.ADJUSTMENT, Kind.AUTOSAVE}:
        return change_kobo
    reversed_kind = movement.reverses.kind if movement.reverses else None
    way = direction(movement.kind, reversed_kind)
    if movement.status != Status.SUCCESS:
        return amount_kobo * min(way, 0)
    return amount_kobo * way if touched else 0


def others_of(movement: Any) -> QuerySet[Transaction]:
    """Return the transactions that give a payment back, and the parts of a transaction."""
    return Transaction.objects.filter(Q(refunds=movement) | Q(part_of=movement)).order_by("id")


def tax_context(movement: Transaction, others: Iterable[Transaction]) -> dict[str, Any]:
    """Return what a receipt of interest says about its tax, and what the receipt of a tax consists of.

    Load `interest_posting` and `tax_of_posting`, which know the rate of the tax. Without one, no rate is named.
    """
    if movement.kind == Kind.TAX_WITHHELD:
        return {"sum_lines": _tax_lines(movement)}
    tax_kobo, taxes = _tax_kobo(movement, others), [x for x in others if x.kind == Kind.TAX_WITHHELD]
    if not tax_kobo:
        return {}
    posting: InterestPosting | None = getattr(movement, "interest_posting", None)
    rate = money.percent(posting.tax_rate_bps) if posting else ""
    return {
        "sum_lines": [
            SumLine(messages.INTEREST, money.naira(movement.amount_kobo)),
            *(
                SumLine(messages.tax_at(rate), money.signed(-tax.amount_kobo), reference=tax.reference)
                for tax in taxes
            ),
            SumLine(messages.AFTER_TAX, money.naira(movement.amount_kobo - tax_kobo), is_sum=True),
        ]
    }


def _tax_lines(movement: Transaction) -> list[SumLine]:
    """Return the interest before tax, the tax with its rate, and what is left; empty without a posting."""
    posting: InterestPosting | None = getattr(movement, "tax_of_posting", None)
    if posting is None:
        return []
    tax = messages.tax_at(money.percent(posting.tax_rate_bps))
    return [
        SumLine(messages.INTEREST, money.naira(posting.gross_kobo)),
        SumLine(tax, money.signed(-movement.amount_kobo)),
        SumLine(messages.AFTER_TAX, money.naira(posting.gross_kobo - movement.amount_kobo), is_sum=True),
    ]


def _tax_kobo(movement: Transaction, others: Iterable[Transaction]) -> int:
    """Return the tax on interest that was posted, in kobo."""
    if movement.kind != Kind.INTEREST or movement.status != Status.SUCCESS:
        return 0
    return sum(other.amount_kobo for other in others if other.kind == Kind.TAX_WITHHELD)


def related(
    movement: Transaction, others: Iterable[Transaction], *, linked: Iterable[str] = ()
) -> list[tuple[str, str, str]]:
    """Return the name of each relation, the transaction there in words, and its reference; of the same user only.

    Load the movement with `reverses`, `reversed_by`, `refunds` and `part_of` (`select_related`). `others` are the
    `others_of` it, and `linked` are the references to which the receipt has links already.
    """
    original = movement.reverses or movement
    to, by = messages.REVERSES_THAT, messages.REVERSED_BY
    if original.kind in _RETURNED:
        to, by = messages.RETURNS_THAT, messages.RETURNED_BY
    found = [
        (to, movement.reverses),
        (by, getattr(movement, "reversed_by", None)),
        (messages.GIVES_BACK, movement.refunds),
        # A fee links to its withdrawal above.
        (messages.BELONGS_TO, movement.part_of if movement.kind != Kind.FEE else None),
    ]
    found += [
        (
            messages.GIVEN_BACK_BY if other.refunds_id else messages.TOGETHER_WITH,
            other,
        )
        for other in others
    ]
    return [
        (name, _in_words(other), other.reference)
        for name, other in found
        if other and other.user_id == movement.user_id and other.reference not in linked
    ]


def _in_words(movement: Transaction) -> str:
    """Return the kind of a transaction and its amount. That of a fee is without its VAT, so a fee has none."""
    if movement.kind == Kind.FEE:
        return messages.RECEIPT_OF_FEE
    return messages.of_amount(movement.get_kind_display(), movement.amount_kobo)


def _account_name(account: Account) -> str:
    if account.kind == Account.Kind.HOLD:
        return messages.ON_HOLD
    return account.plan.name if account.plan else Account.Kind(account.kind).label
