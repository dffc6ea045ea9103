"""Interest that was recorded before it could be posted: paid once, by `manage.py post_missed_interest`.

Plans that ended get theirs to the stash, and so do the ended terms of plans that rolled over. A plan that still runs
gets one posting up to the end of the last month, and is posted monthly from then on. All of it counts from today and
does not compound.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger, mails, money, outbox
from savings.models import Account, InterestPosting, Plan, User
from savings.models.plans import InterestPaid
from savings.plans import messages


class CaughtUp(NamedTuple):
    """A posting of earlier interest, and whether it went to the stash."""

    plan: Plan
    posting: InterestPosting
    to_stash: bool


def post_missed_interest(today: datetime.date) -> list[CaughtUp]:
    """Post the interest of all plans from before postings existed, and return the postings above 0 kobo.

    Safe to run twice, and beside the monthly run: a period is posted once. Each owner's plans are posted in one
    transaction, with one mail to the owner. An owner whose posting fails is postponed, and the others are posted.
    """
    done: list[CaughtUp] = []

    def post_plans_of(user_id: int) -> int:
        found = _post_plans_of(User.objects.get(pk=user_id), today)
        done.extend(found)
        return len(found)

    owners = User.objects.filter(Exists(_behind(today).filter(user=OuterRef("pk"))))
    outbox.for_each_row("post_missed_interest", owners.order_by("pk"), post_plans_of)
    return done


def _behind(today: datetime.date) -> QuerySet[Plan]:
    """Return the plans of which interest from before the postings is missing, or that have no next due day."""
    ended = Q(closed_at__isnull=False) | Q(matures_on__lte=today, account__balance_kobo=0)
    owed = Q(account__accrued_numerator__gte=money.INTEREST_DENOMINATOR)
    never = ~Exists(InterestPosting.objects.filter(account__plan=OuterRef("pk")))
    monthly = Q(interest_paid=InterestPaid.MONTHLY) | Q(matures_on__isnull=True)
    unscheduled = monthly & Q(account__interest_due__isnull=True)
    runs = Q(closed_at__isnull=True) & (unscheduled | Q(at_maturity__in=Plan.RENEWING))
    return Plan.objects.filter(ended & owed | runs & never)


@atomic
def _post_plans_of(user: User, today: datetime.date) -> list[CaughtUp]:
    User.objects.touch(user.pk)
    found = []
    for plan in _behind(today).filter(user=user).select_related("user", "account").order_by("pk"):
        postings = _ended(plan, today) if _has_ended(plan, today) else _running(plan, today)
        found += [one for one in postings if one.posting.gross_kobo]
    if found:
        mails.interest_caught_up(user, today, [_line(one) for one in found])
    return found


def _has_ended(plan: Plan, today: datetime.date) -> bool:
    return plan.is_closed or (plan.at_maturity not in Plan.RENEWING and plan.is_matured(today))


def _ended(plan: Plan, today: datetime.date) -> Iterator[CaughtUp]:
    """Post what is left of a plan that is closed, or matured and empty. The maturity posts one with money in it."""
    if plan.closed_at is None and plan.account.balance_kobo:
        return
    ends = timezone.localdate(plan.closed_at) if plan.closed_at else plan.matures_on
    # Interest that a refund gave back after the last posting has a period up to today.
    for until in (ends or today, today):
        if plan.account.accrued_numerator >= money.INTEREST_DENOMINATOR:
            yield from _posted(plan, until, today, to_stash=True)


def _running(plan: Plan, today: datetime.date) -> Iterator[CaughtUp]:
    """Post the ended terms of a plan that rolled over, then the months of its present term in one posting."""
    for ends in _ended_terms(plan):
        yield from _posted(plan, ends, today, to_stash=True)
    if plan.pays_monthly:
        if plan.started_on < (first := today.replace(day=1)):
            to_stash = ledger.interest_goes_to_stash(plan)
            yield from _posted(plan, first, today, to_stash=to_stash)
        ledger.move_maturity(plan)


def _posted(plan: Plan, until: datetime.date, today: datetime.date, *, to_stash: bool) -> Iterator[CaughtUp]:
    posting = ledger.post_interest(plan, until=until, to_stash=to_stash, value_on=today)
    plan.account.refresh_from_db()
    if plan.is_closed:
        Account.objects.filter(plan=plan).update(interest_due=None)
    if posting is not None:
        yield CaughtUp(plan, posting, to_stash)


def _ended_terms(plan: Plan) -> list[datetime.date]:
    """Return the days on which earlier terms of a plan ended, oldest first. A new term is as long as the last one."""
    opened = ledger.day_of_opening(plan)
    if plan.matures_on is None:
        return []
    length, ends = plan.matures_on - plan.started_on, []
    day = plan.started_on
    while day > opened:
        ends.append(day)
        day -= length
    return ends[::-1]


def _line(one: CaughtUp) -> dict[str, str]:
    gross_kobo, tax_kobo = one.posting.gross_kobo, one.posting.tax_kobo
    return {
        "name": one.plan.name,
        "gross": money.naira(gross_kobo),
        "tax": money.naira(tax_kobo),
        "net": money.naira(gross_kobo - tax_kobo),
        "to": messages.TO_STASH if one.to_stash else messages.INTO_PLAN,
    }
