"""Transactions: keyset pages, filters and receipts."""

from __future__ import annotations

import datetime
import re
from urllib.parse import quote

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from savings import ledger, plans, references
from savings.models import Entry, Product, Transaction, User
from tests.exits import exit_early
from tests.factories import fill, make_plan, make_product, make_transaction, make_user, pay_in
from tests.refunds import charge_back, people, post_interest, refund, release, suspend
from tests.withdrawals import make_payout

pytestmark = pytest.mark.django_db


def references_on(page: bytes) -> list[str]:
    return re.findall(r'class="cover" href="/transactions/(\w{20})/"', page.decode())


def listed(saver_client: Client, query: str = "") -> list[str]:
    return references_on(saver_client.get(f"/transactions/{query}").content)


def test_pages_walk_to_the_end_and_back_without_a_gap(saver_client: Client, saver: User) -> None:
    made = [pay_in(saver, 100).reference for _ in range(60)][::-1]
    first = saver_client.get("/transactions/")
    second = saver_client.get(f"/transactions/{first.context['page'].older}")
    third = saver_client.get(f"/transactions/{second.context['page'].older}")
    assert [
        *references_on(first.content),
        *references_on(second.content),
        *references_on(third.content),
    ] == made
    assert third.context["page"].older is None
    back = saver_client.get(f"/transactions/{third.context['page'].newer}")
    assert references_on(back.content) == references_on(second.content)
    newest = saver_client.get(f"/transactions/{back.context['page'].newer}")
    assert references_on(newest.content) == references_on(first.content)
    assert newest.context["page"].newer is None


def test_rows_that_arrive_meanwhile_move_no_row_to_another_page(saver_client: Client, saver: User) -> None:
    made = [pay_in(saver, 100).reference for _ in range(30)][::-1]
    older = saver_client.get("/transactions/").context["page"].older
    pay_in(saver, 100)
    assert listed(saver_client, older) == made[25:]


@pytest.mark.parametrize("cursor", ["before=x", "after=-1", "before=1e3", "before=" + "9" * 40])
def test_a_cursor_that_is_none_is_not_found(saver_client: Client, cursor: str) -> None:
    assert saver_client.get(f"/transactions/?{cursor}").status_code == 404


def test_filters_combine(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, holding_kobo=100_00)
    pay_in(saver, 100_00)
    wanted = plans.move_to_plan(
        saver, plan, amount_kobo=5_00, reference=references.new("stash_to_plan")
    ).reference
    today = timezone.localdate().isoformat()
    assert listed(saver_client, f"?kind=stash_to_plan&status=success&plan={plan.pk}&since={today}") == [
        wanted
    ]
    assert listed(saver_client, f"?q={wanted.lower()}") == [wanted]
    assert listed(saver_client, f"?q={wanted}&kind=top_up") == []
    assert len(listed(saver_client, "?plan=stash")) == 2
    assert len(listed(saver_client)) == 3


@pytest.mark.parametrize("typed", ["egbe", "Ẹgbẹ́", "OJA", "E\u0323gbe\u0323\u0301", " egbe\u200b "])
def test_a_search_finds_the_transactions_of_a_plan_by_its_name(
    saver_client: Client, saver: User, typed: str
) -> None:
    wanted = pay_in(saver, 100, plan=make_plan(saver, name="Ẹgbẹ́ Ọjà")).reference
    pay_in(saver, 100, plan=make_plan(saver, name="Rent"))
    pay_in(make_user(), 100, plan=make_plan(name="Egbe"))
    assert listed(saver_client, f"?q={quote(typed)}") == [wanted]


def test_a_reference_is_found_however_it_is_grouped(saver_client: Client, saver: User) -> None:
    wanted = pay_in(saver, 100).reference
    pay_in(saver, 100)
    grouped = f"{wanted[:5]} {wanted[5:10]}-{wanted[10:]}".lower()
    assert listed(saver_client, f"?q={quote(grouped)}") == [wanted]


