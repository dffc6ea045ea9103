"""The ledger checks: correct books pass, and each kind of damage is reported with its row."""

from __future__ import annotations

import copy
import dataclasses
import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from savings import ledger, references
from savings.ledger import checks
from savings.models import (
    Account,
    Entry,
    InterestPosting,
    Membership,
    Payment,
    Payout,
    Plan,
    Product,
    Recipient,
    Refund,
    Settlement,
    Transaction,
    User,
)
from tests.exits import exit_early
from tests.factories import (
    fund_balance,
    make_circle,
    make_plan,
    make_product,
    make_transaction,
    make_user,
    pay_in,
    put_in,
    settled,
)
from tests.payouts import make_recipient
from tests.refunds import charge_back, refund
from tests.withdrawals import make_payout

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind
Status = Transaction.Status


@dataclasses.dataclass
class Books:
    """Books with most kinds of transaction, and names for the rows that the tests damage."""

    user: User
    plan: Plan
    member: Membership
    locked: Plan
    closed: Plan
    stash: Account
    hold: Account
    clearing: Account
    suspense: Account
    paid: Transaction
    deposit: Transaction
    failed: Transaction
    in_flight: Transaction
    released: Transaction
    reversal: Transaction
    in_suspense: Transaction
    interest: Transaction
    tax: Transaction
    settlement: Settlement
    remittance: Transaction
    payable: Account
    vat: Account
    returned: Transaction
    back: Transaction
    due: Transaction
    owed: Transaction
    withdrawn: Transaction
    # The moves of two early exits, with a penalty and with forfeited interest.
    penalised: Transaction
    forfeited: Transaction
    # Payouts of one saver.
    waiting: Payout
    paid_out: Payout
    came_back: Payout
    other_recipient: Recipient

    @property
    def posting(self) -> str:
        posting = InterestPosting.objects.get()
        return f"posting {posting.pk} of account {posting.account_id}"

    @property
    def penalty(self) -> Transaction:
        return self.penalised.parts.get()

    @property
    def release(self) -> int:
        return Entry.objects.get(transaction=self.released, code=Entry.Code.RELEASE).pk

    @property
    def entries(self) -> dict[str, int]:
        """The id of the first entry of each transaction, by the name of the field above."""
        first = {entry.transaction_id: entry.pk for entry in Entry.objects.order_by("-id")}
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            name: first[row.pk]
            for name, row in named.items()
            if isinstance(row, Transaction) and row.pk in first
        }


