"""Certificates of interest and tax: the year's postings by plan, less what was reversed and corrected."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterator

import pypdf
import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import ledger, references, statements
from savings.exceptions import Refused
from savings.models import InterestPosting, Plan, Statement, Transaction, User
from savings.statements import certificates, heads
from tests.factories import make_plan, make_product, make_user, pay_in
from tests.refunds import charge_back, people
from tests.statements import content, try_to_write

pytestmark = pytest.mark.django_db
Clock = time_machine.Traveller


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel("2025-11-11T12:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def plan(clock: Clock, saver: User) -> Plan:
    """A plan with interest posted in December, in January and in February."""
    plan = make_plan(saver, make_product(rate_bps=1000), name="Rent", holding_kobo=100_000_00)
    for month in ("2025-12-01", "2026-01-01", "2026-02-01"):
        post(clock, month, plan)
    return plan


def post(clock: Clock, day: str, *plans: Plan) -> None:
    clock.move_to(f"{day}T12:00:00Z")
    for plan in plans:
        ledger.post_interest(plan, until=datetime.date.fromisoformat(day))


def certificate(user: User, year: int = 2026, file_format: str = "csv") -> Statement:
    statement = try_to_write(statements.request_certificate(user, year=year, format=file_format))
    assert statement.state == Statement.State.READY
    return statement


def lines(statement: Statement) -> list[list[str]]:
    text = content(statement).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def total(statement: Statement) -> tuple[int, int]:
    """Return the interest before tax and the tax, in kobo."""
    [row] = [line for line in lines(statement) if line[0] == "total"]
    return round(float(row[4]) * 100), round(float(row[5]) * 100)


def posted(user: User, *days: datetime.date) -> tuple[int, int]:
    postings = [
        one
        for one in InterestPosting.objects.filter(account__user=user)
        if timezone.localdate(one.posted_at) in days
    ]
    return sum(one.gross_kobo for one in postings), sum(one.tax_kobo for one in postings)


IN_2026 = (datetime.date(2026, 1, 1), datetime.date(2026, 2, 1))


def test_it_is_the_sum_of_the_postings_of_the_year(plan: Plan) -> None:
    statement = certificate(plan.user)
    gross, tax = posted(plan.user, *IN_2026)
    assert total(statement) == (gross, tax)
    assert statement.closing_kobo == gross - tax
    assert lines(statement)[2][:4] == ["plan", "Rent", plan.reference, "Interest 10% a year"]
    assert total(certificate(plan.user, 2025)) == posted(plan.user, datetime.date(2025, 12, 1))


def test_a_year_ends_at_local_midnight(clock: Clock, saver: User) -> None:
    plan = make_plan(saver, make_product(rate_bps=1000), holding_kobo=100_000_00)
    # Half past midnight in Lagos.
    clock.move_to("2025-12-31T23:30:00Z")
    ledger.post_interest(plan, until=datetime.date(2026, 1, 1))
    assert statements.certificate_years(saver) == [2026]
    assert total(certificate(saver)) == posted(saver, datetime.date(2026, 1, 1))


def test_reversed_interest_counts_in_the_year_of_the_reversal(plan: Plan) -> None:
    december = InterestPosting.objects.earliest("period_end")
    assert december.interest is not None
    ledger.reverse(december.interest, reference=references.new(Transaction.Kind.REVERSAL))
    gross, tax = posted(plan.user, *IN_2026)
    assert total(certificate(plan.user)) == (gross - december.gross_kobo, tax - december.tax_kobo)


def test_interest_taken_back_is_subtracted_with_its_tax(clock: Clock, saver: User) -> None:
    plan = make_plan(saver, make_product(rate_bps=1000))
    paid = pay_in(saver, 100_000_00, plan=plan)
    post(clock, "2026-01-01", plan)
    charge_back(paid, 100_000_00)
    assert total(certificate(saver)) == (0, 0)


def test_what_staff_correct_counts_in_the_year_of_the_correction(clock: Clock, plan: Plan) -> None:
    clock.move_to("2027-03-05T12:00:00Z")
    for kobo, gives in ((50_000, True), (10_000, False)):
        ledger.correct_interest(
            plan,
            gross_kobo=kobo,
            gives=gives,
            reference=references.new(Transaction.Kind.INTEREST_CORRECTION),
            **people(),
        )
    assert statements.certificate_years(plan.user) == [2027, 2026, 2025]
    assert total(certificate(plan.user, 2027)) == (40_000, 4_001)
    assert total(certificate(plan.user)) == posted(plan.user, *IN_2026)


def test_other_savers_are_not_in_it(clock: Clock, plan: Plan) -> None:
    other = make_plan(make_user(), make_product(rate_bps=1000), name="Other", holding_kobo=100_000_00)
    post(clock, "2026-03-01", plan, other)
    names = [line[1] for line in lines(certificate(plan.user)) if line[0] == "plan"]
    assert names == ["Rent"]


def test_a_year_that_is_not_over_says_up_to_which_day(plan: Plan) -> None:
    assert "Interest and tax of 2026, up to 1 February 2026" in lines(certificate(plan.user))[1][3]
    assert "up to" not in lines(certificate(plan.user, 2025))[1][3]


def test_the_rates_of_the_year_are_named(clock: Clock, plan: Plan) -> None:
    ledger.change_rate(plan.account, 500)
    post(clock, "2026-03-01", plan)
    statement = certificate(plan.user)
    assert lines(statement)[2][3] == "Interest 5%, 10% a year"
    assert "Tax 10%" in [line[3] for line in lines(statement)]


def test_a_pdf_has_the_holder_the_sums_and_the_code(plan: Plan) -> None:
    statement = certificate(plan.user, file_format="pdf")
    pages = pypdf.PdfReader(io.BytesIO(content(statement))).pages
    text = " ".join("".join(page.extract_text() for page in pages).replace("\xa0", " ").split())
    gross, tax = posted(plan.user, *IN_2026)
    for words in (
        plan.user.email,
        "Interest and tax of 2026, up to 1 February 2026",
        "Rent",
        f"₦{gross / 100:,.2f}",
        f"₦{tax / 100:,.2f}",
        f"₦{(gross - tax) / 100:,.2f}",
        "The rate of tax: 10%.",
        statement.code[:4],
    ):
        assert words in text


def test_it_is_verified_by_the_interest_after_tax(plan: Plan) -> None:
    statement = certificate(plan.user)
    gross, tax = posted(plan.user, *IN_2026)
    assert statements.verify(statement.code, gross - tax) is not None


def test_a_year_without_interest_is_refused(plan: Plan) -> None:
    assert statements.certificate_years(plan.user) == [2026, 2025]
    with pytest.raises(Refused, match="No interest was posted in 2024"):
        statements.request_certificate(plan.user, year=2024, format="pdf")
    with pytest.raises(Refused, match="a PDF or a CSV"):
        statements.request_certificate(plan.user, year=2026, format="xlsx")


def test_a_statement_of_the_same_days_is_no_duplicate(plan: Plan) -> None:
    made = statements.request_certificate(plan.user, year=2026, format="pdf")
    assert statements.request_certificate(plan.user, year=2026, format="pdf") == made
    usual = statements.request(
        plan.user, scope="everything", since=made.since, until=made.until, format="pdf"
    )
    assert usual != made
    assert not usual.is_certificate


def test_asking_again_makes_a_certificate_up_to_today(clock: Clock, plan: Plan) -> None:
    first = certificate(plan.user)
    clock.shift(datetime.timedelta(days=9))
    again = statements.ask_again(first)
    assert (again.is_certificate, again.until) == (True, first.until + datetime.timedelta(days=9))


def test_many_plans_take_the_queries_of_one(
    clock: Clock, plan: Plan, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def read() -> int:
        statement = Statement.objects.select_related("user").latest("id")
        with django_assert_num_queries(5):
            return len(certificates.certificate_of(statement).lines)

    certificate(plan.user)
    assert read() == 1
    more = [make_plan(plan.user, make_product(), holding_kobo=50_000_00) for _ in range(3)]
    post(clock, "2026-03-01", plan, *more)
    certificate(plan.user, file_format="pdf")
    assert read() == 4


def test_it_names_the_tax_number_of_the_operator(settings: Settings, saver: User) -> None:
    statement = Statement(user=saver, is_certificate=True)
    settings.OPERATOR = settings.OPERATOR._replace(tax_id="12345678-0001")
    assert ("Tax withheld by", "12345678-0001") in heads.certified(statement)
    settings.OPERATOR = settings.OPERATOR._replace(tax_id="")
    assert [label for label, _ in heads.certified(statement)] == ["Email"]
