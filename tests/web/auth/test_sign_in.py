"""Sign-in: by password, with limits, from new devices, and back to the requested page."""

from __future__ import annotations

import datetime
import re
from urllib.parse import quote

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from savings.models import Device, OutboxRow, User
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def sign_in(client: Client, user: User, password: str = PASSWORD, *, after: str = "", **headers: str) -> str:
    """Sign in, and return the URL it redirects to; empty if it fails."""
    response = client.post(
        f"/accounts/login/{after}", {"login": user.email, "password": password}, headers=headers
    )
    return str(response.get("Location", ""))


def signed_out_on(client: Client, user: User, path: str) -> None:
    """Open a page, and let the session expire."""
    sign_in(client, user)
    assert client.get(path).status_code == 200
    del client.cookies["sessionid"]


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def test_e_mail_and_password_lead_to_the_dashboard(client: Client, saver: User) -> None:
    assert sign_in(client, saver) == "/dashboard/"
    assert is_in(client)


def test_capitals_in_the_address_do_not_matter(client: Client, saver: User) -> None:
    client.post("/accounts/login/", {"login": saver.email.upper(), "password": PASSWORD})
    assert is_in(client)


def test_a_wrong_password_keeps_the_address_and_not_the_password(client: Client, saver: User) -> None:
    response = client.post("/accounts/login/", {"login": saver.email, "password": "wrong-password"})
    assert response.status_code == 422
    assert "Wrong email or password" in response.text
    assert f'value="{saver.email}"' in response.text
    assert "wrong-password" not in response.text


def test_an_unknown_address_is_answered_as_a_wrong_password(client: Client, saver: User) -> None:
    pages = []
    for email in (saver.email, "nobody@example.com"):
        response = client.post("/accounts/login/", {"login": email, "password": "wrong-password"})
        assert response.status_code == 422
        pages.append(re.sub(r'value="[^"]{64}"', "", response.text.replace(email, "")))
    assert pages[0] == pages[1]


def test_five_wrong_passwords_block_the_sign_in_for_a_while(client: Client, saver: User) -> None:
    for _ in range(5):
        sign_in(client, saver, "wrong-password")
    response = client.post("/accounts/login/", {"login": saver.email, "password": PASSWORD})
    assert response.status_code == 429
    assert "Too many tries. Wait 5 minutes, then try again." in response.text
    assert f'value="{saver.email}"' in response.text
    assert 295 <= int(response["Retry-After"]) <= 300
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=6)):
        assert sign_in(client, saver) == "/dashboard/"


def test_many_tries_from_one_place_are_refused_whoever_they_are_for(client: Client) -> None:
    statuses = [
        client.post("/accounts/login/", {"login": f"{n}@example.com", "password": "wrong"}).status_code
        for n in range(11)
    ]
    assert statuses == [422] * 10 + [429]


def test_an_account_that_was_never_confirmed_asks_for_the_code(client: Client) -> None:
    user = make_user()
    user.emailaddress_set.update(verified=False)
    assert sign_in(client, user) == "/accounts/confirm-email/"
    assert not is_in(client)
    assert "is your code" in OutboxRow.objects.get(to=user.email).subject


def test_a_closed_account_is_out_at_once_and_stays_out(client: Client, saver: User) -> None:
    sign_in(client, saver)
    assert is_in(client)
    User.objects.filter(pk=saver.pk).update(is_active=False)
    assert not is_in(client)
    assert sign_in(client, saver) == "/accounts/inactive/"
    assert "This account is closed" in client.get("/accounts/inactive/").text


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "http:///evil.example",
    ],
)
def test_it_never_leads_to_another_site(client: Client, saver: User, elsewhere: str) -> None:
    assert sign_in(client, saver, after=f"?next={quote(elsewhere)}") == "/dashboard/"


def test_it_leads_back_to_the_page_one_wanted(client: Client, saver: User) -> None:
    response = client.get("/transactions/?kind=top_up")
    assert response["Location"] == "/accounts/login/?next=/transactions/%3Fkind%3Dtop_up"
    after = response["Location"].partition("/accounts/login/")[2]
    assert sign_in(client, saver, after=after) == "/transactions/?kind=top_up"


