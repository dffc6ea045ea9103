"""Loads any number of transactions in a few statements, 500 of them one user's. PostgreSQL only."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils import timezone

from savings import ledger
from savings.models import Account, Plan, User
from tests import factories

PEOPLE = 1_000
# The transactions of the measured user, whatever the size of the crowd.
OWN = 500
_PEOPLE = """
INSERT INTO savings_user (email, name, password, is_superuser, is_staff, is_active, date_joined, theme, version
    {columns})
SELECT 'crowd' || n || '@example.com', 'Saver ' || n, '!', false, false, true, now(), '', 0 {values}
FROM generate_series(1, %(people)s) n
"""
_PLANS = """
INSERT INTO savings_plan (reference, user_id, product_id, name, rate_bps, early_exit, penalty_bps, notice_hours,
    interest_paid, at_maturity, started_on, created_at)
SELECT 'C' || lpad(id::text, 19, '0'), id, %(product)s, 'Rainy day', 0, 'free', 0, 0, 'monthly', 'stash', %(day)s, now()
FROM savings_user WHERE email LIKE 'crowd%%'
"""
_ACCOUNTS = """
INSERT INTO savings_account (kind, user_id, plan_id, provider, balance_kobo, rate_bps, accrued_numerator, accrued_to,
    accrues_until)
SELECT 'plan', user_id, id, '', 100000000, 0, 0, %(today)s, %(today)s FROM savings_plan WHERE name = 'Rainy day'
"""
# In order of time, as in production; the measured user has one in every so many.
_TRANSACTIONS = """
WITH crowd AS (SELECT array_agg(id ORDER BY id) AS plans, array_agg(user_id ORDER BY id) AS people
    FROM savings_plan WHERE name = 'Rainy day')
INSERT INTO savings_transaction (reference, kind, status, amount_kobo, user_id, plan_id, created_on, settled_on,
    failure_code)
SELECT 'TOP' || lpad(upper(to_hex(n)), 17, '0'), 'top_up', 'success', 100 + n %% 5000,
    CASE WHEN n %% %(every)s = 0 THEN %(me)s ELSE people[1 + n %% %(people)s] END,
    CASE WHEN n %% %(every)s = 0 THEN %(plan)s ELSE plans[1 + n %% %(people)s] END,
    moment, moment, ''
FROM crowd, generate_series(1, %(rows)s) n,
    LATERAL (SELECT now() - (%(rows)s - n) * (interval '360 days' / %(rows)s) AS moment) at
"""
_ENTRIES = """
INSERT INTO savings_entry (transaction_id, code, debit_account_id, credit_account_id, amount_kobo, credit_balance_kobo,
    posted_at)
SELECT t.id, 'primary', %(clearing)s, a.id, t.amount_kobo, t.amount_kobo, t.settled_on
FROM savings_transaction t JOIN savings_account a ON a.plan_id = t.plan_id ORDER BY t.id
"""


def make(rows: int) -> User:
    """Load this many card payments of a crowd, and return the user who has 500 of them."""
    product = factories.make_product()
    me = factories.make_user()
    plan = factories.make_plan(me, product, name="Rent", holding_kobo=1_000_000_00)
    today = timezone.localdate()
    columns = _switches()
    values: dict[str, Any] = {
        "people": PEOPLE,
        "product": product.pk,
        "day": today,
        "today": today.toordinal(),
        "every": rows // OWN,
        "me": me.pk,
        "plan": plan.pk,
        "rows": rows,
        "clearing": ledger.house_account(Account.Kind.CLEARING, "paystack").pk,
    }
    people = _PEOPLE.format(
        columns="".join(f", {name}" for name in columns),
        values="".join(f", {value}" for value in columns.values()),
    )
    with connection.cursor() as cursor:
        # Skip foreign key checks: the references are correct, and checking millions takes minutes.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM savings_entry")
        cursor.execute("DELETE FROM savings_transaction")
        for statement in (people, _PLANS, _ACCOUNTS, _TRANSACTIONS, _ENTRIES):
            cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
    Plan.objects.filter(pk=plan.pk).update(started_on=today.replace(year=today.year - 1))
    return me


def _switches() -> dict[str, str]:
    """Return the boolean columns of users with their defaults."""
    columns = {field.column or "": field for field in User._meta.local_fields}
    return {
        name: str(field.get_default()).lower() for name, field in columns.items() if name.startswith("wants_")
    }
