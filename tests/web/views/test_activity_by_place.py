"""Transactions filtered by plan or stash: everything that touches it, in either direction, and nothing else."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client

from savings import ledger, plans, references
from savings.models import Account, Payment, Plan, Product, Transaction, User
from tests.exits import exit_early
from tests.factories import fill, make_plan, make_product, make_transaction, pay_in, put_in, settled

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind


def listed(client: Client, query: str) -> list[str]:
    days = client.get(f"/transactions/{query}").context["days"]
    return [row.reference for _, _, rows in days for row in rows]


def amounts(client: Client, query: str) -> dict[str, str]:
    days = client.get(f"/transactions/{query}").context["days"]
    return {row.reference: row.amount for _, _, rows in days for row in rows}


@pytest.fixture
def plan(saver: User) -> Plan:
    return make_plan(saver, make_product(Product.Kind.TARGET), holding_kobo=50_000_00)


def movements_of_both(user: User, plan: Plan) -> tuple[list[Transaction], list[Transaction]]:
    """Transactions that touch the stash, and those that touch only the plan."""
    deposit, returned = pay_in(user, 9_000_00), put_in(user, 100_00)
    inward = plans.move_to_plan(user, plan, amount_kobo=500_00, reference=references.new(Kind.STASH_TO_PLAN))
    undone = plans.move_to_plan(user, plan, amount_kobo=300_00, reference=references.new(Kind.STASH_TO_PLAN))
    outward = exit_early(plan, 700_00)
    back = [ledger.reverse(one, reference=references.new(Kind.REVERSAL)) for one in (returned, undone)]
    diverted = make_transaction(Kind.TOP_UP, 50_00, user=user)
    waiting = make_transaction(Kind.STASH_DEPOSIT, 60_00, user=user)
    own = ledger.stash_account(user)
    saved = settled(Kind.AUTOSAVE, 10_00, debit=own, credit=plan.account, user=user, plan=plan)
    clearing = ledger.house_account(Account.Kind.CLEARING, "paystack")
    by_card = settled(Kind.AUTOSAVE, 10_00, debit=clearing, credit=plan.account, user=user, plan=plan)
    expense = ledger.house_account(Account.Kind.INTEREST_EXPENSE)
    paid = settled(Kind.INTEREST, 40_00, debit=expense, credit=plan.account, user=user, plan=plan)
    taken_back = ledger.reverse(paid, reference=references.new(Kind.REVERSAL))
    both = [deposit, returned, inward, undone, outward, *back, diverted, waiting, saved]
    return both, [by_card, paid, taken_back]


def test_the_stash_shows_every_movement_that_touches_it_both_ways(
    saver_client: Client, saver: User, plan: Plan
) -> None:
    of_stash, _ = movements_of_both(saver, plan)
    assert sorted(listed(saver_client, "?plan=stash")) == sorted(one.reference for one in of_stash)
    shown = [row.reference for row in saver_client.get("/stash/").context["rows"]]
    assert shown == listed(saver_client, "?plan=stash")[:10]


def test_a_plan_shows_every_movement_that_touches_it(saver_client: Client, saver: User, plan: Plan) -> None:
    movements_of_both(saver, plan)
    expected = set(plan.transactions.values_list("reference", flat=True))
    assert set(listed(saver_client, f"?plan={plan.pk}")) == expected
    kinds = set(plan.transactions.values_list("kind", flat=True))
    assert kinds == {
        Kind.TOP_UP,
        Kind.STASH_TO_PLAN,
        Kind.PLAN_TO_STASH,
        Kind.PENALTY,
        Kind.INTEREST,
        Kind.REVERSAL,
        Kind.AUTOSAVE,
    }


def test_a_move_has_the_sign_that_the_place_sees(saver_client: Client, saver: User, plan: Plan) -> None:
    pay_in(saver, 900_00)
    move = plans.move_to_plan(saver, plan, amount_kobo=5_00, reference=references.new(Kind.STASH_TO_PLAN))
    assert amounts(saver_client, "?plan=stash")[move.reference].startswith("−")
    assert amounts(saver_client, f"?plan={plan.pk}")[move.reference].startswith("+")
    assert amounts(saver_client, "")[move.reference].startswith("₦")


def test_the_stash_page_leads_to_the_activity_of_the_stash(saver_client: Client, saver: User) -> None:
    pay_in(saver, 100)
    assert (
        '<a href="/transactions/?plan=stash">All activity</a>' in saver_client.get("/stash/").content.decode()
    )


def test_pages_of_the_stash_follow_each_other(saver_client: Client, saver: User, plan: Plan) -> None:
    fill(saver, 60)
    fill(saver, 30, plan=plan)
    found, query = [], "?plan=stash"
    while query:
        page = saver_client.get(f"/transactions/{query}")
        found += [row.reference for _, _, rows in page.context["days"] for row in rows]
        query = page.context["page"].older
    assert len(found) == len(set(found)) == 60


def test_the_stash_is_found_by_an_index_of_its_own(saver_client: Client, saver: User, plan: Plan) -> None:
    fill(saver, 2_000, plan=plan)
    fill(saver, 40)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE savings_transaction, savings_entry, savings_account, savings_plan")
    found = Transaction.objects.filter(user=saver).of_stash().order_by("-id").values_list("id")[:26]
    assert "transaction_near_stash" in found.explain()


def test_a_payment_that_was_meant_for_a_plan_and_went_to_the_stash_is_the_stash_s(
    saver_client: Client, saver: User, plan: Plan
) -> None:
    movement = pay_in(saver, 100_00)
    Payment.objects.create(transaction=movement, meant_for=plan)
    assert movement.reference in listed(saver_client, "?plan=stash")
    assert movement.reference not in listed(saver_client, f"?plan={plan.pk}")
