"""The worked examples of `savings/README.md`, checked to the kobo."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, money, payments, plans, references
from savings.exceptions import NotEnoughMoney
from savings.ledger import WithdrawalFees, run_checks
from savings.models import Account, Entry, Payment, Plan, Product, Transaction, User
from tests import cards
from tests.autosave import make_rule, work
from tests.exits import exit_early
from tests.factories import fund_balance, make_plan, make_product, make_transaction, make_user, pay_in
from tests.interest import post_gross
from tests.provider import Provider
from tests.refunds import charge_back, people, post_interest, refund

pytestmark = pytest.mark.django_db

Line = tuple[str, str, str, int]


@pytest.fixture
def ada() -> User:
    return make_user("ada@example.com", name="Ada Okafor")


def lines(transaction: Transaction) -> list[Line]:
    """Return a transaction's entries: step, debit, credit, kobo."""
    entries = Entry.objects.filter(transaction=transaction).select_related("debit_account", "credit_account")
    return [
        (e.code, e.debit_account.kind, e.credit_account.kind, e.amount_kobo) for e in entries.order_by("id")
    ]


def balance(plan: Plan) -> int:
    return ledger.balance_kobo(plan.account)


def house(kind: str, provider: str = "") -> int:
    return ledger.balance_kobo(ledger.house_account(kind, provider))


def two_people() -> dict[str, Any]:
    return {"asked_by": make_user(is_staff=True), "approved_by": make_user(is_staff=True)}


def treasury(purpose: str, amount_kobo: int, bank: str, **details: Any) -> Transaction:
    return ledger.post_treasury(
        purpose,
        amount_kobo=amount_kobo,
        bank=bank,
        reference=references.new(Transaction.Kind.TREASURY),
        reason="November",
        **two_people(),
        **details,
    )


def assert_books_are_correct() -> None:
    assert list(run_checks()) == []


def test_a_top_up_by_card(provider: Provider, ada: User) -> None:
    plan = make_plan(ada)
    payment = payments.start_payment(
        ada, plan=plan, amount_kobo=25_000_00, reference=references.new(Transaction.Kind.TOP_UP)
    )
    assert lines(payment.transaction) == []
    provider.pay(payment)
    payments.settle_payment(payment.transaction.reference)
    assert lines(payment.transaction) == [
        ("primary", "clearing", "plan", 2_500_000),
        ("cost", "provider_fees", "clearing", 47_500),
    ]
    assert (balance(plan), house(Account.Kind.CLEARING, "paystack")) == (2_500_000, 2_452_500)
    assert_books_are_correct()


def test_a_move_from_the_stash_to_a_plan(ada: User) -> None:
    plan = make_plan(ada, holding_kobo=25_000_00)
    pay_in(ada, 15_000_00)
    transaction = plans.move_to_plan(
        ada, plan, amount_kobo=10_000_00, reference=references.new("stash_to_plan")
    )
    assert lines(transaction) == [("primary", "stash", "plan", 1_000_000)]
    entry = Entry.objects.get(transaction=transaction)
    assert (entry.debit_balance_kobo, entry.credit_balance_kobo) == (500_000, 3_500_000)
    assert_books_are_correct()


def test_leaving_a_target_plan_early(ada: User) -> None:
    terms: dict[str, Any] = {"rate_bps": 1000, "interest_paid": "maturity"}
    plan = make_plan(ada, make_product(Product.Kind.TARGET, **terms), holding_kobo=100_000_00)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=91), tick=False):
        transaction = exit_early(plan)
        assert_books_are_correct()
    interest, tax = (Transaction.objects.get(kind=kind) for kind in ("interest", "tax_withheld"))
    assert lines(interest) == [("primary", "interest_expense", "stash", 249_315)]
    assert lines(tax) == [("primary", "stash", "tax_payable", 24_931)]
    assert ledger.balance_kobo(ledger.stash_account(ada)) == 10_124_384
    penalty = Transaction.objects.get(kind=Transaction.Kind.PENALTY)
    assert lines(transaction) == [("primary", "plan", "stash", 9_900_000)]
    assert lines(penalty) == [("primary", "plan", "penalty_income", 100_000)]
    assert (balance(plan), house(Account.Kind.PENALTY_INCOME)) == (0, 100_000)


