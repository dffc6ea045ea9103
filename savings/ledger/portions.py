"""Where the money of a payment can have earned interest: the plan that was credited, and plans it was moved to."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from django.db.models import Min, Q
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from savings.ledger.accounts import stash_account
from savings.ledger.going_back import NOT_GOING_BACK, Paid, gone_without_entry_kobo
from savings.models import Account, Entry, Transaction, User

Kind = Transaction.Kind


class Portion(NamedTuple):
    """What of a payment's money can have been in a plan: by day (an ordinal), the kobo that came or, negative, went.

    `before` is what went back earlier, `now` is that and what goes back now.
    """

    account: Account
    before: Mapping[int, int]
    now: Mapping[int, int]


@dataclasses.dataclass
class _Move:
    """Money between the stash and a plan, in the order of the entries. `left_kobo` is not traced to a part yet."""

    entry_id: int
    day: int
    account_id: int
    is_in: bool
    left_kobo: int


class _Part(NamedTuple):
    """A part of a payment that goes back: it is not moved after `last_entry`, and earns nothing from `gone` on."""

    kobo: int
    last_entry: int
    gone: int


def portions(paid: Paid, *, amount_kobo: int, besides: Transaction) -> Iterator[Portion]:
    """Yield what can have been in each plan of the kobo that go back by the transaction `besides`.

    The credited plan counts for all of them from the value day on. Another plan counts from the day of a move out of
    the stash, for what can have been in the stash then: the payment's money is taken to be moved first. What went back
    earlier was moved before what goes back now. Money that comes back to the stash can be moved again, and counts in
    one of these plans at a time: in the last one, also while it lies in the stash. Reversals are moves too.
    """
    if paid.account is None:
        return
    if paid.plan_account is not None:
        before_kobo = gone_without_entry_kobo(paid, paid.plan_account, besides=besides)
        now_kobo = min(before_kobo + amount_kobo, paid.credited_kobo)
        since = paid.value_on.toordinal()
        yield Portion(paid.plan_account, {since: min(before_kobo, now_kobo)}, {since: now_kobo})
    moves = _moves(paid)
    if not any(move.is_in for move in moves):
        return
    earlier: dict[int, Counter[int]] = {}
    left_kobo = paid.credited_kobo
    for part in _gone_parts(paid, besides):
        _trace(part._replace(kobo=min(part.kobo, left_kobo)), paid.account, moves, earlier)
        left_kobo -= min(part.kobo, left_kobo)
    all_of_it = {account_id: Counter(changes) for account_id, changes in earlier.items()}
    now = _Part(min(amount_kobo, left_kobo), moves[-1].entry_id, 0)
    _trace(now, paid.account, moves, all_of_it)
    others = Account.objects.filter(pk__in=all_of_it, kind=Account.Kind.PLAN).exclude(pk=paid.account.pk)
    for account in others.order_by("id"):
        yield Portion(account, earlier.get(account.pk, {}), all_of_it[account.pk])


def _trace(part: _Part, start: Account, moves: list[_Move], changes: dict[int, Counter[int]]) -> None:
    """Follow a part of a payment through the moves, and add what it changed in each account on each day.

    It uses up what it takes of each move. `start` is the account that was credited, the stash or a plan.
    """
    counted = Counter({start.pk: part.kobo})
    # What of it can be in the stash, by the account in which it counts.
    in_stash = Counter({start.pk: part.kobo if start.kind == Account.Kind.STASH else 0})
    for move in moves:
        if move.entry_id > part.last_entry:
            break
        if not move.is_in:
            kobo = min(move.left_kobo, counted[move.account_id] - in_stash[move.account_id])
            in_stash[move.account_id] += kobo
            move.left_kobo -= kobo
            continue
        for place in list(in_stash):
            kobo = min(move.left_kobo, in_stash[place])
            in_stash[place] -= kobo
            move.left_kobo -= kobo
            for account_id, change in ((place, -kobo), (move.account_id, kobo)):
                counted[account_id] += change
                changes.setdefault(account_id, Counter())[move.day] += change
    if part.gone:
        for account_id, kobo in counted.items():
            changes.setdefault(account_id, Counter())[part.gone] -= kobo


def _moves(paid: Paid) -> list[_Move]:
    """Read the owner's moves between stash and plans since the payment was credited, in one query."""
    stash = stash_account(cast("User", paid.movement.user))
    plan = Account.Kind.PLAN
    entries = (
        Entry.objects.filter(pk__gt=paid.entry_id)
        .filter(
            Q(debit_account=stash, credit_account__kind=plan)
            | Q(credit_account=stash, debit_account__kind=plan)
        )
        .annotate(day=Coalesce("value_on", TruncDate("posted_at")))
        .order_by("id")
        .values_list("id", "day", "debit_account_id", "credit_account_id", "amount_kobo")
    )
    return [
        _Move(
            entry_id=pk,
            day=day.toordinal(),
            account_id=credit if debit == stash.pk else debit,
            is_in=debit == stash.pk,
            left_kobo=kobo,
        )
        for pk, day, debit, credit, kobo in entries
    ]


def _gone_parts(paid: Paid, besides: Transaction) -> list[_Part]:
    """Read the other refunds and chargebacks of what was credited, oldest first, in one query."""
    rows = (
        Transaction.objects.filter(refunds=paid.movement, kind__in=[Kind.REFUND, Kind.CHARGEBACK])
        .exclude(pk=besides.pk)
        .exclude(status__in=NOT_GOING_BACK)
        .annotate(entry=Min("entries__id"), at=Min("entries__posted_at"))
        .filter(entry__isnull=False)
        .order_by("entry")
        .values_list("amount_kobo", "entry", "at")
    )
    return [_Part(kobo, entry, timezone.localdate(at).toordinal()) for kobo, entry, at in rows]
