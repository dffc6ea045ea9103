"""Maturity: on the day a plan ends its interest is posted, and its money moves to the stash or starts a new term."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from django.db.models import Q, Sum
from django.db.transaction import atomic
from django.utils.formats import date_format

from savings import leaderboards, ledger, mails, money, outbox, references
from savings.models import Entry, InterestPosting, Membership, Plan, Transaction, User
from savings.models.circles import shares_rank
from savings.plans import notices, stash
from savings.plans.goals import record_goals
from savings.plans.interest import post_months_before

Kind = Transaction.Kind


def mature_due_plans(today: datetime.date) -> int:
    """Process the plans that have matured by a day and return their number. Safe to run at any time, and twice.

    A plan whose maturity fails is postponed, and the other plans still mature.
    """
    has_something = (
        Q(account__balance_kobo__gt=0)
        | Q(account__accrued_numerator__gte=money.INTEREST_DENOMINATOR)
        | Q(at_maturity__in=Plan.RENEWING)
    )
    waiting = Plan.objects.open().filter(has_something, matures_on__lte=today)
    plans = Plan.objects.select_related("user", "product", "account")
    return outbox.for_each_row(
        "mature_plan",
        waiting.order_by("matures_on", "id"),
        lambda plan_id: mature_plan(plans.get(pk=plan_id), today),
    )


def mature_plan(plan: Plan, today: datetime.date) -> bool:
    """Process the maturity of one plan, and return whether there was anything to do.

    Interest first, up to the day of maturity, however late this runs. Then the money moves to the stash, or a new term
    of the same length starts at the same rate, from the day on which the last one ended.
    """
    with atomic():
        User.objects.touch(plan.user_id)
        plan.refresh_from_db(fields=["started_on", "matures_on", "closed_at", "at_maturity"])
        if plan.is_closed or plan.matures_on is None or not plan.is_matured(today):
            return False
        notices.end_notices(plan)
        if plan.at_maturity not in Plan.RENEWING:
            return _end(plan, plan.matures_on)
        while plan.matures_on <= today:
            _renew(plan, plan.matures_on)
    return True


def is_maturity_due(plan: Plan, today: datetime.date) -> bool:
    """Return whether a plan has matured and its money still has to move to the stash. Reads `plan.account`."""
    is_due = plan.is_matured(today) and not plan.is_closed and plan.at_maturity == Plan.AtMaturity.STASH
    return is_due and bool(plan.account.balance_kobo)


def _end(plan: Plan, ends: datetime.date) -> bool:
    """Post the interest to the stash, and move the money there."""
    outbox.recheck_autosaves(plan.user_id)
    post_months_before(plan, ends)
    posting = ledger.post_interest(plan, until=ends, to_stash=True)
    moved_kobo = ledger.balance_kobo(plan.account)
    movement = None
    if moved_kobo:
        # Not `move_from_plan`: a plan of a frozen saver matures all the same.
        movement = stash.open_exit(
            plan.user, plan, amount_kobo=moved_kobo, reference=references.new(Kind.PLAN_TO_STASH)
        )
        stash.settle_exit(movement)
    shown = movement or (posting.interest if posting else None)
    if shown is not None:
        _notify(plan, shown, _facts(posting, moved_kobo))
    return shown is not None


def _notify(plan: Plan, transaction: Transaction, facts: Mapping[str, str]) -> None:
    """Mail the owner that the money is in their stash, with the result of the plan's circle where it has ended."""
    memberships = Membership.objects.current().filter(plan=plan, circle__settled_at__isnull=False)
    member = memberships.select_related("circle", "user").annotate(shares_rank=shares_rank()).first()
    if member is not None:
        result = leaderboards.progress_of(member.circle)
        if mails.circle_ended(member, member.circle, result, transaction, facts):
            return
    mails.plan_matured(transaction, facts)


