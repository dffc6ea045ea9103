"""The texts of a statement's rows: the name of a posting's kind, and its description from the view of one account."""

from __future__ import annotations

from collections.abc import Iterable

from savings.models import Account, Entry, Transaction, User
from savings.models.ledger import REFERENCE_PREFIXES

Kind = Transaction.Kind

# Descriptions of money in and money out. `{plan}` is the plan on the other side.
_IN = {
    Kind.TOP_UP: "Paid in by card",
    Kind.STASH_DEPOSIT: "Paid in by card",
    Kind.STASH_WITHDRAWAL: "Set aside for a withdrawal",
    Kind.PLAN_TO_STASH: "From {plan}",
    Kind.STASH_TO_PLAN: "From your stash",
    Kind.AUTOSAVE: "Auto-saved",
    Kind.INTEREST: "Interest earned",
    Kind.TAX_WITHHELD: "Tax given back",
    Kind.PENALTY: "Penalty given back",
    Kind.FEE: "Fee given back",
    Kind.REVERSAL: "Reversed",
    Kind.REFUND: "Refund not made",
    Kind.CHARGEBACK: "Charged back by your bank",
    Kind.INTEREST_CORRECTION: "Interest corrected",
    Kind.REPAYMENT: "Repayment given back",
    Kind.WRITE_OFF: "Debt written off",
    Kind.TREASURY: "Correction",
    Kind.ADJUSTMENT: "Correction",
}
_OUT = _IN | {
    Kind.STASH_WITHDRAWAL: "Sent to your bank",
    Kind.PLAN_TO_STASH: "To your stash",
    Kind.STASH_TO_PLAN: "To {plan}",
    Kind.AUTOSAVE: "Auto-saved to {plan}",
    Kind.INTEREST: "Interest taken back",
    Kind.TAX_WITHHELD: "Tax withheld",
    Kind.PENALTY: "Early exit penalty",
    Kind.FEE: "Fee",
    Kind.REFUND: "Refunded to you",
    Kind.REPAYMENT: "Repayment of money that went back",
}
# The other steps of a transaction than its posting.
_STEPS = {
    (Entry.Code.HOLD, Kind.STASH_WITHDRAWAL): "Set aside for a withdrawal",
    (Entry.Code.HOLD, Kind.FEE): "Set aside for a fee",
    (Entry.Code.HOLD, Kind.REFUND): "Refunded to you",
    (Entry.Code.RELEASE, Kind.STASH_WITHDRAWAL): "Released to your stash",
    (Entry.Code.RELEASE, Kind.FEE): "Released to your stash",
    (Entry.Code.RELEASE, Kind.REFUND): "Refund not made",
    (Entry.Code.VAT, Kind.FEE): "VAT on the fee",
    (Entry.Code.DUTY, Kind.FEE): "Stamp duty",
}
# The reversals that are no loss, by the prefix of what they reverse.
_RETURNS = {
    REFERENCE_PREFIXES[Kind.STASH_WITHDRAWAL]: "Came back",
    REFERENCE_PREFIXES[Kind.FEE]: "Given back",
}
_ACCOUNT_NAMES = {Account.Kind.STASH: "Stash", Account.Kind.HOLD: "On its way out"}


class Wording:
    """The texts of one user's rows. Each combination is formatted once, because few combinations fill many rows."""

    def __init__(self, user: User, accounts: Iterable[Account], *, names_rows: bool) -> None:
        self._plans: dict[int | None, str] = dict(user.plans.values_list("id", "name"))
        self._account_names = {
            account.pk: account.plan.name if account.plan else _ACCOUNT_NAMES[Account.Kind(account.kind)]
            for account in accounts
            if names_rows
        }
        self._known: dict[tuple[object, ...], tuple[str, str, str]] = {}

    def describe(
        self,
        *,
        kind: str,
        code: str,
        is_credit: int,
        account_id: int,
        plan_id: int | None,
        original: str | None,
    ) -> tuple[str, str, str]:
        """Return the name of a row's kind, its account's name (empty unless rows are named), and its description.

        `plan_id` is the plan on the other side. `original` is the reference of the reversed transaction, None for a row
        that reverses nothing.
        """
        if original is not None:
            text = _RETURNS.get(original[:3], _IN[Kind.REVERSAL])
            return (Kind(kind).label, self._account_names.get(account_id, ""), f"{text}: {original}")
        key = (kind, code, is_credit, account_id, plan_id)
        texts = self._known.get(key)
        if texts is None:
            step = Entry.Code(code), Kind(kind)
            template = _STEPS.get(step) or (_IN if is_credit else _OUT)[Kind(kind)]
            name = self._plans.get(plan_id, "a plan")
            texts = Kind(kind).label, self._account_names.get(account_id, ""), template.format(plan=name)
            self._known[key] = texts
        return texts
