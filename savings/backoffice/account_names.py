"""The accounts in the lines of a request, with the names that people read and the balances that they have now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Q

from savings.backoffice import messages
from savings.models import Account, Entry, Plan, User

# The names of the debited and the credited account, kobo, and the entry's code. Names and not ids, because an account
# that the trial run opens is taken back with it.
Line = list[Any]
Kind = Account.Kind


class NamedLine(NamedTuple):
    """One entry of a request, with the accounts as people call them."""

    debit: str
    credit: str
    amount_kobo: int


class Change(NamedTuple):
    """What a saver's account holds now, and what it would hold. Kobo."""

    account: str
    before_kobo: int
    after_kobo: int


def name_of(account: Account) -> str:
    """Return the name of an account as a request stores it, such as `stash:12` or `clearing:paystack`."""
    return f"{account.kind}:{account.plan_id or account.user_id or account.provider}"


def line_of(entry: Entry) -> Line:
    """Return an entry, with its accounts loaded, as a request stores it."""
    return [name_of(entry.debit_account), name_of(entry.credit_account), entry.amount_kobo, entry.code]


class AccountNames:
    """The accounts of some lines: their names and balances, read in three queries."""

    def __init__(self, lines: Iterable[Line]) -> None:
        names = {name for line in lines for name in line[:2]}
        found = [
            (kind, int(owner)) for kind, _, owner in (name.partition(":") for name in names) if _is_of(kind)
        ]
        plan_ids = [number for kind, number in found if kind == Kind.PLAN]
        user_ids = [number for kind, number in found if kind != Kind.PLAN]
        self._plans = Plan.objects.select_related("user").in_bulk(plan_ids)
        self._users = User.objects.in_bulk(user_ids)
        rows = Account.objects.filter(
            Q(plan__in=plan_ids) | Q(user__in=user_ids, kind__in=[Kind.STASH, Kind.HOLD])
        )
        self._balances = {name_of(account): account.balance_kobo or 0 for account in rows} if found else {}

    def read(self, lines: Iterable[Line]) -> list[NamedLine]:
        """Return lines with readable names."""
        return [NamedLine(self._name(debit), self._name(credit), kobo) for debit, credit, kobo, _ in lines]

    def changes(self, lines: Iterable[Line]) -> list[Change]:
        """Return what each account of a saver holds now, and what it holds once the lines are posted."""
        moved: dict[str, int] = {}
        for debit, credit, kobo, _ in lines:
            moved[debit] = moved.get(debit, 0) - kobo
            moved[credit] = moved.get(credit, 0) + kobo
        return [
            Change(self._name(name), self._balances.get(name, 0), self._balances.get(name, 0) + kobo)
            for name, kobo in moved.items()
            if _is_of(name.partition(":")[0])
        ]

    def _name(self, name: str) -> str:
        kind, _, owner = name.partition(":")
        if kind == Kind.PLAN:
            plan = self._plans[int(owner)]
            return messages.plan_of(plan.name, plan.user.name)
        if kind == Kind.STASH:
            return messages.stash_of(self._users[int(owner)].name)
        if kind == Kind.HOLD:
            return messages.hold_of(self._users[int(owner)].name)
        label = str(Kind(kind).label)
        return f"{label} ({owner})" if owner else label


def _is_of(kind: str) -> bool:
    """Return whether an account of a kind is a saver's."""
    return kind in {Kind.PLAN, Kind.STASH, Kind.HOLD}