def test_taking_a_part_out_of_a_plan_that_forfeits(ada: User) -> None:
    terms: dict[str, Any] = {
        "rate_bps": 1000,
        "interest_paid": "maturity",
        "early_exit": "forfeit",
        "penalty_bps": 0,
    }
    plan = make_plan(ada, make_product(Product.Kind.TARGET, **terms), holding_kobo=100_000_00)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=91), tick=False):
        transaction = exit_early(plan, 40_000_00)
        assert_books_are_correct()
    assert lines(transaction) == [("primary", "plan", "stash", 4_000_000)]
    forfeited = transaction.forfeited_interest.get()
    assert (forfeited.numerator, money.interest(forfeited.numerator)) == (364_000_000_000, 99_726)
    assert Account.objects.get(plan=plan).accrued_numerator == 546_000_000_000


def test_a_notice(ada: User) -> None:
    plan = make_plan(ada, make_product(Product.Kind.EMERGENCY), holding_kobo=100_000_00)
    first, second = (references.mint(references.NOTICE_PREFIX) for _ in "12")
    notice = plans.give_notice(ada, plan, amount_kobo=40_000_00, reference=first)
    with pytest.raises(NotEnoughMoney, match="₦60,000"):
        plans.give_notice(ada, plan, amount_kobo=70_000_00, reference=second)
    assert balance(plan) == 10_000_000
    assert plans.carry_out_due_notices(timezone.now() + datetime.timedelta(days=1)) == 1
    notice.refresh_from_db()
    assert notice.transaction
    assert notice.transaction.reference == f"PTS{first[3:]}"
    assert lines(notice.transaction) == [("primary", "plan", "stash", 4_000_000)]
    assert balance(plan) == 6_000_000
    assert_books_are_correct()


def test_a_move_that_is_reversed(ada: User) -> None:
    plan = make_plan(ada)
    pay_in(ada, 5_000_00)
    move = plans.move_to_plan(ada, plan, amount_kobo=5_000_00, reference=references.new("stash_to_plan"))
    reversal = ledger.reverse(move, reference=references.new(Transaction.Kind.REVERSAL))
    move.refresh_from_db()
    assert move.status == Transaction.Status.REVERSED
    assert lines(move) == [("primary", "stash", "plan", 500_000)]
    assert lines(reversal) == [("primary", "plan", "stash", 500_000)]
    assert (balance(plan), ledger.balance_kobo(ledger.stash_account(ada))) == (0, 500_000)
    assert_books_are_correct()


def test_an_underpayment(provider: Provider, ada: User) -> None:
    payment = payments.start_payment(
        ada, plan=None, amount_kobo=30_000_00, reference=references.new(Transaction.Kind.STASH_DEPOSIT)
    )
    provider.pay(payment, "wrong-amount")
    payments.settle_payment(payment.transaction.reference)
    payment.transaction.refresh_from_db()
    assert payment.transaction.status == Transaction.Status.REVIEW
    assert lines(payment.transaction) == [
        ("suspense", "clearing", "suspense", 1_500_000),
        ("cost", "provider_fees", "clearing", 32_500),
    ]
    assert ledger.balance_kobo(ledger.stash_account(ada)) == 0
    assert_books_are_correct()