def test_htmx_is_sent_to_sign_in_and_back_to_its_page(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/plans/start/?product=1"}
    response = client.get("/plans/start/?product=1&first=5", headers=headers)
    assert response["HX-Redirect"] == "/accounts/login/?next=/plans/start/%3Fproduct%3D1"
    assert "Location" not in response


def test_a_waiting_form_is_shown_as_text(client: Client, saver: User) -> None:
    signed_out_on(client, saver, "/plans/start/")
    client.post("/plans/start/", {"name": "<script>alert(1)</script>"})
    sign_in(client, saver)
    page = client.get("/profile/unsent/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("path", ["/accounts/password/change/", "/admin/products/new/"])
def test_passwords_and_the_admin_are_never_kept(client: Client, saver: User, path: str) -> None:
    signed_out_on(client, saver, "/profile/")
    response = client.post(path, {"oldpassword": "secret"})
    assert response["Location"] == f"/accounts/login/?next={path}"
    assert "unsent" not in client.session


def test_a_form_that_is_too_long_is_not_stored(client: Client, saver: User) -> None:
    signed_out_on(client, saver, "/plans/start/")
    client.post("/plans/start/", {"name": "x" * 10_000})
    assert "unsent" not in client.session


def test_a_new_device_is_notified_once_and_without_amounts(client: Client, saver: User) -> None:
    sign_in(client, saver)
    assert not OutboxRow.objects.filter(kind="new_device").exists()
    other = Client()
    sign_in(other, saver, **{"User-Agent": FIREFOX})
    row = OutboxRow.objects.get(kind="new_device")
    assert row.user == saver
    assert row.payload["device"] == "Firefox on Linux"
    other.post("/accounts/logout/")
    sign_in(other, saver)
    assert OutboxRow.objects.filter(kind="new_device").count() == 1
    assert Device.objects.filter(user=saver).count() == 2


def test_a_device_is_known_by_its_cookie_alone_and_the_cookie_is_safe(client: Client, saver: User) -> None:
    sign_in(client, saver)
    cookie = client.cookies["device"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert int(cookie["max-age"]) > 300 * 24 * 60 * 60
    assert Device.objects.get().token_hash not in cookie.value


def test_a_forged_device_cookie_is_a_new_device(client: Client, saver: User) -> None:
    sign_in(client, saver)
    other = Client()
    other.cookies["device"] = "anything:1xYz:signature"
    sign_in(other, saver)
    assert OutboxRow.objects.filter(kind="new_device").count() == 1


def test_a_shared_browser_is_a_device_of_each(client: Client, saver: User) -> None:
    sign_in(client, saver)
    client.post("/accounts/logout/")
    sign_in(client, make_user())
    assert not OutboxRow.objects.filter(kind="new_device").exists()
    assert Device.objects.count() == 2


def test_the_admin_asks_for_the_same_sign_in(client: Client) -> None:
    staff = User.objects.create_superuser("boss@example.com", PASSWORD, name="Boss")
    staff.emailaddress_set.create(email=staff.email, verified=True, primary=True)
    assert client.get("/admin/")["Location"] == "/accounts/login/?next=/admin/"
    assert client.get("/admin/login/")["Location"] == "/accounts/login/?next=/admin/login/"
    assert sign_in(client, staff, after="?next=/admin/") == "/admin/"
    # Next is a second step; see test_second_step.py.
    assert client.get("/admin/")["Location"] == "/accounts/second-step/"


def test_the_admin_shows_no_form_to_users_who_are_not_staff(saver_client: Client) -> None:
    assert saver_client.get("/admin/login/").status_code == 403
    assert saver_client.post("/admin/login/", {"username": "a", "password": "b"}).status_code == 403


def test_signing_out_takes_a_click(saver_client: Client) -> None:
    assert "Sign out?" in saver_client.get("/accounts/logout/").text
    assert is_in(saver_client)
    assert saver_client.post("/accounts/logout/")["Location"] == "/"
    assert not is_in(saver_client)
