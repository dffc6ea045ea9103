"""The words of a statement's rows: what a posting is called, and what it did, as the account it stands in sees it."""

from __future__ import annotations

from collections.abc import Iterable

from savings.models import Account, Entry, Transaction, User

Kind = Transaction.Kind

# What came in, and what went out. A name stands where the other place is a plan.
_IN = {
    Kind.TOP_UP: "Paid in by card",
    Kind.STASH_DEPOSIT: "Paid in by card",
    Kind.STASH_WITHDRAWAL: "Set aside for a withdrawal",
    Kind.PLAN_TO_STASH: "From {plan}",
    Kind.STASH_TO_PLAN: "From your stash",
    Kind.AUTOSAVE: "Saved by itself",
    Kind.INTEREST: "Interest earned",
    Kind.TAX_WITHHELD: "Tax given back",
    Kind.PENALTY: "Penalty given back",
    Kind.FEE: "Fee given back",
    Kind.REVERSAL: "Taken back",
    Kind.ADJUSTMENT: "Correction",
}
_OUT = _IN | {
    Kind.STASH_WITHDRAWAL: "Sent to your bank",
    Kind.PLAN_TO_STASH: "To your stash",
    Kind.STASH_TO_PLAN: "To {plan}",
    Kind.AUTOSAVE: "Saved by itself in {plan}",
    Kind.INTEREST: "Interest taken back",
    Kind.TAX_WITHHELD: "Tax on interest",
    Kind.PENALTY: "Early exit penalty",
    Kind.FEE: "Fee",
}
_STEPS = {
    Entry.Code.HOLD: "Set aside for a withdrawal",
    Entry.Code.RELEASE: "Not set aside any more",
}
_PLACES = {Account.Kind.STASH: "Stash", Account.Kind.HOLD: "On its way out"}


class Wording:
    """The words of one person's rows. Each combination is put together once: there are few, and many rows."""

    def __init__(self, user: User, accounts: Iterable[Account], *, names_rows: bool) -> None:
        self._plans: dict[int | None, str] = dict(user.plans.values_list("id", "name"))
        self._places = {
            account.pk: account.plan.name if account.plan else _PLACES[Account.Kind(account.kind)]
            for account in accounts
            if names_rows
        }
        self._known: dict[tuple[object, ...], tuple[str, str, str]] = {}

    def of(  # noqa: PLR0917 - named arguments take a tenth of a second longer, a million times
        self, kind: str, code: str, is_credit: int, account: int, plan: int | None, original: str | None
    ) -> tuple[str, str, str]:
        """Return what a row's kind is called, the place it belongs to (where rows are named), and what happened."""
        if original is not None:
            return Kind(kind).label, self._places.get(account, ""), f"{_IN[Kind.REVERSAL]}: {original}"
        key = (kind, code, is_credit, account, plan)
        known = self._known.get(key)
        if known is None:
            words = _STEPS.get(Entry.Code(code)) or (_IN if is_credit else _OUT)[Kind(kind)]
            name = self._plans.get(plan, "a plan")
            known = Kind(kind).label, self._places.get(account, ""), words.format(plan=name)
            self._known[key] = known
        return known
