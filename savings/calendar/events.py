"""The coming dates of a saver in one list: auto-saves, maturities, interest, notices, withdrawals, ends of circles."""

from __future__ import annotations

import dataclasses
import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum

from django.utils import timezone

from savings import autosave, ledger, plans
from savings.calendar import messages
from savings.models import Notice, Payout, Plan, User
from savings.models.autosave import Source

# When a day's jobs run, for the order of its events.
_JUST_AFTER_MIDNIGHT, _MORNING = datetime.time(0, 10), datetime.time(7)


class Kind(StrEnum):
    AUTOSAVE = "autosave"
    MATURITY = "maturity"
    INTEREST = "interest"
    NOTICE = "notice"
    WITHDRAWAL = "withdrawal"
    CIRCLE_END = "circle"


class Direction(StrEnum):
    """Which way the money of an event goes, as the stash sees it."""

    INTO_STASH = "in"
    OUT_OF_STASH = "out"
    FROM_CARD = "card"
    NONE = "none"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """One coming date. Amounts are in kobo.

    `uid` stays the same for one date of one thing. `at` is set where the time of day is known. `certain_kobo` is what
    the stash surely gets: the part of `amount_kobo` that is in a plan already. `plan_names` are those of interest. The
    rest of the fields name the page that shows more: a plan, the rule of an auto-save, a circle, or the receipt of a
    withdrawal.
    """

    uid: str
    day: datetime.date
    kind: Kind
    title: str
    note: str = ""
    at: datetime.datetime | None = None
    amount_kobo: int | None = None
    certain_kobo: int = 0
    direction: Direction = Direction.NONE
    plan_names: tuple[str, ...] = ()
    plan_id: int | None = None
    rule_id: int | None = None
    circle_slug: str = ""
    reference: str = ""
    is_cancelled: bool = False

    @property
    def place(self) -> tuple[datetime.date, datetime.time, str]:
        """The sort key: the order in which things happen."""
        if self.at is not None:
            return self.day, timezone.localtime(self.at).time(), self.uid
        is_autosave = self.kind == Kind.AUTOSAVE
        return self.day, _MORNING if is_autosave else _JUST_AFTER_MIDNIGHT, self.uid


def coming_events(user: User, since: datetime.date, until: datetime.date) -> list[Event]:
    """Return what happens to a user's money from one day to another, both included, in the order of its happening.

    Nothing before today. Sums are those of today's balances, if no other money comes or goes. At most six queries,
    however much there is.
    """
    today = timezone.localdate()
    since = max(since, today)
    open_plans = list(user.plans.open().with_balance())
    notices = list(user.notices.waiting().order_by("due_at", "id")) if open_plans else []
    left_kobo = {plan.pk: plan.account.balance_kobo or 0 for plan in open_plans}
    events = [
        *of_autosaves(autosave.coming(user, since, until)),
        # Before the maturities: what a notice takes out is not there any more.
        *_of_notices(notices, {plan.pk: plan for plan in open_plans}, left_kobo),
        *_of_maturities(open_plans, left_kobo, today),
        *_of_interest(user, open_plans, today, until),
        *_of_circles(open_plans),
        *_of_payouts(user.payouts.in_flight().select_related("transaction"), today),
    ]
    return sorted((event for event in events if since <= event.day <= until), key=lambda event: event.place)


def with_one_interest(events: list[Event]) -> list[Event]:
    """Return the events of one day with all interest, into plans and to the stash, as one event."""
    interest = [event for event in events if event.kind == Kind.INTEREST]
    if len(interest) < 2:
        return events
    one = dataclasses.replace(
        interest[0],
        title=messages.interest([name for event in interest for name in event.plan_names]),
        note=messages.TO_STASH_AND_PLANS,
        amount_kobo=sum(event.amount_kobo or 0 for event in interest),
        direction=Direction.NONE,
        plan_id=None,
    )
    return [one if event is interest[0] else event for event in events if event not in interest[1:]]


def of_autosaves(dates: Iterable[autosave.Coming]) -> Iterator[Event]:
    """Yield the events of coming auto-saves."""
    for date in dates:
        is_from_stash = date.source == Source.STASH
        source = messages.FROM_STASH if is_from_stash else messages.FROM_CARD
        note = messages.tried_again(source) if date.again_at else source
        yield Event(
            uid=f"{Kind.AUTOSAVE}-{date.rule_id}-{date.due_on or date.day}",
            day=date.day,
            kind=Kind.AUTOSAVE,
            title=messages.autosave_into(date.plan_name) if date.plan_name else messages.AUTOSAVE_INTO_STASH,
            note=messages.SKIPPED if date.is_skipped else note,
            at=date.again_at,
            amount_kobo=date.amount_kobo,
            direction=Direction.OUT_OF_STASH if is_from_stash else Direction.FROM_CARD,
            plan_id=date.plan_id,
            rule_id=date.rule_id,
            is_cancelled=date.is_skipped,
        )