def test_money_in_suspense_is_credited(provider: Provider, ada: User) -> None:
    payment = payments.start_payment(
        ada, plan=None, amount_kobo=30_000_00, reference=references.new(Transaction.Kind.STASH_DEPOSIT)
    )
    provider.pay(payment, "wrong-amount")
    payments.settle_payment(payment.transaction.reference)
    bola = make_user()
    first, second = (
        payments.release_from_suspense(
            payment.transaction,
            reference=references.new(Transaction.Kind.STASH_DEPOSIT),
            reason="Ada and Bola agree",
            to=to,
            amount_kobo=amount_kobo,
            **two_people(),
        )
        for to, amount_kobo in ((None, 10_000_00), (bola, None))
    )
    assert lines(first) == [("primary", "suspense", "stash", 1_000_000)]
    assert lines(second) == [("primary", "suspense", "stash", 500_000)]
    assert (first.user, second.user) == (ada, bola)
    assert first.part_of == second.part_of == payment.transaction
    payment.transaction.refresh_from_db()
    assert (payment.transaction.status, payment.transaction.amount_kobo) == ("closed", 3_000_000)
    assert house(Account.Kind.SUSPENSE) == 0
    assert_books_are_correct()


def test_a_fee_that_the_payer_bears(provider: Provider, ada: User, settings: Settings) -> None:
    settings.FEE_BEARER_CARD = payments.PAYER
    plan = make_plan(ada)
    payment = payments.start_payment(
        ada, plan=plan, amount_kobo=300_50, reference=references.new(Transaction.Kind.TOP_UP)
    )
    provider.pay(payment)
    provider.say(payment, amount=40_333, fees=10_283)
    payments.settle_payment(payment.transaction.reference)
    assert lines(payment.transaction) == [("primary", "clearing", "plan", 30_050)]
    assert_books_are_correct()


def test_a_foreign_card(provider: Provider, ada: User) -> None:
    payment = payments.start_payment(
        ada, plan=None, amount_kobo=25_000_00, reference=references.new(Transaction.Kind.STASH_DEPOSIT)
    )
    provider.pay_abroad(payment)
    payments.settle_payment(payment.transaction.reference)
    payment.refresh_from_db()
    assert (payment.transaction.status, payment.review_reason) == (Transaction.Status.REVIEW, "channel")
    assert lines(payment.transaction) == [
        ("suspense", "clearing", "suspense", 2_500_000),
        ("cost", "provider_fees", "clearing", 107_500),
    ]
    assert ledger.balance_kobo(ledger.stash_account(ada)) == 0
    assert_books_are_correct()


def test_interest_on_a_hundred_thousand_for_ninety_days(ada: User) -> None:
    plan = make_plan(ada, make_product(rate_bps=850), holding_kobo=100_000_00)
    day = timezone.localdate() + datetime.timedelta(days=90)
    numerator = ledger.accrued_numerator(Account.objects.get(plan=plan), day)
    assert numerator == 765_000_000_000
    assert money.interest(numerator) == 209_589
    assert numerator - money.interest(numerator) * money.INTEREST_DENOMINATOR == 150_000


def test_interest_does_not_depend_on_how_often_money_moved(ada: User) -> None:
    plan = make_plan(ada, make_product(rate_bps=850), holding_kobo=100_000_00)
    for days in range(1, 91):
        with time_machine.travel(timezone.now() + datetime.timedelta(days=days)):
            pay_in(ada, 1_00, plan=plan)
            plans.move_from_plan(ada, plan, amount_kobo=1_00, reference=references.new("plan_to_stash"))
    day = timezone.localdate() + datetime.timedelta(days=90)
    assert ledger.accrued_numerator(Account.objects.get(plan=plan), day) == 765_000_000_000
    with time_machine.travel(timezone.now() + datetime.timedelta(days=91)):
        assert_books_are_correct()


def test_a_refund_of_a_part(ada: User) -> None:
    plan = make_plan(ada)
    payment = pay_in(ada, 5_000_000, plan=plan)
    made, failed = refund(payment, 3_000_000), refund(payment, 1_000_000)
    assert lines(made) == [("hold", "plan", "refunds_due", 3_000_000)]
    assert ledger.settle_refund(made)
    assert ledger.fail_refund(failed)
    assert lines(made)[1:] == [("primary", "refunds_due", "clearing", 3_000_000)]
    assert lines(failed)[1:] == [("release", "refunds_due", "plan", 1_000_000)]
    assert (balance(plan), house(Account.Kind.CLEARING, "paystack")) == (2_000_000, 2_000_000)
    assert_books_are_correct()


