"""Interest of a wanted amount, posted by the ledger."""

from __future__ import annotations

import datetime

import time_machine
from django.utils import timezone

from savings import ledger
from savings.models import InterestPosting, Product, User
from savings.models.plans import InterestPaid
from tests.factories import make_plan, make_product, make_user


def post_gross(gross_kobo: int, *, user: User | None = None, to_stash: bool = False) -> InterestPosting:
    """Post interest of an amount to a new plan, which began yesterday and earns 100 % a year."""
    with time_machine.travel(timezone.now() - datetime.timedelta(days=1), tick=False):
        product = make_product(Product.Kind.LOCKED, rate_bps=10_000, interest_paid=InterestPaid.AT_MATURITY)
        plan = make_plan(user or make_user(), product, holding_kobo=gross_kobo * 365)
    posting = ledger.post_interest(plan, until=timezone.localdate(), to_stash=to_stash)
    assert posting is not None
    assert posting.gross_kobo == gross_kobo
    return posting