def test_a_search_asks_the_same_few_queries_whatever_it_is_for(
    saver_client: Client, saver: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    reference = pay_in(saver, 100, plan=make_plan(saver, name="Rent")).reference
    for typed in ("rent", reference, "nothing"):
        with django_assert_max_num_queries(4):
            saver_client.get(f"/transactions/?q={typed}")


def test_days_are_local_and_whole(saver_client: Client, saver: User) -> None:
    with time_machine.travel(datetime.datetime(2026, 3, 1, 23, 30, tzinfo=datetime.UTC), tick=False):
        reference = pay_in(saver, 100).reference
    assert listed(saver_client, "?since=2026-03-02&until=2026-03-02") == [reference]
    assert listed(saver_client, "?until=2026-03-01") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=yesterday", "since"),
        ("kind=gift", "kind"),
        ("plan=999999", "plan"),
        ("since=2026-05-02&until=2026-05-01", "until"),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(saver_client: Client, query: str, field: str) -> None:
    response = saver_client.get(f"/transactions/?{query}")
    assert response.status_code == 422
    assert field in response.context["form"].errors


def test_filters_stay_in_the_links_and_the_form(saver_client: Client, saver: User) -> None:
    for _ in range(30):
        pay_in(saver, 100)
    response = saver_client.get("/transactions/?kind=stash_deposit")
    assert "kind=stash_deposit" in response.context["page"].older
    assert '<option value="stash_deposit" selected>' in response.content.decode()


@pytest.mark.parametrize(
    ("query", "chosen", "is_open"),
    [
        ("", "All", False),
        ("?kind=top_up", "Top-ups", False),
        ("?status=failed", "Failed", False),
        ("?kind=fee", None, True),
        ("?kind=top_up&since=2026-01-01", None, True),
        ("?q=rent", None, False),
    ],
)
def test_the_filters_are_open_if_no_button_says_what_is_chosen(
    saver_client: Client, saver: User, query: str, chosen: str | None, *, is_open: bool
) -> None:
    pay_in(saver, 100)
    page = saver_client.get(f"/transactions/{query}").content.decode()
    form = page.partition("Find a transaction")[2].partition("</form>")[0]
    current = re.findall(r'aria-current="true">([^<]+)</a>', form)
    assert current == ([chosen] if chosen else [])
    assert ("<details open>" in form) == is_open


def test_htmx_gets_the_list_alone(saver_client: Client, saver: User) -> None:
    pay_in(saver, 100)
    page = saver_client.get("/transactions/", headers={"HX-Request": "true"}).content.decode()
    assert page.strip().startswith("<section")
    assert "<form" not in page


def test_the_page_costs_the_same_for_one_row_and_for_many(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    saver_client.get("/transactions/")
    for rows in (1, 1_000):
        fill(saver, rows)
        with django_assert_num_queries(4):
            saver_client.get("/transactions/")


def test_a_receipt_proves_itself(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, make_product(Product.Kind.TARGET), holding_kobo=100_000_00, name="Rent")
    movement = exit_early(plan, 50_000_00)
    page = saver_client.get(f"/transactions/{movement.reference}/").content.decode()
    assert movement.reference in page
    assert "₦49,500.00" in page
    assert "Rent</dt>" in page
    assert '<span class="money">₦50,000.00</span></dd>' in page
    assert "Moved to your stash" in page


def test_a_failed_payment_says_that_no_money_moved(saver_client: Client, saver: User) -> None:
    movement = make_transaction("top_up", 100, user=saver)
    ledger.change_status(movement, Transaction.Status.FAILED, only_from=["pending"], failure_code="declined")
    page = saver_client.get(f"/transactions/{movement.reference}/").content.decode()
    assert "No money has moved." in page
    assert not Entry.objects.exists()


def test_a_reversal_and_what_it_takes_back_name_each_other(saver_client: Client, saver: User) -> None:
    pay_in(saver, 100)
    reference = references.new("stash_to_plan")
    movement = plans.move_to_plan(saver, make_plan(saver), amount_kobo=100, reference=reference)
    reversal = ledger.reverse(movement, reference=references.new("reversal"))
    assert reversal.reference in saver_client.get(f"/transactions/{movement.reference}/").content.decode()
    page = saver_client.get(f"/transactions/{reversal.reference}/").content.decode()
    assert movement.reference in page
    # An amount may wrap before its kobo.
    assert "₦1<wbr><small>.00</small>" in page


def released(saver: User) -> tuple[Transaction, Transaction]:
    """Return a payment of ₦30.00 of which ₦15.00 arrived, and the transaction that credited them."""
    reviewed = make_transaction("stash_deposit", 30_00, user=saver, status="review")
    clearing, suspense = ledger.house_account("clearing", "paystack"), ledger.house_account("suspense")
    ledger.post(reviewed, "suspense", debit=clearing, credit=suspense, amount_kobo=15_00)
    return reviewed, ledger.release(
        reviewed,
        reference=references.new("stash_deposit"),
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        reason="Ticket 7",
    )


def test_money_released_from_suspense_counts_once(saver_client: Client, saver: User) -> None:
    reviewed, given = released(saver)
    days = saver_client.get("/transactions/").context["days"]
    rows = {row.reference: row for _, _, found in days for row in found}
    assert (rows[given.reference].amount, rows[given.reference].badge) == ("+\u202f₦15.00", None)
    assert (rows[reviewed.reference].badge, rows[reviewed.reference].amount_class) == ("", "off")
    receipt = saver_client.get(f"/transactions/{reviewed.reference}/").content.decode()
    assert "Checked" in receipt
    assert "Being checked" not in receipt
    assert "What arrived was credited or given back" in receipt
    assert "Added to your balance" in saver_client.get(f"/transactions/{given.reference}/").content.decode()
    for path in ("/stash/", "/dashboard/"):
        page = saver_client.get(path).content.decode()
        assert "₦15" in page
        assert "₦45" not in page


def test_a_payment_that_is_checked_stands_first_with_what_arrived(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    old, other = suspend(saver, 15_00), suspend(make_user(), 9_00)
    fill(saver, 30)
    newer = make_transaction("top_up", 20_00, user=saver, status="review")
    with django_assert_num_queries(5):
        page = saver_client.get("/transactions/")
    assert references_on(page.content)[:2] == [newer.reference, old.reference]
    assert references_on(page.content).count(newer.reference) == 1
    assert other.reference not in references_on(page.content)
    rows = {row.reference: (row.amount, row.note) for row in page.context["checked"]}
    assert rows == {newer.reference: ("₦20.00", ""), old.reference: ("₦15.00", "₦15 of ₦30 arrived")}
    # The older page has it at its own place, and a filter only where it matches.
    assert old.reference in listed(saver_client, page.context["page"].older)
    assert old.reference not in listed(saver_client, "?kind=top_up")


def test_a_move_says_from_where_to_where(saver_client: Client, saver: User) -> None:
    pay_in(saver, 50_00)
    plan = make_plan(saver, name="Rent")
    plans.move_to_plan(saver, plan, amount_kobo=20_00, reference=references.new("stash_to_plan"))
    plans.move_from_plan(saver, plan, amount_kobo=5_00, reference=references.new("plan_to_stash"))

    def places(query: str) -> list[str]:
        days = saver_client.get(f"/transactions/{query}").context["days"]
        return [row.where for _, _, rows in days for row in rows]

    assert places("") == ["Rent → Stash", "Stash → Rent", "Stash"]
    assert places("?plan=stash")[:2] == ["Rent", "Rent"]


def test_what_arrived_of_one_payment_or_of_many_costs_one_query(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    saver_client.get("/stash/")
    for payments in (1, 6):
        for _ in range(payments):
            suspend(saver, 15_00)
        with django_assert_num_queries(5):
            page = saver_client.get("/stash/").text
        assert "₦15 of ₦30 arrived" in page
        with django_assert_num_queries(5):
            assert "₦15 of ₦30 arrived" in saver_client.get("/transactions/").text


def test_a_receipt_costs_a_constant_number_of_queries(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    movement = pay_in(saver, 100)
    saver_client.get("/transactions/")
    # What gives a payment back is one query more.
    for chargebacks, queries in ((0, 4), (1, 5), (20, 5)):
        for _ in range(chargebacks):
            charge_back(movement, 1)
        with django_assert_num_queries(queries):
            saver_client.get(f"/transactions/{movement.reference}/")


# For each kind of transaction that gives money back: a text of its receipt, and its status and amount in the list.
GIVEN_BACK = {
    "refund on its way": ("The money is set aside.", "Waiting", "−\u202f₦20.00"),
    "refund made": ("Sent back to the payer", "Done", "−\u202f₦20.00"),
    "refund failed": ("The money is back, and so is its interest.", "Failed", "−\u202f₦20.00"),
    "refund from suspense": ("Set aside for the refund", "Waiting", "−\u202f₦20.00"),
    "chargeback": ("The payer’s bank took the payment back", "Done", "₦50,000.00"),
    "repayment": ("For a payment that went back", "Done", "−\u202f₦20,000.00"),
    "correction": ("Interest on money that went back", "Done", "₦493.15"),
    "write-off": ("We gave up this debt", "Done", "₦30,493.15"),
    "payment given back": ("All of it went back to the payer.", "Reversed", "₦50,000.00"),
}


def give_back(user: User) -> dict[str, Transaction]:
    """Return a transaction of each kind above: a user had 50,000 naira for 40 days and has 20,000 left."""
    with time_machine.travel(timezone.now() - datetime.timedelta(days=40), tick=False) as clock:
        plan = make_plan(user, make_product(rate_bps=1000))
        payment = pay_in(user, 5_000_000, plan=plan)
        clock.shift(datetime.timedelta(days=40))
        post_interest(plan)
        reference = references.new("plan_to_stash")
        plans.move_from_plan(user, plan, amount_kobo=5_049_315, reference=reference)
        reference = references.new("stash_to_plan")
        plans.move_to_plan(user, make_plan(user), amount_kobo=3_049_315, reference=reference)
        chargeback = charge_back(payment, 5_000_000)
    reference = references.new("write_off")
    given_up = ledger.write_off(user, reference=reference, amount_kobo=3_049_315, **people())
    made, failed, due = (refund(pay_in(user, 20_00), 20_00) for _ in range(3))
    ledger.settle_refund(made)
    ledger.fail_refund(failed)
    return {
        "refund on its way": due,
        "refund made": made,
        "refund failed": failed,
        "refund from suspense": refund(suspend(user, 30_00), 20_00),
        "chargeback": chargeback,
        "repayment": chargeback.parts.get(kind="repayment"),
        "correction": chargeback.parts.filter(kind="interest_correction").order_by("id")[0],
        "write-off": given_up,
        "payment given back": payment,
    }


def test_what_goes_back_reads_sensibly_in_the_list_and_on_its_receipt(
    saver_client: Client, saver: User
) -> None:
    made = give_back(saver)
    rows = {
        row.reference: row
        for _, _, rows in saver_client.get("/transactions/").context["days"]
        for row in rows
    }
    for name, (text, status, amount) in GIVEN_BACK.items():
        row = rows[made[name].reference]
        assert (row.status, row.amount) == (status, amount), name
        page = saver_client.get(f"/transactions/{row.reference}/").content.decode()
        assert text in page, name
    assert rows[made["write-off"].reference].where == "Debt"


def test_a_chargeback_names_its_payment_and_what_was_taken_for_it(saver_client: Client, saver: User) -> None:
    made = give_back(saver)
    chargeback = saver_client.get(f"/transactions/{made['chargeback'].reference}/")
    related = {reference: name for name, _, reference in chargeback.context["related"]}
    assert related[made["payment given back"].reference] == "Gives back"
    assert related[made["repayment"].reference] == "Together with"
    payment = saver_client.get(f"/transactions/{made['payment given back'].reference}/")
    assert payment.context["related"] == [
        ("Given back by", "Chargeback, ₦50,000", made["chargeback"].reference)
    ]
    # As in the list: what was reversed has no sign.
    assert (chargeback.context["signed_kobo"], payment.context["signed_kobo"]) == (0, 0)


def test_a_correction_paid_from_the_plan_is_money_out(saver_client: Client, saver: User) -> None:
    with time_machine.travel(timezone.now() - datetime.timedelta(days=40), tick=False) as clock:
        plan = make_plan(saver, make_product(rate_bps=1000))
        payment = pay_in(saver, 5_000_000, plan=plan)
        clock.shift(datetime.timedelta(days=40))
        post_interest(plan)
        correction = (
            charge_back(payment, 5_000_000).parts.filter(kind="interest_correction").order_by("id")[0]
        )
    page = saver_client.get(f"/transactions/{correction.reference}/")
    assert page.context["signed_kobo"] == -49_315


def test_the_receipt_of_a_payment_names_nobody_elses_transaction(saver_client: Client, saver: User) -> None:
    payment = suspend(saver, 30_00)
    part = release(payment, make_user(), 30_00)
    page = saver_client.get(f"/transactions/{payment.reference}/")
    assert page.context["related"] == []
    assert part.reference not in page.content.decode()


def test_another_users_receipt_is_not_there(saver_client: Client) -> None:
    other = pay_in(make_user(), 100)
    assert saver_client.get(f"/transactions/{other.reference}/").status_code == 404
    assert saver_client.get("/transactions/TOP00000000000000000/").status_code == 404


def test_another_users_rows_are_not_listed(saver_client: Client, saver: User) -> None:
    other = make_plan(holding_kobo=100)
    assert listed(saver_client, "?q=TOP") == []
    assert saver_client.get(f"/transactions/?plan={other.pk}").status_code == 422


@pytest.mark.parametrize(
    ("state", "title", "ended"),
    [
        ("returned", "Withdrawal failed", "The payment provider rejected it."),
        ("cancelled", "Withdrawal cancelled", ""),
        ("came_back", "Withdrawal returned", "The bank returned the money."),
    ],
)
def test_a_withdrawal_that_came_back_says_so_first(
    saver_client: Client, saver: User, state: str, title: str, ended: str
) -> None:
    payout = make_payout(saver, state)
    page = saver_client.get(f"/transactions/{payout.transaction.reference}/")
    assert f"<h1>{title}</h1>" in page.text
    assert page.context["outcome"].text == f"{ended} All of it is back in your stash.".strip()


@pytest.mark.parametrize(
    ("state", "title", "step"),
    [
        ("waiting", "Withdrawal of ₦50,000", "Waiting to be sent"),
        ("approval", "Withdrawal of ₦50,000", "Waiting for approval"),
        ("paid", "₦50,000 withdrawn", ""),
    ],
)
def test_any_other_withdrawal_names_its_amount_first_and_where_it_is(
    saver_client: Client, saver: User, state: str, title: str, step: str
) -> None:
    payout = make_payout(saver, state)
    page = saver_client.get(f"/transactions/{payout.transaction.reference}/")
    assert f"<h1>{title}</h1>" in page.text
    assert page.context["outcome"].text == step