def test_a_chargeback_of_spent_money(ada: User) -> None:
    with time_machine.travel(timezone.now() - datetime.timedelta(days=40), tick=False) as clock:
        plan = make_plan(ada, make_product(rate_bps=1000))
        payment = pay_in(ada, 5_000_000, plan=plan)
        clock.shift(datetime.timedelta(days=40))
        assert post_interest(plan) == (54_794, 5_479)
        plans.move_from_plan(ada, plan, amount_kobo=5_049_315, reference=references.new("plan_to_stash"))
        other = make_plan(ada)
        plans.move_to_plan(ada, other, amount_kobo=3_049_315, reference=references.new("stash_to_plan"))
        chargeback = charge_back(payment, 5_000_000)
    family = [chargeback, *chargeback.parts.order_by("id")]
    assert [(movement.kind, lines(movement)) for movement in family] == [
        ("chargeback", [("primary", "receivable", "clearing", 5_000_000)]),
        ("repayment", [("primary", "stash", "receivable", 2_000_000)]),
        ("interest_correction", [("primary", "receivable", "interest_expense", 49_315)]),
        ("interest_correction", [("primary", "tax_payable", "interest_expense", 5_479)]),
    ]
    assert ledger.receivable_kobo(ada) == 3_049_315
    pay_in(ada, 1_000_000)
    assert ledger.available(ada).kobo == 0
    repayment = ledger.repay_debt(ada, reference=references.new("repayment"), **people())
    given_up = ledger.write_off(ada, reference=references.new("write_off"), amount_kobo=2_049_315, **people())
    assert lines(repayment) == [("primary", "stash", "receivable", 1_000_000)]
    assert lines(given_up) == [("primary", "bad_debts", "receivable", 2_049_315)]
    assert (house(Account.Kind.RECEIVABLE), house(Account.Kind.INTEREST_EXPENSE)) == (0, 0)
    assert_books_are_correct()


def test_interest_that_was_too_little(ada: User) -> None:
    plan = make_plan(ada, holding_kobo=1_000)
    reference = references.new("interest_correction")
    correction = ledger.correct_interest(
        plan, gross_kobo=246_575, gives=True, reference=reference, **people()
    )
    assert lines(correction) == [("primary", "interest_expense", "plan", 246_575)]
    assert lines(correction.parts.get()) == [("primary", "plan", "tax_payable", 24_657)]
    assert_books_are_correct()


def test_goodwill_is_given_and_taken_back(ada: User) -> None:
    given, taken = (
        ledger.adjust(ada, amount_kobo=kobo, gives=gives, reference=references.new("adjustment"), **people())
        for kobo, gives in ((5_000, True), (2_000, False))
    )
    assert lines(given) == [("primary", "goodwill", "stash", 5_000)]
    assert lines(taken) == [("primary", "stash", "goodwill", 2_000)]
    assert_books_are_correct()


def withdraw(ada: User) -> tuple[Transaction, WithdrawalFees]:
    """Return Ada's withdrawal of 50,000 naira of a stash of 60,000, and its fees."""
    pay_in(ada, 6_000_000)
    fund_balance(10_000_000)
    fees = payments.fees_for(5_000_000)
    withdrawal, _ = ledger.open_withdrawal(
        ada, reference=references.new("stash_withdrawal"), amount_kobo=5_000_000, fees=fees
    )
    return withdrawal, fees


