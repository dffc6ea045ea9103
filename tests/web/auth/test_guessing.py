"""Guessing is limited, and failures elsewhere never lock out an owner on a known device."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from itertools import count

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings.models import Device, User
from tests.factories import PASSWORD, make_user
from tests.web.mails import code_sent_to, subjects
from web.auth import guessing, tries
from web.auth.guessing import Kind
from web.auth.tries import Limit

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

_numbers = count(1)
RIGHT, WRONG, REFUSED = 302, 422, 429


@pytest.fixture(autouse=True)
def _one_proxy(settings: Settings) -> None:
    """As in production, where the IP address comes from our proxy."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def somewhere() -> str:
    """An IP address that no other test has used."""
    number = next(_numbers)
    return f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}"


def sign_in(
    email: str, password: str = PASSWORD, client: Client | None = None, *, ip: str = ""
) -> HttpResponse:
    """Post the sign-in form, by default from a new browser at a new IP address."""
    typed = {"login": email, "password": password}
    return (client or Client()).post(
        "/accounts/login/", typed, headers={"X-Forwarded-For": ip or somewhere()}
    )  # type: ignore[return-value]


def known_device(user: User) -> Client:
    """A browser that the user has signed in from and out of."""
    client = Client()
    assert sign_in(user.email, client=client).status_code == RIGHT
    client.post("/accounts/logout/")
    return client


def second_step(client: Client, code: str, ip: str = "") -> HttpResponse:
    return client.post(  # type: ignore[return-value]
        "/accounts/2fa/authenticate/", {"code": code}, headers={"X-Forwarded-For": ip or somewhere()}
    )


