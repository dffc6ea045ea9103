"""The rate of withholding tax in the admin: a new rate begins tomorrow at the earliest, and none is changed."""

from __future__ import annotations

import datetime

import pytest
from django.test import Client
from django.utils import timezone

from savings.models import TaxRate
from tests.factories import make_user
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def superuser(client: Client) -> Client:
    return sign_in(make_user(is_staff=True, is_superuser=True), client)


def in_days(days: int) -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=days)


@pytest.mark.parametrize("days", [-30, 0])
def test_a_rate_that_would_change_the_past_is_refused_beside_its_day(superuser: Client, days: int) -> None:
    form = {"from_on": str(in_days(days)), "rate_bps": "7.5"}
    response = superuser.post("/admin/savings/taxrate/add/", form)
    errors = response.context["adminform"].form.errors
    assert errors == {"from_on": ["Enter a day after today: interest was posted at the old rate."]}
    assert TaxRate.objects.count() == 1


def test_a_rate_of_a_later_day_is_added(superuser: Client) -> None:
    form = {"from_on": str(in_days(1)), "rate_bps": "7.5"}
    assert superuser.post("/admin/savings/taxrate/add/", form).status_code == 302
    assert TaxRate.objects.get(from_on=in_days(1)).rate_bps == 750


def test_a_rate_is_neither_changed_nor_deleted(superuser: Client) -> None:
    rate = TaxRate.objects.get()
    form = {"from_on": str(in_days(1)), "rate_bps": "1"}
    assert superuser.post(f"/admin/savings/taxrate/{rate.pk}/change/", form).status_code == 403
    assert superuser.post(f"/admin/savings/taxrate/{rate.pk}/delete/", {"post": "yes"}).status_code == 403
    assert TaxRate.objects.get() == rate
