"""Members of staff in their roles, and a payment that waits for a person."""

from __future__ import annotations

import importlib

import pytest
from django.contrib.auth.models import Group, Permission

from savings import ledger, references
from savings.models import Payment, Transaction, User
from tests.factories import fund_balance, make_user
from tests.payments import AMOUNT, settle
from tests.provider import Provider, fee

ARRIVED = AMOUNT - 5_000_00

_GRANTS = [
    importlib.import_module(f"savings.migrations.{name}").ROLES
    for name in ("0056_roles_and_cases", "0060_closing_roles")
]


def make_staff(*names: str) -> User:
    """Return an active member of staff with roles."""
    # A test that commits empties the table of groups when it ends.
    for name in _GRANTS[0]:
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            codenames = {codename for grants in _GRANTS for codename in grants.get(name, ())}
            group.permissions.set(Permission.objects.filter(codename__in=codenames))
    user = make_user(is_staff=True)
    user.groups.set(Group.objects.filter(name__in=names))
    assert user.groups.count() == len(names)
    return User.objects.get(pk=user.pk)


def empty_stash(user: User) -> None:
    """Pay all that is in a stash out to a bank account."""
    kobo = ledger.balance_kobo(ledger.stash_account(user))
    fees = ledger.WithdrawalFees(fee_kobo=0, vat_kobo=0, duty_kobo=0)
    reference = references.new(Transaction.Kind.STASH_WITHDRAWAL)
    withdrawal, _ = ledger.open_withdrawal(user, reference=reference, amount_kobo=kobo, fees=fees)
    ledger.settle_withdrawal(withdrawal, fees, provider=fund_balance(kobo).provider)


@pytest.fixture
def finance(db: None) -> User:
    return make_staff("Finance")


@pytest.fixture
def approver(db: None) -> User:
    return make_staff("Approver")


@pytest.fixture
def reviewed(provider: Provider, payment: Payment) -> Transaction:
    """A payment of which too little arrived: the money is in suspense."""
    return review(provider, payment)


def review(provider: Provider, payment: Payment) -> Transaction:
    """Let too little arrive for a payment, and return its transaction."""
    provider.pay(payment)
    provider.change(payment.transaction.reference, amount=ARRIVED, requested_amount=AMOUNT, fees=fee(ARRIVED))
    movement = settle(payment)
    assert movement.status == Transaction.Status.REVIEW
    return movement
