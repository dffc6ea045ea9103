"""Withdrawals in tests: a saver with money and a bank account, and asking as the pages do."""

from __future__ import annotations

import itertools
from typing import Any

from django.utils import timezone

from savings import ledger, payments
from savings.models import Account, Payout, Recipient, User
from tests.factories import fund_balance, make_user, pay_in
from web.simulator import money

SESSION = "the-session"
_numbers = itertools.count(1)


def make_recipient(user: User, **fields: Any) -> Recipient:
    """Return a bank account of a user that can be used at once."""
    # The last three digits from 900 on stand for an outcome that is not success; see `ENDINGS` of the simulator.
    thousands, rest = divmod(next(_numbers), 900)
    number = f"{thousands:07}{rest:03}"
    usual: dict[str, Any] = {
        "code": f"RCP_058{number}",
        "bank_code": "058",
        "bank_name": "Guaranty Trust Bank",
        "account_number": number,
        "account_name": "ADA OBI",
        "usable_at": timezone.now(),
        "is_default": not user.recipients.current().exists(),
    }
    return Recipient.objects.create(user=user, **usual | fields)


def make_saver(stash_kobo: int = 100_000_00) -> User:
    """Return a saver with money in the stash and a bank account."""
    user = make_user()
    pay_in(user, stash_kobo)
    make_recipient(user)
    return user


def ask(user: User, amount_kobo: int | None = 50_000_00, recipient: Recipient | None = None) -> Payout:
    """Return a payout that a user has asked for and confirmed."""
    recipient = recipient or user.recipients.current()[0]
    quote = payments.quote_payout(user, recipient, amount_kobo)
    return payments.request_payout(user, payments.sign_payout(user, quote, session=SESSION), session=SESSION)


def held(user: User) -> tuple[int, int]:
    """Return the balances of the stash and of the hold, in kobo."""
    return ledger.balance_kobo(ledger.stash_account(user)), ledger.balance_kobo(ledger.hold_account(user))


def fund(amount_kobo: int) -> None:
    """Top the balance up to an amount (kobo), at the simulated provider and in the books."""
    fund_balance(amount_kobo)
    missing = at_provider_kobo() - money.balance(money.BALANCE)
    money.post(money.BALANCE, missing, reason="Top-up", model="Test", row=next(_numbers), currency="NGN")


def at_provider_kobo() -> int:
    """Return the provider balance as the books have it."""
    return ledger.balance_kobo(ledger.house_account(Account.Kind.PROVIDER_BALANCE, "paystack"))
