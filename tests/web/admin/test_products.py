"""Products for staff: new terms with a preview, a day and a second person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from savings import backoffice
from savings.exceptions import Refused
from savings.models import AuditRow, Plan, Product, ProductChange, StaffRequest, User
from tests.factories import make_plan, make_product
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance() -> User:
    return make_staff("Finance")


@pytest.fixture
def approver() -> User:
    return make_staff("Approver")


@pytest.fixture
def client(finance: User, approver: User) -> Client:
    return sign_in(finance)


@pytest.fixture
def plan() -> Plan:
    return make_plan()


def url(product: Product | None) -> str:
    return reverse("admin:product_terms", args=[product.pk]) if product else reverse("admin:product_new")


def fields(product: Product | None = None, **changed: Any) -> dict[str, Any]:
    """Return what the page sends: naira and percent, one rate of 8.5%."""
    usual = {
        "kind": "flexible",
        "name": product.name if product else "Harvest",
        "description": product.description if product else "Any time",
        "min_term_days": "",
        "max_term_days": "",
        "min_target": "10,000",
        "early_exit": "free",
        "penalty": "0",
        "notice_hours": "0",
        "interest_paid": "monthly",
        "is_offered": "on",
        "position": "0",
        "valid_from": timezone.localdate().isoformat(),
        "reason": "The board decided it",
        "rates-TOTAL_FORMS": "3",
        "rates-INITIAL_FORMS": "0",
        "rates-0-from_days": "0",
        "rates-0-rate": "8.5",
    }
    return usual | changed


def asked(client: Client, product: Product | None, **changed: Any) -> StaffRequest:
    response = client.post(url(product), fields(product, confirm="1", **changed))
    assert response.status_code == 302, response.context["form"].errors
    return StaffRequest.objects.latest("pk")


def test_a_preview_shows_what_changes_and_what_a_saver_reads(client: Client, plan: Plan) -> None:
    page = client.post(url(plan.product), fields(plan.product, **{"rates-0-rate": "9.25%"}))

    assert page.status_code == 200
    assert ("Rate from 0 days", "8.5%", "9.25%") in page.context["preview"].changes
    assert "9.25% a year" in page.text
    assert "₦100,000 for a year" in page.text
    assert plan.product.rates.get().rate_bps == 850
    assert not StaffRequest.objects.exists()


def test_a_second_person_makes_it_valid_and_plans_keep_their_terms(
    client: Client, plan: Plan, approver: User
) -> None:
    request = asked(client, plan.product, **{"rates-0-rate": "9", "min_target": "ngn 2,500.50"})
    assert plan.product.rates.get().rate_bps == 850

    assert backoffice.approve(request, by=approver).state == StaffRequest.State.DONE

    product = Product.objects.get()
    assert (product.rates.get().rate_bps, product.min_target_kobo) == (900, 2_500_50)
    plan.refresh_from_db()
    assert plan.rate_bps == 850
    change = ProductChange.objects.get()
    assert (change.asked_by, change.approved_by) == (request.asked_by, approver)
    assert AuditRow.objects.filter(verb="changed", subject=f"product:{product.pk}").exists()


def test_nobody_changes_a_product_alone(client: Client, plan: Plan, finance: User) -> None:
    request = asked(client, plan.product, **{"rates-0-rate": "9"})
    User.objects.filter(pk=finance.pk).update(is_superuser=True)
    with pytest.raises(Refused, match="Somebody else"):
        backoffice.approve(request, by=User.objects.get(pk=finance.pk))
    terms, rates = backoffice.terms_of(plan.product)
    with pytest.raises(Refused, match="second person"):
        backoffice.change_alone(plan.product, terms, rates, by=finance, reason="Quick")


def test_a_later_day_is_waited_for(client: Client, plan: Plan, approver: User) -> None:
    begins = timezone.localdate() + timedelta(days=10)
    backoffice.approve(
        asked(client, plan.product, valid_from=begins.isoformat(), **{"rates-0-rate": "9"}), by=approver
    )
    assert plan.product.rates.get().rate_bps == 850
    assert backoffice.apply_product_changes(begins - timedelta(days=1)) == 0
    page = client.get(url(plan.product))
    assert "Another change is approved" in page.text

    with time_machine.travel(timezone.now() + timedelta(days=10)):
        assert backoffice.apply_product_changes(begins) == 1
        assert backoffice.apply_product_changes(begins) == 0
    assert plan.product.rates.get().rate_bps == 900


def test_a_request_is_void_once_the_product_has_changed(client: Client, plan: Plan, approver: User) -> None:
    request = asked(client, plan.product, **{"rates-0-rate": "9"})
    Product.objects.filter(pk=plan.product.pk).update(penalty_bps=5)
    assert backoffice.approve(request, by=approver).state == StaffRequest.State.VOID


def test_a_new_product_is_made(client: Client, plan: Plan, approver: User) -> None:
    backoffice.approve(asked(client, None, name="Ọjà\u200b  box"), by=approver)
    product = Product.objects.get(name="Ọjà box")
    assert [(rate.from_days, rate.rate_bps) for rate in product.rates.all()] == [(0, 850)]
    assert product in Product.objects.offered()


def test_without_plans_one_person_sets_products_up(client: Client) -> None:
    response = client.post(url(None), fields(confirm="1"))
    assert response.status_code == 302
    assert Product.objects.get().name == "Harvest"
    assert not StaffRequest.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"early_exit": "forfeit"}, "interest_paid"),
        ({"penalty": "100"}, "penalty"),
        ({"penalty": "101"}, "penalty"),
        ({"penalty": "1.005"}, "penalty"),
        ({"penalty": "much"}, "penalty"),
        ({"min_target": "-5"}, "min_target"),
        ({"min_term_days": "90"}, "max_term_days"),
        ({"min_term_days": "90", "max_term_days": "30"}, "max_term_days"),
        ({"min_term_days": "30", "max_term_days": "10000000"}, "max_term_days"),
        ({"name": ""}, "name"),
        ({"name": "x" * 41}, "name"),
        ({"reason": " "}, "reason"),
        ({"valid_from": "2020-01-01"}, "valid_from"),
        ({"valid_from": "2999-01-01"}, "valid_from"),
        ({"position": "40000"}, "position"),
    ],
)
def test_bad_terms_are_refused_beside_their_field(
    client: Client, plan: Plan, changed: dict[str, str], field: str
) -> None:
    page = client.post(url(plan.product), fields(plan.product, confirm="1", **changed))
    assert page.status_code == 422
    assert list(page.context["form"].errors) == [field]
    for name, value in changed.items():
        assert str(page.context["form"][name].value()) == value
    assert not StaffRequest.objects.exists()


@pytest.mark.parametrize(
    "rates",
    [
        {"rates-0-rate": ""},
        {"rates-0-rate": "101"},
        {"rates-0-from_days": "-1"},
        {"rates-1-from_days": "0", "rates-1-rate": "9"},
        {"rates-0-from_days": "30"},
        {"rates-0-from_days": "", "rates-0-rate": ""},
    ],
)
def test_bad_rates_are_refused(client: Client, plan: Plan, rates: dict[str, str]) -> None:
    page = client.post(url(plan.product), fields(plan.product, confirm="1", **rates))
    assert page.status_code == 422
    assert "errorlist" in page.text
    assert not StaffRequest.objects.exists()


def test_a_taken_name_is_refused(client: Client, plan: Plan) -> None:
    make_product(name="Harvest")
    page = client.post(url(plan.product), fields(plan.product, name="Harvest", confirm="1"))
    assert (page.status_code, list(page.context["form"].errors)) == (422, ["name"])


def test_a_new_name_reaches_plans(client: Client, plan: Plan, approver: User) -> None:
    backoffice.approve(asked(client, plan.product, name="Flexible plus"), by=approver)
    plan.refresh_from_db()
    assert plan.product_name == "Flexible plus"


@pytest.mark.parametrize("role", ["Support", "Approver", "Auditor", "Operations"])
def test_other_roles_do_not_change_products(plan: Plan, role: str) -> None:
    client = sign_in(make_staff(role))
    assert client.get(url(plan.product)).status_code == 403
    assert client.post(url(None), fields(confirm="1")).status_code == 403


def test_a_product_is_not_edited_as_a_row(client: Client, plan: Plan) -> None:
    page = reverse("admin:savings_product_change", args=[plan.product.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, fields(plan.product)).status_code == 403
    assert client.get(reverse("admin:savings_product_add")).status_code == 403


@pytest.mark.parametrize("name", ["requests", "request"])
def test_who_decides_sees_what_changes_beside_the_present_terms(
    client: Client, plan: Plan, approver: User, name: str
) -> None:
    request = asked(client, plan.product, **{"rates-0-rate": "9"})
    page = sign_in(approver).get(reverse(f"admin:{name}", args=[request.pk] if name == "request" else []))
    assert page.status_code == 200
    assert f"{plan.product.name}: new rates" in page.text
    assert f'<dd><a href="{row_of(plan.product)}">{plan.product.name}</a></dd>' in page.text
    assert '<td data-label="Now">8.5%</td>' in page.text
    assert '<td data-label="After"><strong>9%</strong></td>' in page.text
    assert "Smallest goal" not in page.text


def row_of(product: Product) -> str:
    return reverse("admin:savings_product_change", args=[product.pk])


def test_a_rate_that_stays_is_beside_those_that_change(client: Client, plan: Plan, approver: User) -> None:
    steps = {"rates-1-from_days": "365", "rates-1-rate": "9.5"}
    request = asked(client, plan.product, **steps)
    page = sign_in(approver).get(reverse("admin:request", args=[request.pk])).text
    assert '<td data-label="After">8.5%</td>' in page
    assert '<td data-label="Now">none</td>' in page
    assert '<td data-label="After"><strong>9.5%</strong></td>' in page


@pytest.mark.parametrize(
    ("changed", "title"),
    [({"rates-0-rate": "9"}, "Easy: new rates"), ({"name": "Harvest"}, "Easy: new terms")],
)
def test_the_list_of_requests_names_the_product(
    client: Client, plan: Plan, changed: dict[str, str], title: str
) -> None:
    Product.objects.update(name="Easy")
    asked(client, Product.objects.get(), **changed)
    assert title in client.get(reverse("admin:savings_staffrequest_changelist")).text
    assert title in client.get(reverse("admin:requests")).text


def test_a_request_for_a_new_product_has_its_name_as_title(
    client: Client, plan: Plan, approver: User
) -> None:
    request = asked(client, None, name="Harvest")
    page = sign_in(approver).get(reverse("admin:request", args=[request.pk])).text
    assert "<h1>New product: Harvest</h1>" in page
    assert '<td data-label="Now">–</td>' in page


def test_the_page_begins_with_what_a_saver_reads_now(client: Client, plan: Plan) -> None:
    page = client.get(url(plan.product)).text
    assert "What a saver reads now" in page
    assert "8.5% a year" in page
    assert "Ask for approval" not in page
