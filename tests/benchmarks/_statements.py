"""Loads plans with any number of entries in a few statements. PostgreSQL only."""

from __future__ import annotations

from django.db import connection

from savings import ledger
from savings.models import Account, Plan
from tests import factories

# Of ten rows, seven are card payments, one goes to the stash, one is interest and one its tax; so two are outgoing.
_TRANSACTIONS = """
INSERT INTO savings_transaction (reference, kind, status, amount_kobo, user_id, plan_id, created_on, settled_on,
    failure_code)
SELECT 'B' || lpad(%s || 'X' || n, 19, '0'),
    CASE n %% 10 WHEN 7 THEN 'plan_to_stash' WHEN 8 THEN 'interest' WHEN 9 THEN 'tax_withheld' ELSE 'top_up' END,
    'success', CASE WHEN n %% 10 < 7 THEN 10000 + n %% 977 ELSE 1000 + n %% 89 END, %s, %s,
    now() - (%s - n) * interval '90 seconds', now() - (%s - n) * interval '90 seconds', ''
FROM generate_series(0, %s - 1) n
"""
_ENTRIES = """
INSERT INTO savings_entry (transaction_id, code, debit_account_id, credit_account_id, amount_kobo,
    debit_balance_kobo, credit_balance_kobo, posted_at)
SELECT id, 'primary',
    CASE kind WHEN 'top_up' THEN %(clearing)s WHEN 'interest' THEN %(expense)s ELSE %(plan)s END,
    CASE kind WHEN 'plan_to_stash' THEN %(stash)s WHEN 'tax_withheld' THEN %(tax)s ELSE %(plan)s END,
    amount_kobo,
    CASE WHEN kind IN ('plan_to_stash', 'tax_withheld') THEN held END,
    CASE WHEN kind = 'plan_to_stash' THEN moved WHEN kind = 'tax_withheld' THEN NULL ELSE held END,
    settled_on
FROM (
    SELECT id, kind, amount_kobo, settled_on,
        sum(CASE WHEN kind IN ('plan_to_stash', 'tax_withheld') THEN -amount_kobo ELSE amount_kobo END)
            OVER inorder AS held,
        sum(CASE WHEN kind = 'plan_to_stash' THEN amount_kobo ELSE 0 END) OVER inorder AS moved
    FROM savings_transaction WHERE plan_id = %(plan_id)s WINDOW inorder AS (ORDER BY id)
) movements ORDER BY id
"""
_BALANCE = """
UPDATE savings_account SET balance_kobo = (
    SELECT coalesce(CASE WHEN debit_account_id = %(account)s THEN debit_balance_kobo ELSE credit_balance_kobo END, 0)
    FROM savings_entry WHERE debit_account_id = %(account)s OR credit_account_id = %(account)s ORDER BY id DESC LIMIT 1
) WHERE id = %(account)s
"""


def make(rows: int) -> Plan:
    """Return a plan with this many entries and correct balances."""
    plan = factories.make_plan()
    stash = ledger.stash_account(plan.user)
    kinds = Account.Kind
    accounts = {
        "plan_id": plan.pk,
        "plan": plan.account.pk,
        "stash": stash.pk,
        "clearing": ledger.house_account(kinds.CLEARING, "paystack").pk,
        "expense": ledger.house_account(kinds.INTEREST_EXPENSE).pk,
        "tax": ledger.house_account(kinds.TAX_PAYABLE).pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TRANSACTIONS, [plan.pk, plan.user_id, plan.pk, rows, rows, rows])
        cursor.execute(_ENTRIES, accounts)
        for account in (plan.account, stash):
            cursor.execute(_BALANCE, {"account": account.pk})
        cursor.execute("VACUUM ANALYZE")
    return plan
