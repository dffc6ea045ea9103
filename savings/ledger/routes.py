"""The accounts that each kind of transaction may debit and credit: `settle` refuses any other, and a check finds it."""

from __future__ import annotations

from itertools import product

from savings.models import Account, Transaction

Kind = Account.Kind
Movement = Transaction.Kind
Route = tuple[str, str]

_SAVED = (Kind.STASH, Kind.PLAN)
_PAID_IN = (Kind.CLEARING, Kind.SUSPENSE)
_AT_PROVIDER = (Kind.CLEARING, Kind.PROVIDER_BALANCE)


def _pairs(debited: tuple[str, ...], credited: tuple[str, ...]) -> set[Route]:
    return set(product(debited, credited))


# The routes, debit first, of the primary posting of each kind of transaction. A reversal swaps the accounts of its
# original, which reversals.sql checks.
ROUTES: dict[str, set[Route]] = {
    Movement.TOP_UP: _pairs(_PAID_IN, _SAVED),
    Movement.STASH_DEPOSIT: _pairs(_PAID_IN, (Kind.STASH,)),
    Movement.STASH_WITHDRAWAL: {(Kind.HOLD, Kind.PROVIDER_BALANCE)},
    Movement.PLAN_TO_STASH: {(Kind.PLAN, Kind.STASH)},
    Movement.STASH_TO_PLAN: {(Kind.STASH, Kind.PLAN)},
    # A card's money goes to the stash when the plan takes no more.
    Movement.AUTOSAVE: _pairs(_PAID_IN, _SAVED) | {(Kind.STASH, Kind.PLAN)},
    Movement.INTEREST: _pairs((Kind.INTEREST_EXPENSE,), _SAVED),
    Movement.TAX_WITHHELD: _pairs(_SAVED, (Kind.TAX_PAYABLE,)),
    Movement.PENALTY: {(Kind.PLAN, Kind.PENALTY_INCOME)},
    # A withdrawal without a fee may bear a stamp duty.
    Movement.FEE: _pairs((Kind.HOLD,), (Kind.FEE_INCOME, Kind.STAMP_DUTY_PAYABLE)),
    Movement.REFUND: _pairs((Kind.REFUNDS_DUE,), _AT_PROVIDER),
    Movement.CHARGEBACK: _pairs((Kind.RECEIVABLE,), _AT_PROVIDER),
    # Money of the payment that is still in suspense pays its chargeback first.
    Movement.REPAYMENT: _pairs((*_SAVED, Kind.SUSPENSE), (Kind.RECEIVABLE,)),
    # Interest posted too little or too much; the tax on the latter goes back as long as it is not remitted.
    Movement.INTEREST_CORRECTION: _pairs((Kind.INTEREST_EXPENSE,), _SAVED)
    | _pairs((*_SAVED, Kind.RECEIVABLE, Kind.TAX_PAYABLE), (Kind.INTEREST_EXPENSE,)),
    Movement.WRITE_OFF: {(Kind.BAD_DEBTS, Kind.RECEIVABLE), (Kind.SUSPENSE, Kind.GOODWILL)},
    Movement.ADJUSTMENT: _pairs((Kind.GOODWILL, Kind.ADJUSTMENTS), _SAVED)
    | _pairs(_SAVED, (Kind.GOODWILL, Kind.ADJUSTMENTS))
    | {(Kind.GOODWILL, Kind.ADJUSTMENTS), (Kind.ADJUSTMENTS, Kind.GOODWILL)},
    Movement.TREASURY: {
        # Settlements of the provider, and transfers between the balance and the bank.
        (Kind.BANK, Kind.CLEARING),
        (Kind.PROVIDER_BALANCE, Kind.CLEARING),
        (Kind.CLEARING, Kind.PROVIDER_BALANCE),
        (Kind.PROVIDER_BALANCE, Kind.BANK),
        (Kind.BANK, Kind.PROVIDER_BALANCE),
        (Kind.BANK, Kind.BANK),
        # The owner's funds, the bank's charges and the yield.
        (Kind.BANK, Kind.CAPITAL),
        (Kind.CAPITAL, Kind.BANK),
        (Kind.BANK_CHARGES, Kind.BANK),
        (Kind.BANK, Kind.INVESTMENT_INCOME),
        # Remittances.
        (Kind.TAX_PAYABLE, Kind.BANK),
        (Kind.VAT_PAYABLE, Kind.BANK),
        (Kind.STAMP_DUTY_PAYABLE, Kind.BANK),
        (Kind.UNCLAIMED, Kind.BANK),
        # Interest accrued at the end of a month, and its opposite on the first day of the next.
        (Kind.INTEREST_EXPENSE, Kind.INTEREST_PAYABLE),
        (Kind.INTEREST_PAYABLE, Kind.INTEREST_EXPENSE),
    },
}