def test_a_withdrawal_to_a_bank_account(ada: User) -> None:
    withdrawal, fees = withdraw(ada)
    fee = withdrawal.parts.get()
    assert fees == WithdrawalFees(fee_kobo=2_500, vat_kobo=187, duty_kobo=5_000)
    assert lines(withdrawal) == [("hold", "stash", "hold", 5_000_000)]
    assert lines(fee) == [("hold", "stash", "hold", 7_687)]
    assert ledger.balance_kobo(ledger.stash_account(ada)) == 992_313
    ledger.settle_withdrawal(withdrawal, fees, provider="paystack")
    ledger.record_transfer_cost(withdrawal, cost_kobo=2_500, duty_kobo=5_000, provider="paystack")
    assert lines(withdrawal)[1:] == [
        ("primary", "hold", "provider_balance", 5_000_000),
        ("cost", "transfer_costs", "provider_balance", 2_500),
        ("duty", "stamp_duty_payable", "provider_balance", 5_000),
    ]
    assert lines(fee)[1:] == [
        ("primary", "hold", "fee_income", 2_500),
        ("vat", "hold", "vat_payable", 187),
        ("duty", "hold", "stamp_duty_payable", 5_000),
    ]
    assert house(Account.Kind.PROVIDER_BALANCE, "paystack") == 4_992_500
    assert_books_are_correct()


def test_a_withdrawal_that_failed(ada: User) -> None:
    withdrawal, _ = withdraw(ada)
    ledger.fail_withdrawal(withdrawal, Transaction.Status.FAILED, failure_code="rejected")
    assert lines(withdrawal)[1:] == [("release", "hold", "stash", 5_000_000)]
    assert lines(withdrawal.parts.get())[1:] == [("release", "hold", "stash", 7_687)]
    assert ledger.balance_kobo(ledger.stash_account(ada)) == 6_000_000
    assert_books_are_correct()


def test_a_withdrawal_that_came_back(ada: User) -> None:
    withdrawal, fees = withdraw(ada)
    ledger.settle_withdrawal(withdrawal, fees, provider="paystack")
    ledger.record_transfer_cost(withdrawal, cost_kobo=2_500, duty_kobo=5_000, provider="paystack")
    reversal = ledger.return_withdrawal(withdrawal, reference=references.new("reversal"))
    assert lines(reversal) == [
        ("primary", "provider_balance", "hold", 5_000_000),
        ("duty", "transfer_costs", "stamp_duty_payable", 5_000),
        ("release", "hold", "stash", 5_000_000),
    ]
    assert lines(reversal.parts.get()) == [
        ("primary", "fee_income", "hold", 2_500),
        ("vat", "vat_payable", "hold", 187),
        ("duty", "stamp_duty_payable", "hold", 5_000),
        ("release", "hold", "stash", 7_687),
    ]
    assert ledger.balance_kobo(ledger.stash_account(ada)) == 6_000_000
    assert (house(Account.Kind.TRANSFER_COSTS), house(Account.Kind.STAMP_DUTY_PAYABLE)) == (7_500, 0)
    ledger.record_returned_cost(reversal, cost_kobo=7_500, provider="paystack")
    assert lines(reversal)[3:] == [("cost", "provider_balance", "transfer_costs", 7_500)]
    assert house(Account.Kind.PROVIDER_BALANCE, "paystack") == 10_000_000
    assert_books_are_correct()


def test_the_providers_settlement_and_the_treasury(ada: User) -> None:
    clearing, fees = ledger.house_account("clearing", "paystack"), ledger.house_account("provider_fees")
    plan = make_plan(ada)
    top_up = make_transaction("top_up", 2_500_000, user=ada, plan=plan)
    cost = ledger.Posting(Entry.Code.COST, fees, clearing, 47_500)
    ledger.settle(top_up, debit=clearing, credit=plan.account, also=[cost])
    Payment.objects.create(transaction=top_up, provider_id=1, paid_kobo=2_500_000, fee_kobo=47_500)
    settlement = ledger.record_settlement(
        reference=references.new("treasury"),
        provider_id=1,
        settled_on=timezone.localdate(),
        gross_kobo=2_500_000,
        fees_kobo=47_500,
        payment_ids=[1],
    )
    assert settlement.transaction
    assert lines(settlement.transaction) == [("primary", "bank", "clearing", 2_452_500)]
    assert not ledger.coverage(timezone.now()).is_enough
    postings = [
        treasury(ledger.Purpose.CAPITAL_IN, 100_000, "own"),
        treasury(ledger.Purpose.SWEEP, 47_500, "customers"),
        treasury(ledger.Purpose.BALANCE_TOP_UP, 2_000_000, "customers"),
    ]
    assert [lines(posting) for posting in postings] == [
        [("primary", "bank", "capital", 100_000)],
        [("primary", "bank", "bank", 47_500)],
        [("primary", "provider_balance", "bank", 2_000_000)],
    ]
    assert (house("bank", "customers"), house("bank", "own")) == (500_000, 52_500)
    found = ledger.coverage(timezone.now())
    assert (found.owed_kobo, found.held_kobo) == (2_500_000, 2_500_000)
    balance = ledger.trial_balance(timezone.localdate().replace(day=1))
    assert (balance.debit_balances_kobo, balance.credit_balances_kobo) == (2_600_000, 2_600_000)
    assert_books_are_correct()


