"""Typed names, email addresses, codes and amounts are accepted in every usual spelling."""

from __future__ import annotations

import datetime

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from savings.models import Circle, OutboxRow, Plan, User, WebhookEvent
from tests.factories import PASSWORD, make_plan, make_product, make_user, start_circle
from tests.web.form_filling import filled_in
from tests.web.mails import code_sent_to
from tests.web.shelf import written
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db


def start(client: Client, name: str) -> int:
    product = make_product()
    return client.post(
        "/plans/start/", filled_in(client, "/plans/start/", product=product.pk, name=name)
    ).status_code


def test_inci_and_inci_with_a_dot_never_break_a_page(saver_client: Client, saver: User) -> None:
    assert [start(saver_client, name) for name in ("Inci", "İnci", "inci", "i\u0307nci")] == [
        302,
        302,
        422,
        422,
    ]
    other = make_plan(saver, name="Other")
    for name, status in (("INCI", 422), ("İNCI", 422), ("Ìncì", 302)):
        path = f"/plans/{other.pk}/edit/"
        response = saver_client.post(path, {"name": name})
        assert response.status_code == status
        if status == 422:
            assert response.context["form"].errors["name"]


@pytest.mark.parametrize("name", ["\u200b\u200b", "\u3164", "\u202e", "\u00a0"])
def test_a_name_that_shows_nothing_is_refused_beside_its_field(saver_client: Client, name: str) -> None:
    assert start(saver_client, name) == 422
    start_circle_form = filled_in(
        saver_client,
        "/circles/start/",
        name=name,
        goal="1,000",
        matures_on=(timezone.localdate() + datetime.timedelta(days=90)).isoformat(),
        product=make_product().pk,
        nickname="Ada",
    )
    response = saver_client.post("/circles/start/", start_circle_form)
    assert response.status_code == 422
    assert "name" in response.context["form"].errors
    assert not Plan.objects.exists()


def test_the_directory_finds_a_circle_without_its_tone_marks(saver_client: Client) -> None:
    start_circle(name="Ẹgbẹ́ Ọjà", joining=Circle.Joining.OPEN)
    start_circle(name="Roof", joining=Circle.Joining.OPEN)
    page = saver_client.get("/circles/", {"q": "egbe"}).text
    assert "Ẹgbẹ́ Ọjà" in page
    assert "Roof" not in page


@pytest.mark.parametrize("typed", [" ADA@example.com", "ada@example.com\u200b", "\ufeffAda@Example.com "])
def test_an_address_with_what_was_pasted_along_signs_in(client: Client, typed: str) -> None:
    make_user("ada@example.com")
    response = client.post("/accounts/login/", {"login": typed, "password": PASSWORD})
    assert response["Location"] == "/dashboard/"


def test_one_address_is_one_account_however_it_is_typed(client: Client) -> None:
    make_user("kemi@example.com")
    person = {"name": "Kemi", "email": "\u212aEMI@example.com", "password1": "four quite quiet words"}
    client.post("/accounts/signup/", person)
    assert User.objects.count() == EmailAddress.objects.count() == 1


@pytest.mark.parametrize("grouping", ["{0} {1}", "{0}-{1}", "\u200b{0}\u2013{1}\u200b", "{0}\u00a0{1}"])
def test_a_code_from_a_mail_is_read_however_it_is_grouped(client: Client, grouping: str) -> None:
    person = {"name": "Ngozi", "email": "ngozi@example.com", "password1": "four quite quiet words"}
    client.post("/accounts/signup/", person)
    code = code_sent_to("ngozi@example.com").replace("-", "")
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    typed = grouping.format(code[:4].translate(wide), code[4:])
    assert client.post("/accounts/confirm-email/", {"code": typed}).status_code == 302
    assert EmailAddress.objects.get(email="ngozi@example.com").verified


@pytest.mark.parametrize("around", ["{}.", " {} ", "{}\u200b", "({})"])
def test_an_invite_link_works_with_what_was_pasted_along(saver_client: Client, around: str) -> None:
    circle = start_circle()
    code = around.format(circle.invite_code)
    assert saver_client.get(reverse("circles:join_by_code", args=[code])).status_code == 200


def test_the_code_of_a_statement_is_read_in_groups(client: Client, saver: User) -> None:
    statement = written(saver)
    typed = "\u200b" + "\u2013".join(statement.code[i : i + 4].lower() for i in range(0, 16, 4))
    assert statement.closing_kobo is not None
    sent = {
        "code": typed,
        "closing": f"ngn {statement.closing_kobo // 100}.{statement.closing_kobo % 100:02d}\u200e",
    }
    assert "We made a statement with this code" in client.post("/statements/verify/", sent).text


@pytest.mark.parametrize(
    "typed", ["ngn 1250", "n1250", "\u200e₦1,250\u200b", "1\u202f250.00", "１２５０", "1,250 naira"]
)
def test_every_amount_of_the_site_is_read_alike(saver_client: Client, saver: User, typed: str) -> None:
    plan, circle = make_plan(saver, holding_kobo=2_000_00), start_circle(saver)
    for path, name in (
        (f"/plans/{plan.pk}/top-up/", "amount"),
        (f"/plans/{plan.pk}/withdraw/", "amount"),
        (f"/circles/{circle.slug}/edit/", "goal"),
        ("/stash/fund/", "amount"),
    ):
        form_class = type(saver_client.get(path).context["form"])
        assert form_class.base_fields[name].clean(typed) == 1_250_00, path


def test_staff_find_people_by_name_without_tone_marks(client: Client) -> None:
    sign_in(make_user(is_staff=True, is_superuser=True), client)
    ngozi = make_user("n@example.com", name="Ngọzị Ẹgbẹ́")
    make_user(name="Someone")

    def found(term: str) -> list[int]:
        page = client.get(reverse("admin:savings_user_changelist"), {"q": term})
        return [row.pk for row in page.context["cl"].result_list]

    for term in ("ngozi egbe", "NGOZI", "Ngọzị", "Ngo\u0323zi\u0323", " n@Example.com\u200b"):
        assert found(term) == [ngozi.pk], term
    assert found("egbe") == []
    assert found("n@example") == []


def test_staff_find_a_statement_by_a_code_in_groups(client: Client, saver: User) -> None:
    sign_in(make_user(is_staff=True, is_superuser=True), client)
    statement = written(saver)
    grouped = "-".join(statement.code[i : i + 4].lower() for i in range(0, 16, 4))
    page = client.get(reverse("admin:savings_statement_changelist"), {"q": grouped})
    assert [row.pk for row in page.context["cl"].result_list] == [statement.pk]


@pytest.mark.parametrize("term", ["ü", "!!!", "\u200bé"])
def test_a_search_for_what_no_code_has_finds_nothing(client: Client, term: str) -> None:
    sign_in(make_user(is_staff=True, is_superuser=True), client)
    WebhookEvent.objects.create(key="k", event="odd", reference="", body="{}")
    page = client.get(reverse("admin:savings_webhookevent_changelist"), {"q": term})
    assert list(page.context["cl"].result_list) == []


def test_staff_add_a_person_under_the_address_as_it_is_stored(client: Client) -> None:
    sign_in(make_user(is_staff=True, is_superuser=True), client)
    password = "a long and unusual one"
    typed = {"email": "New@Example.com\u200b", "name": "  Ne\u200bw ", "usable_password": "true"}
    client.post(reverse("admin:savings_user_add"), typed | {"password1": password, "password2": password})
    assert User.objects.get(email="new@example.com").name == "New"
    assert not OutboxRow.objects.filter(to="New@Example.com").exists()
