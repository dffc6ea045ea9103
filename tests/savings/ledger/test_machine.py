"""The ledger under random sequences of events, compared with a model in plain Python.

After every step the ledger checks find no damage, and the model has the same balances, interest and statuses.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import time_machine
from django.db import connection, transaction
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

from savings import ledger, plans, references
from savings.exceptions import NotEnoughMoney, ReferenceTaken, Refused
from savings.ledger import checks
from savings.models import Account, Entry, Plan, Product, Transaction, User
from tests.factories import fund_balance, make_plan, make_product, make_transaction, make_user

Kind = Transaction.Kind
Status = Transaction.Status
AMOUNTS = st.integers(1, 3_000)


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
    """The model of a customer's account: its balance, and the interest numerator up to the last midnight."""

    kobo: int = 0
    rate_bps: int = 0
    ends: int = datetime.date.max.toordinal()
    earned: int = 0


@dataclasses.dataclass
class Movement:
    """The model of a transaction: the pots it moves money from and to. None is outside, at the provider."""

    row: Transaction
    source: int | None
    target: int | None
    status: str = Status.PENDING
    reversal: str = ""


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

    def teardown(self) -> None:
        self.travel.stop()
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    @initialize(target=plans, sums=st.lists(AMOUNTS, min_size=2, max_size=2))
    def begin_with_two_savers(self, sums: list[int]) -> Any:
        self.flexible = make_product(rate_bps=850)
        self.locked = make_product(Product.Kind.LOCKED, rate_bps=1350)
        started = [self.start_flexible_for(self.sign_up_with(amount_kobo)) for amount_kobo in sums]
        return multiple(*started)

    # Users, plans, days

    @rule(target=users, amount_kobo=AMOUNTS)
    def sign_up(self, amount_kobo: int) -> User:
        return self.sign_up_with(amount_kobo)

    @rule(target=plans, user=users, days=st.integers(30, 60), at_maturity=st.sampled_from(Plan.AtMaturity))
    def start_locked(self, user: User, days: int, at_maturity: str) -> Plan:
        plan = make_plan(user, self.locked, days=days, at_maturity=at_maturity)
        assert plan.matures_on
        rolls_over = at_maturity == Plan.AtMaturity.ROLLOVER
        ends = datetime.date.max if rolls_over else plan.matures_on
        self.pots[plan.account.pk] = Pot(rate_bps=1350, ends=ends.toordinal())
        return plan

    @rule(target=plans, user=users)
    def start_flexible(self, user: User) -> Plan:
        return self.start_flexible_for(user)

    @rule(days=st.integers(1, 40))
    def let_days_pass(self, days: int) -> None:
        for _ in range(days):
            day = timezone.localdate().toordinal()
            for pot in self.pots.values():
                pot.earned += pot.kobo * pot.rate_bps if day < pot.ends else 0
            self.clock.shift(datetime.timedelta(days=1))

    @rule()
    def process_maturities(self) -> None:
        today = timezone.localdate()
        matured = Plan.objects.filter(matures_on__lte=today, at_maturity=Plan.AtMaturity.STASH)
        for plan in matured.select_related("account", "user"):
            pot = self.pots[plan.account.pk]
            self.pots[ledger.stash_account(plan.user).pk].kobo += pot.kobo
            pot.kobo = 0
        plans.mature_due_plans(today)

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
        row = make_transaction(Kind.TOP_UP, amount_kobo, user=plan.user, plan=plan)
        movement = self.remember(row, None, plan.account)
        self.settle(movement, times=1)
        return movement

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
        try:
            with transaction.atomic():
                row = make_transaction(Kind.STASH_WITHDRAWAL, amount_kobo, user=user)
                ledger.post(row, Entry.Code.HOLD, debit=stash, credit=hold, amount_kobo=amount_kobo)
        except NotEnoughMoney:
            assert self.pots[stash.pk].kobo < amount_kobo
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
        statuses = dict(Transaction.objects.values_list("pk", "status"))
        for movement in self.known:
            assert statuses[movement.row.pk] == movement.status == movement.row.status

    # Helpers

    def sign_up_with(self, amount_kobo: int) -> User:
        user = make_user()
        for account in (ledger.stash_account(user), ledger.hold_account(user)):
            self.pots[account.pk] = Pot()
        self.settle(self.ask_for_deposit(user, amount_kobo), times=1)
        return user

    def start_flexible_for(self, user: User) -> Plan:
        plan = make_plan(user, self.flexible)
        self.pots[plan.account.pk] = Pot(rate_bps=850)
        return plan

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
