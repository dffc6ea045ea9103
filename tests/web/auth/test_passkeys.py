"""Passkeys as far as they can be tested without a device; tests/e2e has a browser with one."""

from __future__ import annotations

import json

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from savings.models import User
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

GARBAGE = [
    "",
    "nonsense",
    "null",
    "1",
    "[]",
    "{}",
    '"text"',
    '{"id": "x"}',
    '{"id": 1, "rawId": 2, "response": {}, "type": "public-key"}',
    '{"id": "eHh4", "rawId": "eHh4", "type": "public-key", "response": {"userHandle": "eHh4"}}',
    '{"id": "eHh4", "rawId": "eHh4", "type": "public-key", "response": '
    '{"clientDataJSON": "e30", "authenticatorData": "eHh4", "signature": "eHh4", "userHandle": "MQ"}}',
    '{"id": "eHh4", "rawId": "eHh4", "type": "public-key", "response": '
    '{"clientDataJSON": "e30", "attestationObject": "eHh4"}}',
]


@pytest.fixture
def sure(saver_client: Client) -> Client:
    """A saver who has just entered their password."""
    saver_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return saver_client


def test_a_challenge_is_asked_for_as_json(client: Client) -> None:
    options = client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"}).json()
    asked = options["request_options"]["publicKey"]
    assert asked["rpId"] == "testserver"
    assert asked["userVerification"] == "required"
    assert len(asked["challenge"]) >= 32


def test_the_page_to_add_one_holds_the_options_and_no_script_of_its_own(sure: Client) -> None:
    page = sure.get("/accounts/2fa/webauthn/add/")
    options = json.loads(
        page.text.split('<script id="passkey-options" type="application/json">')[1].split("<")[0]
    )
    assert options["creation_options"]["publicKey"]["rp"] == {"id": "testserver", "name": "Asusu"}
    assert "onload" not in page.text
    assert "js/passkeys.js" in page.text


def test_it_is_named_after_the_browser(sure: Client) -> None:
    agent = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"
    page = sure.get("/accounts/2fa/webauthn/add/", headers={"User-Agent": agent})
    assert 'value="Chrome on Android"' in page.text


@pytest.mark.parametrize("credential", GARBAGE)
def test_an_unsigned_credential_signs_nobody_in(client: Client, saver: User, credential: str) -> None:
    client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
    response = client.post("/accounts/2fa/webauthn/login/", {"credential": credential})
    assert response["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("credential", GARBAGE)
def test_an_invalid_passkey_is_not_added(sure: Client, credential: str) -> None:
    sure.get("/accounts/2fa/webauthn/add/")
    response = sure.post("/accounts/2fa/webauthn/add/", {"name": "Phone", "credential": credential})
    assert response.status_code == 422
    assert 'value="Phone"' in response.text
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("name", ["", "x" * 200])
def test_a_name_is_short_and_not_empty(sure: Client, saver: User, name: str) -> None:
    passkey = Authenticator.objects.create(
        user=saver, type=Authenticator.Type.WEBAUTHN, data={"name": "Mine"}
    )
    response = sure.post(f"/accounts/2fa/webauthn/keys/{passkey.pk}/edit/", {"name": name})
    assert response.status_code == 422
    passkey.refresh_from_db()
    assert passkey.data["name"] == "Mine"


def test_its_name_is_only_a_name(sure: Client, saver: User) -> None:
    passkey = Authenticator.objects.create(
        user=saver, type=Authenticator.Type.WEBAUTHN, data={"name": "Mine"}
    )
    sure.post(f"/accounts/2fa/webauthn/keys/{passkey.pk}/edit/", {"name": "<img src=x>"})
    assert "&lt;img src=x&gt;" in sure.get("/accounts/").text


def test_another_users_is_not_there(sure: Client) -> None:
    other = Authenticator.objects.create(
        user=User.objects.create_user("other@example.com", name="Other"),
        type=Authenticator.Type.WEBAUTHN,
        data={"name": "Theirs"},
    )
    assert sure.get(f"/accounts/2fa/webauthn/keys/{other.pk}/remove/").status_code == 404
    assert sure.post(f"/accounts/2fa/webauthn/keys/{other.pk}/remove/").status_code == 404
