"""The trial balance: every account on its normal side, sums that agree, and one query."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import Traveller

from savings import ledger
from savings.exceptions import Refused
from savings.ledger.reports import Line
from savings.models import Account, Product
from tests.factories import make_plan, make_product, make_user, pay_in, settled

pytestmark = pytest.mark.django_db

Kind = Account.Kind
JANUARY, FEBRUARY = datetime.date(2026, 1, 1), datetime.date(2026, 2, 1)


@pytest.fixture
def clock() -> Iterator[Traveller]:
    """Noon of 10 January 2026, Nigerian time."""
    with time_machine.travel("2026-01-10T11:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def books(clock: Traveller) -> Product:
    """Two plans of one product and one of another, a stash, interest and tax: some in January, some in February."""
    product = make_product(name="Flexible")
    user = make_user()
    plan = make_plan(user, product, holding_kobo=1_000)
    make_plan(user, product, holding_kobo=500)
    make_plan(make_user(), make_product(name="Rent"), holding_kobo=40)
    clock.move_to("2026-02-10T11:00:00Z")
    pay_in(user, 70)
    settled("plan_to_stash", 100, debit=plan.account, credit=ledger.stash_account(user), user=user, plan=plan)
    expense, payable = ledger.house_account(Kind.INTEREST_EXPENSE), ledger.house_account(Kind.TAX_PAYABLE)
    settled("interest", 20, debit=expense, credit=plan.account, user=user, plan=plan)
    settled("tax_withheld", 2, debit=plan.account, credit=payable, user=user, plan=plan)
    return product


def test_lines_are_grouped_and_positive_on_their_normal_side(books: Product) -> None:
    lines = ledger.trial_balance(FEBRUARY).lines
    figures = [
        (one.name, one.opening_kobo, one.debits_kobo, one.credits_kobo, one.closing_kobo) for one in lines
    ]
    assert figures == [
        ("Stash", 0, 0, 170, 170),
        ("Plan (Flexible)", 1_500, 102, 20, 1_418),
        ("Plan (Rent)", 40, 0, 0, 40),
        ("Clearing (paystack)", 1_540, 70, 0, 1_610),
        ("Tax payable", 0, 0, 2, 2),
        ("Interest expense", 0, 20, 0, 20),
    ]
    assert lines[1].key == f"plan {books.pk}"


def test_debits_equal_credits_and_balances_add_up(books: Product) -> None:
    balance = ledger.trial_balance(FEBRUARY)
    assert (balance.debits_kobo, balance.credits_kobo) == (192, 192)
    assert (balance.debit_balances_kobo, balance.credit_balances_kobo) == (1_630, 1_630)
    assert balance.is_balanced


def test_a_month_opens_with_the_closing_balances_of_the_month_before(books: Product) -> None:
    def closing(line: Line) -> tuple[str, int]:
        return line.key, line.closing_kobo

    before = dict(map(closing, ledger.trial_balance(JANUARY).lines))
    opening = {line.key: line.opening_kobo for line in ledger.trial_balance(FEBRUARY).lines}
    assert {key: kobo for key, kobo in opening.items() if kobo} == before
    closed = ledger.close_month(JANUARY)
    assert {key: stored for key, *_, stored in closed.lines} == before


def test_entries_are_read_in_one_query(books: Product) -> None:
    with CaptureQueriesContext(connection) as queries:
        ledger.trial_balance(FEBRUARY)
    assert [query["sql"] for query in queries if "savings_entry" in query["sql"]] == [queries[0]["sql"]]
    assert len(queries) == 2


def test_a_month_before_the_first_entry_is_empty(books: Product) -> None:
    balance = ledger.trial_balance(datetime.date(2025, 12, 1))
    assert (balance.lines, balance.last_entry_id, balance.is_balanced) == ([], 0, True)


def test_a_month_is_named_by_its_first_day() -> None:
    with pytest.raises(Refused):
        ledger.trial_balance(datetime.date(2026, 1, 2))


def test_the_command_prints_naira(books: Product, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("report", "trial-balance", month="2026-02")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("Trial balance of February 2026, up to entry ")
    assert [line.split() for line in printed if line.startswith("Plan (Flexible)")] == [
        ["Plan", "(Flexible)", "15.00", "1.02", "0.20", "14.18"]
    ]
    assert printed[-1].split() == ["Credit", "balances", "16.30"]


def test_the_command_writes_csv(books: Product, tmp_path: Path) -> None:
    path = tmp_path / "balance.csv"
    call_command("report", "trial-balance", month="2026-02", csv=path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Account", "Opening", "Debits", "Credits", "Closing"]
    assert rows[1] == ["Stash", "0.00", "0.00", "1.70", "1.70"]
    assert rows[-3:] == [
        ["Debits and credits", "", "1.92", "1.92", ""],
        ["Debit balances", "", "", "", "16.30"],
        ["Credit balances", "", "", "", "16.30"],
    ]


def test_the_command_reports_this_month_unless_told(
    books: Product, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("report", "trial-balance")
    assert f"Trial balance of {timezone.localdate():%B %Y}" in capsys.readouterr().out
    with pytest.raises(CommandError, match="not a month"):
        call_command("report", "trial-balance", month="2026-13")
