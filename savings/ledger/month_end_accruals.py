"""Interest that is earned and not posted at the end of a month: an expense of that month, taken back in the next.

Without it the interest of a month would be an expense of the month in which it is posted, and a plan that pays at
maturity would cost nothing until then. Each product has a transaction of its own. A person has no part in it.
"""

from __future__ import annotations

import datetime

from django.db import connection
from django.db.transaction import atomic
from django.utils import timezone

from savings import money
from savings.ledger.accounts import house_account
from savings.ledger.dialect import FUNCTIONS
from savings.ledger.transactions import open_transaction, settle
from savings.ledger.treasury import lock_treasury
from savings.models import Account, Entry, Transaction
from savings.models.ledger import derived_reference
from savings.models.local_days import end_of, start_of

_Kind = Account.Kind
# The accrual is posted in the last minutes of a month, so that it is in the sums of that month.
_LAST_MINUTES = datetime.timedelta(minutes=15)
# By product, in whole kobo for each plan, for the days before `tomorrow`, as `coverage` has it for all products.
_SUMS = """
SELECT product_id, SUM(kobo) FROM (
    SELECT p.product_id, (a.accrued_numerator + a.balance_kobo * a.rate_bps
        * {greatest}(0, {least}(%(tomorrow)s, a.accrues_until) - a.accrued_to)) / {per_kobo} AS kobo
    FROM savings_account a JOIN savings_plan p ON p.id = a.plan_id
) earned
GROUP BY product_id HAVING SUM(kobo) > 0 ORDER BY product_id
"""


def accrue_month_end(now: datetime.datetime) -> int:
    """Post the interest that each product's plans have earned, in the last minutes of a month; return how many.

    Once per month and product: a second run changes nothing. Without a worker in these minutes a month has no accrual.
    """
    today = timezone.localdate(now)
    tomorrow = today + datetime.timedelta(days=1)
    if tomorrow.day != 1 or end_of(today) - now > _LAST_MINUTES:
        return 0
    expense, payable = house_account(_Kind.INTEREST_EXPENSE), house_account(_Kind.INTEREST_PAYABLE)
    with atomic():
        lock_treasury()
        due = {_reference(f"{today:%Y-%m}:{product}"): kobo for product, kobo in _earned(tomorrow).items()}
        return _post_new(due, debit=expense, credit=payable)


def take_accruals_back(now: datetime.datetime) -> int:
    """Post the opposite of the accruals of earlier months, and return how many were new. Late is as good as in time."""
    payable, expense = house_account(_Kind.INTEREST_PAYABLE), house_account(_Kind.INTEREST_EXPENSE)
    this_month = start_of(timezone.localdate(now).replace(day=1))
    accrued = Entry.objects.filter(credit_account=payable, posted_at__lt=this_month)
    rows = accrued.values_list("transaction__reference", "amount_kobo").order_by("id")
    due = {_reference(f"back:{reference}"): kobo for reference, kobo in rows}
    # Usually there is nothing to do, and then no treasury posting has to wait.
    if not _not_posted(due):
        return 0
    with atomic():
        lock_treasury()
        return _post_new(due, debit=payable, credit=expense)


def _earned(tomorrow: datetime.date) -> dict[int, int]:
    """Return the kobo earned and not posted by product id."""
    statement = _SUMS.format(per_kobo=money.INTEREST_DENOMINATOR, **FUNCTIONS[connection.vendor])
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tomorrow": tomorrow.toordinal()})
        return {product_id: int(kobo) for product_id, kobo in cursor.fetchall()}


def _post_new(due: dict[str, int], *, debit: Account, credit: Account) -> int:
    """Post the amounts whose references are not posted yet, in one commit; return how many."""
    new = _not_posted(due)
    for reference, kobo in new.items():
        movement, _ = open_transaction(
            reference=reference, kind=Transaction.Kind.TREASURY, user=None, amount_kobo=kobo
        )
        settle(movement, debit=debit, credit=credit)
    return len(new)


def _not_posted(due: dict[str, int]) -> dict[str, int]:
    known = set(Transaction.objects.filter(reference__in=due).values_list("reference", flat=True))
    return {reference: kobo for reference, kobo in due.items() if reference not in known}


def _reference(name: str) -> str:
    return derived_reference(Transaction.Kind.TREASURY, f"accrual:{name}")
