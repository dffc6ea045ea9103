"""Early exits: the quote, and that an exit by it posts exactly what it says."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from savings import ledger, plans, references
from savings.exceptions import BadAmount, NotEnoughMoney, QuoteOutdated, ReferenceTaken, Refused
from savings.models import (
    Account,
    ForfeitedInterest,
    InterestPosting,
    Membership,
    Plan,
    Product,
    TaxRate,
    Transaction,
)
from savings.plans import Quote
from tests.exits import exit_early
from tests.factories import make_circle, make_plan, make_product, make_transaction, make_user, pay_in

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind
START = datetime.date(2026, 1, 5)
HELD_KOBO = 100_000_00
PENALTY = {"early_exit": "penalty", "penalty_bps": 100, "interest_paid": "maturity"}
FORFEIT = {"early_exit": "forfeit", "penalty_bps": 0, "interest_paid": "maturity"}
FREE = {"early_exit": "free", "penalty_bps": 0, "interest_paid": "monthly"}
MONTHLY = {"early_exit": "penalty", "penalty_bps": 250, "interest_paid": "monthly"}
KINDS = {"penalty": PENALTY, "forfeit": FORFEIT, "free": FREE, "monthly": MONTHLY}


@pytest.fixture
def clock(db: None) -> Any:
    with time_machine.travel(f"{START}T09:00:00Z", tick=False) as clock:
        yield clock


def opened(terms: dict[str, Any], *, days: int = 365, held_kobo: int = HELD_KOBO, **fields: Any) -> Plan:
    product = make_product(Product.Kind.TARGET, rate_bps=1000, **terms)
    return make_plan(product=product, holding_kobo=held_kobo, days=days, **fields)


def in_days(clock: time_machine.Traveller, days: int, hour: int = 9) -> None:
    clock.move_to(f"{START + datetime.timedelta(days=days)}T{hour:02}:00:00Z")


def today_quote(plan: Plan, amount_kobo: int | None = None) -> Quote:
    return plans.quote_exit(plan, amount_kobo, on=timezone.localdate())


def token_of(plan: Plan, amount_kobo: int | None = None) -> str:
    return plans.sign_quote(plan.user, today_quote(plan, amount_kobo))


def carry_out(plan: Plan, token: str, reference: str = "") -> Transaction:
    reference = reference or references.new(Kind.PLAN_TO_STASH)
    return plans.carry_out_exit(plan.user, plan, token, reference=reference)


def stash_kobo(plan: Plan) -> int:
    return ledger.balance_kobo(ledger.stash_account(plan.user))


def sums(plan: Plan) -> dict[str, int]:
    """Return what was posted in the plan by kind, and what was forfeited."""
    rows = Transaction.objects.filter(plan=plan, status="success").values_list("kind", "amount_kobo")
    found = dict.fromkeys([Kind.INTEREST, Kind.TAX_WITHHELD, Kind.PENALTY, Kind.PLAN_TO_STASH], 0)
    for kind, kobo in rows:
        found[Kind(kind)] = found.get(Kind(kind), 0) + kobo
    forfeited = ForfeitedInterest.objects.filter(account__plan=plan).values_list("numerator", flat=True)
    return {str(kind): kobo for kind, kobo in found.items()} | {"forfeited": sum(forfeited)}


def compare_with_what_happened(plan: Plan, quote: Quote) -> None:
    """Carry out a quote of today, and compare every field of it with the books."""
    before, arrived, held = sums(plan), stash_kobo(plan), Account.objects.get(plan=plan)
    movement = carry_out(plan, plans.sign_quote(plan.user, quote))
    after, account = sums(plan), Account.objects.get(plan=plan)
    posted = {name: after[name] - before[name] for name in after}
    plan.refresh_from_db()
    assert (quote.plan_id, quote.day) == (movement.plan_id, timezone.localdate(movement.settled_on))
    assert quote.balance_kobo == held.balance_kobo
    assert quote.amount_kobo == quote.balance_kobo - (account.balance_kobo or 0)
    assert quote.is_full == (account.balance_kobo == 0)
    assert quote.closes == plan.is_closed
    assert posted["interest"] == quote.gross_kobo
    assert posted["tax_withheld"] == quote.tax_kobo
    assert posted["penalty"] == quote.penalty_kobo
    assert posted["plan_to_stash"] == quote.amount_kobo - quote.penalty_kobo
    assert posted["forfeited"] == quote.forfeited_numerator
    assert quote.forfeited_kobo == quote.forfeited_numerator // 3_650_000
    assert stash_kobo(plan) - arrived == quote.arriving_kobo
    assert ledger.interest_proof(account).is_right
    assert quote.state[:5] == (
        held.balance_kobo,
        held.accrued_numerator,
        held.accrued_to,
        held.rate_bps,
        held.tax_remainder,
    )
    told = plans.exit_of(movement)
    charged = (quote.penalty_kobo, quote.forfeited_numerator, quote.gross_kobo)
    assert (told is not None) == any(charged)
    if told is not None:
        assert told == (
            quote.amount_kobo,
            quote.penalty_kobo,
            quote.forfeited_kobo,
            quote.gross_kobo,
            quote.tax_kobo,
            quote.arriving_kobo,
        )
    assert list(ledger.run_checks()) == []


def test_a_full_exit_with_a_penalty(clock: time_machine.Traveller) -> None:
    plan = opened(PENALTY)
    in_days(clock, 91)
    quote = today_quote(plan)
    assert (quote.gross_kobo, quote.tax_kobo, quote.penalty_kobo) == (249_315, 24_931, 100_000)
    assert (quote.arriving_kobo, quote.is_full, quote.closes) == (10_124_384, True, True)
    compare_with_what_happened(plan, quote)
    assert (ledger.balance_kobo(plan.account), stash_kobo(plan)) == (0, 10_124_384)
    kinds = Transaction.objects.filter(plan=plan).order_by("entries__id").values_list("kind", flat=True)
    assert list(kinds)[1:] == ["interest", "tax_withheld", "penalty", "plan_to_stash"]


def test_a_part_with_forfeited_interest(clock: time_machine.Traveller) -> None:
    plan = opened(FORFEIT)
    in_days(clock, 91)
    quote = today_quote(plan, 40_000_00)
    assert (quote.forfeited_numerator, quote.forfeited_kobo) == (364_000_000_000, 99_726)
    assert (quote.gross_kobo, quote.penalty_kobo, quote.arriving_kobo) == (0, 0, 40_000_00)
    compare_with_what_happened(plan, quote)
    account = Account.objects.get(plan=plan)
    assert account.accrued_numerator == 546_000_000_000
    row = ForfeitedInterest.objects.get()
    assert (row.transaction.kind, row.account) == (Kind.PLAN_TO_STASH, account)


@pytest.mark.parametrize("part_kobo", [None, HELD_KOBO, 1, 33_333_33])
@pytest.mark.parametrize("terms", KINDS)
def test_every_field_of_a_quote_is_what_happens(
    clock: time_machine.Traveller, terms: str, part_kobo: int | None
) -> None:
    plan = opened(KINDS[terms])
    in_days(clock, 20)
    pay_in(plan.user, 12_345_67, plan=plan)
    if terms in {"free", "monthly"}:
        in_days(clock, 27)
        assert plans.post_due_interest(timezone.localdate()) == 1
    in_days(clock, 50)
    compare_with_what_happened(plan, today_quote(plan, part_kobo))


def test_the_penalty_is_on_interest_of_earlier_months_too(clock: time_machine.Traveller) -> None:
    plan = opened(MONTHLY)
    in_days(clock, 27)
    plans.post_due_interest(timezone.localdate())
    held_kobo = ledger.balance_kobo(plan.account)
    assert held_kobo > HELD_KOBO
    quote = today_quote(plan)
    assert (quote.penalty_kobo, quote.gross_kobo) == (held_kobo * 250 // 10_000, 0)
    compare_with_what_happened(plan, quote)


def test_a_full_exit_forfeits_everything_that_is_not_posted(clock: time_machine.Traveller) -> None:
    plan = opened(FORFEIT)
    in_days(clock, 91)
    quote = today_quote(plan)
    assert (quote.gross_kobo, quote.tax_kobo, quote.forfeited_kobo) == (0, 0, 249_315)
    compare_with_what_happened(plan, quote)
    assert Account.objects.get(plan=plan).accrued_numerator == 0
    posting = InterestPosting.objects.get()
    assert (posting.gross_kobo, posting.numerator) == (0, 0)


def test_a_full_exit_on_the_day_of_the_payment_earns_nothing(clock: time_machine.Traveller) -> None:
    for terms in KINDS.values():
        compare_with_what_happened(plan := opened(terms), today_quote(plan))


def test_a_plan_that_earns_no_interest_from_tomorrow(clock: time_machine.Traveller) -> None:
    """The account has accrued up to tomorrow, and the money leaves today."""
    for terms in KINDS.values():
        for amount_kobo in (None, 40_000_00):
            in_days(clock, 0)
            plan = opened(terms)
            in_days(clock, 30)
            ledger.change_rate(plan.account, 0)
            compare_with_what_happened(plan, today_quote(plan, amount_kobo))


def test_leap_day(clock: time_machine.Traveller) -> None:
    clock.move_to("2028-02-28T09:00:00Z")
    plan = opened(PENALTY)
    clock.move_to("2028-02-29T09:00:00Z")
    ahead = plans.quote_days(plan, None)
    assert [quote.day for quote in ahead] == [
        datetime.date(2028, 2, 29),
        datetime.date(2028, 3, 7),
        datetime.date(2028, 3, 30),
        datetime.date(2029, 2, 27),
    ]
    clock.move_to("2028-03-01T09:00:00Z")
    quote = today_quote(plan)
    assert quote.gross_kobo == HELD_KOBO * 1000 * 2 // 3_650_000
    compare_with_what_happened(plan, quote)


@pytest.mark.parametrize("part_kobo", [None, 25_000_00])
@pytest.mark.parametrize("days", [7, 30])
@pytest.mark.parametrize("terms", KINDS)
def test_a_projection_is_what_happens_if_nothing_else_changes(
    clock: time_machine.Traveller, terms: str, days: int, part_kobo: int | None
) -> None:
    plan = opened(KINDS[terms])
    TaxRate.objects.create(from_on=datetime.date(2026, 2, 1), rate_bps=500)
    in_days(clock, 22)
    ahead = {quote.day: quote for quote in plans.quote_days(plan, part_kobo)}
    in_days(clock, 22 + days)
    before = stash_kobo(plan)
    plans.post_due_interest(timezone.localdate())
    posted = sums(plan)
    exit_early(plan, part_kobo)
    now, quote = sums(plan), ahead[timezone.localdate()]
    if part_kobo is None:
        assert (now["interest"], now["tax_withheld"]) == (quote.gross_kobo, quote.tax_kobo)
    else:
        assert (now["interest"], quote.gross_kobo) == (posted["interest"], 0)
    assert (now["penalty"], now["forfeited"]) == (quote.penalty_kobo, quote.forfeited_numerator)
    assert stash_kobo(plan) - before == quote.arriving_kobo


def test_at_maturity_there_is_no_penalty_and_nothing_is_forfeited(clock: time_machine.Traveller) -> None:
    for terms in KINDS.values():
        in_days(clock, 0)
        plan = opened(terms, days=80)
        in_days(clock, 10)
        quote = plans.quote_days(plan, None)[-1]
        assert (quote.day, quote.penalty_kobo, quote.forfeited_kobo) == (plan.matures_on, 0, 0)
        for day in (27, 55, 80):
            in_days(clock, day)
            plans.post_due_interest(timezone.localdate())
            plans.mature_due_plans(timezone.localdate())
        assert stash_kobo(plan) == quote.arriving_kobo
    assert list(ledger.run_checks()) == []


def test_days_after_the_maturity_are_left_out(clock: time_machine.Traveller) -> None:
    plan = opened(PENALTY, days=40)
    in_days(clock, 20)
    assert [(quote.day - START).days for quote in plans.quote_days(plan, None)] == [20, 27, 40]
    in_days(clock, 33)
    assert [(quote.day - START).days for quote in plans.quote_days(plan, None)] == [33, 40]


def member_with(terms: dict[str, Any], saved_kobo: int, circle: Any = None) -> Membership:
    product = circle.product if circle else make_product(Product.Kind.TARGET, rate_bps=1000, **terms)
    plan = make_plan(product=product)
    circle = circle or make_circle(product=product)
    member = Membership.objects.create(circle=circle, user=plan.user, plan=plan, nickname=f"Member {plan.pk}")
    pay_in(plan.user, saved_kobo, plan=plan)
    member.refresh_from_db()
    return member


@pytest.mark.parametrize("terms", KINDS)
def test_a_circle_s_plan_stays_open_and_costs_a_rank(clock: time_machine.Traveller, terms: str) -> None:
    first = member_with(KINDS[terms], 300_00)
    for kobo in (200_00, 100_00, 100_00):
        member_with({}, kobo, first.circle)
    in_days(clock, 20)
    part, whole = (today_quote(first.plan, kobo) for kobo in (250_00, None))
    assert (part.rank_before, part.rank_after) == (1, 4)
    assert (whole.rank_before, whole.rank_after, whole.closes) == (1, None, False)
    assert today_quote(first.plan, 200_00).rank_after == 2
    compare_with_what_happened(first.plan, whole)
    # The same day again: interest has one posting a day.
    pay_in(first.user, 500_00, plan=first.plan)
    compare_with_what_happened(first.plan, today_quote(first.plan))


def test_others_may_change_the_rank_after_the_quote(clock: time_machine.Traveller) -> None:
    first = member_with(PENALTY, 300_00)
    token = token_of(first.plan)
    member_with({}, 900_00, first.circle)
    assert carry_out(first.plan, token).amount_kobo == 297_00


def test_a_plan_with_a_payment_on_its_way_stays_open(clock: time_machine.Traveller) -> None:
    plan = opened(PENALTY)
    make_transaction(Kind.TOP_UP, 500_00, user=plan.user, plan=plan)
    in_days(clock, 91)
    quote = today_quote(plan)
    assert (quote.gross_kobo, quote.closes) == (249_315, False)
    compare_with_what_happened(plan, quote)


def test_interest_that_has_to_wait_keeps_the_plan_open(clock: time_machine.Traveller) -> None:
    """Money with an earlier value day came after the posting of the day, and a day has one posting."""
    plan = opened(MONTHLY)
    in_days(clock, 27)
    plans.post_due_interest(timezone.localdate())
    late = make_transaction(Kind.TOP_UP, HELD_KOBO, user=plan.user, plan=plan)
    clearing = ledger.house_account(Account.Kind.CLEARING, "paystack")
    ledger.settle(late, debit=clearing, credit=plan.account, value_on=datetime.date(2026, 1, 29))
    quote = today_quote(plan)
    assert (quote.gross_kobo, quote.closes) == (0, False)
    compare_with_what_happened(plan, quote)
    in_days(clock, 55)
    plans.post_due_interest(timezone.localdate())
    assert ledger.balance_kobo(plan.account) > 0
    assert list(ledger.run_checks()) == []


def test_the_same_reference_twice_is_one_exit(clock: time_machine.Traveller) -> None:
    plan = opened(PENALTY)
    in_days(clock, 91)
    token, reference = token_of(plan), references.new(Kind.PLAN_TO_STASH)
    first = carry_out(plan, token, reference=reference)
    in_days(clock, 93)
    assert carry_out(plan, token, reference=reference) == first
    assert stash_kobo(plan) == 10_124_384
    plan.refresh_from_db()
    with pytest.raises(Refused, match="closed"):
        today_quote(plan)


def test_a_reference_of_another_exit_is_refused(clock: time_machine.Traveller) -> None:
    plan, reference = opened(PENALTY), references.new(Kind.PLAN_TO_STASH)
    carry_out(plan, token_of(plan, 100_00), reference=reference)
    with pytest.raises(ReferenceTaken):
        carry_out(plan, token_of(plan, 200_00), reference=reference)


def test_a_quote_is_charged_once(clock: time_machine.Traveller) -> None:
    """Also when the money comes back on the same day, so that the balance is the old one."""
    plan = opened(PENALTY)
    token = token_of(plan, 40_000_00)
    carry_out(plan, token)
    with pytest.raises(QuoteOutdated):
        carry_out(plan, token)
    pay_in(plan.user, 40_000_00, plan=plan)
    with pytest.raises(QuoteOutdated):
        carry_out(plan, token)
    assert ledger.balance_kobo(plan.account) == HELD_KOBO


@pytest.mark.parametrize(("seconds", "is_valid"), [(300, True), (301, False)])
def test_a_quote_is_valid_for_five_minutes(
    clock: time_machine.Traveller, seconds: int, *, is_valid: bool
) -> None:
    plan = opened(PENALTY)
    token = token_of(plan)
    clock.shift(seconds)
    if is_valid:
        carry_out(plan, token)
    else:
        with pytest.raises(QuoteOutdated):
            carry_out(plan, token)
        assert ledger.balance_kobo(plan.account) == HELD_KOBO


def test_midnight_ends_a_quote(clock: time_machine.Traveller) -> None:
    plan = opened(PENALTY)
    # Midnight in Lagos.
    clock.move_to("2026-03-01T22:59:00Z")
    token = token_of(plan)
    clock.move_to("2026-03-01T23:00:30Z")
    with pytest.raises(QuoteOutdated):
        carry_out(plan, token)


@pytest.mark.parametrize("change", ["paid in", "terms", "pending", "rate"])
def test_a_change_ends_a_quote(clock: time_machine.Traveller, change: str) -> None:
    plan = opened(PENALTY)
    in_days(clock, 10)
    token = token_of(plan)
    match change:
        case "paid in":
            pay_in(plan.user, 1, plan=plan)
        case "terms":
            Plan.objects.filter(pk=plan.pk).update(penalty_bps=101)
        case "pending":
            make_transaction(Kind.TOP_UP, 500_00, user=plan.user, plan=plan)
        case "rate":
            ledger.change_rate(plan.account, 0)
    with pytest.raises(QuoteOutdated, match="Nothing was moved"):
        carry_out(plan, token)
    assert not Transaction.objects.filter(kind=Kind.PLAN_TO_STASH).exists()


def test_a_quote_of_another_user_or_plan_is_refused(clock: time_machine.Traveller) -> None:
    plan, other = opened(PENALTY), opened(PENALTY)
    twin = make_plan(plan.user, plan.product, holding_kobo=HELD_KOBO)
    with pytest.raises(QuoteOutdated):
        carry_out(plan, plans.sign_quote(other.user, today_quote(plan)))
    with pytest.raises(QuoteOutdated):
        carry_out(plan, token_of(twin))


def test_a_quote_that_was_tampered_with_is_refused(clock: time_machine.Traveller) -> None:
    plan = opened(PENALTY)
    token = token_of(plan)
    body, rest = token.split(":", 1)
    for forged in ("", "x", token[:-1], token + "x", f"{body}A:{rest}", f"\x00{token}", token.upper()):
        with pytest.raises(QuoteOutdated):
            carry_out(plan, forged)
    with pytest.raises(QuoteOutdated):
        carry_out(plan, signing.dumps([plan.user_id, plan.pk], salt="another"))


@pytest.mark.parametrize(
    ("amount_kobo", "error"), [(0, BadAmount), (-1, BadAmount), (HELD_KOBO + 1, NotEnoughMoney)]
)
def test_amounts_that_have_no_quote(
    clock: time_machine.Traveller, amount_kobo: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        today_quote(opened(PENALTY), amount_kobo)


def test_plans_that_have_no_quote(clock: time_machine.Traveller) -> None:
    locked = opened({"early_exit": "blocked"})
    with pytest.raises(Refused, match="locked until"):
        today_quote(locked)
    with pytest.raises(NotEnoughMoney, match="empty"):
        today_quote(opened(PENALTY, held_kobo=0))
    with pytest.raises(Refused, match="is free"):
        today_quote(make_plan(holding_kobo=100))
    matured = opened(PENALTY, days=30)
    token = token_of(matured)
    noticed = opened(PENALTY | {"notice_hours": 24})
    with pytest.raises(Refused, match="notice"):
        plans.quote_days(noticed, None)
    in_days(clock, 30)
    with pytest.raises(Refused):
        today_quote(matured)
    with pytest.raises(QuoteOutdated):
        carry_out(matured, token)


@pytest.mark.parametrize("terms", KINDS)
def test_a_notice_of_a_plan_with_a_maturity_comes_to_the_same(
    clock: time_machine.Traveller, terms: str
) -> None:
    kinds = []
    for notice_hours in (0, 24):
        in_days(clock, 0)
        plan = opened(KINDS[terms] | {"notice_hours": notice_hours})
        in_days(clock, 20)
        if notice_hours:
            plans.give_notice(plan.user, plan, amount_kobo=HELD_KOBO, reference=references.mint("NOT"))
        in_days(clock, 21)
        if notice_hours:
            assert plans.carry_out_due_notices(timezone.now()) == 1
        else:
            exit_early(plan)
        plan.refresh_from_db()
        kinds.append((sums(plan), stash_kobo(plan), plan.is_closed))
    assert kinds[0] == kinds[1]
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize("terms", KINDS)
def test_a_reversed_exit_gives_back_what_it_cost(clock: time_machine.Traveller, terms: str) -> None:
    plan = opened(KINDS[terms])
    in_days(clock, 20)
    before = ledger.accrued_numerator(Account.objects.get(plan=plan), timezone.localdate())
    movement = exit_early(plan, 40_000_00)
    ledger.reverse(movement, reference=references.new(Kind.REVERSAL))
    account = Account.objects.get(plan=plan)
    assert (account.balance_kobo, account.accrued_numerator) == (HELD_KOBO, before)
    assert (stash_kobo(plan), sums(plan)["forfeited"]) == (0, 0)
    assert list(ledger.run_checks()) == []


def test_a_reversed_full_exit_of_a_circle_keeps_its_interest(clock: time_machine.Traveller) -> None:
    member = member_with(PENALTY, HELD_KOBO)
    in_days(clock, 91)
    movement = exit_early(member.plan)
    ledger.reverse(movement, reference=references.new(Kind.REVERSAL))
    assert ledger.balance_kobo(member.plan.account) == HELD_KOBO
    assert stash_kobo(member.plan) == 249_315 - 24_931
    assert list(ledger.run_checks()) == []


class RandomExits(TestCase):
    """After any payments on any days, an exit comes to what its quote says."""

    @hypothesis_settings(max_examples=25)
    @given(
        terms=st.sampled_from(sorted(KINDS)),
        rate_bps=st.integers(0, 10_000),
        payments=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10**10)), min_size=1, max_size=4),
        exits=st.lists(st.tuples(st.integers(0, 40), st.floats(0.0001, 1)), min_size=1, max_size=3),
    )
    def test_quote_and_exit(
        self,
        terms: str,
        rate_bps: int,
        payments: list[tuple[int, int]],
        exits: list[tuple[int, float]],
    ) -> None:
        with time_machine.travel(f"{START}T09:00:00Z", tick=False) as clock:
            product = make_product(Product.Kind.TARGET, rate_bps=rate_bps, **KINDS[terms])
            plan = make_plan(user=make_user(), product=product)
            for days, kobo in payments:
                clock.shift(datetime.timedelta(days=days))
                plans.post_due_interest(timezone.localdate())
                pay_in(plan.user, kobo, plan=plan)
            for days, share in exits:
                clock.shift(datetime.timedelta(days=days))
                plans.post_due_interest(timezone.localdate())
                plan.refresh_from_db()
                if plan.is_closed or plan.is_matured(timezone.localdate()):
                    break
                held_kobo = ledger.balance_kobo(plan.account)
                if held_kobo:
                    compare_with_what_happened(plan, today_quote(plan, max(1, int(held_kobo * share))))