@pytest.fixture(scope="module")
def written(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[tuple[Books, datetime.datetime]]:
    """The books, and the moment at which they end. Each test is a savepoint in the transaction that wrote them."""
    writing = transaction.atomic()
    with django_db_blocker.unblock():
        writing.__enter__()
        written = write_books()
    yield written
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        writing.__exit__(None, None, None)


@pytest.fixture
def books(db: None, written: tuple[Books, datetime.datetime]) -> Iterator[Books]:
    """A copy of the rows, so that no test sees what another has changed in memory."""
    books, moment = written
    with time_machine.travel(moment, tick=False):
        yield copy.deepcopy(books)


def write_books() -> tuple[Books, datetime.datetime]:
    with time_machine.travel("2026-01-05T09:00:00Z", tick=False) as clock:
        user = make_user()
        locked = make_plan(
            user, make_product(Product.Kind.LOCKED, rate_bps=1350), holding_kobo=900_00, days=90
        )
        plan = make_plan(user)
        member = make_circle(owner=user, product=plan.product).memberships.create(user=user, plan=plan)
        pay_in(user, 100_000_00, plan=plan)
        returned = pay_in(owner := make_user(), 60_00, plan=make_plan(owner, plan.product))
        closed = make_plan(user)
        Plan.objects.filter(pk=closed.pk).update(closed_at=closed.created_at)
        paid = pay_by_card(user)
        deposit = pay_in(user, 5_000_00)
        leaving = [
            make_plan(
                product=make_product(Product.Kind.TARGET, early_exit=early_exit, interest_paid="maturity")
            )
            for early_exit in ("penalty", "forfeit")
        ]
        clock.shift(datetime.timedelta(days=40))
        stash, hold = ledger.stash_account(user), ledger.hold_account(user)
        settled(Kind.STASH_TO_PLAN, 700_00, debit=stash, credit=plan.account, user=user, plan=plan)
        settled(Kind.PLAN_TO_STASH, 50_00, debit=plan.account, credit=stash, user=user, plan=plan)
        ledger.close_month(datetime.date(2026, 1, 1))
        withdrawn, leaver = withdraw(emptied(returned), 5_00, ends="success"), make_user()
        books = Books(
            user=user,
            plan=plan,
            member=member,
            locked=locked,
            closed=closed,
            stash=stash,
            hold=hold,
            clearing=ledger.house_account(Account.Kind.CLEARING, "paystack"),
            suspense=ledger.house_account(Account.Kind.SUSPENSE),
            paid=paid,
            deposit=deposit,
            failed=make_transaction(Kind.TOP_UP, 300_00, user=user, plan=plan, status=Status.FAILED),
            in_flight=withdraw(user, 120_00),
            released=withdraw(user, 80_00, ends="failed"),
            reversal=ledger.reverse(put_in(user, 40_00), reference=references.new(Kind.REVERSAL)),
            in_suspense=suspend(user),
            interest=(posting := pay_interest(plan))[0],
            tax=posting[1],
            settlement=settle_with_provider(deposit),
            remittance=remit(),
            payable=ledger.house_account(Account.Kind.INTEREST_PAYABLE),
            vat=ledger.house_account(Account.Kind.VAT_PAYABLE),
            returned=returned,
            back=give_back(returned),
            due=refund(returned, 10_00, source="stash"),
            owed=charge_back(returned, 30_00),
            withdrawn=withdrawn,
            penalised=leave_early(leaving[0]),
            forfeited=leave_early(leaving[1]),
            waiting=make_payout(leaver),
            paid_out=make_payout(leaver, "paid"),
            came_back=make_payout(leaver, "came_back"),
            other_recipient=make_recipient(user),
        )
        return books, timezone.now()


def leave_early(plan: Plan) -> Transaction:
    """Return the move of an early exit of money that was paid in a week ago."""
    payment = make_transaction(Kind.TOP_UP, 100_000_00, user=plan.user, plan=plan)
    clearing = ledger.house_account(Account.Kind.CLEARING, "paystack")
    a_week_ago = timezone.localdate() - datetime.timedelta(days=7)
    ledger.settle(payment, debit=clearing, credit=plan.account, value_on=a_week_ago)
    return exit_early(plan, 400_01)


def emptied(payment: Transaction) -> User:
    """Move the money of a payment from its plan to the stash, and return its owner."""
    plan = Plan.objects.select_related("user", "account").get(transactions=payment)
    stash = ledger.stash_account(plan.user)
    settled(
        Kind.PLAN_TO_STASH, payment.amount_kobo, debit=plan.account, credit=stash, user=plan.user, plan=plan
    )
    return plan.user


def give_back(payment: Transaction) -> Transaction:
    """Return a refund of 20 naira from the stash that the provider has made."""
    at_provider = Payment.objects.create(transaction=payment, paid_kobo=payment.amount_kobo)
    back = refund(payment, 20_00, source="stash")
    Refund.objects.create(transaction=back, payment=at_provider, provider_id=5)
    ledger.settle_refund(back)
    return back


def pay_by_card(user: User) -> Transaction:
    """Return a card payment with the provider's figures, and with its cost."""
    transaction = pay_in(user, 25_000_00)
    Payment.objects.create(transaction=transaction, paid_kobo=25_000_00, fee_kobo=475_00)
    ledger.post(
        transaction,
        Entry.Code.COST,
        debit=ledger.house_account(Account.Kind.PROVIDER_FEES),
        credit=ledger.house_account(Account.Kind.CLEARING, "paystack"),
        amount_kobo=475_00,
    )
    return transaction


def withdraw(user: User, amount_kobo: int, *, ends: str = "") -> Transaction:
    withdrawal = make_transaction(Kind.STASH_WITHDRAWAL, amount_kobo, user=user)
    stash, hold = ledger.stash_account(user), ledger.hold_account(user)
    ledger.post(withdrawal, Entry.Code.HOLD, debit=stash, credit=hold, amount_kobo=amount_kobo)
    if ends == "failed":
        ledger.post(withdrawal, Entry.Code.RELEASE, debit=hold, credit=stash, amount_kobo=amount_kobo)
        ledger.change_status(withdrawal, Status.FAILED, only_from=[Status.PENDING])
    if ends == "success":
        ledger.settle(withdrawal, debit=hold, credit=fund_balance(amount_kobo))
    return withdrawal


def suspend(user: User | None) -> Transaction:
    """Return an underpayment, whose money is in suspense."""
    transaction = make_transaction(Kind.STASH_DEPOSIT, 900_00, user=user, status=Status.REVIEW)
    ledger.post(
        transaction,
        Entry.Code.SUSPENSE,
        debit=ledger.house_account(Account.Kind.CLEARING, "paystack"),
        credit=ledger.house_account(Account.Kind.SUSPENSE),
        amount_kobo=800_00,
    )
    return transaction


def pay_interest(plan: Plan) -> tuple[Transaction, Transaction]:
    """Post the interest of 40 days into the plan, and return the transactions of interest and tax."""
    posting = ledger.post_interest(plan, until=timezone.localdate(), to_stash=False)
    assert posting is not None
    assert posting.interest is not None
    assert posting.tax is not None
    return posting.interest, posting.tax


def settle_with_provider(deposit: Transaction) -> Settlement:
    """Settle a deposit as the only payment of a settlement, without a fee."""
    Payment.objects.create(transaction=deposit, provider_id=77, paid_kobo=deposit.amount_kobo, fee_kobo=0)
    return ledger.record_settlement(
        reference=references.new(Kind.TREASURY),
        provider_id=9,
        settled_on=datetime.date(2026, 2, 14),
        gross_kobo=deposit.amount_kobo,
        fees_kobo=0,
        payment_ids=[77],
    )


def remit() -> Transaction:
    """Return a remittance of 2 kobo of tax."""
    return ledger.post_treasury(
        ledger.Purpose.TAX_REMITTANCE,
        amount_kobo=2,
        reference=references.new(Kind.TREASURY),
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        reason="February",
        period_on=datetime.date(2026, 2, 1),
    )


def shadow_tables(*tables: str) -> None:
    """Shadow tables with temporary copies that have no constraints and triggers, until the test is over."""
    real = "public" if connection.vendor == "postgresql" else "main"
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"CREATE TEMPORARY TABLE {table} AS SELECT * FROM {real}.{table}")