def _of_notices(
    notices: Iterable[Notice], open_plans: dict[int, Plan], left_kobo: dict[int, int]
) -> Iterator[Event]:
    """Yield the waiting notices, in the order in which they are due, and take their amounts from `left_kobo`."""
    for notice in notices:
        plan, day = open_plans.get(notice.plan_id), timezone.localdate(notice.due_at)
        # A notice ends with the term of its plan.
        if plan is None or plan.is_matured(day):
            continue
        amount_kobo = min(notice.amount_kobo, left_kobo[plan.pk])
        left_kobo[plan.pk] -= amount_kobo
        arrives_kobo = amount_kobo - plans.exit_penalty_kobo(plan, amount_kobo, day)
        yield Event(
            uid=f"{Kind.NOTICE}-{notice.pk}-{day}",
            day=day,
            kind=Kind.NOTICE,
            title=messages.moves_to_stash(plan.name),
            note=messages.NOTICE_IS_OVER,
            at=notice.due_at,
            amount_kobo=arrives_kobo or None,
            certain_kobo=arrives_kobo,
            direction=Direction.INTO_STASH,
            plan_id=plan.pk,
        )


def _of_maturities(
    open_plans: Iterable[Plan], left_kobo: dict[int, int], today: datetime.date
) -> Iterator[Event]:
    for plan in open_plans:
        kobo = left_kobo[plan.pk]
        # One that has matured and is empty was processed.
        if plan.matures_on is None or (plan.is_matured(today) and not kobo):
            continue
        goes_to_stash = plan.at_maturity == Plan.AtMaturity.STASH
        yield Event(
            uid=f"{Kind.MATURITY}-{plan.pk}-{plan.matures_on}",
            # Late only if no worker ran.
            day=max(plan.matures_on, today),
            kind=Kind.MATURITY,
            title=messages.matures(plan.name),
            note=messages.AT_MATURITY[plan.at_maturity],
            amount_kobo=kobo or None,
            certain_kobo=kobo if goes_to_stash else 0,
            direction=Direction.INTO_STASH if goes_to_stash else Direction.NONE,
            plan_id=plan.pk,
        )


def _of_interest(
    user: User, open_plans: Iterable[Plan], today: datetime.date, until: datetime.date
) -> Iterator[Event]:
    """Yield one event for all interest of a day that goes to the stash, and one for all that stays in plans."""
    earning = [plan for plan in open_plans if plan.account.rate_bps or plan.account.accrued_numerator]
    taxes = ledger.TaxRates.read() if earning else ledger.TaxRates([])
    found: dict[tuple[datetime.date, bool], list[tuple[Plan, int]]] = defaultdict(list)
    for plan in earning:
        for day, interest in ledger.project_postings(plan, today=today, until=until, taxes=taxes):
            if interest.net_kobo:
                found[day, plans.goes_to_stash_on(plan, day)].append((plan, interest.net_kobo))
    for (day, to_stash), parts in found.items():
        names = tuple(plan.name for plan, _ in parts)
        into = messages.INTO_PLAN if len(parts) == 1 else messages.INTO_PLANS
        yield Event(
            uid=f"{Kind.INTEREST}{'-stash' if to_stash else ''}-{user.pk}-{day}",
            day=day,
            kind=Kind.INTEREST,
            title=messages.interest(names),
            note=messages.TO_STASH if to_stash else into,
            amount_kobo=sum(kobo for _, kobo in parts),
            direction=Direction.INTO_STASH if to_stash else Direction.NONE,
            plan_names=names,
            plan_id=parts[0][0].pk if len(parts) == 1 else None,
        )


def _of_circles(open_plans: Iterable[Plan]) -> Iterator[Event]:
    for plan in open_plans:
        member = plan.membership if hasattr(plan, "membership") else None
        if member is None or member.left_at is not None:
            continue
        circle = member.circle
        yield Event(
            uid=f"{Kind.CIRCLE_END}-{circle.pk}-{circle.ends_on}",
            day=circle.ends_on,
            kind=Kind.CIRCLE_END,
            title=messages.circle_ends(circle.name),
            circle_slug=circle.slug,
        )


def _of_payouts(payouts: Iterable[Payout], today: datetime.date) -> Iterator[Event]:
    """Yield the withdrawals on their way. Their money is on hold already, so the stash does not change."""
    for payout in payouts:
        sends_on = timezone.localdate(payout.send_at)
        waits = payout.state == Payout.State.WAITING and payout.send_at > timezone.now()
        yield Event(
            uid=f"{Kind.WITHDRAWAL}-{payout.pk}-{sends_on}",
            day=max(sends_on, today),
            kind=Kind.WITHDRAWAL,
            title=messages.WITHDRAWAL,
            note=messages.WITHDRAWAL_STATES[payout.state],
            at=payout.send_at if waits else None,
            amount_kobo=payout.transaction.amount_kobo,
            reference=payout.transaction.reference,
        )
