"""Which movements can be reversed: the internal ones, and none that a provider or a bank knows of."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from savings import ledger, references
from savings.exceptions import Refused
from savings.ledger.routes import ROUTES
from savings.models import Account, Plan, Transaction, User
from tests.factories import make_plan, make_transaction, make_user, pay_in, put_in, settled
from tests.interest import post_gross

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind
Status = Transaction.Status

# The kinds of transaction that can be reversed, where neither account is the provider's, the bank's or suspense.
REVERSIBLE = {
    Kind.PLAN_TO_STASH,
    Kind.STASH_TO_PLAN,
    Kind.AUTOSAVE,
    Kind.INTEREST,
    Kind.TAX_WITHHELD,
    Kind.PENALTY,
    Kind.ADJUSTMENT,
}
OUTSIDE = {"clearing", "provider_balance", "bank", "refunds_due", "suspense"}
WAYS = sorted((kind, *route) for kind, routes in ROUTES.items() for route in routes)
BY_CARD = "Only a refund or a dispute changes a card payment."


def account(kind: str, plan: Plan, *, is_debit: bool) -> Account:
    if kind == Account.Kind.PLAN:
        return Account.objects.get(plan=plan)
    if kind == Account.Kind.STASH:
        return ledger.stash_account(plan.user)
    if kind == Account.Kind.HOLD:
        return ledger.hold_account(plan.user)
    places = {
        "clearing": "paystack",
        "provider_balance": "paystack",
        "bank": "own" if is_debit else "customers",
    }
    return ledger.house_account(kind, places.get(kind, ""))


@pytest.mark.parametrize(("kind", "debit", "credit"), WAYS)
def test_each_kind_and_route_is_reversed_or_refused(kind: str, debit: str, credit: str) -> None:
    plan = make_plan(holding_kobo=900)
    user: User = plan.user
    pay_in(user, 900)
    if debit == "hold":
        # Whatever is held: this is about the reversal.
        Account.objects.filter(pk=ledger.hold_account(user).pk).update(balance_kobo=900)
    if kind == Kind.INTEREST:
        Account.objects.filter(plan=plan).update(accrued_numerator=0)
    ends = account(debit, plan, is_debit=True), account(credit, plan, is_debit=False)
    of_saver = kind != Kind.TREASURY
    has_plan = "plan" in (debit, credit)
    movement = settled(
        kind,
        500,
        debit=ends[0],
        credit=ends[1],
        user=user if of_saver else None,
        plan=plan if has_plan else None,
    )
    reference = references.new(Kind.REVERSAL)
    if kind in REVERSIBLE and not {debit, credit} & OUTSIDE:
        assert ledger.reverse(movement, reference=reference).reverses == movement
        assert movement.status == Status.REVERSED
    else:
        with pytest.raises(Refused):
            ledger.reverse(movement, reference=reference)
        movement.refresh_from_db()
        assert movement.status == Status.SUCCESS
        assert not Transaction.objects.filter(kind=Kind.REVERSAL).exists()


def test_every_kind_has_a_route_or_is_a_reversal() -> None:
    assert {kind for kind, _, _ in WAYS} | {Kind.REVERSAL} == set(Kind.values)


def test_the_refusals_say_what_to_do() -> None:
    user = make_user()
    bank, capital = ledger.house_account("bank", "own"), ledger.house_account("capital")
    funded = settled(Kind.TREASURY, 500, debit=bank, credit=capital, user=None)
    withdrawal = make_transaction(Kind.STASH_WITHDRAWAL, 5, user=user)
    clearing = ledger.house_account("clearing", "paystack")
    plan = make_plan(user)
    saved = settled(Kind.AUTOSAVE, 5, debit=clearing, credit=plan.account, user=user, plan=plan)
    for movement, sentence in (
        (pay_in(user, 500), BY_CARD),
        (saved, BY_CARD),
        (funded, "Undo a treasury posting with a posting of the opposite purpose."),
        (withdrawal, "A withdrawal comes back only when the provider says so."),
    ):
        with pytest.raises(Refused) as refused:
            ledger.reverse(movement, reference=references.new(Kind.REVERSAL))
        assert str(refused.value) == sentence


def test_money_released_from_suspense_is_not_reversed() -> None:
    user = make_user()
    reviewed = make_transaction(Kind.STASH_DEPOSIT, 900, user=user, status=Status.REVIEW)
    clearing, suspense = ledger.house_account("clearing", "paystack"), ledger.house_account("suspense")
    ledger.post(reviewed, "suspense", debit=clearing, credit=suspense, amount_kobo=800)
    given = ledger.release(
        reviewed,
        reference=references.new(Kind.STASH_DEPOSIT),
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        reason="Ticket 7",
    )
    with pytest.raises(Refused, match="Only a refund or a dispute"):
        ledger.reverse(given, reference=references.new(Kind.REVERSAL))


def test_tax_that_was_remitted_is_not_given_back() -> None:
    payable = ledger.house_account(Account.Kind.TAX_PAYABLE)
    first, second = post_gross(500).tax, post_gross(300).tax
    assert first is not None
    assert second is not None
    people: dict[str, Any] = {"asked_by": make_user(is_staff=True), "approved_by": make_user(is_staff=True)}
    for purpose, kobo, period_on in (
        (ledger.Purpose.CAPITAL_IN, 100, None),
        (ledger.Purpose.TAX_REMITTANCE, 40, timezone.localdate().replace(day=1)),
    ):
        ledger.post_treasury(
            purpose,
            amount_kobo=kobo,
            reference=references.new(Kind.TREASURY),
            reason="Monthly",
            period_on=period_on,
            **people,
        )
    with pytest.raises(Refused, match="was remitted already"):
        ledger.reverse(first, reference=references.new(Kind.REVERSAL))
    ledger.reverse(second, reference=references.new(Kind.REVERSAL))
    assert ledger.balance_kobo(payable) == 10
    assert list(ledger.run_checks()) == []


def test_a_family_with_money_of_the_provider_is_not_reversed_in_part() -> None:
    user = make_user()
    paid = pay_in(user, 500)
    extra = put_in(user, 5)
    Transaction.objects.filter(pk=extra.pk).update(part_of=paid)
    extra.refresh_from_db()
    with pytest.raises(Refused, match="Only a refund or a dispute"):
        ledger.reverse(extra, reference=references.new(Kind.REVERSAL))
    assert ledger.balance_kobo(ledger.stash_account(user)) == 505