def damage(statement: str) -> None:
    shadow_tables(
        "savings_account",
        "savings_entry",
        "savings_transaction",
        "savings_plan",
        "savings_membership",
        "savings_rateperiod",
        "savings_payment",
        "savings_settlement",
        "savings_manualposting",
        "savings_closedmonth",
        "savings_refund",
        "savings_forfeitedinterest",
        "savings_interestposting",
        "savings_taxrate",
        "savings_payout",
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount == 1


def run_check(check: str) -> list[checks.Damage]:
    return [damage for damage in ledger.run_checks() if damage.check == check]


def test_books_written_by_the_ledger_pass_every_check(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    withdraw(books.user, 10_00, ends="success")
    suspend(None)
    assert list(ledger.run_checks()) == []
    call_command("check_ledger")
    assert (
        f"The books are right: 31 accounts, {Transaction.objects.count()} transactions"
        in capsys.readouterr().out
    )


# For each kind of damage: the check that must report it, the statement that causes it, and the row to be reported.
DAMAGE = {
    "a kobo of interest that counts for a circle": (
        "circle_sums",
        "UPDATE savings_membership SET saved_kobo = saved_kobo + 1",
        "member {b.member.pk}",
    ),
    "a balance raised by hand": (
        "balances",
        "UPDATE savings_account SET balance_kobo = balance_kobo + 1 WHERE id = {b.stash.pk}",
        "account {b.stash.pk}",
    ),
    "a balance gone": (
        "balances",
        "UPDATE savings_account SET balance_kobo = NULL WHERE id = {b.stash.pk}",
        "account {b.stash.pk}",
    ),
    "a stored balance for the house": (
        "balances",
        "UPDATE savings_account SET balance_kobo = 5 WHERE kind = 'suspense'",
        "account {b.suspense.pk}",
    ),
    "a stored balance of a day that was not": (
        "balance_days",
        "INSERT INTO savings_balanceday (day_on, accounts, balance_kobo) VALUES ('2099-01-01', 1, 1)",
        "the stashes on 2099-01-01",
    ),
    "an entry deleted": (
        "balances",
        "DELETE FROM savings_entry WHERE transaction_id = {b.deposit.pk}",
        "account {b.stash.pk}",
    ),
    "an account that was below zero for a while": (
        "history",
        # The plan pays out before money was paid in; the final balances are the same.
        "UPDATE savings_entry SET id = 0"
        " WHERE debit_account_id = {b.plan.account.pk} AND transaction_id <> {b.tax.pk}",
        "entry 0 at account {b.plan.account.pk}",
    ),
    "a balance after an entry that was not": (
        "history",
        "UPDATE savings_entry SET credit_balance_kobo = 1 WHERE transaction_id = {b.deposit.pk}",
        "entry {b.entries[deposit]} at account {b.stash.pk}",
    ),
    "a balance after an entry that is not there": (
        "history",
        "UPDATE savings_entry SET credit_balance_kobo = NULL WHERE transaction_id = {b.deposit.pk}",
        "entry {b.entries[deposit]} at account {b.stash.pk}",
    ),
    "a balance after an entry for the house": (
        "house",
        "UPDATE savings_entry SET debit_balance_kobo = 1 WHERE transaction_id = {b.deposit.pk}",
        "entry {b.entries[deposit]} at account {b.clearing.pk}",
    ),
    "money from nowhere": (
        "totals",
        "UPDATE savings_account SET balance_kobo = balance_kobo + 1 WHERE id = {b.hold.pk}",
        "the sum of all accounts",
    ),
    "a success that was never posted": (
        "primary_postings",
        "DELETE FROM savings_entry WHERE transaction_id = {b.deposit.pk}",
        "transaction {b.deposit.reference} (success)",
    ),
    "a failure that was posted": (
        "primary_postings",
        "UPDATE savings_transaction SET status = 'failed' WHERE id = {b.deposit.pk}",
        "transaction {b.deposit.reference} (failed)",
    ),
    "a posting of another sum": (
        "primary_postings",
        "UPDATE savings_transaction SET amount_kobo = 1 WHERE id = {b.deposit.pk}",
        "transaction {b.deposit.reference} (success)",
    ),
    "a posting made twice": (
        "primary_postings",
        "UPDATE savings_entry SET transaction_id = {b.deposit.pk} WHERE transaction_id = {b.interest.pk}",
        "transaction {b.deposit.reference} (success)",
    ),
    "a step made twice": (
        "step_once",
        "UPDATE savings_entry SET code = 'hold' WHERE transaction_id = {b.released.pk} AND code = 'release'",
        "transaction {b.released.pk}",
    ),
    "a hold on money that is not withdrawn": (
        "steps",
        "UPDATE savings_entry SET code = 'hold' WHERE transaction_id = {b.deposit.pk}",
        "entry {b.entries[deposit]}",
    ),
    "a release without a hold": (
        "steps",
        "DELETE FROM savings_entry WHERE transaction_id = {b.released.pk} AND code = 'hold'",
        "entry {b.release}",
    ),
    "a release of money in flight": (
        "steps",
        "UPDATE savings_transaction SET status = 'review' WHERE id = {b.released.pk}",
        "entry {b.release}",
    ),
    "suspense at a payment that nobody answered": (
        "steps",
        "UPDATE savings_transaction SET status = 'pending' WHERE id = {b.in_suspense.pk}",
        "entry {b.entries[in_suspense]}",
    ),
    "a reference used twice": (
        "reference_once",
        "UPDATE savings_transaction SET reference = '{b.deposit.reference}' WHERE id = {b.failed.pk}",
        "reference {b.deposit.reference}",
    ),
    "a reference with another kind's prefix": (
        "reference_form",
        "UPDATE savings_transaction SET reference = 'INT' || substr(reference, 4) WHERE id = {b.deposit.pk}",
        "transaction {b.deposit.pk}",
    ),
    "a reference with a letter that is none of ours": (
        "reference_form",
        "UPDATE savings_transaction SET reference = substr(reference, 1, 19) || 'U' WHERE id = {b.deposit.pk}",
        "transaction {b.deposit.pk}",
    ),
    "a reference that is too short": (
        "reference_form",
        "UPDATE savings_transaction SET reference = substr(reference, 1, 19) WHERE id = {b.deposit.pk}",
        "transaction {b.deposit.pk}",
    ),
    "a withdrawal that failed and kept its hold": (
        "holds",
        "UPDATE savings_transaction SET status = 'failed' WHERE id = {b.in_flight.pk}",
        "the hold of user {b.user.pk}",
    ),
    "a withdrawal in flight without a hold": (
        "holds",
        "UPDATE savings_account SET balance_kobo = 0 WHERE id = {b.hold.pk}",
        "the hold of user {b.user.pk}",
    ),
    "a reversal of something that still counts": (
        "reversals",
        "UPDATE savings_transaction SET status = 'success' WHERE id = {b.reversal.reverses.pk}",
        "reversal {b.reversal.reference}",
    ),
    "a reversal of nothing": (
        "reversals",
        "UPDATE savings_transaction SET reverses_id = NULL WHERE id = {b.reversal.pk}",
        "reversal {b.reversal.reference}",
    ),
    "something reversed by nothing": (
        "reversals",
        "UPDATE savings_transaction SET reverses_id = NULL WHERE id = {b.reversal.pk}",
        "transaction {b.reversal.reverses.reference}",
    ),
    "a reversal of another sum": (
        "reversals",
        "UPDATE savings_entry SET amount_kobo = 1 WHERE transaction_id = {b.reversal.pk}",
        "reversal {b.reversal.reference}",
    ),
    "a reversal from another account": (
        "reversals",
        "UPDATE savings_entry SET debit_account_id = {b.hold.pk} WHERE transaction_id = {b.reversal.pk}",
        "reversal {b.reversal.reference}",
    ),
    "an entry on the account of somebody else": (
        "parties",
        "UPDATE savings_account SET user_id = -5 WHERE id = {b.stash.pk}",
        "entry {b.entries[deposit]}",
    ),
    "an entry on the account of another plan": (
        "parties",
        "UPDATE savings_transaction SET plan_id = {b.locked.pk} WHERE id = {b.interest.pk}",
        "entry {b.entries[interest]}",
    ),
    "an entry on an account that does not exist": (
        "parties",
        "UPDATE savings_entry SET debit_account_id = 0 WHERE transaction_id = {b.interest.pk}",
        "entry {b.entries[interest]}",
    ),
    "an entry of a transaction that does not exist": (
        "parties",
        "DELETE FROM savings_transaction WHERE id = {b.deposit.pk}",
        "entry {b.entries[deposit]}",
    ),
    "a posting the wrong way round": (
        "routes",
        "UPDATE savings_entry SET debit_account_id = credit_account_id, credit_account_id = debit_account_id"
        " WHERE transaction_id = {b.deposit.pk}",
        "entry {b.entries[deposit]}",
    ),
    "a kind of transaction that the posting does not fit": (
        "routes",
        "UPDATE savings_transaction SET kind = 'penalty' WHERE id = {b.deposit.pk}",
        "entry {b.entries[deposit]}",
    ),
    "a payment for a plan that reached the stash": (
        "routes",
        "UPDATE savings_transaction SET kind = 'top_up', plan_id = {b.plan.pk} WHERE id = {b.deposit.pk}",
        "entry {b.entries[deposit]}",
    ),
    "money in suspense that was then paid in from outside": (
        "routes",
        "UPDATE savings_entry SET transaction_id = {b.deposit.pk} WHERE code = 'suspense'",
        "entry {b.entries[deposit]}",
    ),
    "a plan on another rate": (
        "plan_accounts",
        "UPDATE savings_account SET rate_bps = 9999 WHERE id = {b.plan.account.pk}",
        "plan {b.plan.pk}",
    ),
    "a plan that earns beyond its end": (
        "plan_accounts",
        "UPDATE savings_account SET accrues_until = accrues_until + 1 WHERE id = {b.locked.account.pk}",
        "plan {b.locked.pk}",
    ),
    "a plan without an account": (
        "plan_accounts",
        "DELETE FROM savings_account WHERE id = {b.closed.account.pk}",
        "plan {b.closed.pk}",
    ),
    "a closed plan with money": (
        "plan_accounts",
        "UPDATE savings_account SET balance_kobo = 1 WHERE id = {b.closed.account.pk}",
        "plan {b.closed.pk}",
    ),
    "a plan that began on another rate": (
        "plan_accounts",
        "INSERT INTO savings_rateperiod (account_id, from_day, rate_bps) VALUES ({b.plan.account.pk}, 1, 9999)",
        "plan {b.plan.pk}",
    ),
    "a plan that earns although its interest is off": (
        "plan_accounts",
        "UPDATE savings_plan SET earns_interest = FALSE WHERE id = {b.plan.pk}",
        "plan {b.plan.pk}",
    ),
    "a plan that earns although its owner wants no interest": (
        "plan_accounts",
        "UPDATE savings_user SET earns_interest = FALSE WHERE id = {b.user.pk}",
        "plan {b.locked.pk}",
    ),
    "a plan that starts again with its interest and stops earning": (
        "plan_accounts",
        "UPDATE savings_plan SET at_maturity = 'compound' WHERE id = {b.locked.pk}",
        "plan {b.locked.pk}",
    ),
    "a plan that starts again without its interest and stops earning": (
        "plan_accounts",
        "UPDATE savings_plan SET at_maturity = 'rollover' WHERE id = {b.locked.pk}",
        "plan {b.locked.pk}",
    ),
    "a penalty above the plan's terms": (
        "parts",
        "UPDATE savings_transaction SET amount_kobo = 401 WHERE part_of_id = {b.penalised.pk}",
        "penalty {b.penalty.reference}",
    ),
    "a penalty of a plan whose terms have none": (
        "parts",
        "UPDATE savings_plan SET penalty_bps = 0 WHERE id = {b.penalised.plan_id}",
        "penalty {b.penalty.reference}",
    ),
    "a penalty on nothing": (
        "parts",
        "UPDATE savings_transaction SET part_of_id = NULL, reference = 'PEN00000000000000000'"
        " WHERE part_of_id = {b.penalised.pk}",
        "penalty PEN00000000000000000",
    ),
    "a penalty on money of another plan": (
        "parts",
        "UPDATE savings_transaction SET plan_id = {b.plan.pk} WHERE part_of_id = {b.penalised.pk}",
        "penalty {b.penalty.reference}",
    ),
    "a penalty that was charged later": (
        "parts",
        "UPDATE savings_entry SET posted_at = '2026-02-15 09:00:00+00:00'"
        " WHERE transaction_id = {b.penalty.pk}",
        "penalty {b.penalty.reference}",
    ),
    "interest of an early exit that was not forfeited": (
        "accruals",
        "DELETE FROM savings_forfeitedinterest WHERE transaction_id = {b.forfeited.pk}",
        "account {b.forfeited.plan.account.pk}",
    ),
    "interest that was not earned": (
        "accruals",
        "UPDATE savings_account SET accrued_numerator = accrued_numerator + 1 WHERE id = {b.plan.account.pk}",
        "account {b.plan.account.pk}",
    ),
    "interest on a stash": (
        "accruals",
        "UPDATE savings_account SET accrued_numerator = 1 WHERE id = {b.stash.pk}",
        "account {b.stash.pk}",
    ),
    "accrued days that were not calculated": (
        "accruals",
        "UPDATE savings_account SET accrued_to = accrued_to + 1 WHERE id = {b.locked.account.pk}",
        "account {b.locked.account.pk}",
    ),
    "an empty plan that earns only from next year on": (
        "accruals",
        "UPDATE savings_account SET accrued_to = accrued_to + 400 WHERE id = {b.closed.account.pk}",
        "account {b.closed.account.pk}",
    ),
    "an entry moved to another day": (
        "accruals",
        "UPDATE savings_entry SET value_on = '2026-01-04' WHERE transaction_id ="
        " (SELECT id FROM savings_transaction WHERE kind = 'stash_to_plan')",
        "account {b.plan.account.pk}",
    ),
    "more money settled by the provider than it had": (
        "sides",
        "UPDATE savings_entry SET amount_kobo = 2000000000 WHERE transaction_id = {b.settlement.transaction_id}",
        "clearing paystack",
    ),
    "an entry of tomorrow": (
        "order",
        "UPDATE savings_entry SET posted_at = '2026-02-15 12:00:00', value_on = '2026-02-15'"
        " WHERE transaction_id = {b.interest.pk}",
        "entry {b.entries[interest]}",
    ),
    "an entry posted before the one below it": (
        "order",
        "UPDATE savings_entry SET posted_at = '2026-01-15 12:00:00' WHERE transaction_id = {b.interest.pk}",
        "entry {b.entries[interest]}",
    ),
    "a payment that counts from eight days before": (
        "order",
        "UPDATE savings_entry SET value_on = '2025-12-28' WHERE transaction_id = {b.deposit.pk}",
        "entry {b.entries[deposit]}",
    ),
    "an entry that counts from a later day": (
        "order",
        "UPDATE savings_entry SET value_on = '2026-02-15' WHERE transaction_id = {b.interest.pk}",
        "entry {b.entries[interest]}",
    ),
    "a payment without its cost": (
        "costs",
        "DELETE FROM savings_entry WHERE transaction_id = {b.paid.pk} AND code = 'cost'",
        "payment {b.paid.reference}",
    ),
    "a cost of another sum": (
        "costs",
        "UPDATE savings_entry SET amount_kobo = amount_kobo + 1 WHERE transaction_id = {b.paid.pk} AND code = 'cost'",
        "payment {b.paid.reference}",
    ),
    "a cost that the payer has paid": (
        "costs",
        "UPDATE savings_payment SET paid_kobo = paid_kobo + fee_kobo WHERE transaction_id = {b.paid.pk}",
        "payment {b.paid.reference}",
    ),
    "a surplus above the fee": (
        "costs",
        "UPDATE savings_payment SET paid_kobo = paid_kobo + 2 * fee_kobo WHERE transaction_id = {b.paid.pk}",
        "payment {b.paid.reference}",
    ),
    "a cost of a fee that nobody told": (
        "costs",
        "UPDATE savings_payment SET fee_kobo = NULL WHERE transaction_id = {b.paid.pk}",
        "payment {b.paid.reference}",
    ),
    "a cost above the payment": (
        "costs",
        "UPDATE savings_payment SET fee_kobo = paid_kobo + 1 WHERE transaction_id = {b.paid.pk}",
        "payment {b.paid.reference}",
    ),
    "more out of suspense than came in": (
        "suspense",
        "UPDATE savings_entry SET debit_account_id = {b.suspense.pk} WHERE transaction_id = {b.deposit.pk}",
        "transaction {b.deposit.reference}",
    ),
    "a closed review with money in suspense": (
        "suspense",
        "UPDATE savings_transaction SET status = 'closed' WHERE id = {b.in_suspense.pk}",
        "transaction {b.in_suspense.reference}",
    ),
    "a closed review to which no money came": (
        "suspense",
        "UPDATE savings_transaction SET status = 'closed' WHERE id = {b.failed.pk}",
        "transaction {b.failed.reference}",
    ),
    "a treasury posting that nobody asked for": (
        "people",
        "DELETE FROM savings_manualposting WHERE transaction_id = {b.remittance.pk}",
        "treasury {b.remittance.reference}",
    ),
    "a treasury posting by one person": (
        "people",
        "UPDATE savings_manualposting SET approved_by_id = asked_by_id"
        " WHERE transaction_id = {b.remittance.pk}",
        "treasury {b.remittance.reference}",
    ),
    "VAT that no fee booked": (
        "fees",
        "UPDATE savings_entry SET credit_account_id = {b.vat.pk} WHERE transaction_id = {b.deposit.pk}",
        "vat_payable",
    ),
    "more tax remitted for a month than was withheld in it": (
        "remittances",
        "UPDATE savings_manualposting SET period_on = '2026-01-01' WHERE period_on IS NOT NULL",
        "tax_payable of 2026-01",
    ),
    "a part in another state than its family": (
        "families",
        "UPDATE savings_transaction SET part_of_id = {b.deposit.pk} WHERE id = {b.failed.pk}",
        "transaction {b.failed.reference}",
    ),
    "a settlement of more than its payments": (
        "treasury",
        "UPDATE savings_settlement SET gross_kobo = gross_kobo + 1",
        "settlement 9",
    ),
    "a settlement that arrived as less": (
        "treasury",
        "UPDATE savings_transaction SET amount_kobo = 1 WHERE id = {b.settlement.transaction_id}",
        "settlement 9",
    ),
    "a settled payment whose fee was not posted": (
        "treasury",
        "UPDATE savings_payment SET fee_kobo = 1 WHERE provider_id = 77",
        "payment 77 of settlement 9",
    ),
    "interest that stays on money which went back": (
        "accruals",
        "DELETE FROM savings_forfeitedinterest WHERE transaction_id = {b.back.pk}",
        "account {b.returned.plan.account.pk}",
    ),
    "more given back than was paid": (
        "refunds",
        "UPDATE savings_payment SET paid_kobo = paid_kobo - 1 WHERE transaction_id = {b.returned.pk}",
        "payment {b.returned.reference}",
    ),
    "a payment given back that still counts": (
        "refunds",
        "UPDATE savings_transaction SET amount_kobo = 4000 WHERE id = {b.owed.pk}",
        "transaction {b.returned.reference}",
    ),
    "a refund of nothing": (
        "refunds",
        "UPDATE savings_transaction SET refunds_id = NULL WHERE id = {b.back.pk}",
        "transaction {b.back.reference}",
    ),
    "a refund of a withdrawal": (
        "refunds",
        "UPDATE savings_transaction SET refunds_id = {b.released.pk} WHERE id = {b.back.pk}",
        "transaction {b.back.reference}",
    ),
    "a withdrawal that refunds a payment": (
        "refunds",
        "UPDATE savings_transaction SET refunds_id = {b.deposit.pk} WHERE id = {b.released.pk}",
        "transaction {b.released.reference}",
    ),
    "a refund that failed and was not released": (
        "refunds",
        "UPDATE savings_transaction SET status = 'failed' WHERE id = {b.due.pk}",
        "refunds due",
    ),
    "a refund at the provider of another payment": (
        "refunds",
        "UPDATE savings_refund SET payment_id = (SELECT id FROM savings_payment WHERE transaction_id = {b.paid.pk})",
        "refund {b.back.reference}",
    ),
    "a refund at the provider for a chargeback": (
        "refunds",
        "UPDATE savings_refund SET transaction_id = {b.owed.pk}",
        "refund {b.owed.reference}",
    ),
    "a refund that was made without the provider's number": (
        "refunds",
        "UPDATE savings_refund SET provider_id = NULL",
        "refund {b.back.reference}",
    ),
    "a payment reversed by a part of it": (
        "reversals",
        "UPDATE savings_transaction SET status = 'reversed' WHERE id = {b.returned.pk}",
        "transaction {b.returned.reference}",
    ),
    "a withdrawal by somebody who owes": (
        "receivable",
        "UPDATE savings_entry SET id = id + 1000000, debit_balance_kobo = 1"
        " WHERE transaction_id = {b.withdrawn.pk} AND code = 'hold'",
        "withdrawal {b.withdrawn.reference}",
    ),
    "more repaid than is owed": (
        "sides",
        "UPDATE savings_entry SET amount_kobo = 1 WHERE transaction_id = {b.owed.pk}",
        "receivable of user {b.returned.user_id}",
    ),
    "a chargeback repaid from the suspense of another payment": (
        "suspense",
        "UPDATE savings_entry SET debit_account_id = {b.suspense.pk} WHERE transaction_id ="
        " (SELECT id FROM savings_transaction WHERE part_of_id = {b.owed.pk} AND kind = 'repayment')",
        "transaction {b.returned.reference}",
    ),
    "a refund from the suspense of another payment": (
        "suspense",
        "UPDATE savings_entry SET debit_account_id = {b.suspense.pk} WHERE transaction_id = {b.due.pk}",
        "transaction {b.returned.reference}",
    ),
    "a part of a refund on its way that is no correction": (
        "families",
        "UPDATE savings_transaction SET part_of_id = {b.due.pk} WHERE id = {b.interest.pk}",
        "transaction {b.interest.reference}",
    ),
    "tax that was not withheld": (
        "tax",
        "UPDATE savings_transaction SET status = 'reversed' WHERE id = {b.tax.pk}",
        "tax payable",
    ),
    "a remittance for no month": (
        "tax",
        "UPDATE savings_manualposting SET period_on = NULL WHERE period_on IS NOT NULL",
        "tax payable",
    ),
    "interest accrued at the end of a month and not taken back": (
        "accrued_interest",
        "UPDATE savings_entry SET credit_account_id = {b.payable.pk} WHERE transaction_id = {b.deposit.pk}",
        "interest payable",
    ),
    "an entry of a closed month changed": (
        "periods",
        "UPDATE savings_entry SET amount_kobo = 1 WHERE transaction_id = {b.deposit.pk}",
        "clearing paystack of 2026-01-01",
    ),
    "an entry posted into a closed month": (
        "periods",
        "UPDATE savings_entry SET posted_at = '2026-01-15 12:00:00' WHERE transaction_id = {b.interest.pk}",
        "entry {b.entries[interest]}",
    ),
    "the sums of a closed month gone": (
        "periods",
        "UPDATE savings_closedmonth SET lines = '[]'",
        "stash of 2026-01-01",
    ),
    "a closing balance that does not follow": (
        "periods",
        """UPDATE savings_closedmonth SET lines = '[["stash", 0, 0, 500000, 1]]'""",
        "stash of 2026-01-01",
    ),
    "a period that leaves a day out": (
        "interest",
        "UPDATE savings_interestposting SET period_start = period_start + 1",
        "{b.posting}",
    ),
    "tax that is rounded another way": (
        "interest",
        "UPDATE savings_interestposting SET tax_kobo = tax_kobo + 1",
        "{b.posting}",
    ),
    "tax at the rate of another day": (
        "interest",
        "UPDATE savings_taxrate SET rate_bps = 500",
        "{b.posting}",
    ),
    "interest of another amount than its period": (
        "interest",
        "UPDATE savings_transaction SET amount_kobo = amount_kobo + 1 WHERE id = {b.interest.pk}",
        "{b.posting}",
    ),
    "tax that is no part of its interest": (
        "interest",
        "UPDATE savings_transaction SET part_of_id = NULL WHERE id = {b.tax.pk}",
        "{b.posting}",
    ),
    "a remainder of tax that was lost": (
        "interest",
        "UPDATE savings_account SET tax_remainder = tax_remainder + 1 WHERE id = {b.plan.account.pk}",
        "account {b.plan.account.pk}",
    ),
    "one period posted in halves": (
        "interest",
        "UPDATE savings_interestposting SET interest_id = NULL",
        "transaction {b.interest.reference}",
    ),
    "tax without a period": (
        "interest",
        "DELETE FROM savings_interestposting",
        "transaction {b.tax.reference}",
    ),
    "a month that is left out": (
        "interest",
        "UPDATE savings_account SET interest_due = interest_due + 31 WHERE id = {b.plan.account.pk}",
        "account {b.plan.account.pk}",
    ),
    "a running plan that is never posted": (
        "interest",
        "UPDATE savings_account SET interest_due = NULL WHERE id = {b.plan.account.pk}",
        "plan {b.plan.pk}",
    ),
    "a plan that ended two weeks ago and has its money": (
        "interest",
        "UPDATE savings_plan SET matures_on = '2026-01-31' WHERE id = {b.locked.pk}",
        "plan {b.locked.pk}",
    ),
    "a closed plan with interest": (
        "interest",
        "UPDATE savings_account SET accrued_numerator = 3650000, interest_due = NULL WHERE id = {b.closed.account.pk}",
        "plan {b.closed.pk}",
    ),
    "a rate changed in the past": (
        "accruals",
        "UPDATE savings_rateperiod SET rate_bps = rate_bps + 1 WHERE account_id = {b.plan.account.pk}",
        "account {b.plan.account.pk}",
    ),
    "a payout to somebody else's bank account": (
        "payouts",
        "UPDATE savings_payout SET recipient_id = {b.other_recipient.pk} WHERE id = {b.paid_out.pk}",
        "payout {b.paid_out.transaction.reference}",
    ),
    "a payout of somebody else's withdrawal": (
        "payouts",
        "UPDATE savings_transaction SET user_id = {b.user.pk} WHERE id = {b.waiting.transaction_id}",
        "payout {b.waiting.transaction.reference}",
    ),
    "a payout that belongs to a fee": (
        "payouts",
        "UPDATE savings_transaction SET kind = 'fee' WHERE id = {b.waiting.transaction_id}",
        "payout {b.waiting.transaction.reference}",
    ),
    "a payout that is paid and still held": (
        "payouts",
        "UPDATE savings_transaction SET status = 'pending' WHERE id = {b.paid_out.transaction_id}",
        "payout {b.paid_out.transaction.reference}",
    ),
    "a payout that is cancelled and still held": (
        "payouts",
        "UPDATE savings_payout SET state = 'cancelled' WHERE id = {b.waiting.pk}",
        "payout {b.waiting.transaction.reference}",
    ),
    "a payout that is returned and was paid": (
        "payouts",
        "UPDATE savings_payout SET state = 'returned' WHERE id = {b.paid_out.pk}",
        "payout {b.paid_out.transaction.reference}",
    ),
    "a payout that came back and counts as paid": (
        "payouts",
        "UPDATE savings_payout SET state = 'paid' WHERE id = {b.came_back.pk}",
        "payout {b.came_back.transaction.reference}",
    ),
    "a fee that was not set aside": (
        "payouts",
        "UPDATE savings_payout SET fee_kobo = fee_kobo + 1 WHERE id = {b.waiting.pk}",
        "payout {b.waiting.transaction.reference}",
    ),
    "VAT that is part of the fee": (
        "payouts",
        "UPDATE savings_payout SET fee_kobo = fee_kobo + vat_kobo, vat_kobo = 0 WHERE id = {b.paid_out.pk}",
        "payout {b.paid_out.transaction.reference}",
    ),
    "a duty that is part of the VAT": (
        "payouts",
        "UPDATE savings_payout SET vat_kobo = vat_kobo + duty_kobo, duty_kobo = 0 WHERE id = {b.came_back.pk}",
        "payout {b.came_back.transaction.reference}",
    ),
    "a payout whose fee is gone": (
        "payouts",
        "UPDATE savings_transaction SET part_of_id = NULL WHERE part_of_id = {b.paid_out.transaction_id}",
        "payout {b.paid_out.transaction.reference}",
    ),
    "a cost that was not posted": (
        "payouts",
        "UPDATE savings_payout SET cost_kobo = cost_kobo + 1 WHERE id = {b.paid_out.pk}",
        "payout {b.paid_out.transaction.reference}",
    ),
    "a cost that is not known and was posted": (
        "payouts",
        "UPDATE savings_payout SET cost_kobo = NULL WHERE id = {b.paid_out.pk}",
        "payout {b.paid_out.transaction.reference}",
    ),
    "a duty that the provider did not take": (
        "payouts",
        "DELETE FROM savings_entry WHERE transaction_id = {b.paid_out.transaction_id} AND code = 'duty'",
        "payout {b.paid_out.transaction.reference}",
    ),
    "a cost that was given back and still counts": (
        "payouts",
        "UPDATE savings_payout SET cost_kobo = 7500 WHERE id = {b.came_back.pk}",
        "payout {b.came_back.transaction.reference}",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_check_reports_the_damaged_row(kind: str, books: Books) -> None:
    check, statement, row = (text.format(b=books) for text in DAMAGE[kind])
    damage(statement)
    reported = run_check(check)
    assert row in [damage.row for damage in reported]
    assert all(damage.actual != damage.expected for damage in reported)


def test_a_closed_plan_keeps_its_rate_when_interest_is_switched_off(books: Books) -> None:
    damage(f"UPDATE savings_user SET earns_interest = FALSE WHERE id = {books.user.pk}")
    assert f"plan {books.closed.pk}" not in [damage.row for damage in run_check("plan_accounts")]


def test_every_check_has_a_damage_case() -> None:
    assert {check for check, _, _ in DAMAGE.values()} == {path.stem for path in ledger.CHECKS}


def test_a_closed_month_with_other_sums_or_another_past_is_reported(books: Books) -> None:
    damage("UPDATE savings_closedmonth SET last_entry_id = last_entry_id + 1")
    assert [damage.row for damage in run_check("digests")] == ["2026-01"]


def test_the_command_prints_the_first_wrong_rows_and_fails(books: Books) -> None:
    damage(f"UPDATE savings_account SET balance_kobo = 1 WHERE id = {books.stash.pk}")
    with pytest.raises(CommandError) as error:
        call_command("check_ledger")
    expected = f"balances: account {books.stash.pk} has 1, expected 2923000"
    assert expected in str(error.value).splitlines()