def _renew(plan: Plan, ends: datetime.date) -> None:
    """Post the interest of the term that ended, and start a new one.

    The rate does not change: the proof of accrued interest needs the plan's own rate. Without the interest, all that
    the term earned goes to the stash, also what was posted into the plan month by month.
    """
    post_months_before(plan, ends)
    to_stash = goes_to_stash_on(plan, ends)
    posting = ledger.post_interest(plan, until=ends, to_stash=to_stash)
    moved_kobo = 0
    if plan.at_maturity == Plan.AtMaturity.ROLLOVER:
        moved_kobo = min(_interest_in_plan_kobo(plan, ends), ledger.balance_kobo(plan.account))
        _move_interest(plan, moved_kobo, ends)
    plan.started_on, plan.matures_on = ends, ends + (ends - plan.started_on)
    plan.save(update_fields=["started_on", "matures_on"])
    ledger.move_maturity(plan)
    record_goals([plan.account.pk])
    if posting is not None:
        facts = _facts(posting, moved_kobo)
        if not to_stash:
            facts.pop("arrived", None)
        term = {"from": date_format(ends, "j F Y"), "until": date_format(plan.matures_on, "j F Y")}
        kept = {"balance": money.naira(ledger.balance_kobo(plan.account))}
        mails.plan_renewed(plan, ends, facts | term | kept)


def goes_to_stash_on(plan: Plan, day: datetime.date) -> bool:
    """Return whether interest that is posted on a day, the maturity or one before it, goes to the stash.

    One query at most, and none if `plan.membership` is loaded.
    """
    if day != plan.matures_on:
        return ledger.interest_goes_to_stash(plan)
    if plan.at_maturity != Plan.AtMaturity.COMPOUND:
        return True
    # Monthly interest goes where the owner chose. A plan that pays at maturity keeps it, outside of a circle.
    if plan.pays_monthly:
        return ledger.interest_goes_to_stash(plan)
    return hasattr(plan, "membership")


def _interest_in_plan_kobo(plan: Plan, ends: datetime.date) -> int:
    """Return the kobo of interest after tax that a plan got for its present term, less what was taken back."""
    entries = Entry.objects.filter(
        code=Entry.Code.PRIMARY,
        transaction__plan=plan,
        transaction__status=Transaction.Status.SUCCESS,
        value_on__gt=plan.started_on,
        value_on__lte=ends,
    )
    account = plan.account
    interest = Q(transaction__kind__in=[Kind.INTEREST, Kind.INTEREST_CORRECTION])
    taken = Q(transaction__kind__in=[Kind.TAX_WITHHELD, Kind.INTEREST_CORRECTION])
    sums = entries.aggregate(
        given=Sum("amount_kobo", filter=interest & Q(credit_account=account), default=0),
        taken=Sum("amount_kobo", filter=taken & Q(debit_account=account), default=0),
    )
    return max(0, int(sums["given"] - sums["taken"]))


def _move_interest(plan: Plan, amount_kobo: int, ends: datetime.date) -> None:
    """Move interest of the ended term from the plan to the stash, with the value day of the maturity."""
    if not amount_kobo:
        return
    movement, _ = ledger.open_transaction(
        reference=references.new(Kind.PLAN_TO_STASH),
        kind=Kind.PLAN_TO_STASH,
        user=plan.user,
        plan=plan,
        amount_kobo=amount_kobo,
    )
    ledger.settle(movement, debit=plan.account, credit=ledger.stash_account(plan.user), value_on=ends)


def _facts(posting: InterestPosting | None, moved_kobo: int) -> dict[str, str]:
    """Return what moved, in naira, for the mail. Interest of 0 kobo is not mentioned."""
    facts = {"moved": money.naira(moved_kobo)} if moved_kobo else {}
    if posting is None or not posting.gross_kobo:
        return facts
    net_kobo = posting.gross_kobo - posting.tax_kobo
    return facts | {
        "gross": money.naira(posting.gross_kobo),
        "tax": money.naira(posting.tax_kobo),
        "net": money.naira(net_kobo),
        "arrived": money.naira(moved_kobo + net_kobo),
    }
