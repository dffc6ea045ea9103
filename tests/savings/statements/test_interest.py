"""The columns of interest and tax in statements, and their sums."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterator

import openpyxl
import pytest
import time_machine

from savings import ledger, references
from savings.models import InterestPosting, Plan, Statement, Transaction, User
from tests.factories import make_plan, make_product, pay_in
from tests.refunds import charge_back, people
from tests.statements import content, written

pytestmark = pytest.mark.django_db
Clock = time_machine.Traveller
Kind = Transaction.Kind
FEBRUARY, MARCH = datetime.date(2026, 2, 1), datetime.date(2026, 3, 1)


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel("2026-01-11T12:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def plan(clock: Clock, saver: User) -> Plan:
    """A plan with interest of 21 days of January and of February, posted on the 1st."""
    plan = make_plan(saver, make_product(rate_bps=1000), name="Rent", holding_kobo=100_000_00)
    post(clock, plan, FEBRUARY, MARCH)
    return plan


def post(clock: Clock, plan: Plan, *days: datetime.date) -> None:
    for day in days:
        clock.move_to(datetime.datetime.combine(day, datetime.time(12), datetime.UTC))
        ledger.post_interest(plan, until=day)


def lines(statement: Statement, *kinds: str) -> list[dict[str, str]]:
    """Return the lines of a CSV of some types."""
    text = content(statement).decode("utf-8-sig")
    return [line for line in csv.DictReader(io.StringIO(text, newline="")) if line["Line"] in kinds]


def columns(statement: Statement) -> list[tuple[str, str, str]]:
    return [
        (line["Kind"], line["Interest (NGN)"], line["Tax (NGN)"])
        for line in lines(statement, "entry")
        if line["Interest (NGN)"] or line["Tax (NGN)"]
    ]


def foot(statement: Statement) -> list[str]:
    return [line["Money in (NGN)"] or line["Money out (NGN)"] for line in lines(statement, "interest")]


def sheet(statement: Statement, name: str) -> list[tuple[object, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(content(statement)), read_only=True)
    return [tuple(row) for row in book[name].iter_rows(values_only=True)] if name in book.sheetnames else []


def test_interest_and_tax_have_columns(plan: Plan) -> None:
    statement = written(plan.user, "plan", plan=plan)
    first, second = InterestPosting.objects.order_by("period_end")
    assert columns(statement) == [
        ("Interest", "575.34", ""),
        ("Tax withheld", "", "57.53"),
        ("Interest", f"{second.gross_kobo / 100:.2f}", ""),
        ("Tax withheld", "", f"{second.tax_kobo / 100:.2f}"),
    ]
    gross, tax = first.gross_kobo + second.gross_kobo, first.tax_kobo + second.tax_kobo
    assert foot(statement) == [f"{kobo / 100:.2f}" for kobo in (gross, tax, gross - tax)]


def test_a_sheet_has_the_same_columns(plan: Plan) -> None:
    rows = sheet(written(plan.user, "plan", plan=plan, format="xlsx"), "Transactions")
    assert rows[0][-2:] == ("Interest (NGN)", "Tax (NGN)")
    assert [row[-2:] for row in rows if any(row[-2:])][1:3] == [(575.34, None), (None, 57.53)]


def test_reversed_interest_and_tax_count_with_their_sign(plan: Plan) -> None:
    january = InterestPosting.objects.earliest("period_end")
    assert january.interest is not None
    ledger.reverse(january.interest, reference=references.new(Kind.REVERSAL))
    statement = written(plan.user, "everything")
    assert sorted(columns(statement)[4:]) == [("Reversal", "", "-57.53"), ("Reversal", "-575.34", "")]
    february = InterestPosting.objects.latest("period_end")
    assert foot(statement)[:2] == [f"{kobo / 100:.2f}" for kobo in (february.gross_kobo, february.tax_kobo)]


def test_corrected_interest_counts_after_tax(clock: Clock, saver: User) -> None:
    plan = make_plan(saver, make_product(rate_bps=1000))
    paid = pay_in(saver, 100_000_00, plan=plan)
    post(clock, plan, FEBRUARY)
    charge_back(paid, 100_000_00)
    statement = written(saver, "plan", plan=plan)
    assert columns(statement)[2:] == [("Interest correction", "-517.81", "")]
    assert foot(statement) == ["57.53", "57.53", "0.00"]


def test_interest_that_staff_give_is_before_tax_and_what_they_take_after_it(plan: Plan) -> None:
    for kobo, gives in ((50_000, True), (10_000, False)):
        reference = references.new(Kind.INTEREST_CORRECTION)
        ledger.correct_interest(plan, gross_kobo=kobo, gives=gives, reference=reference, **people())
    statement = written(plan.user, "plan", plan=plan)
    assert columns(statement)[4:] == [
        ("Interest correction", "500.00", ""),
        ("Tax withheld", "", "50.00"),
        ("Interest correction", "-90.01", ""),
    ]
    proof = [f"{line['Kind']} {line['Description']}" for line in lines(statement, "proof")]
    assert sum("corrected by our staff" in line for line in proof) == 3
    assert proof[-1].endswith("This agrees with the account.")


@pytest.mark.parametrize("scope", ["plan", "stash", "everything"])
def test_the_sums_are_those_of_the_columns(plan: Plan, scope: str) -> None:
    statement = written(plan.user, scope, **({"plan": plan} if scope == "plan" else {}))
    interest, tax = (sum(float(row[at] or 0) for row in columns(statement)) for at in (1, 2))
    assert [float(sum_) for sum_ in foot(statement)] == pytest.approx([interest, tax, interest - tax])
