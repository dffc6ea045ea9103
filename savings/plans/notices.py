"""Notices: a saver asks for money of a plan that needs notice, and a worker moves it to the stash when it is due."""

from __future__ import annotations

import datetime

from django.db.models import Sum
from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger, mails, outbox, references
from savings.exceptions import SENT_OTHERWISE, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import InterestPosting, Notice, Plan, Transaction, User
from savings.plans import early_exit, messages, plans, terms

Status = Notice.Status
# A page shows all that wait.
_MOST_WAITING = 10


def give_notice(user: User, plan: Plan, *, amount_kobo: int, reference: str) -> Notice:
    """Give notice of an amount (kobo) of one of the user's plans, and return the notice.

    The money stays in the plan, and earns, until `carry_out_due_notices` moves it to the stash. A repeat with the same
    reference returns the first notice. Raises Refused for a plan that takes no notice and a frozen user, BadAmount for
    an amount out of range, NotEnoughMoney when less of the balance is free, and ReferenceTaken when the reference
    belongs to another request.
    """
    ledger.check_amount(amount_kobo)
    with atomic():
        now = plans.lock_plan(plan)
        earlier = Notice.objects.filter(reference=reference).first()
        if earlier is not None:
            if (earlier.user_id, earlier.plan_id, earlier.amount_kobo) != (user.pk, plan.pk, amount_kobo):
                raise ReferenceTaken(SENT_OTHERWISE)
            return earlier
        ledger.check_not_frozen(user.pk)
        check_can_give_notice(now)
        _check_free(now, amount_kobo)
        asked_at = timezone.now()
        return Notice.objects.create(
            reference=reference,
            user=user,
            plan=now,
            amount_kobo=amount_kobo,
            asked_at=asked_at,
            due_at=due_at(now, asked_at),
        )


def cancel_notice(notice: Notice) -> None:
    """Cancel a waiting notice; its money stays in the plan. A second call changes nothing.

    Raises Refused for a notice that was carried out, refused or ended.
    """
    with atomic():
        User.objects.touch(notice.user_id)
        notice.refresh_from_db(fields=["status"])
        if notice.status == Status.CANCELLED:
            return
        if not notice.is_waiting:
            raise Refused(_OVER[Status(notice.status)])
        _decide(notice, Status.CANCELLED)


def carry_out_due_notices(now: datetime.datetime) -> int:
    """Carry out the notices that are due by a moment, and return how many were decided. Safe to run twice, and late.

    A notice that fails is postponed, and the others are still carried out. Those of a frozen saver wait.
    """
    return outbox.for_each_row("carry_out_notice", Notice.objects.due(now), _carry_out)


def end_notices(plan: Plan) -> None:
    """End the waiting notices of a plan that has matured, closed or begun a new term, in the caller's transaction.

    The caller has locked the plan.
    """
    plan.notices.end()


def waiting_kobo(plan: Plan) -> int:
    """Return how much of a plan is on notice, in kobo. It can exceed the balance after a refund or chargeback."""
    return int(plan.notices.waiting().aggregate(kobo=Sum("amount_kobo", default=0))["kobo"])


def due_at(plan: Plan, asked_at: datetime.datetime) -> datetime.datetime:
    """Return when a notice that is given at a moment is due."""
    return asked_at + datetime.timedelta(hours=plan.notice_hours)


def check_can_give_notice(plan: Plan) -> None:
    """Raise Refused when a plan takes no notice: it is closed or locked until its maturity, or needs none."""
    today = timezone.localdate()
    if plan.is_closed:
        raise Refused(messages.CLOSED_AND_EMPTY)
    # Raises for a plan that is locked.
    terms.exit_penalty_kobo(plan, 1, today)
    if not terms.needs_notice(plan, today):
        raise Refused(messages.NO_NOTICE_NEEDED)


def _check_free(plan: Plan, amount_kobo: int) -> None:
    waiting = list(plan.notices.waiting().values_list("amount_kobo", flat=True))
    if len(waiting) >= _MOST_WAITING:
        raise Refused(messages.too_many_notices(len(waiting)))
    free_kobo = ledger.balance_kobo(plan.account) - sum(waiting)
    if free_kobo <= 0:
        raise NotEnoughMoney(messages.ALL_ON_NOTICE if waiting else messages.EMPTY)
    if amount_kobo > free_kobo:
        raise NotEnoughMoney(messages.notice_too_large(free_kobo))


_OVER = {
    Status.DONE: messages.NOTICE_DONE,
    Status.ENDED: messages.NOTICE_ENDED,
    Status.REFUSED: messages.NOTICE_REFUSED,
}


def _carry_out(notice_id: int) -> bool:
    """Carry out one notice, and return whether it still waited.

    Movement, notice and mail are one commit, so a worker that is killed leaves a waiting notice and no movement.
    """
    with atomic():
        notice = Notice.objects.select_related("user", "plan").get(pk=notice_id)
        plan = plans.lock_plan(notice.plan)
        # Read again under the lock: the notice may be decided, or its saver frozen, by now.
        notice = Notice.objects.select_related("user", "plan").get(pk=notice_id)
        if not notice.is_waiting or ledger.why_frozen(notice.user.frozen):
            return False
        # By the day on which it was due: a late run costs nobody the money that they asked for in time.
        if plan.is_closed or plan.is_matured(timezone.localdate(notice.due_at)):
            _decide(notice, Status.ENDED)
            return True
        taken_kobo = min(notice.amount_kobo, ledger.balance_kobo(plan.account))
        if not taken_kobo:
            _decide(notice, Status.REFUSED)
            mails.notice_refused(notice)
            return True
        movement = early_exit.exit_without_quote(
            notice.user,
            plan,
            amount_kobo=taken_kobo,
            reference=references.with_prefix(notice.reference, Transaction.Kind.PLAN_TO_STASH),
        )
        _decide(notice, Status.DONE, movement)
        plan.refresh_from_db(fields=["closed_at"])
        mails.notice_carried_out(
            notice,
            movement,
            taken_kobo=taken_kobo,
            interest=_interest_of(movement, plan),
            is_closed=plan.is_closed,
        )
        return True


def _interest_of(movement: Transaction, plan: Plan) -> InterestPosting | None:
    """Return the interest that an exit posted to the stash, if any. Its transaction is opened after the move."""
    return InterestPosting.objects.filter(account__plan=plan, interest__gt=movement.pk).first()


def _decide(notice: Notice, status: Status, movement: Transaction | None = None) -> None:
    notice.status, notice.decided_at, notice.transaction = status, timezone.now(), movement
    notice.save(update_fields=["status", "decided_at", "transaction"])
