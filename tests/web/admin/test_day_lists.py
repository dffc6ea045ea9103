"""The lists of days: one row for each day, with a column for each thing."""

from __future__ import annotations

import datetime
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice
from savings.models import BalanceDay, MoneyDay, Product
from tests.factories import make_product
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in
from web.admin.exports import read_list

pytestmark = pytest.mark.django_db
URL = "admin:savings_balanceday_changelist"


@pytest.fixture
def auditor(db: None) -> Client:
    return sign_in(make_staff("Auditor"))


def store_day(product: Product, days_ago: int = 1) -> BalanceDay:
    day = timezone.localdate() - datetime.timedelta(days=days_ago)
    BalanceDay.objects.create(day_on=day, product=product, accounts=2, balance_kobo=5_000_00)
    return BalanceDay.objects.create(day_on=day, product=None, accounts=1, balance_kobo=1_000_00)


def rows(client: Client) -> list[str]:
    table = client.get(reverse(URL)).text.partition('id="result_list"')[2].partition("</table>")[0]
    return re.findall("<tr>.*?</tr>", table, re.DOTALL)


def test_a_day_of_balances_is_one_row_with_the_stashes_and_each_product(auditor: Client) -> None:
    store_day(make_product(name="Rent"))
    head, row = rows(auditor)
    assert "Rent" in head
    for amount in ("₦6,000.00", "₦1,000.00", "₦5,000.00"):
        assert row.count(f">{amount}<") == 1


def test_a_product_without_money_has_no_column(auditor: Client) -> None:
    store_day(make_product(name="Rent"))
    make_product(name="School")
    assert "School" not in rows(auditor)[0]


def test_many_days_cost_the_queries_of_one(auditor: Client) -> None:
    product = make_product()
    store_day(product)
    with CaptureQueriesContext(connection) as one:
        assert len(rows(auditor)) == 2
    for days_ago in range(2, 8):
        store_day(product, days_ago)
    with CaptureQueriesContext(connection) as many:
        assert len(rows(auditor)) == 8
    assert len(one) == len(many)


def test_the_page_of_a_day_has_each_product_with_its_accounts(auditor: Client) -> None:
    day = store_day(make_product(name="Rent"))
    text = auditor.get(reverse("admin:savings_balanceday_change", args=[day.pk])).text
    assert "Balances at the end of" in text
    assert re.search(r"Rent</th><td[^>]*>2</td><td[^>]*>₦5,000.00<", text)
    assert text.count("₦1,000.00") == 1


def test_the_page_of_a_day_reads_its_products_once(auditor: Client) -> None:
    day = store_day(make_product())
    with CaptureQueriesContext(connection) as queries:
        auditor.get(reverse("admin:savings_balanceday_change", args=[day.pk]))
    read = [query["sql"] for query in queries if '"product_id" IS NOT NULL' in query["sql"]]
    assert len(read) == 1


def test_an_export_has_the_same_columns() -> None:
    store_day(make_product(name="Rent"))
    export = backoffice.request_export("savings.balanceday", {}, by=make_staff("Auditor"))
    head, row = read_list(export)
    assert head[-1] == "Rent"
    assert row[1:] == ["₦6,000.00", "₦1,000.00", "₦5,000.00"]


def test_a_day_of_money_says_how_its_payments_ended(auditor: Client) -> None:
    MoneyDay.objects.create(
        day_on=timezone.localdate(),
        counted_at=timezone.now(),
        in_kobo=5_000_00,
        out_kobo=2_000_00,
        payments_paid=3,
        payments_failed=1,
    )
    text = auditor.get(reverse("admin:savings_moneyday_changelist")).text
    assert "3 paid, 1 failed" in text
    assert "₦3,000.00" in text
