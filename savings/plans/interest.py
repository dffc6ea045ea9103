"""Interest of plans: the monthly run, and the interest that is posted before a plan ends."""

from __future__ import annotations

import datetime
import logging

from django.db.transaction import atomic

from savings import ledger, outbox
from savings.models import Account, Plan
from savings.plans.goals import record_goals

logger = logging.getLogger(__name__)

_TASK = "post_interest"


def post_due_interest(today: datetime.date, *, most: int = ledger.PLANS_PER_CHUNK) -> int:
    """Post the monthly interest of all plans that are due by a day, and return the number of postings.

    Each chunk of `most` plans is a commit. Safe to run at any time, twice, and on two machines at once. An account
    whose posting fails is postponed, and the others are posted.
    """
    posted = 0
    house = ledger.InterestHouse.read()
    while (chunk := ledger.due_chunk(today, besides=outbox.waiting_row_ids(_TASK), most=most)) is not None:
        due_on, account_ids = chunk
        try:
            posted += _post(due_on, account_ids, house)
        except Exception as error:
            if outbox.is_database_away(error):
                raise
            logger.warning("posting the interest of %s accounts one by one", len(account_ids), exc_info=True)
            posted += _post_one_by_one(today, house, most=len(account_ids))
    return posted


def accrue_interest(now: datetime.datetime) -> int:
    """Book the interest earned at the end of a month as its expense, and take that back in the next month.

    Call it every few minutes. Returns how many transactions were posted.
    """
    return ledger.take_accruals_back(now) + ledger.accrue_month_end(now)


def is_interest_posted(today: datetime.date) -> bool:
    """Return whether the interest due by a day is posted, apart from accounts that are postponed."""
    return ledger.due_chunk(today, besides=outbox.waiting_row_ids(_TASK), most=1) is None


def post_months_before(plan: Plan, day: datetime.date) -> None:
    """Post the months of a plan that are due before a day and that the monthly run has not reached yet."""
    house = ledger.InterestHouse.read()
    while True:
        due_day = Account.objects.values_list("interest_due", flat=True).get(plan=plan)
        if due_day is None or due_day >= day.toordinal():
            break
        _post(datetime.date.fromordinal(due_day), [plan.account.pk], house)


def _post(due_on: datetime.date, account_ids: list[int], house: ledger.InterestHouse) -> int:
    """Post the interest of some accounts in one commit, with the goals that it reaches."""
    with atomic():
        posted = ledger.post_chunk(due_on, account_ids, house)
        record_goals(account_ids)
    return posted


def _post_one_by_one(today: datetime.date, house: ledger.InterestHouse, *, most: int) -> int:
    """Post the next accounts each in a transaction of its own, so that only those that fail are postponed."""

    def post_next(account_id: int) -> int:
        due_day = Account.objects.values_list("interest_due", flat=True).get(pk=account_id)
        return _post(datetime.date.fromordinal(due_day), [account_id], house) if due_day else 0

    due = Account.objects.filter(interest_due__lte=today.toordinal())
    return outbox.for_each_row(_TASK, due.order_by("interest_due", "id"), post_next, most=most)