@pytest.fixture
def recovery_codes(saver: User) -> list[str]:
    """Codes of the saver, who has an authenticator app."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes  # noqa: PLC0415 - needs the apps
    from allauth.mfa.totp.internal.auth import TOTP  # noqa: PLC0415

    TOTP.activate(saver, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    return RecoveryCodes.activate(saver).get_unused_codes()


def test_wrong_passwords_from_elsewhere_do_not_stop_the_owner_at_a_known_device(saver: User) -> None:
    device = known_device(saver)
    for _ in range(40):
        sign_in(saver.email, "wrong")
    assert sign_in(saver.email, "wrong").status_code == REFUSED
    assert sign_in(saver.email, client=device).status_code == RIGHT


def test_wrong_passwords_from_the_same_ip_address_do_not_stop_a_known_device(saver: User) -> None:
    # Thousands of phones share one IP address of their mobile network.
    device, ip = known_device(saver), somewhere()
    for number in range(40):
        sign_in(saver.email if number % 2 else "other@example.com", "wrong", ip=ip)
    assert sign_in(saver.email, ip=ip).status_code == REFUSED
    assert sign_in(saver.email, client=device, ip=ip).status_code == RIGHT


def test_wrong_passwords_at_one_address_do_not_stop_the_owner_at_another(saver: User) -> None:
    ip = somewhere()
    for _ in range(50):
        sign_in(saver.email, "wrong", ip=ip)
    assert sign_in(saver.email, ip=ip).status_code == REFUSED
    assert sign_in(saver.email).status_code == RIGHT


def test_wrong_codes_from_elsewhere_do_not_stop_the_owner_at_a_known_device(
    saver: User, recovery_codes: list[str]
) -> None:
    device = Client()
    sign_in(saver.email, client=device)
    second_step(device, recovery_codes[0])
    device.post("/accounts/logout/")
    for _ in range(12):
        thief = Client()
        sign_in(saver.email, client=thief)
        last = second_step(thief, "000000")
    assert last.status_code == REFUSED
    assert "Retry-After" in last
    assert sign_in(saver.email, client=device).status_code == RIGHT
    assert second_step(device, recovery_codes[1]).status_code == RIGHT


def test_a_known_device_has_its_own_few_tries(saver: User, clock: time_machine.Traveller) -> None:
    device = known_device(saver)
    statuses = [sign_in(saver.email, "wrong", device).status_code for _ in range(6)]
    assert statuses == [WRONG] * 5 + [REFUSED]
    assert sign_in(saver.email, client=device).status_code == REFUSED
    clock.shift(301)
    assert sign_in(saver.email, client=device).status_code == RIGHT


def test_another_users_device_is_not_a_known_one(saver: User) -> None:
    device = known_device(make_user())
    for _ in range(10):
        sign_in(saver.email, "wrong")
    assert sign_in(saver.email, client=device).status_code == REFUSED


def test_a_device_that_only_claims_the_address_is_not_a_known_one(saver: User) -> None:
    other = make_user()
    device = known_device(other)
    other.emailaddress_set.create(email=saver.email, verified=False)
    for _ in range(10):
        sign_in(saver.email, "wrong")
    assert sign_in(saver.email, client=device).status_code == REFUSED


def test_a_forgotten_device_is_unknown_again(saver: User) -> None:
    device = known_device(saver)
    Device.objects.all().delete()
    for _ in range(10):
        sign_in(saver.email, "wrong")
    assert sign_in(saver.email, client=device).status_code == REFUSED


def test_a_password_alone_does_not_make_a_device_known(saver: User, recovery_codes: list[str]) -> None:
    thief = Client()
    sign_in(saver.email, client=thief)
    thief.post("/accounts/logout/")
    for _ in range(10):
        sign_in(saver.email, "wrong")
    assert sign_in(saver.email, client=thief).status_code == REFUSED


@pytest.mark.parametrize("is_known", [True, False])
def test_guessing_from_many_addresses_is_slow(clock: time_machine.Traveller, *, is_known: bool) -> None:
    # Counted alike, whether or not the email address has an account.
    email = make_user().email if is_known else "nobody@example.com"
    tried = 0
    for _ in range(12):
        while sign_in(email, "wrong").status_code == WRONG:
            tried += 1
        clock.shift(300)
    # The tries of an hour, from any number of IP addresses.
    assert tried == 30


def test_guessing_codes_is_slower_still(
    saver: User, recovery_codes: list[str], clock: time_machine.Traveller
) -> None:
    tried = 0
    for _ in range(5):
        thief = Client()
        sign_in(saver.email, client=thief)
        while second_step(thief, "000000").status_code == WRONG:
            tried += 1
        clock.shift(3600)
    assert tried == 30


def test_right_passwords_use_up_nothing(saver: User) -> None:
    ip = somewhere()
    for _ in range(20):
        assert sign_in(saver.email, ip=ip).status_code == RIGHT


def test_a_refused_try_does_not_make_the_wait_longer(saver: User, clock: time_machine.Traveller) -> None:
    ip = somewhere()
    for _ in range(5):
        sign_in(saver.email, "wrong", ip=ip)
    for _ in range(10):
        clock.shift(29)
        assert sign_in(saver.email, ip=ip).status_code == REFUSED
    clock.shift(11)
    assert sign_in(saver.email, ip=ip).status_code == RIGHT


def test_one_ipv6_network_counts_as_one_address(saver: User) -> None:
    for number in range(5):
        sign_in(saver.email, "wrong", ip=f"2001:db8:1:2::{number}")
    assert sign_in(saver.email, ip="2001:db8:1:2:ffff::1").status_code == REFUSED
    assert sign_in(saver.email, ip="2001:db8:1:3::1").status_code == RIGHT


def test_ipv4_addresses_written_as_ipv6_are_not_one_network(saver: User) -> None:
    for _ in range(5):
        sign_in(saver.email, "wrong", ip="::ffff:203.0.113.1")
    assert sign_in(saver.email, ip="203.0.113.1").status_code == REFUSED
    assert sign_in(saver.email, ip="::ffff:203.0.113.2").status_code == RIGHT


def test_a_refusal_says_how_long_to_wait_and_keeps_what_was_typed(
    saver: User, clock: time_machine.Traveller
) -> None:
    ip = somewhere()
    for _ in range(5):
        sign_in(saver.email, "wrong", ip=ip)
    clock.shift(240)
    response = sign_in(saver.email, ip=ip)
    assert response["Retry-After"] == "60"
    assert "Too many tries. Wait 60 seconds, then try again." in response.text
    assert f'value="{saver.email}"' in response.text


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/accounts/reauthenticate/", "password"),
        ("/accounts/password/change/", "oldpassword"),
        ("/accounts/2fa/reauthenticate/", "code"),
    ],
)
def test_proofs_of_who_is_signed_in_are_counted_too(
    saver: User, recovery_codes: list[str], path: str, field: str
) -> None:
    stolen, owner = Client(), Client()
    sign_in(saver.email, client=owner)
    second_step(owner, recovery_codes[0])
    stolen.force_login(saver)
    right = {"password": PASSWORD, "oldpassword": PASSWORD, "code": recovery_codes[1]}[field]
    new = {"password1": "mango tractor river"}
    ip = somewhere()
    statuses = [
        stolen.post(path, {field: "000000"} | new, headers={"X-Forwarded-For": ip}).status_code
        for _ in range(6)
    ]
    assert statuses == [WRONG] * 5 + [REFUSED]
    answer = stolen.post(path, {field: right} | new, headers={"X-Forwarded-For": ip})
    assert answer.status_code == REFUSED
    assert int(answer["Retry-After"]) > 0
    # The owner's browser has an allowance of its own.
    assert owner.post(path, {field: right} | new, headers={"X-Forwarded-For": ip}).status_code == RIGHT


def test_wrong_codes_while_setting_up_an_app_are_counted(saver_client: Client) -> None:
    saver_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    saver_client.get("/accounts/2fa/totp/activate/")
    statuses = [
        saver_client.post("/accounts/2fa/totp/activate/", {"code": "000000x"}).status_code for _ in range(6)
    ]
    assert statuses == [WRONG] * 5 + [REFUSED]


def ask_for_reset(client: Client, email: str, ip: str = "") -> HttpResponse:
    return client.post(  # type: ignore[return-value]
        "/accounts/password/reset/", {"email": email}, headers={"X-Forwarded-For": ip or somewhere()}
    )


def test_others_cannot_use_up_the_owners_password_resets(saver: User) -> None:
    device, ip = known_device(saver), somewhere()
    for _ in range(6):
        refused = ask_for_reset(Client(), saver.email, ip)
    assert refused.status_code == REFUSED
    assert int(refused["Retry-After"]) > 200
    assert ask_for_reset(Client(), saver.email).status_code == RIGHT
    for _ in range(40):
        ask_for_reset(Client(), saver.email)
    assert ask_for_reset(Client(), saver.email).status_code == REFUSED
    assert len(subjects(saver.email)) == 30
    assert ask_for_reset(device, saver.email).status_code == RIGHT


def test_a_reset_leads_in_on_a_new_device_while_somebody_guesses(saver: User) -> None:
    for _ in range(40):
        sign_in(saver.email, "wrong")
    client = Client()
    ask_for_reset(client, saver.email)
    client.post("/accounts/password/reset/confirm/", {"code": code_sent_to(saver.email)})
    response = client.post("/accounts/password/reset/complete/", {"password1": "mango tractor river"})
    assert response["Location"] == "/dashboard/"


def test_wrong_reset_codes_elsewhere_do_not_stop_the_owner(saver: User) -> None:
    for _ in range(8):
        attacker = Client()
        ask_for_reset(attacker, saver.email)
        for _ in range(3):
            attacker.post(
                "/accounts/password/reset/confirm/",
                {"code": "AAAA-AAAA"},
                headers={"X-Forwarded-For": somewhere()},
            )
    client = Client()
    ask_for_reset(client, saver.email)
    response = client.post("/accounts/password/reset/confirm/", {"code": code_sent_to(saver.email)})
    assert response["Location"] == "/accounts/password/reset/complete/"


def test_an_unconfirmed_account_can_be_confirmed_while_somebody_signs_up_with_its_address() -> None:
    user = make_user()
    user.emailaddress_set.update(verified=False)
    typed = {"name": "Mallory", "email": user.email, "password1": "mango tractor river"}
    ip = somewhere()
    for _ in range(30):
        Client().post("/accounts/signup/", typed, headers={"X-Forwarded-For": ip})
    client = Client()
    assert sign_in(user.email, client=client)["Location"] == "/accounts/confirm-email/"
    response = client.post("/accounts/confirm-email/", {"code": code_sent_to(user.email)})
    assert response["Location"] == "/dashboard/"


def test_a_mailed_code_is_accepted_once(saver: User) -> None:
    client = Client()
    ask_for_reset(client, saver.email)
    code = code_sent_to(saver.email)
    client.post("/accounts/password/reset/confirm/", {"code": code})
    client.post("/accounts/password/reset/complete/", {"password1": "mango tractor river"})
    client.post("/accounts/logout/")
    assert client.post("/accounts/password/reset/confirm/", {"code": code})["Location"] == "/accounts/login/"
    assert client.post("/accounts/password/reset/complete/")["Location"] == "/accounts/password/reset/"


def test_passkeys_are_limited_at_an_address_but_not_at_a_known_device(saver: User) -> None:
    device, ip = known_device(saver), somewhere()
    path, typed, headers = (
        "/accounts/2fa/webauthn/login/",
        {"credential": '{"id": "x"}'},
        {"X-Forwarded-For": ip},
    )
    statuses = [Client().post(path, typed, headers=headers).status_code for _ in range(11)]
    assert statuses == [302] * 10 + [429]
    assert device.post(path, typed, headers=headers).status_code == 302


def test_limits_can_be_turned_off(saver: User, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    for _ in range(20):
        sign_in(saver.email, "wrong", ip="203.0.113.9")
    assert sign_in(saver.email, ip="203.0.113.9").status_code == RIGHT


def test_a_known_device_is_let_in_while_redis_is_down(without_redis: None, saver: User) -> None:
    device = known_device(saver)
    for _ in range(40):
        sign_in(saver.email, "wrong")
    assert sign_in(saver.email).status_code == REFUSED
    assert sign_in(saver.email, client=device).status_code == RIGHT


def test_many_addresses_do_not_push_out_a_counter_while_redis_is_down(without_redis: None) -> None:
    limits = [Limit(1, 60)]
    tries.count("first", limits)
    for number in range(2_000):
        tries.count(f"other {number}", limits)
    with pytest.raises(tries.LimitReached):
        tries.count("first", limits)


@pytest.mark.parametrize("junk", ["text", {"a": 1}, [None], 7])
def test_an_invalid_counter_starts_again(junk: object) -> None:
    key = tries.count("scope", [Limit(1, 60)]).key
    cache.set(key, junk, 60)
    tries.count("scope", [Limit(1, 60)])


def test_no_address_is_stored_in_a_counter() -> None:
    assert "ada" not in tries.count("password ada@example.com", [Limit(1, 60)]).key


def test_a_try_that_one_scope_refuses_uses_up_none_of_the_others() -> None:
    narrow, wide = [Limit(1, 60)], [Limit(2, 60)]
    tries.count("narrow", narrow)
    for _ in range(3):
        with pytest.raises(tries.LimitReached):
            tries.count_all([("wide", wide), ("narrow", narrow)])
    tries.count_all([("wide", wide), ("other", narrow)])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (59.5, "60 seconds"), (119, "119 seconds"), (121, "3 minutes"), (86_400, "24 hours")],
)
def test_a_waiting_time_is_shown_in_words(seconds: float, words: str) -> None:
    assert f"Wait {words}," in str(guessing.TooManyTries(seconds).message)


def test_every_kind_has_limits() -> None:
    assert set(guessing._RULES) == set(Kind)


def test_a_long_wait_ends(saver: User, recovery_codes: list[str]) -> None:
    assert Authenticator.objects.filter(user=saver).count() == 2
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(30):
            thief = Client()
            sign_in(saver.email, client=thief)
            second_step(thief, "000000")
            clock.shift(datetime.timedelta(hours=1))
        clock.shift(datetime.timedelta(days=1))
        owner = Client()
        sign_in(saver.email, client=owner)
        assert second_step(owner, recovery_codes[0]).status_code == RIGHT


@pytest.mark.parametrize(
    ("proxies", "forwarded", "connected", "expected"),
    [
        (1, "203.0.113.7", "10.0.0.1", "203.0.113.7"),
        # Requests that bypassed all proxies, or one of them.
        (1, "", "10.0.0.1", "10.0.0.1"),
        (2, "203.0.113.7", "10.0.0.1", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7, 10.0.0.2", "10.0.0.1", "203.0.113.7"),
        # Invalid IP addresses.
        (1, "unknown", "10.0.0.1", "10.0.0.1"),
        (1, "203.0.113.7, ", "10.0.0.1", "10.0.0.1"),
        # An IPv4 client at a dual-stack socket, and an address with a zone, which PostgreSQL does not accept.
        (0, "", "::ffff:203.0.113.7", "203.0.113.7"),
        (1, "fe80::1%eth0", "10.0.0.1", "fe80::1"),
        (1, "[2001:db8::1]:5678", "10.0.0.1", "2001:db8::1"),
    ],
)
def test_whose_address_counts(
    settings: Settings, proxies: int, forwarded: str, connected: str, expected: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    user = make_user()
    typed = {"login": user.email, "password": PASSWORD}
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    answer = Client(REMOTE_ADDR=connected).post("/accounts/login/", typed, headers=headers)
    assert answer.status_code == RIGHT
    assert UserSession.objects.get().ip == expected
