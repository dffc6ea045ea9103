"""Over any history nothing is earned, posted or forfeited that the days and balances do not explain."""

from __future__ import annotations

import datetime

import time_machine
from django.db.models import Q, Sum
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from savings import ledger, money, plans, references
from savings.exceptions import NotEnoughMoney
from savings.models import Account, Entry, Plan
from tests.factories import make_plan, make_product, make_user, pay_in
from tests.refunds import charge_back

BEGINS = datetime.datetime(2028, 1, 20, 9, tzinfo=datetime.UTC)
# An act, the days until it, and an amount in naira.
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "take", "rate", "off", "charge back", "run", "late"]),
        st.integers(0, 40),
        st.integers(1, 5_000),
    ),
    max_size=12,
)


def by_hand(account: Account, until: int) -> int:
    """Return the numerator of an account day by day, from its entries and rate periods."""
    changes: dict[int, int] = {}
    for entry in Entry.objects.filter(debit_account=account) | Entry.objects.filter(credit_account=account):
        sign = 1 if entry.credit_account_id == account.pk else -1
        day = entry.value_day.toordinal()
        changes[day] = changes.get(day, 0) + sign * entry.amount_kobo
    rates = dict(account.rate_periods.values_list("from_day", "rate_bps"))
    total = balance = rate = 0
    for day in range(min([*rates, *changes]), until):
        balance += changes.get(day, 0)
        rate = rates.get(day, rate)
        total += balance * rate
    return total


def posted_kobo(account: Account) -> int:
    """Return the interest that was posted for an account, less what corrections took back."""
    expense = ledger.house_account(Account.Kind.INTEREST_EXPENSE)
    entries = Entry.objects.filter(transaction__plan=account.plan_id)
    sums = entries.aggregate(
        posted=Sum("amount_kobo", filter=Q(debit_account=expense), default=0),
        back=Sum("amount_kobo", filter=Q(credit_account=expense), default=0),
    )
    return int(sums["posted"] - sums["back"])


class Sums(TestCase):
    """Two accounts: interest into the plan, and to the stash."""

    @settings(max_examples=30, deadline=None)
    @given(acts=ACTS, to=st.sampled_from(list(Plan.InterestTo)), rate_bps=st.integers(1, 3_000))
    def test_everything_earned_is_posted_forfeited_or_left(
        self, acts: list[tuple[str, int, int]], to: Plan.InterestTo, rate_bps: int
    ) -> None:
        with time_machine.travel(BEGINS, tick=False) as clock:
            plan = make_plan(make_user(), make_product(rate_bps=rate_bps), holding_kobo=1_000_00)
            Plan.objects.filter(pk=plan.pk).update(interest_to=to)
            payments = [pay_in(plan.user, 77_77, plan=plan)]
            for act, days, naira in acts:
                clock.shift(datetime.timedelta(days=days))
                if act == "charge back" and payments:
                    charge_back(payment := payments.pop(), payment.amount_kobo)
                elif act == "pay":
                    payments.append(pay_in(plan.user, naira * 100 + 1, plan=plan))
                else:
                    self.act(act, plan, naira)
            plans.post_due_interest(timezone.localdate())
            account = Account.objects.get(plan=plan)
            assert list(ledger.run_checks()) == []
            until = max(timezone.localdate().toordinal(), account.accrued_to)
            left = ledger.accrued_numerator(account, datetime.date.fromordinal(until))
            forfeited = account.forfeited_interest.aggregate(sum=Sum("numerator", default=0))["sum"]
            explained = posted_kobo(account) * money.INTEREST_DENOMINATOR + int(forfeited) + left
            assert explained == by_hand(account, until)

    def act(self, act: str, plan: Plan, naira: int) -> None:
        account = Account.objects.get(plan=plan)
        if act == "take":
            reference = references.new("plan_to_stash")
            try:
                plans.move_from_plan(plan.user, plan, amount_kobo=naira * 100, reference=reference)
            except NotEnoughMoney:
                return
        elif act in {"rate", "off"}:
            ledger.change_rate(account, 0 if act == "off" else plan.rate_bps)
        elif act == "run":
            plans.post_due_interest(timezone.localdate())
