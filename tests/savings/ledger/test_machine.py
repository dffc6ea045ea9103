"""The ledger under random sequences of events, compared with a model in plain Python.

After every step the ledger checks find no damage, and the model has the same balances, interest and statuses.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from savings import ledger, money, plans, references
from savings.exceptions import NotEnoughMoney, ReferenceTaken, Refused
from savings.ledger import checks
from savings.models import Account, Entry, ForfeitedInterest, Plan, Product, Transaction, User
from tests.factories import fund_balance, make_plan, make_product, make_transaction, make_user
from tests.refunds import people

Kind = Transaction.Kind
Status = Transaction.Status
PER_KOBO = money.INTEREST_DENOMINATOR
TAX_BPS = 1_000
AMOUNTS = st.integers(1, 3_000)
WHICH = st.integers(0, 50)


class Crash(Exception):
    """Stands for a process that dies."""


@contextmanager
def dying_before(table: str) -> Iterator[None]:
    """Raise Crash before a row is inserted into `table`, or at the end of the block, and roll everything back."""

    def crash_at_the_insert(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.lstrip().startswith(f"INSERT INTO {table}"):
            raise Crash
        return execute(sql, *args)

    try:
        with transaction.atomic(), connection.execute_wrapper(crash_at_the_insert):
            yield
            raise Crash
    except Crash:
        return


@dataclasses.dataclass
class Pot:
    """The model of a customer's account: its balance, and the interest numerator up to the last midnight.

    `posted_kobo` of interest were posted and not taken back, of which `tax_kobo` were withheld and the rest went to the
    stash.
    """

    kobo: int = 0
    rate_bps: int = 0
    ends: int = datetime.date.max.toordinal()
    earned: int = 0
    posted_kobo: int = 0
    posted_to: int = 0
    tax_kobo: int = 0
    tax_remainder: int = 0
    # What counted for interest at the end of each day, by its ordinal.
    days: dict[int, int] = dataclasses.field(default_factory=dict)

    def most_earned(self, amount_kobo: int, since: int) -> int:
        """Return the most that so much of the money can have earned from a day on."""
        days = [kobo for day, kobo in self.days.items() if since <= day < self.ends]
        return self.rate_bps * sum(min(amount_kobo, max(0, kobo)) for kobo in days)

    def change_since(self, amount_kobo: int, since: int) -> None:
        """Add kobo that count from a day on, without their interest."""
        self.kobo += amount_kobo
        self.days |= {day: kobo + amount_kobo for day, kobo in self.days.items() if day >= since}

    def post_interest(self, until: int) -> int:
        """Take whole kobo of the interest up to the start of a day, once, and return them after tax."""
        if until <= self.posted_to:
            return 0
        self.posted_to = until
        later = self.rate_bps * sum(kobo for day, kobo in self.days.items() if until <= day < self.ends)
        kobo = max(0, self.earned - later) // PER_KOBO
        self.earned -= kobo * PER_KOBO
        tax_kobo, self.tax_remainder = divmod(kobo * TAX_BPS + self.tax_remainder, 10_000)
        self.posted_kobo += kobo
        self.tax_kobo += tax_kobo
        return kobo - tax_kobo

    def lose(self, numerator: int) -> int:
        """Take interest, first what is not posted. Return the kobo, after tax, of what was and has to come back."""
        kobo = max(0, -(-(numerator - self.earned) // PER_KOBO))
        tax_kobo = self.tax_kobo * kobo // self.posted_kobo if kobo else 0
        self.posted_kobo -= kobo
        self.tax_kobo -= tax_kobo
        self.earned += kobo * PER_KOBO - numerator
        return kobo - tax_kobo


@dataclasses.dataclass
class Movement:
    """The model of a transaction: the pots it moves money from and to. None is outside, at the provider."""

    row: Transaction
    source: int | None
    target: int | None
    status: str = Status.PENDING
    reversal: str = ""
    # Of a payment: its day, and the kobo that go back, that went back, and that did so from another pot than its own.
    day: int = 0
    going_back: int = 0
    gone_back: int = 0
    from_elsewhere: int = 0

    @property
    def is_paid(self) -> bool:
        """Whether it is a payment that was booked, and was not reversed as if nobody had paid it."""
        is_settled = self.status in {Status.SUCCESS, Status.REVERSED}
        return self.source is None and is_settled and not self.reversal

    def note_back(self, amount_kobo: int) -> None:
        self.gone_back += amount_kobo
        if self.gone_back == self.row.amount_kobo:
            self.status = Status.REVERSED
        self.row.refresh_from_db()


@dataclasses.dataclass
class Back:
    """The model of a refund: the pot it came from, its day, and the interest that it took from each pot."""

    row: Transaction
    payment: Movement
    source: int
    day: int
    lost: dict[int, int]


class Ledger(RuleBasedStateMachine):
    users = Bundle("users")
    plans = Bundle("plans")
    movements = Bundle("movements")

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.travel = time_machine.travel("2026-01-05T09:00:00Z", tick=False)
        self.clock = self.travel.start()
        self.pots: dict[int, Pot] = {}
        self.known: list[Movement] = []
        # Payments into plans that were booked, and refunds. From a bundle, most would still be pending.
        self.booked: list[Movement] = []
        self.refunds: list[Back] = []
        self.owed: Counter[int] = Counter()
        # The pots of ended plans that a failed refund gave interest back to since midnight.
        self.given_back: set[int] = set()

    def teardown(self) -> None:
        self.travel.stop()
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    @initialize(target=plans, sums=st.lists(AMOUNTS, min_size=2, max_size=2))
    def begin_with_two_savers(self, sums: list[int]) -> Any:
        self.people = people()
        self.flexible = make_product(rate_bps=850)
        self.locked = make_product(Product.Kind.LOCKED, rate_bps=1350)
        started = [self.start_flexible_for(self.sign_up_with(amount_kobo)) for amount_kobo in sums]
        for plan, amount_kobo in zip(started, sums, strict=True):
            self.top_up_now(plan, amount_kobo)
        ending = self.start_locked_for(started[0].user, days=30, at_maturity=Plan.AtMaturity.STASH)
        self.top_up_now(ending, 3_000)
        return multiple(*started, ending)

    # Users, plans, days

    @rule(target=users, amount_kobo=AMOUNTS)
    def sign_up(self, amount_kobo: int) -> User:
        return self.sign_up_with(amount_kobo)

    @rule(target=plans, user=users, days=st.integers(30, 60), at_maturity=st.sampled_from(Plan.AtMaturity))
    def start_locked(self, user: User, days: int, at_maturity: str) -> Plan:
        return self.start_locked_for(user, days, at_maturity)

    @rule(target=plans, user=users)
    def start_flexible(self, user: User) -> Plan:
        return self.start_flexible_for(user)

    @rule(days=st.integers(1, 40))
    def let_days_pass(self, days: int) -> None:
        for _ in range(days):
            day = timezone.localdate().toordinal()
            for pot in self.pots.values():
                pot.earned += pot.kobo * pot.rate_bps if day < pot.ends else 0
                pot.days[day] = pot.kobo
            self.clock.shift(datetime.timedelta(days=1))
            self.work_at_midnight()

    @rule()
    def process_maturities(self) -> None:
        today = timezone.localdate()
        for plan in Plan.objects.filter(matures_on__lte=today).select_related("account", "user"):
            assert plan.matures_on
            pot, stash = self.pots[plan.account.pk], self.pots[ledger.stash_account(plan.user).pk]
            stash.kobo += pot.post_interest(plan.matures_on.toordinal())
            if plan.at_maturity == Plan.AtMaturity.STASH:
                stash.kobo += pot.kobo
                pot.kobo = 0
        plans.mature_due_plans(today)

    def work_at_midnight(self) -> None:
        """Post the monthly interest on the 1st, and what ended plans were given back. A maturity may wait a day."""
        today = timezone.localdate()
        if Plan.objects.filter(matures_on__lt=today).exists():
            self.process_maturities()
        due = Q(account__in=self.given_back)
        if today.day == 1:
            due |= Q(matures_on=None) | Q(matures_on__gt=today)
        for plan in Plan.objects.filter(due).select_related("account", "user"):
            stash = self.pots[ledger.stash_account(plan.user).pk]
            stash.kobo += self.pots[plan.account.pk].post_interest(today.toordinal())
        self.given_back.clear()
        plans.post_due_interest(today)

    # Movements

    @rule(target=movements, user=users, amount_kobo=AMOUNTS)
    def ask_to_pay_in(self, user: User, amount_kobo: int) -> Movement:
        return self.ask_for_deposit(user, amount_kobo)

    @rule(target=movements, plan=plans, amount_kobo=AMOUNTS)
    def ask_to_top_up(self, plan: Plan, amount_kobo: int) -> Movement:
        row = make_transaction(Kind.TOP_UP, amount_kobo, user=plan.user, plan=plan)
        return self.remember(row, None, plan.account)

    @rule(target=movements, plan=plans, amount_kobo=AMOUNTS)
    def top_up(self, plan: Plan, amount_kobo: int) -> Movement:
        return self.top_up_now(plan, amount_kobo)

    @rule(target=movements, plan=plans, amount_kobo=AMOUNTS)
    def ask_to_move_in(self, plan: Plan, amount_kobo: int) -> Movement:
        row = make_transaction(Kind.STASH_TO_PLAN, amount_kobo, user=plan.user, plan=plan)
        return self.remember(row, ledger.stash_account(plan.user), plan.account)

    @rule(target=movements, plan=plans, amount_kobo=AMOUNTS)
    def ask_to_move_out(self, plan: Plan, amount_kobo: int) -> Movement:
        row = make_transaction(Kind.PLAN_TO_STASH, amount_kobo, user=plan.user, plan=plan)
        return self.remember(row, plan.account, ledger.stash_account(plan.user))

    @rule(target=movements, user=users, amount_kobo=AMOUNTS)
    def withdraw(self, user: User, amount_kobo: int) -> Movement:
        stash, hold = ledger.stash_account(user), ledger.hold_account(user)
        available_kobo = ledger.available(user).kobo
        assert available_kobo == max(0, self.pots[stash.pk].kobo - self.owed[user.pk])
        try:
            if self.owed[user.pk] and available_kobo < amount_kobo:
                raise NotEnoughMoney
            with transaction.atomic():
                row = make_transaction(Kind.STASH_WITHDRAWAL, amount_kobo, user=user)
                ledger.post(row, Entry.Code.HOLD, debit=stash, credit=hold, amount_kobo=amount_kobo)
        except NotEnoughMoney:
            assert available_kobo < amount_kobo
            # A rule must return a movement: an abandoned payment.
            row = make_transaction(Kind.STASH_DEPOSIT, amount_kobo, user=user, status=Status.ABANDONED)
            return self.remember(row, None, stash, status=Status.ABANDONED)
        self.transfer(stash.pk, hold.pk, amount_kobo)
        return self.remember(row, hold, None)

    @rule(movement=movements, times=st.integers(1, 3))
    def settle(self, movement: Movement, times: int) -> None:
        for _ in range(times):
            fits = self.fits(movement.source, movement.row.amount_kobo)
            is_open = movement.status == Status.PENDING
            try:
                assert self.try_to_settle(movement) == is_open
            except NotEnoughMoney:
                assert is_open
                assert not fits
                return
            if is_open:
                assert fits
                self.transfer(movement.source, movement.target, movement.row.amount_kobo)
                movement.status = Status.SUCCESS
                movement.day = timezone.localdate().toordinal()

    @rule(movement=movements, table=st.sampled_from(["savings_entry", "nothing"]))
    def die_while_settling(self, movement: Movement, table: str) -> None:
        with dying_before(table):
            try:
                self.try_to_settle(movement)
            except NotEnoughMoney as error:
                raise Crash from error
        # The next process reads only what was committed.
        movement.row.refresh_from_db()

    @rule(movement=movements)
    def fail(self, movement: Movement) -> None:
        is_open = movement.status == Status.PENDING
        with transaction.atomic():
            assert ledger.change_status(movement.row, Status.FAILED, only_from=[Status.PENDING]) == is_open
            if is_open and movement.row.kind == Kind.STASH_WITHDRAWAL:
                self.release(movement)
        movement.status = Status.FAILED if is_open else movement.status

    @rule(movement=movements, times=st.integers(1, 2))
    def reverse(self, movement: Movement, times: int) -> None:
        if movement.going_back:
            return
        reference = movement.reversal or references.new(Kind.REVERSAL)
        for _ in range(times):
            fits = self.fits(movement.target, movement.row.amount_kobo)
            comes_back = movement.row.kind == Kind.STASH_WITHDRAWAL
            act = ledger.return_withdrawal if comes_back else ledger.reverse
            try:
                reversal = act(movement.row, reference=reference)
            except NotEnoughMoney:
                assert not fits
                return
            except Refused:
                # Only the provider gives money back that came from outside.
                assert movement.source is None or movement.status not in {Status.SUCCESS, Status.REVERSED}
                return
            assert movement.source is not None
            assert (reversal.reference, reversal.reverses_id) == (reference, movement.row.pk)
            if movement.status == Status.SUCCESS:
                back_to: int | None = movement.source
                if comes_back:
                    back_to = ledger.stash_account(cast("User", movement.row.user)).pk
                self.transfer(movement.target, back_to, movement.row.amount_kobo)
                movement.status, movement.reversal = Status.REVERSED, reference

    # Money that goes back

    @rule(which=WHICH, days=st.integers(0, 9))
    def spend(self, which: int, days: int) -> None:
        """Move all money of a payment's plan and of the stash into a new plan, from which no chargeback is paid."""
        self.let_days_pass(days)
        plan = cast("Plan", self.pick(self.booked, which).row.plan)
        stash, other = ledger.stash_account(plan.user), self.start_flexible_for(plan.user)
        for kind, moved, source, target in (
            (Kind.PLAN_TO_STASH, plan, plan.account, stash),
            (Kind.STASH_TO_PLAN, other, stash, other.account),
        ):
            if kobo := self.pots[source.pk].kobo:
                row = make_transaction(kind, kobo, user=plan.user, plan=moved)
                self.settle(self.remember(row, source, target), times=1)

    @rule(
        which=WHICH, of_any=st.booleans(), quarters=st.integers(1, 4), source=st.sampled_from(["", "stash"])
    )
    def refund(self, *, which: int, of_any: bool, quarters: int, source: str) -> None:
        movement = self.pick(self.known if of_any else self.booked, which)
        kobo = -(-movement.row.amount_kobo * quarters // 4)
        left_kobo = movement.row.amount_kobo - movement.going_back
        pot = ledger.stash_account(movement.row.user).pk if source and movement.row.user else movement.target
        asked: dict[str, Any] = {
            "reference": references.new(Kind.REFUND),
            "amount_kobo": kobo,
            "source": source,
        }
        try:
            row = ledger.open_refund(movement.row, **asked | self.people)
        except NotEnoughMoney:
            assert movement.is_paid
            assert not self.fits(pot, kobo)
            return
        except Refused:
            assert not movement.is_paid or left_kobo < kobo
            return
        assert pot is not None
        lost = self.find_lost_interest(row, movement, kobo, kobo if pot == movement.target else 0)
        self.pots[pot].change_since(-kobo, movement.day)
        self.take_interest(movement, lost)
        self.refunds.append(Back(row, movement, pot, timezone.localdate().toordinal(), lost))

    @precondition(lambda self: self.refunds)
    @rule(which=WHICH, times=st.integers(1, 2))
    def settle_refund(self, which: int, times: int) -> None:
        refund = self.pick(self.refunds, which)
        for _ in range(times):
            is_open = refund.row.status == Status.PENDING
            assert ledger.settle_refund(refund.row) == is_open
            if is_open:
                refund.payment.note_back(refund.row.amount_kobo)

    @precondition(lambda self: self.refunds)
    @rule(which=WHICH, times=st.integers(1, 2))
    def fail_refund(self, which: int, times: int) -> None:
        refund = self.pick(self.refunds, which)
        for _ in range(times):
            is_open = refund.row.status == Status.PENDING
            assert ledger.fail_refund(refund.row) == is_open
            if is_open:
                self.give_back(refund)

    @rule(which=WHICH, of_any=st.booleans(), quarters=st.integers(1, 4))
    def charge_back(self, *, which: int, of_any: bool, quarters: int) -> None:
        movement = self.pick(self.known if of_any else self.booked, which)
        kobo = -(-movement.row.amount_kobo * quarters // 4)
        left_kobo = movement.row.amount_kobo - movement.going_back
        reference = references.new(Kind.CHARGEBACK)
        try:
            row = ledger.book_chargeback(movement.row, reference=reference, amount_kobo=kobo)
        except Refused:
            assert not movement.is_paid or left_kobo < kobo
            return
        assert movement.target is not None
        assert movement.row.user
        own, stash = self.pots[movement.target], self.pots[ledger.stash_account(movement.row.user).pk]
        from_own_kobo = min(kobo, own.kobo)
        lost = self.find_lost_interest(row, movement, kobo, from_own_kobo)
        own.change_since(-from_own_kobo, movement.day)
        from_stash_kobo = min(kobo - from_own_kobo, stash.kobo)
        stash.kobo -= from_stash_kobo
        self.owed[movement.row.user.pk] += kobo - from_own_kobo - from_stash_kobo
        self.take_interest(movement, lost)
        movement.note_back(kobo)

    @rule(plan=plans)
    def repay(self, plan: Plan) -> None:
        user, stash = plan.user, self.pots[ledger.stash_account(plan.user).pk]
        kobo = min(self.owed[user.pk], stash.kobo)
        try:
            reference = references.new(Kind.REPAYMENT)
            assert ledger.repay_debt(user, reference=reference, **self.people).amount_kobo == kobo
        except Refused:
            assert not kobo
        stash.kobo -= kobo
        self.owed[user.pk] -= kobo

    @precondition(lambda self: self.known)
    @rule(movement=movements, more=st.integers(0, 1))
    def repeat_the_request(self, movement: Movement, more: int) -> None:
        row = movement.row
        details: dict[str, Any] = {"kind": row.kind, "user": row.user, "plan": row.plan}
        details |= {"reference": row.reference, "amount_kobo": row.amount_kobo + more}
        try:
            assert ledger.open_transaction(**details) == (row, False)
            assert not more
        except ReferenceTaken:
            assert more

    # Invariants

    @invariant()
    def the_checks_find_no_damage(self) -> None:
        assert list(checks.wrong_rows()) == []

    @invariant()
    def the_model_agrees(self) -> None:
        today = timezone.localdate()
        stored = {
            account.pk: (account.balance_kobo, ledger.accrued_numerator(account, today))
            for account in Account.objects.filter(pk__in=self.pots)
        }
        assert stored == {pk: (pot.kobo, pot.earned) for pk, pot in self.pots.items()}
        owed = {user.pk: ledger.receivable_kobo(user) for user in User.objects.filter(is_staff=False)}
        assert owed == {pk: self.owed[pk] for pk in owed}
        statuses = dict(Transaction.objects.values_list("pk", "status"))
        for movement in self.known:
            assert statuses[movement.row.pk] == movement.status == movement.row.status

    # Helpers

    def pick[Row](self, rows: list[Row], which: int) -> Row:
        return rows[which % len(rows)]

    def find_lost_interest(
        self, row: Transaction, movement: Movement, kobo: int, from_own_kobo: int
    ) -> dict[int, int]:
        """Return by pot the interest that kobo take along when they go back by `row`."""
        assert movement.target is not None
        pot, before = self.pots[movement.target], movement.from_elsewhere
        most = [pot.most_earned(some, movement.day) for some in (before, before + kobo)]
        lost = self.taken_elsewhere(row, movement, kobo)
        lost[movement.target] = min(most[1] - most[0], pot.earned + pot.posted_kobo * PER_KOBO)
        movement.going_back += kobo
        movement.from_elsewhere += kobo - from_own_kobo
        return lost

    def take_interest(self, movement: Movement, lost: dict[int, int]) -> None:
        """Take interest from the pots. What was posted comes from the pot, then the stash, and the rest is owed."""
        user = movement.row.user
        for pk, numerator in lost.items():
            left_kobo = self.pots[pk].lose(numerator)
            if not left_kobo:
                continue
            assert user
            for source in (self.pots[pk], self.pots[ledger.stash_account(user).pk]):
                part_kobo = min(left_kobo, source.kobo)
                source.kobo -= part_kobo
                left_kobo -= part_kobo
            self.owed[user.pk] += left_kobo

    def taken_elsewhere(self, row: Transaction, movement: Movement, kobo: int) -> dict[int, int]:
        """Read the interest that other pots lost, and check that no more was taken than the money can have earned."""
        rows = ForfeitedInterest.objects.filter(transaction=row).exclude(account=movement.target)
        lost = dict(rows.values_list("account_id", "numerator"))
        for pk, numerator in lost.items():
            pot = self.pots[pk]
            has_earned = pot.earned + pot.posted_kobo * PER_KOBO
            assert 0 < numerator <= min(has_earned, pot.most_earned(kobo, movement.day))
        days = timezone.localdate().toordinal() - movement.day
        assert sum(lost.values()) <= kobo * days * max(pot.rate_bps for pot in self.pots.values())
        return lost

    def give_back(self, refund: Back) -> None:
        """Put the money of a failed refund back into its pot, as if it had stayed there."""
        payment, kobo = refund.payment, refund.row.amount_kobo
        assert payment.target is not None
        own, source = self.pots[payment.target], self.pots[refund.source]
        source.change_since(kobo, payment.day)
        for pk, numerator in refund.lost.items():
            self.pots[pk].earned += numerator
        payment.going_back -= kobo
        if own is source:
            away = [day for day in own.days if refund.day <= day < own.ends]
            own.earned += kobo * own.rate_bps * len(away)
        else:
            payment.from_elsewhere -= kobo
        today = timezone.localdate().toordinal()
        self.given_back |= {pk for pk in refund.lost if self.pots[pk].ends <= today}

    def sign_up_with(self, amount_kobo: int) -> User:
        user = make_user()
        for account in (ledger.stash_account(user), ledger.hold_account(user)):
            self.pots[account.pk] = Pot()
        self.settle(self.ask_for_deposit(user, amount_kobo), times=1)
        return user

    def start_locked_for(self, user: User, days: int, at_maturity: str) -> Plan:
        to_stash = Plan.InterestTo.STASH
        plan = make_plan(user, self.locked, days=days, at_maturity=at_maturity, interest_to=to_stash)
        assert plan.matures_on
        ends = datetime.date.max if at_maturity in Plan.RENEWING else plan.matures_on
        self.pots[plan.account.pk] = Pot(rate_bps=1350, ends=ends.toordinal())
        return plan

    def start_flexible_for(self, user: User) -> Plan:
        plan = make_plan(user, self.flexible, interest_to=Plan.InterestTo.STASH)
        self.pots[plan.account.pk] = Pot(rate_bps=850)
        return plan

    def top_up_now(self, plan: Plan, amount_kobo: int) -> Movement:
        row = make_transaction(Kind.TOP_UP, amount_kobo, user=plan.user, plan=plan)
        movement = self.remember(row, None, plan.account)
        self.settle(movement, times=1)
        self.booked.append(movement)
        return movement

    def ask_for_deposit(self, user: User, amount_kobo: int) -> Movement:
        row = make_transaction(Kind.STASH_DEPOSIT, amount_kobo, user=user)
        return self.remember(row, None, ledger.stash_account(user))

    def remember(
        self, row: Transaction, source: Account | None, target: Account | None, status: str = Status.PENDING
    ) -> Movement:
        movement = Movement(row, source.pk if source else None, target.pk if target else None, status)
        self.known.append(movement)
        return movement

    def fits(self, pot: int | None, amount_kobo: int) -> bool:
        return pot is None or self.pots[pot].kobo >= amount_kobo

    def transfer(self, source: int | None, target: int | None, amount_kobo: int) -> None:
        if source is not None:
            self.pots[source].kobo -= amount_kobo
        if target is not None:
            self.pots[target].kobo += amount_kobo

    def account(self, pot: int | None, house: str) -> Account:
        return ledger.house_account(house, "paystack") if pot is None else Account.objects.get(pk=pot)

    def try_to_settle(self, movement: Movement) -> bool:
        debit = self.account(movement.source, Account.Kind.CLEARING)
        credit = self.account(movement.target, Account.Kind.PROVIDER_BALANCE)
        if movement.target is None and movement.status == Status.PENDING:
            fund_balance(movement.row.amount_kobo)
        return ledger.settle(movement.row, debit=debit, credit=credit)

    def release(self, movement: Movement) -> None:
        row = movement.row
        assert row.user
        stash, hold = ledger.stash_account(row.user), ledger.hold_account(row.user)
        ledger.post(row, Entry.Code.RELEASE, debit=hold, credit=stash, amount_kobo=row.amount_kobo)
        self.transfer(hold.pk, stash.pk, row.amount_kobo)


@pytest.mark.timeout(600)
@pytest.mark.django_db
def test_the_ledger_matches_the_model_after_any_sequence_of_events() -> None:
    # Without the phase that explains a failure: it traces every line, also of Django, and takes minutes.
    phases = [phase for phase in Phase if phase is not Phase.explain]
    run_state_machine_as_test(
        Ledger, settings=settings(max_examples=15, stateful_step_count=30, phases=phases)
    )
