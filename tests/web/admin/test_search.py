"""The search of staff: what it finds, where a single result leads, and what each role may find."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings.models import AuditRow, EmailChange, Payment, Payout, Recipient, Settlement, User, WebhookEvent
from savings.models.payouts import LAST_DIGITS
from tests.factories import make_plan, make_transaction, make_user, pay_in
from tests.payouts import make_recipient
from tests.savings.backoffice.conftest import make_staff
from tests.web.shelf import written
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    return sign_in(make_staff("Finance"))


@pytest.fixture
def ada() -> User:
    return make_user("ada@example.com", name="Ada Ọbí")


def search(client: Client, text: str) -> Any:
    return client.get(reverse("admin:search"), {"q": text})


def leads_to(client: Client, text: str) -> str:
    response = search(client, text)
    assert response.status_code == 302, text
    return str(response["Location"])


def page_of(user: User) -> str:
    return reverse("admin:saver", args=[user.pk])


def test_an_email_address_leads_to_the_saver(staff: Client, ada: User) -> None:
    assert leads_to(staff, " ADA@example.com") == page_of(ada)


def test_a_former_email_address_leads_to_the_saver(staff: Client, ada: User) -> None:
    EmailChange.objects.create(
        user=ada, old_email="was@example.com", new_email=ada.email, effective_at=timezone.now()
    )
    assert leads_to(staff, "was@example.com") == page_of(ada)


@pytest.mark.parametrize("text", ["ada", "Ada o", "ada obi"])
def test_the_beginning_of_a_name_leads_to_the_saver(staff: Client, ada: User, text: str) -> None:
    assert leads_to(staff, text) == page_of(ada)


def test_staff_and_closed_accounts_are_told_from_savers(staff: Client, ada: User) -> None:
    make_user("ada.staff@example.com", name="Ada Ade", is_staff=True)
    make_user("ada.was@example.com", name="Ada Bello", closed_at=timezone.now(), is_active=False)
    make_user("ada.held@example.com", name="Ada Cole", frozen="withdrawals")
    page = search(staff, "ada").text
    for detail in ("ada@example.com", "ada.staff@example.com · Staff", "ada.was@example.com · Closed"):
        assert f"<td>{detail}</td>" in page
    assert "ada.held@example.com · Frozen" in page


def test_the_middle_of_a_name_finds_nothing(staff: Client, ada: User) -> None:
    assert "Nothing found" in search(staff, "bi").text


def test_a_reference_leads_to_the_transaction_in_any_spelling(staff: Client, ada: User) -> None:
    movement = pay_in(ada, 500_00)
    WebhookEvent.objects.create(key="k", event="charge.success", body="{}", reference=movement.reference)
    to = reverse("admin:savings_transaction_change", args=[movement.pk])
    for text in (
        movement.reference,
        movement.reference.lower(),
        f"{movement.reference[:9]} {movement.reference[9:]}",
    ):
        assert leads_to(staff, text) == to


def test_a_plan_is_found_by_the_beginning_of_its_name_and_by_its_reference(staff: Client, ada: User) -> None:
    plan = make_plan(ada, name="Harvest 2027")
    to = reverse("admin:savings_plan_change", args=[plan.pk])
    assert leads_to(staff, "harv") == to
    assert leads_to(staff, plan.reference) == to


def test_a_number_at_the_provider_leads_to_its_row(staff: Client, ada: User) -> None:
    payment = Payment.objects.create(
        transaction=make_transaction("stash_deposit", 500, user=ada), provider_id=987_654_321_012
    )
    assert leads_to(staff, "987654321012") == reverse("admin:savings_payment_change", args=[payment.pk])
    day = timezone.localdate()
    row = Settlement.objects.create(provider_id=55_555_555_555, settled_on=day, gross_kobo=1, fees_kobo=0)
    assert leads_to(staff, "55555555555") == reverse("admin:savings_settlement_change", args=[row.pk])


def test_the_name_of_a_transfer_leads_to_the_withdrawal(staff: Client, ada: User) -> None:
    payout = Payout.objects.create(
        transaction=make_transaction("stash_withdrawal", 500, user=ada),
        user=ada,
        recipient=make_recipient(ada),
        next_try_at=timezone.now(),
        transfer_code="TRF_2x5j67tnnw1t98k",
    )
    assert leads_to(staff, "TRF_2x5j67tnnw1t98k") == reverse("admin:savings_payout_change", args=[payout.pk])


def test_the_code_of_a_statement_leads_to_it(staff: Client, ada: User) -> None:
    statement = written(ada)
    to = reverse("admin:savings_statement_change", args=[statement.pk])
    assert leads_to(staff, statement.code.lower()) == to


@pytest.mark.parametrize("length", [4, 6, 10])
def test_the_last_digits_of_a_bank_account_lead_to_it(staff: Client, ada: User, length: int) -> None:
    recipient = make_recipient(ada)
    to = reverse("admin:savings_recipient_change", args=[recipient.pk])
    assert leads_to(staff, recipient.account_number[-length:]) == to


def test_three_digits_find_no_bank_account(staff: Client, ada: User) -> None:
    assert "Nothing found" in search(staff, make_recipient(ada).account_number[-3:]).text


def test_an_event_is_found_where_the_books_have_nothing(staff: Client) -> None:
    event = WebhookEvent.objects.create(key="k", event="charge.success", body="{}", reference="shop-order-17")
    assert leads_to(staff, "shop-order-17") == reverse("admin:savings_webhookevent_change", args=[event.pk])


def test_several_results_are_listed_by_kind(staff: Client, ada: User) -> None:
    other = make_user("adaeze@example.com", name="Adaeze <b>Bello</b>")
    make_plan(ada, name="Adaptation")
    text = search(staff, "ada").text
    assert page_of(ada) in text
    assert page_of(other) in text
    assert "Adaptation" in text
    assert "Adaeze &lt;b&gt;Bello" in text
    assert "3 matches for “ada”" in text
    assert text.index(">Savers</h2>") < text.index(">Plans</h2>")


def test_a_single_result_opens_at_once_and_the_page_says_so(staff: Client, ada: User) -> None:
    response = staff.get(reverse("admin:search"), {"q": "ada@example.com"}, follow=True)
    assert response.redirect_chain == [(page_of(ada), 302)]
    assert "The search found only this saver." in response.text


def test_a_full_list_says_that_there_are_more(staff: Client) -> None:
    for _ in range(25):
        make_user(name="Bola")
    response = search(staff, "bola")
    assert response.text.count("/admin/savers/") == 20
    assert "The first 20." in response.text


def test_each_role_finds_what_it_may_see(ada: User) -> None:
    movement = pay_in(ada, 500_00)
    operations = sign_in(make_staff("Operations"))
    assert "Nothing found" in search(operations, "ada@example.com").text
    assert "Nothing found" in search(operations, "ada").text
    assert "Nothing found" in search(operations, movement.reference).text
    support = sign_in(make_staff("Support"))
    assert leads_to(support, "ada@example.com") == page_of(ada)


def test_a_search_is_audited_without_what_was_typed(staff: Client, ada: User) -> None:
    search(staff, "ada@example.com")
    search(staff, "no such person")
    found, nothing = AuditRow.objects.filter(verb="searched").order_by("pk")
    assert (found.subject, found.saver_id, found.text) == ("found:user", ada.pk, "")
    assert (nothing.subject, nothing.saver_id, nothing.text) == ("found:nothing", None, "")


def test_without_a_text_it_explains_itself_and_records_nothing(staff: Client) -> None:
    assert "last four or more digits" in search(staff, "  ").text
    assert not AuditRow.objects.filter(verb="searched").exists()


@pytest.mark.parametrize("text", ["%", "'; DROP", "9" * 60, "@", "é" * 2_000, "٣٣٣٣"])
def test_strange_text_finds_nothing(staff: Client, text: str) -> None:
    assert search(staff, text).status_code == 200


def test_it_costs_the_same_with_one_row_and_with_many(staff: Client) -> None:
    def cost(text: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            search(staff, text)
        assert not [query["sql"] for query in queries if "COUNT(" in query["sql"] or "OFFSET" in query["sql"]]
        return len(queries)

    texts = ["musa", "a@example.com", "7" * 10, "TOP01234567890123456"]
    make_plan(make_user("a@example.com", name="Musa"), name="Musa")
    cost("musa")
    few = [cost(text) for text in texts]
    for number in range(30):
        make_plan(make_user(f"{number}@example.com", name="Musa"), name="Musa")
    assert [cost(text) for text in texts] == few
    assert max(few) <= 15


def test_every_page_of_the_admin_has_the_search(staff: Client, ada: User) -> None:
    for page in (reverse("admin:index"), reverse("admin:savings_plan_changelist"), page_of(ada)):
        assert 'role="search"' in staff.get(page).text


def test_it_answers_get_alone(staff: Client) -> None:
    assert staff.post(reverse("admin:search"), {"q": "x"}).status_code == 405


def test_the_index_of_last_digits_is_used(ada: User) -> None:
    """On both databases: the expression in the query has to match that of the index."""
    make_recipient(ada)
    rows = Recipient.objects.annotate(last=LAST_DIGITS).filter(last="1234")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        sql, values = rows.query.sql_with_params()
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{explain} {sql}", values)
        assert "recipient_by_last_digits" in str(cursor.fetchall())
