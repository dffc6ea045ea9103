"""The page of the interest that all plans were paid: by month and plan, with the sums of a year."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import ledger, references, statements
from savings.models import Entry, Plan, Transaction, User
from savings.statements.certificates import certificate_of
from tests.factories import fill, make_plan, make_product, make_user

pytestmark = pytest.mark.django_db
Clock = time_machine.Traveller
URL = "/plans/interest/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Clock]:
    with time_machine.travel("2025-11-11T12:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def plans(saver: User) -> list[Plan]:
    product = make_product(rate_bps=1000)
    return [
        make_plan(saver, product, name="Rent", holding_kobo=100_000_00),
        make_plan(saver, product, name="School", holding_kobo=50_000_00),
    ]


@pytest.fixture
def _without_cached_pages(settings: Settings) -> None:
    settings.KEEPS_PAGES = False


def post(clock: Clock, day: str, plans: list[Plan]) -> None:
    clock.move_to(f"{day}T12:00:00Z")
    for plan in plans:
        ledger.post_interest(plan, until=datetime.date.fromisoformat(day))


def opened(client: Client, user: User) -> Client:
    # The session of an earlier day may have ended.
    client.force_login(user)
    return client


def test_each_month_has_a_sum_per_plan_and_the_year_its_totals(
    client: Client, saver: User, plans: list[Plan], clock: Clock
) -> None:
    for day in ("2025-12-01", "2026-01-01", "2026-02-01"):
        post(clock, day, plans)
    # Another user's interest is not there.
    post(clock, "2026-03-01", [make_plan(make_user(), plans[0].product, holding_kobo=70_000_00)])
    page = opened(client, saver).get(URL)
    february, january = page.context["months"]
    assert [month.name for month in (february, january)] == ["February 2026", "January 2026"]
    assert [(one.plan_name, one.gross_kobo, one.tax_kobo) for one in january.plans] == [
        ("Rent", 853_50, 85_35),
        ("School", 426_75, 42_68),
    ]
    assert january.sums == (1_280_25, 128_03)
    sums = page.context["sums"]
    assert sums == tuple(map(sum, zip(january.sums, february.sums, strict=True)))
    for text in ("Interest paid in 2026, after tax", "₦1,280.25", "−\N{NARROW NO-BREAK SPACE}₦85.35"):
        assert text in page.text
    for plan in plans:
        assert f'href="/plans/{plan.pk}/interest/"' in page.text
    # The sums are those of the certificate.
    requested = statements.request_certificate(saver, year=2026, format="csv")
    requested.cutoff_entry_id = Entry.objects.latest("id").pk
    certificate = certificate_of(requested)
    assert sums.gross_kobo == sum(line.gross_kobo for line in certificate.lines)
    assert sums.tax_kobo == sum(line.tax_kobo for line in certificate.lines)


def test_the_page_is_about_one_year_and_leads_to_the_next_ones(
    client: Client, saver: User, plans: list[Plan], clock: Clock
) -> None:
    post(clock, "2025-12-01", plans)
    post(clock, "2027-01-01", plans)
    last = opened(client, saver).get(URL)
    assert (last.context["year"], last.context["older"], last.context["newer"]) == ("2027", "2025", "")
    assert 'href="?year=2025"' in last.text
    first = client.get(URL, {"year": "2025"})
    assert (first.context["year"], first.context["older"], first.context["newer"]) == ("2025", "", "2027")
    between = client.get(URL, {"year": "2026"})
    assert "No interest was paid in 2026." in between.text
    assert (between.context["older"], between.context["newer"]) == ("2025", "2027")
    assert client.get(URL, {"year": "x"}).context["year"] == "2027"


def test_a_long_year_lists_the_plans_of_one_month(client: Client, saver: User, clock: Clock) -> None:
    product = make_product(rate_bps=1000)
    plans = [make_plan(saver, product, holding_kobo=100_000_00) for _ in range(21)]
    for day in ("2025-12-01", "2026-01-01", "2026-02-01"):
        post(clock, day, plans)
    page = opened(client, saver).get(URL, {"year": "2026"})
    assert [len(month.plans) for month in page.context["months"]] == [21, 0]
    assert 'href="?year=2026&amp;month=1"' in page.text
    january = client.get(URL, {"year": "2026", "month": "1"})
    assert [len(month.plans) for month in january.context["months"]] == [0, 21]
    assert january.context["sums"] == page.context["sums"]
    assert january.text.count("</details>") == page.text.count("</details>")
    # A month without interest, and what is none.
    for month in ("7", "x", "-1"):
        assert client.get(URL, {"year": "2026", "month": month}).context["months"] == page.context["months"]


def test_interest_that_was_reversed_is_taken_off(
    client: Client, saver: User, plans: list[Plan], clock: Clock
) -> None:
    post(clock, "2026-01-01", plans)
    ledger.reverse(
        Transaction.objects.get(kind="interest", plan=plans[0]),
        reference=references.mint("REV"),
    )
    page = opened(client, saver).get(URL)
    [month] = page.context["months"]
    assert month.plans[0][2:] == ("Rent", 0, 0)


def test_a_newcomer_learns_when_interest_comes(saver_client: Client, saver: User) -> None:
    page = saver_client.get(URL)
    assert "No interest paid yet" in page.text
    assert "on the 1st of each month" in page.text
    # Nothing leads here before there is a plan.
    assert URL not in saver_client.get("/plans/").text
    assert URL not in saver_client.get("/transactions/").text
    make_plan(saver, holding_kobo=100_00)
    assert f'href="{URL}"' in saver_client.get("/plans/").text
    assert f'href="{URL}"' in saver_client.get("/transactions/").text


@pytest.mark.usefixtures("_without_cached_pages")
def test_the_page_costs_the_same_for_one_row_and_for_many(
    client: Client,
    saver: User,
    plans: list[Plan],
    clock: Clock,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    post(clock, "2025-12-01", plans[:1])
    opened(client, saver).get(URL)
    with django_assert_num_queries(3):
        client.get(URL)
    more = [make_plan(saver, plans[0].product, holding_kobo=10_000_00) for _ in range(10)]
    fill(saver, 300, plan=plans[0])
    for day in ("2026-01-01", "2026-02-01", "2026-03-01"):
        post(clock, day, [*plans, *more])
    opened(client, saver).get(URL)
    with django_assert_num_queries(3):
        page = client.get(URL)
    assert sum(len(month.plans) for month in page.context["months"]) == 36


def test_the_page_is_cached_until_interest_is_posted(
    client: Client,
    saver: User,
    plans: list[Plan],
    clock: Clock,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    post(clock, "2025-12-01", plans[:1])
    assert "School" not in opened(client, saver).get(URL).text
    with django_assert_num_queries(1):
        client.get(URL)
    post(clock, "2025-12-01", plans)
    assert "School" in client.get(URL).text
