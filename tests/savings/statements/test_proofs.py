"""The interest proofs of a statement: each plan that had money, for the days of the period."""

from __future__ import annotations

import csv
import datetime
import io

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from savings import ledger
from savings.models import User
from savings.models.statements import Scope
from savings.statements.proofs import proofs_of
from savings.statements.spans import newest_entry, span_of
from savings.statements.subjects import subject_of
from tests.factories import make_plan, make_product, make_user, pay_in
from tests.statements import content, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("statements_folder")]


@pytest.fixture
def user(clock: time_machine.Traveller) -> User:
    """A saver whose plan began on 10 October and whose interest was posted on 1 November. It is 24 November."""
    now = timezone.now()
    clock.move_to("2026-10-10T12:00:00Z")
    user = make_user()
    plan = make_plan(user, make_product(rate_bps=1000), name="Rent", holding_kobo=100_000_00)
    make_plan(user, make_product(), name="Empty")
    pay_in(user, 50_00)
    clock.move_to("2026-11-01T08:00:00Z")
    ledger.post_interest(plan, until=timezone.localdate())
    clock.move_to(now)
    return user


def proof_lines(user: User, scope: str, since: datetime.date, until: datetime.date) -> list[dict[str, str]]:
    data = content(written(user, scope, since=since, until=until))
    lines = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    return [line for line in lines if line["Line"] == "proof"]


def test_a_statement_proves_the_days_of_its_period(user: User) -> None:
    lines = proof_lines(user, "everything", datetime.date(2026, 10, 1), datetime.date(2026, 10, 31))
    assert [line["Date"] for line in lines] == ["2026-10-10", "2026-11-01", ""]
    assert lines[0]["Description"].startswith("Rent. To 2026-10-31: 22 days at 10%")
    assert (lines[1]["Money in (NGN)"], lines[1]["Money out (NGN)"]) == ("602.73", "60.27")
    assert lines[2]["Description"].endswith("This agrees with the account.")


def test_a_later_period_has_later_days(user: User) -> None:
    lines = proof_lines(user, "everything", datetime.date(2026, 11, 1), datetime.date(2026, 11, 10))
    assert [line["Date"] for line in lines] == ["2026-11-01", ""]
    assert lines[0]["Balance (NGN)"] == "100542.46"


def test_plans_are_proven_one_after_the_other(user: User) -> None:
    for number in range(3):
        make_plan(user, make_product(rate_bps=1000), name=f"Plan {number}", holding_kobo=1_000_00)
    subject = subject_of(user, Scope.EVERYTHING)
    since, until = datetime.date(2026, 11, 1), datetime.date(2026, 11, 24)
    span = span_of(subject, since=since, until=until, cutoff=newest_entry())
    found = proofs_of(subject, span)
    with CaptureQueriesContext(connection) as captured:
        assert next(found).plan == "Rent"
    assert len(captured) == 5


def test_a_plan_adds_the_queries_of_its_proof_and_no_others(
    clock: time_machine.Traveller, user: User
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            written(user, "everything", since=datetime.date(2026, 10, 1), until=timezone.localdate())
        return len(captured)

    few = queries()
    for number in range(3):
        plan = make_plan(user, make_product(rate_bps=1000), name=f"Plan {number}")
        for _ in range(4):
            pay_in(user, 1_000_00, plan=plan)
    # The same request within a minute would be answered with the first statement.
    clock.shift(datetime.timedelta(minutes=2))
    assert queries() - few == 3 * 5


def test_the_stash_has_no_proof(user: User) -> None:
    assert proof_lines(user, "stash", datetime.date(2026, 10, 1), datetime.date(2026, 11, 10)) == []


@pytest.mark.parametrize("file_format", ["xlsx", "pdf"])
def test_every_format_holds_it(user: User, file_format: str) -> None:
    since, until = datetime.date(2026, 10, 1), datetime.date(2026, 11, 10)
    assert content(written(user, "everything", since=since, until=until, format=file_format))
