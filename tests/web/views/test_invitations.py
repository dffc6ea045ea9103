"""The page of an invite link for visitors: what it shows, and that sign-up and sign-in lead back to it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings.models import Circle
from tests.factories import join_circle, make_user, start_circle
from tests.web.mails import code_sent_to
from tests.web.views.test_circles import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def circle() -> Circle:
    return start_circle(
        make_user(name="Halima Sani"),
        name="December in Enugu",
        nickname="Halima",
        description="Rice for Coal Camp",
    )


def invite_of(circle: Circle) -> str:
    return f"/circles/join/{circle.invite_code}/"


def test_a_visitor_sees_the_circle_and_none_of_its_members_or_savings(client: Client, circle: Circle) -> None:
    join_circle(circle, nickname="Chidi", saved_kobo=7_654_00)
    response = client.get(invite_of(circle))
    page = response.content.decode()
    assert response.status_code == 200
    assert "Join December in Enugu" in page
    assert "Open a savings box" in page
    for secret in ("Halima", "Chidi", "Sani", "7,654", "Coal Camp", circle.slug):
        assert secret not in page


def test_nobody_else_may_store_or_index_an_invitation(client: Client, circle: Circle) -> None:
    response = client.get(invite_of(circle))
    assert response["Cache-Control"] == "private, no-store"
    assert "noindex" in response["X-Robots-Tag"]
    assert not response.cookies


def test_an_invitation_costs_two_queries(
    client: Client, circle: Circle, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(2):
        client.get(invite_of(circle))


def test_signing_up_leads_back_to_the_invitation(client: Client, circle: Circle) -> None:
    url = invite_of(circle)
    sign_up = client.get(url).context["sign_up_url"]
    person = {
        "name": "Ngozi Eze",
        "email": "ngozi@example.com",
        "password1": "three quiet words",
        "next": url,
    }
    assert f'value="{url}"' in client.get(sign_up).content.decode()
    client.post(sign_up, person)
    response = client.post("/accounts/confirm-email/", {"code": code_sent_to("ngozi@example.com")})
    assert response["Location"] == url
    assert "Your profile in this circle" in client.get(url).content.decode()


def test_signing_in_leads_back_to_the_invitation(client: Client, circle: Circle) -> None:
    url, guest = invite_of(circle), make_user()
    sign_in = client.get(url).context["sign_in_url"]
    response = client.post(sign_in, {"login": guest.email, "password": "asusu-demo", "next": url})
    assert response["Location"] == url


def test_a_visitor_cannot_join(client: Client, circle: Circle) -> None:
    url = invite_of(circle)
    response = client.post(url, {"nickname": "Bola"})
    assert response["Location"] == f"/accounts/login/?next={url}"
    assert circle.memberships.count() == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"joining": Circle.Joining.CLOSED}, "takes no new members"),
        ({"member_limit": 1}, "is full"),
        ({"starts_on": datetime.date(2020, 1, 1), "ends_on": datetime.date(2020, 2, 1)}, "has ended"),
    ],
)
def test_an_invitation_that_leads_nowhere_says_why(
    client: Client, circle: Circle, fields: dict[str, Any], sentence: str
) -> None:
    Circle.objects.filter(pk=circle.pk).update(**fields)
    page = client.get(invite_of(circle)).content.decode()
    assert sentence in page
    assert "Open a savings box" not in page


def test_a_site_without_sign_up_offers_only_sign_in(
    client: Client, circle: Circle, settings: Settings
) -> None:
    settings.SIGNUP_OPEN = False
    page = client.get(invite_of(circle)).content.decode()
    assert "Open a savings box" not in page
    assert "Sign in" in page


def test_an_old_link_names_no_circle_to_a_visitor(client: Client, circle: Circle) -> None:
    url = invite_of(circle)
    Circle.objects.filter(pk=circle.pk).update(invite_code="another-code-000")
    response = client.get(url)
    assert response.status_code == 404
    assert "no longer valid" in response.content.decode()
    assert "December" not in response.content.decode()


def test_a_visitor_who_guesses_codes_is_stopped(circle: Circle) -> None:
    statuses = [Client().get(f"/circles/join/guess-{number}/").status_code for number in range(130)]
    assert statuses[:100] == [404] * 100
    assert statuses[-1] == 429
    assert Client().get(invite_of(circle)).status_code == 429


def test_a_member_is_led_to_the_circle(circle: Circle) -> None:
    member = join_circle(circle, nickname="Chidi").user
    assert signed_in(member).get(invite_of(circle))["Location"] == f"/circles/{circle.slug}/"
