"""Staff in their roles with browsers, and a payment that waits for a person."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from savings import backoffice
from savings.models import Case, Payment, Transaction, User
from tests.provider import Provider
from tests.savings.backoffice.conftest import make_staff, review
from tests.web.staff import sign_in


@pytest.fixture
def finance(db: None) -> User:
    return make_staff("Finance")


@pytest.fixture
def approver(db: None) -> User:
    return make_staff("Approver")


@pytest.fixture
def desk(finance: User) -> Client:
    """The browser of somebody who asks for actions."""
    return sign_in(finance)


@pytest.fixture
def second_desk(approver: User) -> Client:
    """The browser of somebody who approves them."""
    return sign_in(approver)


@pytest.fixture
def reviewed(provider: Provider, payment: Payment) -> Transaction:
    """A payment of which too little arrived: the money is in suspense."""
    return review(provider, payment)


@pytest.fixture
def case(reviewed: Transaction) -> Case:
    """The case of that payment."""
    backoffice.sync_cases(timezone.now())
    return Case.objects.get()
