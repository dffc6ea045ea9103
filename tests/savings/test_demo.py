"""The demo: the same every time, built by the real services."""

from __future__ import annotations

import datetime
from collections import Counter

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.db.models import Count
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import demo, ledger, mails, money
from savings.demo import cast
from savings.models import (
    Account,
    Circle,
    CoverageDay,
    Notice,
    OutboxRow,
    Payment,
    Payout,
    Plan,
    Product,
    Recipient,
    SavedCard,
    Statement,
    Transaction,
    User,
)
from tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

Status = Transaction.Status


@pytest.fixture(autouse=True)
def _in_development(settings: Settings) -> None:
    settings.DEBUG = True


def statuses() -> dict[str, int]:
    of_savers = Transaction.objects.exclude(kind=Transaction.Kind.TREASURY)
    return dict(of_savers.values_list("status").annotate(times=Count("id")).order_by())


def check_house_money() -> None:
    """Every payment is in a settlement, and each day's money covered what was owed."""
    assert not Payment.objects.filter(settlement=None).exclude(paid_kobo=None).exists()
    # As the simulator, which begins empty, says.
    assert ledger.balance_kobo(ledger.house_account(Account.Kind.CLEARING, "paystack")) == 0
    days = CoverageDay.objects.order_by("day_on")
    assert days.count() > 500
    assert [day.day_on for day in days if day.covered_bps is not None and day.covered_bps < 10_000] == []


def test_the_demo_is_complete_consistent_and_the_same_every_time(capsys: pytest.CaptureFixture[str]) -> None:
    with time_machine.travel("2026-11-24T09:00:00Z", tick=False):
        call_command("demo")
        assert list(ledger.run_checks()) == []
        assert ledger.coverage(timezone.now()).is_enough
        check_house_money()
        # Exits with 1 if a page exceeds its budget.
        call_command("budgets")
        too_new = [not recipient.is_usable() for recipient in Recipient.objects.order_by("id")]
        assert too_new == [False, False, False, True]
    assert sorted(User.objects.values_list("email", flat=True)) == sorted(cast.EMAILS)
    assert EmailAddress.objects.filter(verified=True, primary=True).count() == len(cast.EMAILS)
    assert Plan.objects.filter(membership=None).count() == 14
    assert not Product.objects.filter(plans=None).exists()
    assert Notice.objects.filter(status=Notice.Status.WAITING).count() == 1
    assert Plan.objects.filter(earns_interest=False, account__rate_bps=0).count() == 1
    assert not Circle.objects.without_owner().exists()
    assert statuses() == {
        Status.SUCCESS: 750,
        Status.REVERSED: 1,
        Status.FAILED: 13,
        Status.ABANDONED: 4,
        Status.REVIEW: 2,
        Status.PENDING: 4,
    }
    assert money.naira(ledger.balance_kobo(Plan.objects.get(name="Rent 2027").account)) == "₦1,399,400.00"
    assert dict(Circle.objects.values_list("name").annotate(Count("memberships"))) == {
        "Compound generator": 5,
        "December in Enugu": 24,
        "Lagos runners": 5,
    }
    saved = SavedCard.objects.current().values_list("user__email", "brand", "is_default", "expires_on")
    assert list(saved) == [
        ("ada@example.com", "Visa", True, datetime.date(2030, 12, 31)),
        ("ada@example.com", "Mastercard", False, datetime.date(2026, 11, 30)),
    ]
    assert Payment.objects.get(saved_card__isnull=False).transaction.status == Status.SUCCESS
    states = Counter(Payout.objects.values_list("state", flat=True))
    assert states == {Payout.State.PAID: 5, Payout.State.RETURNED: 1, Payout.State.APPROVAL: 1}
    assert not Payout.objects.exclude(staff_note="", next_try_at=None).exists()
    shelf = Statement.objects.order_by("id").values_list("user__email", "format", "state")
    assert list(shelf) == [
        ("ada@example.com", file_format, state)
        for file_format, state in (("pdf", "expired"), ("pdf", "ready"), ("xlsx", "ready"), ("csv", "ready"))
    ]
    unsent = OutboxRow.objects.filter(kind__in=mails.KINDS, done_at=None)
    assert set(unsent.values_list("user__email", flat=True)) == {"bola@example.com"}
    assert not unsent.filter(dead_at=None).exists()
    assert Payment.objects.filter(transaction__status=Status.PENDING, checkout_url="").count() == 2
    call_command("demo")
    assert "Nothing was changed" in capsys.readouterr().out
    assert Plan.objects.filter(membership=None).count() == 14


def test_the_demo_can_be_left_for_an_empty_site() -> None:
    make_user()
    call_command("demo", "--if-empty")
    assert not demo.is_there()


def test_the_demo_is_built_only_in_development(settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="its password is public"):
        call_command("demo")
