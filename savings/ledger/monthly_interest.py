"""The monthly run: the interest of all plans that are due, in chunks that each commit.

A chunk is the accounts of the earliest due day, so a run that was missed is caught up oldest first. Posting sets the
next due day in the same commit: a run that is killed continues where it was, and two runs at once share the chunks.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.transaction import atomic

from savings.ledger.due_interest import DueAccount, due_accounts
from savings.ledger.interest_postings import InterestHouse, post_accounts
from savings.models import Account, User

PLANS_PER_CHUNK = 5_000


def due_chunk(
    today: datetime.date, *, besides: Collection[int] | QuerySet[Any, int] = (), most: int = PLANS_PER_CHUNK
) -> tuple[datetime.date, list[int]] | None:
    """Return the earliest due day up to today, and the ids of its first accounts. None where nothing is due.

    `besides` are the ids of accounts to leave out.
    """
    due = Account.objects.filter(interest_due__lte=today.toordinal()).exclude(pk__in=besides)
    rows = list(due.order_by("interest_due", "id").values_list("interest_due", "id")[:most])
    first = rows[0][0] if rows else None
    if first is None:
        return None
    return datetime.date.fromordinal(first), [pk for due_day, pk in rows if due_day == first]


def post_chunk(due_on: datetime.date, account_ids: Collection[int], house: InterestHouse) -> int:
    """Post the interest of accounts that are due on a day, in one transaction, and return how many there were.

    Accounts that another run has posted meanwhile are left out. The interest counts from the due day on, however late
    the run is.
    """
    due = Account.objects.filter(pk__in=account_ids, interest_due=due_on.toordinal())
    with atomic():
        _lock_owners(due)
        accounts = due_accounts(due)
        if any(account.goes_to_stash and account.stash_id is None for account in accounts):
            _open_stashes(accounts)
            accounts = due_accounts(due)
        post_accounts(accounts, house, until=due_on, value_on=due_on)
    return len(accounts)


def _lock_owners(accounts: QuerySet[Account]) -> None:
    """Lock the owners in the order of their ids, and increment their versions. SQLite has locked the whole database."""
    owners = User.objects.filter(pk__in=accounts.values("user"))
    if connection.features.has_select_for_update:
        owners = User.objects.filter(
            pk__in=list(owners.order_by("pk").select_for_update().values_list("pk", flat=True))
        )
    User.objects.touch_all(owners)


def _open_stashes(accounts: Collection[DueAccount]) -> None:
    owner_ids = {account.user_id for account in accounts if account.stash_id is None}
    Account.objects.bulk_create(
        (Account(user_id=pk, kind=Account.Kind.STASH, balance_kobo=0) for pk in sorted(owner_ids)),
        ignore_conflicts=True,
    )
