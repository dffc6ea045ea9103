"""A freeze by staff: each way in which a saver moves money refuses it, and each other way is named with its reason."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import time_machine
from django.db.transaction import atomic
from django.utils import timezone

import savings
from savings import autosave, backoffice, ledger, mails, payments, plans, references
from savings.exceptions import Refused
from savings.ledger.messages import MOVEMENTS_FROZEN, WITHDRAWALS_FROZEN
from savings.models import AutosaveRule, Notice, OutboxRow, Payout, Plan, Product, Transaction, User
from tests.autosave import make_rule
from tests.cards import make_card
from tests.factories import make_plan, make_product, make_user, pay_in
from tests.payments import start
from tests.payouts import SESSION, ask, fund, make_saver
from tests.provider import Provider
from tests.savings.backoffice.conftest import make_staff
from tests.withdrawals import make_payout

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind
WITHDRAWALS, MOVEMENTS = User.Frozen.WITHDRAWALS, User.Frozen.MOVEMENTS
PACKAGE = Path(savings.__file__).parent

# Every function that opens a transaction, and what a freeze does to it: "refused", or the reason why it goes on.
REFUSED = "refused"
OPENERS = {
    "plans.stash.move_to_plan": REFUSED,
    "plans.stash.open_exit": "the parts of moves that `move_from_plan` and `carry_out_exit` refuse, and of maturities",
    "plans.stash.move_from_plan": REFUSED,
    "plans.stash.charge_penalty": "a part of an exit, which is refused",
    "plans.early_exit._carry_out": "a part of `carry_out_exit`, which is refused, and of notices, which wait",
    "plans.early_exit.exit_without_quote": "a due notice, which waits",
    "plans.notices._carry_out": "a due notice, which waits",
    "plans.maturity._end": "a plan matures all the same",
    "plans.maturity._move_interest": "a plan matures all the same",
    "autosave.stash_runs._save": REFUSED,
    "payments.checkout.start_payment": REFUSED,
    "payments.card_charges._open": REFUSED,
    "payments.payouts.request_payout": REFUSED,
    "payments.unknown.book_into_suspense": "money that arrived",
    "payments.lost_payments.reopen": "the provider has it already",
    "payments.lost_payouts._reopen": "the provider has sent it already",
    "ledger.withdrawals.open_withdrawal": "a part of `request_payout`, which is refused",
    "ledger.families.open_part": "a part of another transaction",
    "ledger.debts.repay_debt": "staff, by two people",
    "ledger.debts.write_off": "staff, by two people",
    "ledger.adjustments.adjust": "staff, by two people",
    "ledger.interest_by_hand._settle": "staff, by two people",
    "ledger.refunds_elsewhere.book_refund": "staff, by two people",
    "ledger.suspense._credit": "staff, by two people",
    "ledger.refunds.open_refund": "staff, by two people",
    "ledger.reversals.open_reversal": "staff, by two people",
    "ledger.chargebacks.book_chargeback": "the payer's bank decides",
    "ledger.treasury.post_treasury": "the house's own money",
    "ledger.treasury.record_taking": "the house's own money",
    "ledger.settlements._move_once": "the house's own money",
    "ledger.month_end_accruals._post_new": "the house's own accounts",
}


def openers() -> Iterator[str]:
    """Yield every function of ours that opens a transaction of the ledger."""
    names = {"open_transaction", "open_withdrawal", "open_exit", "exit_without_quote"}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if module.split(".")[0] in {"demo", "management", "migrations"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
                called = {getattr(func, "attr", getattr(func, "id", "")) for func in calls}
                if called & names:
                    yield f"{module}.{node.name}"


def test_every_function_that_opens_a_transaction_is_named_here() -> None:
    assert set(openers()) == set(OPENERS)


def frozen(how: str) -> User:
    user = make_user()
    pay_in(user, 50_000_00)
    User.objects.filter(pk=user.pk).update(frozen=how)
    return user


def _top_up(user: User) -> object:
    return payments.start_payment(
        user, plan=None, amount_kobo=1_000_00, reference=references.new(Kind.STASH_DEPOSIT)
    )


def _charge(user: User) -> object:
    return payments.charge_card(
        make_card(user),
        plan=None,
        amount_kobo=1_000_00,
        reference=references.new(Kind.STASH_DEPOSIT),
        kind=Kind.STASH_DEPOSIT,
    )


def _to_plan(user: User) -> object:
    plan = make_plan(user)
    return plans.move_to_plan(user, plan, amount_kobo=1_000_00, reference=references.new(Kind.STASH_TO_PLAN))


def _from_plan(user: User) -> object:
    plan = make_plan(user, holding_kobo=5_000_00)
    return plans.move_from_plan(
        user, plan, amount_kobo=1_000_00, reference=references.new(Kind.PLAN_TO_STASH)
    )


def _exit_early(user: User) -> object:
    plan = make_plan(user, make_product(Product.Kind.TARGET), holding_kobo=5_000_00)
    token = plans.sign_quote(user, plans.quote_exit(plan, 1_000_00, on=timezone.localdate()))
    return plans.carry_out_exit(user, plan, token, reference=references.new(Kind.PLAN_TO_STASH))


def _give_notice(user: User) -> object:
    plan = make_plan(user, make_product(Product.Kind.EMERGENCY), holding_kobo=5_000_00)
    reference = references.mint(references.NOTICE_PREFIX)
    return plans.give_notice(user, plan, amount_kobo=1_000_00, reference=reference)


def _autosave(user: User) -> object:
    rule = make_rule(make_plan(user))
    autosave.pause_rule(rule)
    return autosave.resume_rule(rule)


SERVICES = [_top_up, _charge, _to_plan, _from_plan, _exit_early, _give_notice, _autosave]


@pytest.mark.parametrize("service", SERVICES)
def test_a_saver_whose_movements_are_frozen_moves_nothing(service: Callable[[User], object]) -> None:
    user = frozen(MOVEMENTS)
    # The object was loaded before the freeze: the row counts.
    user.frozen = ""
    with pytest.raises(Refused, match="frozen your account"):
        service(user)
    assert not Notice.objects.exists()
    assert not Transaction.objects.pending().exists()


@pytest.mark.parametrize("service", [_to_plan, _from_plan, _exit_early, _give_notice, _autosave])
def test_a_saver_whose_withdrawals_are_frozen_moves_the_rest(service: Callable[[User], object]) -> None:
    assert service(frozen(WITHDRAWALS)) is not None


@pytest.mark.parametrize(("how", "why"), [(WITHDRAWALS, WITHDRAWALS_FROZEN), (MOVEMENTS, MOVEMENTS_FROZEN)])
def test_no_frozen_saver_withdraws(how: str, why: str) -> None:
    user = make_saver()
    recipient = user.recipients.current()[0]
    token = payments.sign_payout(user, payments.quote_payout(user, recipient, 50_000_00), session=SESSION)
    User.objects.filter(pk=user.pk).update(frozen=how)
    # The page was shown, and the user loaded, before the freeze.
    with pytest.raises(Refused, match=why[:20]):
        payments.request_payout(user, token, session=SESSION)
    assert not Payout.objects.exists()
    user.refresh_from_db()
    assert payments.room(user).most_kobo == 0


def test_a_due_notice_waits_for_the_end_of_the_freeze() -> None:
    user = make_user()
    notice = _give_notice(user)
    assert isinstance(notice, Notice)
    User.objects.filter(pk=user.pk).update(frozen=MOVEMENTS)
    later = timezone.now() + timedelta(days=2)
    with time_machine.travel(later, tick=False):
        assert plans.carry_out_due_notices(later) == 0
        User.objects.filter(pk=user.pk).update(frozen="")
        assert plans.carry_out_due_notices(later) == 1


def test_a_plan_of_a_frozen_saver_matures() -> None:
    user = make_user()
    plan = make_plan(user, make_product(Product.Kind.LOCKED), holding_kobo=5_000_00, days=40)
    User.objects.filter(pk=user.pk).update(frozen=MOVEMENTS)
    ends = plan.matures_on
    assert ends is not None
    with time_machine.travel(timezone.now() + timedelta(days=41), tick=False):
        assert plans.mature_due_plans(timezone.localdate()) == 1
    assert ledger.balance_kobo(plan.account) == 0


def test_money_that_arrives_for_a_frozen_saver_is_in_the_stash(provider: Provider) -> None:
    user = make_user()
    plan = make_plan(user)
    payment = start(plan)
    User.objects.filter(pk=user.pk).update(frozen=MOVEMENTS)
    provider.pay(payment)
    payments.settle_payment(payment.transaction.reference)
    payment.refresh_from_db()
    assert payment.transaction.status == Transaction.Status.SUCCESS
    assert payment.meant_for == plan
    assert ledger.balance_kobo(ledger.stash_account(user)) == payment.transaction.amount_kobo
    assert ledger.balance_kobo(Plan.objects.get(pk=plan.pk).account) == 0


def test_a_payout_waits_while_its_owner_is_frozen_and_goes_afterwards(provider: Provider) -> None:
    finance = make_staff("Finance")
    payout = make_payout()
    backoffice.freeze(payout.user_id, WITHDRAWALS, by=finance, reason="A stolen phone")
    payments.sweep_payouts(timezone.now())
    payout.refresh_from_db()
    assert (payout.state, payout.sent_at) == (Payout.State.WAITING, None)
    assert payout.staff_note

    backoffice.unfreeze(payout.user_id, by=finance, reason="It was found")
    payout.refresh_from_db()
    assert payout.staff_note == ""
    assert payout.next_try_at is not None
    assert payout.next_try_at <= timezone.now()


def test_a_payout_that_is_being_sent_goes_its_way(provider: Provider) -> None:
    """The freeze comes while the call to the provider is under way."""
    fund(500_000_00)
    finance, payout = make_staff("Finance"), ask(make_saver())

    def freeze_meanwhile(request: httpx.Request) -> httpx.Response:
        provider.answers.clear()
        backoffice.freeze(payout.user_id, MOVEMENTS, by=finance, reason="A stolen phone")
        return provider.handle_request(request)

    provider.answers["/transfer"] = freeze_meanwhile
    payments.sweep_payouts(timezone.now() + timedelta(seconds=1))
    payout.refresh_from_db()
    assert User.objects.get(pk=payout.user_id).frozen == MOVEMENTS
    assert payout.state in {Payout.State.SENT, Payout.State.PAID}
    assert payout.staff_note == ""


def test_a_freeze_pauses_auto_saves_with_a_reason() -> None:
    finance = make_staff("Finance")
    user = make_user()
    rule = make_rule(make_plan(user))
    backoffice.freeze(user.pk, MOVEMENTS, by=finance, reason="A stolen phone")
    row = OutboxRow.objects.get(kind="autosave_recheck")
    autosave.recheck(row)
    rule.refresh_from_db()
    assert (rule.status, rule.reason) == (AutosaveRule.Status.PAUSED, AutosaveRule.Reason.FROZEN)
    backoffice.unfreeze(user.pk, by=finance, reason="It was found")
    rule.refresh_from_db()
    assert rule.status == AutosaveRule.Status.PAUSED


def test_the_mails_of_a_freeze_are_written_once_each() -> None:
    user = make_user()
    with atomic():
        assert mails.account_changed_by_staff("movements", user, "audit:1") is not None
        assert mails.account_changed_by_staff("movements", user, "audit:1") is None
