"""The story of the demo: acts in the order of time, each a call of the service that a page or task would make."""

from __future__ import annotations

import datetime
import functools
import heapq
import random
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Protocol

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from savings import circles, dates, leaderboards, ledger, mails, payments, plans, references, users
from savings.demo import cast
from savings.demo.provider import Provider
from savings.models import OutboxRow, Plan, Product, Transaction, User

Kind = Transaction.Kind
Act = Callable[[], object]
MAILBOX_FULL = "SMTPRecipientsRefused: 552 5.2.2 The recipient's mailbox is full"


class Clock(Protocol):
    """The clock that all services read."""

    def move_to(self, destination: datetime.datetime) -> None: ...


class Story:
    """A queue of acts ordered by moment. An act may add further acts."""

    def __init__(self, clock: Clock, now: datetime.datetime) -> None:
        self.clock, self.now = clock, now
        self.today = timezone.localdate(now)
        self.provider = Provider()
        self.acts: list[tuple[datetime.datetime, int, Act]] = []
        self.numbers = count()
        # The address whose mails fail for a while; empty for none.
        self.full_mailbox = ""

    def add(self, at: datetime.datetime, act: Act) -> None:
        """Add an act at a moment. Acts after the end of the story are dropped."""
        if at <= self.now:
            heapq.heappush(self.acts, (at, next(self.numbers), act))

    def soon(self, act: Act, *, minutes: float) -> None:
        """Add an act some minutes after the current one."""
        self.add(timezone.now() + datetime.timedelta(minutes=minutes), act)

    def run(self) -> None:
        """Run all acts in order."""
        while self.acts:
            at, _, act = heapq.heappop(self.acts)
            self.clock.move_to(at)
            act()
        self.clock.move_to(self.now)

    def on(self, day: cast.Day | datetime.date, chance: random.Random) -> datetime.datetime:
        """Return a random moment of that day between 07:00 and 22:00."""
        date = cast.date(self.today, day) if isinstance(day, tuple) else day
        seconds = chance.randrange(7 * 3600, 22 * 3600)
        return timezone.make_aware(datetime.datetime.combine(date, datetime.time.min)) + datetime.timedelta(
            seconds=seconds
        )

    # Scheduled tasks, only in nights with work to do: running them every night would take longer

    def schedule_night(self, after: datetime.date) -> None:
        """Add the tasks of the night after a day: poll payments, mature plans, notify circles, and send mails."""
        night = datetime.datetime.combine(after + datetime.timedelta(days=1), datetime.time(2, 10))
        for task in (self.poll, self.mature, circles.notify_members, self.send_mails):
            self.add(timezone.make_aware(night), task)

    def schedule_interest(self, after: datetime.date) -> None:
        """Add the posting of interest after midnight on the 1st of each month after a day."""
        first = after
        while (first := dates.next_first(first)) <= self.today:
            night = timezone.make_aware(datetime.datetime.combine(first, datetime.time(0, 5)))
            self.add(night, lambda: plans.post_due_interest(timezone.localdate()))
            for minutes in (-15, -3):
                # Minutes before midnight, and after it.
                at = night + datetime.timedelta(minutes=minutes)
                self.add(at, lambda: plans.accrue_interest(timezone.now()))

    def schedule_digests(self, after: datetime.date) -> None:
        """Add the preparation and the writing of weekly mails, on each Monday after a day."""
        monday = leaderboards.week_of(after)
        while (monday := monday + datetime.timedelta(days=7)) <= self.today:
            night = timezone.make_aware(datetime.datetime.combine(monday, datetime.time(0, 10)))
            self.add(night, self.prepare_digests)
            self.add(night + datetime.timedelta(hours=7), self.write_digests)

    def prepare_digests(self) -> None:
        circles.prepare_digests(timezone.now())

    def write_digests(self) -> None:
        circles.write_digests(timezone.now())
        self.send_mails()

    def schedule_board_tasks(self, night: datetime.date) -> None:
        """Add the tasks right after midnight: store yesterday's leaderboards, and end circles."""
        self.add(
            timezone.make_aware(datetime.datetime.combine(night, datetime.time(0, 2))), self.run_board_tasks
        )

    def run_board_tasks(self) -> None:
        leaderboards.record_days(timezone.now())
        circles.end_due_circles(timezone.localdate())

    def poll(self) -> None:
        payments.poll_due_payments(timezone.now())

    def mature(self) -> None:
        plans.mature_due_plans(timezone.localdate())

    def send_mails(self) -> None:
        # Only mails: other outbox rows, such as those of leaderboards, are delivered after the commit.
        mails.send_due(timezone.now(), self.send_mail)

    def send_mail(self, row: OutboxRow) -> dict[str, object]:
        if row.user and row.user.email == self.full_mailbox:
            raise OSError(MAILBOX_FULL)
        return mails.send(row)

    # The acts of savers

    def join(self, saver: cast.Saver) -> None:
        user = add_user(saver.email, saver.name, wants_receipts=saver.wants_receipts)
        users.welcome(user)
        self.soon(self.send_mails, minutes=0.2)

    def sign_in(self, email: str, device: str) -> None:
        user = User.objects.get(email=email)
        users.recognise_device(user, None, label=device, at=timezone.now())
        User.objects.filter(pk=user.pk).update(last_login=timezone.now())
        self.soon(self.send_mails, minutes=0.2)

    def start_plan(self, email: str, script: cast.PlanScript, chance: random.Random) -> None:
        ends = cast.date(self.today, script.ends) if script.ends else None
        plan = plans.open_plan(
            User.objects.get(email=email),
            Product.objects.get(kind=script.kind, name=script.product or Product.Kind(script.kind).label),
            reference=references.mint(references.PLAN_PREFIX),
            name=script.name.format(year=ends.year if ends else ""),
            target_kobo=script.target * 100 if script.target else None,
            matures_on=ends,
            at_maturity=script.at_maturity,
        )
        if script.first:
            self.soon(partial(self.pay, email, plan, script.first, chance, must=True), minutes=4)
        until = self.today + datetime.timedelta(days=1)
        if ends:
            term = ends - timezone.localdate()
            for times in range(cast.MONTHS):
                self.schedule_night(ends + times * term - datetime.timedelta(days=1))
            until = ends if script.at_maturity == Plan.AtMaturity.STASH else until
        if script.closes:
            closes = cast.date(self.today, script.closes)
            until = min(until, closes)
            self.add(self.on(closes, chance), partial(self.empty_and_close, email, plan))
        for habit in script.habits:
            for day in cast.days(habit, timezone.localdate(), until):
                self.add(self.on(day, chance), self.saving(email, plan, habit, chance))
        self.schedule_choices(email, plan, script, chance)

    def schedule_choices(
        self, email: str, plan: Plan, script: cast.PlanScript, chance: random.Random
    ) -> None:
        """Add what the saver decides about a running plan: a notice, interest switched off, and exits."""
        if script.on_notice:
            hours_ago = self.now - datetime.timedelta(hours=3)
            self.add(hours_ago, partial(self.give_notice, email, plan, script.on_notice))
        if script.interest_off:
            self.add(self.on(script.interest_off, chance), partial(plans.switch_interest, plan, on=False))
        for when, naira in script.exits:
            self.add(self.on(when, chance), partial(self.take_out, email, plan, naira * 100))

    def saving(self, email: str, plan: Plan | None, habit: cast.Habit, chance: random.Random) -> Act:
        naira = chance.randrange(habit.least, habit.most + 1, 500)
        if habit.from_stash and plan is not None:
            return partial(self.move_from_stash, email, plan, naira)
        return partial(self.pay, email, plan, naira, chance)

    def pay(
        self, email: str, plan: Plan | None, naira: int, chance: random.Random, *, must: bool = False
    ) -> None:
        """Pay by card. Some payments are declined and tried again, and some are abandoned, unless `must`."""
        reference, today = self.start_payment(email, plan, naira), timezone.localdate()
        luck = 1.0 if must else chance.random()
        if luck < 0.04:
            message = chance.choice(["Declined", "Insufficient Funds", "Incorrect PIN"])
            self.provider.set_status(reference, "failed", message)
            self.soon(partial(payments.settle_payment, reference), minutes=1)
            self.soon(partial(self.pay, email, plan, naira, chance, must=True), minutes=7)
        elif luck < 0.06:
            for days in range(3):
                self.schedule_night(today + datetime.timedelta(days=days))
        else:
            self.soon(partial(self.settle, reference), minutes=chance.uniform(1, 4))

    def start_payment(self, email: str, plan: Plan | None, naira: int, *, saves_card: bool = False) -> str:
        user = User.objects.get(email=email)
        reference = references.new(Kind.TOP_UP if plan else Kind.STASH_DEPOSIT)
        payments.start_payment(
            user,
            plan=plan,
            amount_kobo=naira * 100,
            reference=reference,
            mandate=payments.MANDATE if saves_card else "",
            mandate_device="Firefox on Linux" if saves_card else "",
        )
        return reference

    def settle(self, reference: str, *, amount_kobo: int | None = None) -> None:
        """Let a payment succeed at the provider, and deliver its webhook event."""
        self.provider.pay(reference, amount_kobo=amount_kobo)
        self.deliver_event("charge.success", reference)

    def deliver_event(self, event: str, reference: str) -> None:
        payments.process_event(payments.receive_event(*self.provider.event(event, reference)).pk)
        self.soon(self.send_mails, minutes=0.2)

    def move_from_stash(self, email: str, plan: Plan, naira: int) -> None:
        user = User.objects.get(email=email)
        if ledger.balance_kobo(ledger.stash_account(user)) >= naira * 100:
            reference = references.new(Kind.STASH_TO_PLAN)
            plans.move_to_plan(user, plan, amount_kobo=naira * 100, reference=reference)

    def take_out(self, email: str, plan: Plan, amount_kobo: int) -> None:
        """Take money out of a plan, after a quote where that is an early exit."""
        user, reference = User.objects.get(email=email), references.new(Kind.PLAN_TO_STASH)
        if not plans.is_early(plan, timezone.localdate()):
            plans.move_from_plan(user, plan, amount_kobo=amount_kobo, reference=reference)
            return
        quote = plans.quote_exit(plan, amount_kobo, on=timezone.localdate())
        plans.carry_out_exit(user, plan, plans.sign_quote(user, quote), reference=reference)

    def give_notice(self, email: str, plan: Plan, naira: int) -> None:
        reference = references.mint(references.NOTICE_PREFIX)
        plans.give_notice(User.objects.get(email=email), plan, amount_kobo=naira * 100, reference=reference)

    def empty_and_close(self, email: str, plan: Plan) -> None:
        if held_kobo := ledger.balance_kobo(plan.account):
            self.take_out(email, plan, held_kobo)
        plans.close(plan)


def add_user(email: str, name: str, **fields: object) -> User:
    """Add a user with the demo's password and a confirmed address."""
    user = User.objects.create(email=email, name=name, password=_password(), **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def two_of_staff() -> list[User]:
    """Return the person who asks for a posting by hand and the one who approves it."""
    return [User.objects.get(email=email) for email in ("finance@example.com", "approver@example.com")]


@functools.cache
def _password() -> str:
    """Return the hash of the shared password. It is cached, because hashing is slow by design."""
    return make_password(cast.PASSWORD)
