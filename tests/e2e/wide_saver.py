"""A saver with the widest possible names and amounts, which must not break a page."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import ledger, mails, plans
from savings.models import Circle, Product, User
from tests.autosaves import make_rule
from tests.cards import make_card
from tests.factories import join_circle, make_plan, make_product, make_user, pay_in, start_circle
from tests.payouts import ask, make_recipient
from tests.web.shelf import written

EMAIL = f"{'w' * 60}@example.com"
WORD = "W" * 60
NICKNAME = "M" * 30
MOST_KOBO = 999_999_999_999_99


def make() -> None:
    """Make the saver with a plan of each kind, two circles, bank accounts, and all that moves, if missing."""
    if User.objects.filter(email=EMAIL).exists():
        return
    saver = make_user(EMAIL, name=WORD)
    today = timezone.localdate()
    locked = make_product(Product.Kind.LOCKED, name="W" * 40, description=WORD, rate_bps=9_999)
    most = settings.PLAN_MAX_KOBO
    plan = make_plan(
        saver,
        locked,
        name=WORD,
        target_kobo=most,
        matures_on=today + datetime.timedelta(days=400),
        holding_kobo=most,
    )
    plans.close(make_plan(saver, locked, name=WORD[1:], target_kobo=most, matures_on=plan.matures_on))
    product = make_product(Product.Kind.FLEXIBLE, name="M" * 40, description=WORD)
    circle = start_circle(
        saver, product, name=WORD, goal_kobo=most, nickname=NICKNAME, joining=Circle.Joining.OPEN
    )
    pay_in(saver, most, plan=circle.memberships.get().plan)
    for letter in "NOPQRST":
        join_circle(circle, nickname=letter * 30, saved_kobo=most - ord(letter))
    start_circle(None, product, name=WORD[1:], goal_kobo=most, joining=Circle.Joining.OPEN, description=WORD)
    card = make_card(saver, name=WORD[:40], bank=WORD[:100])
    pay_in(saver, MOST_KOBO - 2 * most - ledger.balance_kobo(ledger.stash_account(saver)))
    assert ledger.balance_kobo(ledger.stash_account(saver)) == MOST_KOBO - 2 * most
    make_rule(plan, days=2, amount_kobo=settings.TOP_UP_MAX_KOBO, source="card", card=card)
    make_recipient(saver, bank_name=WORD, account_name=WORD)
    make_recipient(saver, bank_name=WORD, account_name=WORD, usable_at=timezone.now() + settings.PAYOUTS.wait)
    ask(saver, settings.PAYOUTS.max_kobo)
    written(saver, scope="plan", plan=plan)
    with transaction.atomic():
        mails.welcome(saver)