def test_the_house_pays_its_own_costs_and_remits_what_it_withheld(ada: User) -> None:
    assert post_gross(209_589).tax_kobo == 20_958
    fee = make_transaction("fee", 2_500, user=ada)
    pay_in(ada, 7_687)
    hold, stash = ledger.hold_account(ada), ledger.stash_account(ada)
    ledger.post(fee, Entry.Code.HOLD, debit=stash, credit=hold, amount_kobo=7_687)
    ledger.settle(fee, debit=hold, credit=ledger.house_account(Account.Kind.FEE_INCOME))
    for code, kind, kobo in (
        ("vat", Account.Kind.VAT_PAYABLE, 187),
        ("duty", Account.Kind.STAMP_DUTY_PAYABLE, 5_000),
    ):
        ledger.post(fee, code, debit=hold, credit=ledger.house_account(kind), amount_kobo=kobo)
    month_on = timezone.localdate().replace(day=1)
    postings = [
        treasury(ledger.Purpose.CAPITAL_IN, 100_000, "own"),
        treasury(ledger.Purpose.BANK_CHARGE, 5_000, "own"),
        treasury(ledger.Purpose.SWEEP, 50_000, "customers"),
        treasury(ledger.Purpose.TAX_REMITTANCE, 20_958, "customers", period_on=month_on, document="R-1"),
        treasury(ledger.Purpose.VAT_REMITTANCE, 187, "customers", period_on=month_on),
        treasury(ledger.Purpose.DUTY_REMITTANCE, 5_000, "customers", period_on=month_on),
        treasury(ledger.Purpose.INVESTMENT_INCOME, 1_200, "own"),
    ]
    assert [lines(posting) for posting in postings] == [
        [("primary", "bank", "capital", 100_000)],
        [("primary", "bank_charges", "bank", 5_000)],
        [("primary", "bank", "bank", 50_000)],
        [("primary", "tax_payable", "bank", 20_958)],
        [("primary", "vat_payable", "bank", 187)],
        [("primary", "stamp_duty_payable", "bank", 5_000)],
        [("primary", "bank", "investment_income", 1_200)],
    ]
    assert (house("bank", "customers"), house("bank", "own")) == (23_855, 46_200)
    assert_books_are_correct()


def test_auto_saves_from_the_stash_and_from_a_card(ada: User, provider: Provider) -> None:
    plan = make_plan(ada, name="Rent")
    card = cards.save_card(provider, ada)
    with time_machine.travel(datetime.datetime(2026, 11, 30, 9, tzinfo=datetime.UTC), tick=False):
        make_rule(plan, every="day", amount_kobo=500_000)
        make_rule(plan, every="day", amount_kobo=500_000, card=card)
        pay_in(ada, 500_000)
    work(datetime.date(2026, 11, 30))
    work(datetime.date(2026, 12, 1))
    saved = Transaction.objects.filter(kind="autosave", status="success").order_by("autosave_run__source")
    by_card, from_stash = saved
    assert lines(from_stash) == [("primary", "stash", "plan", 500_000)]
    assert lines(by_card) == [
        ("primary", "clearing", "plan", 500_000),
        ("cost", "provider_fees", "clearing", 17_500),
    ]
