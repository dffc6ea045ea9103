"""Rate limits per user and per IP address: then 429 with Retry-After, and no typed text is lost."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings.models import Plan, Product, User
from tests.factories import make_plan, make_product, make_user, start_circle
from tests.provider import Provider
from tests.web.form_filling import filled_in
from tests.web.shelf import written
from tests.web.staff import make_staff, sign_in
from tests.web.test_every_url import URLS
from web.auth.sign_in import PUBLIC
from web.messages import errors as messages
from web.middleware import rate_limits

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

HTMX = {"HX-Request": "true"}
# Routes without a form, or with so small an effect that abuse gains nothing.
CHEAP = {
    **dict.fromkeys(
        [
            *(
                "landing:home",
                "help:home",
                "dashboard:home",
                "calendar:home",
                "calendar:feed",
                "plans:index",
                "plans:choose_top_up",
                "plans:detail",
                "autosave:index",
                "autosave:choose",
                "autosave:detail",
            ),
            "plans:interest",
            "plans:paid_interest",
            *(
                "stash:home",
                "payouts:recipients",
                "cards:index",
                "payments:find_returned",
                "circles:index",
                "circles:detail",
                "circles:leaderboard",
                "circles:members",
            ),
            *("circles:member", "transactions:index", "transactions:receipt", "statements:index"),
            *("statements:detail", "messages:index", "messages:detail", "messages:mailbox", "users:security"),
            *(
                "users:unsent",
                "users:second_step",
                "security_txt",
                "change_password",
                "mfa_index",
                "mfa_list_webauthn",
                "",
            ),
            *(
                "usersessions_list",
                "account_inactive",
                "account_password_reset_completed",
                "healthz",
                "readyz",
                "metrics",
                "echo",
            ),
            *("mfa_view_recovery_codes", "mfa_download_recovery_codes"),
        ],
        "only shows something",
    ),
    **dict.fromkeys(
        [
            *("account_login", "account_signup", "account_reauthenticate", "account_change_password"),
            *("account_set_password", "account_reset_password", "account_confirm_login_code"),
            *("account_confirm_password_reset_code", "account_complete_password_reset", "mfa_authenticate"),
            *("account_email_verification_sent", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"),
            *("mfa_login_webauthn",),
        ],
        "limited by django-allauth, as guessing",
    ),
    **dict.fromkeys(
        ["mfa_deactivate_totp", "mfa_add_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn"],
        "asks for the password first, whose tries are limited",
    ),
    "account_logout": "ends a session",
    "payments:webhook": "the provider may not be turned away; what is not signed costs one hash of 64 kB",
}


def test_every_route_has_limits_or_a_reason_for_none() -> None:
    names = {url.name for url in URLS if not url.path.startswith(("/admin/", "/lab/"))}
    assert names - rate_limits.RULES.keys() - CHEAP.keys() == set()
    assert CHEAP.keys() & rate_limits.RULES.keys() == set()
    assert rate_limits.RULES.keys() - names == set()


def test_staff_are_limited_in_the_whole_admin() -> None:
    client = sign_in(make_staff(is_superuser=True))
    statuses = [
        client.post("/admin/savings/payment/", {"action": "ask_again"}).status_code for _ in range(61)
    ]
    assert statuses[-1] == 429
    assert 429 not in statuses[:-1]


def start(client: Client, product: Product, number: int, **headers: str) -> Any:
    data = filled_in(client, "/plans/start/", product=product.pk, name=f"Plan {number}", target="600,000")
    return client.post("/plans/start/", data, headers=headers)


def test_somebody_opens_twenty_plans_an_hour(saver_client: Client, saver: User) -> None:
    product = make_product()
    answers = [start(saver_client, product, number) for number in range(40)]
    assert [answer.status_code for answer in answers] == [302] * 20 + [429] * 20
    assert saver.plans.count() == 20
    assert 0 < int(answers[-1]["Retry-After"]) <= 3600
    with time_machine.travel(timezone.now() + datetime.timedelta(seconds=int(answers[-1]["Retry-After"]))):
        assert start(saver_client, product, 41).status_code == 302


def test_the_page_says_when_to_try_again_and_keeps_what_was_typed(saver_client: Client) -> None:
    product = make_product()
    page = [start(saver_client, product, number) for number in range(21)][-1].text
    assert '<h1 id="error-h">Too many tries</h1>' in page
    assert re.search(r"Nothing was changed. Try again in \d+ (minutes|hours)", page)
    assert '<input type="hidden" name="name" value="Plan 20">' in page
    assert 'action="/plans/start/"' in page


def test_htmx_gets_a_notice_and_the_form_stays(saver_client: Client) -> None:
    product = make_product()
    answer = [start(saver_client, product, number, **HTMX) for number in range(21)][-1]
    assert (answer.status_code, answer["HX-Reswap"]) == (429, "none")
    assert 'hx-swap-oob="beforeend:#toasts"' in answer.text
    assert "Too many tries" in answer.text
    assert "<html" not in answer.text


def test_a_password_is_not_written_into_the_page(saver_client: Client, settings: Settings) -> None:
    for _ in range(61):
        answer = saver_client.post("/statements/start/", {"password": "quite secret"})
    assert answer.status_code == 429
    assert "quite secret" not in answer.text


def test_a_form_that_has_to_be_corrected_opens_nothing_and_costs_nothing(saver_client: Client) -> None:
    product = make_product()
    for _ in range(30):
        assert saver_client.post("/plans/start/", {"product": str(product.pk)}).status_code == 422
    assert start(saver_client, product, 1).status_code == 302


def test_limits_are_each_persons_own(saver_client: Client) -> None:
    product, other = make_product(), Client()
    for number in range(21):
        start(saver_client, product, number)
    other.force_login(make_user())
    assert start(other, product, 1).status_code == 302


def test_many_people_of_one_address_are_limited_together() -> None:
    statuses = []
    for _ in range(11):
        client, user = Client(), make_user()
        client.force_login(user)
        path = f"/circles/{start_circle(user).slug}/rotate-code/"
        statuses += [client.post(path).status_code for _ in range(10)]
    assert statuses == [302] * 100 + [429] * 10


def test_an_ipv6_address_is_its_network(settings: Settings) -> None:
    settings.IP_RATE_LIMIT_FACTOR = 1
    statuses = [
        Client().post("/messages/unsubscribe/guess/", REMOTE_ADDR=f"2001:db8::{number:x}").status_code
        for number in range(21)
    ]
    assert statuses == [404] * 20 + [429]


def test_the_limits_per_address_can_be_raised(settings: Settings) -> None:
    settings.IP_RATE_LIMIT_FACTOR = 2
    statuses = {Client().post("/messages/unsubscribe/guess/").status_code for _ in range(40)}
    assert statuses == {404}


def test_limits_can_be_switched_off(saver_client: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = False
    product = make_product()
    assert {start(saver_client, product, number).status_code for number in range(25)} == {302}


def top_up(client: Client, plan: Plan) -> Any:
    path = f"/plans/{plan.pk}/top-up/"
    fields = dict(re.findall(r'name="(reference)" value="([^"]+)"', client.get(path).text))
    return client.post(path, {**fields, "amount": "500", "source": "card"})


def test_somebody_announces_thirty_payments_an_hour(
    saver_client: Client, saver: User, provider: Provider
) -> None:
    plan = make_plan(saver)
    assert [top_up(saver_client, plan).status_code for _ in range(40)] == [302] * 30 + [429] * 10


ACTIONS: dict[str, tuple[int, Callable[[User], str]]] = {
    "a statement again": (20, lambda user: f"/statements/{written(user).pk}/again/"),
    "its mail": (10, lambda user: f"/statements/{written(user).pk}/resend-mail/"),
    "a new invitation": (10, lambda user: f"/circles/{start_circle(user).slug}/rotate-code/"),
}


@pytest.mark.parametrize(("most", "prepare"), ACTIONS.values(), ids=ACTIONS)
def test_costly_actions_are_limited(
    saver_client: Client, saver: User, most: int, prepare: Callable[[User], str]
) -> None:
    path = prepare(saver)
    statuses = [saver_client.post(path).status_code for _ in range(most + 1)]
    assert statuses == [302] * most + [429]


def test_codes_of_invitations_cannot_be_tried_without_end(saver_client: Client) -> None:
    statuses = [saver_client.get(f"/circles/join/guess{number}/").status_code for number in range(11)]
    assert statuses == [404] * 10 + [429]


def test_a_right_code_counts_for_nothing(saver_client: Client) -> None:
    circle = start_circle()
    for _ in range(30):
        assert saver_client.get(f"/circles/join/{circle.invite_code}/").status_code == 200


def test_a_visitor_makes_no_hundred_sessions() -> None:
    path = "/accounts/2fa/webauthn/login/"
    statuses = [Client().get(path, headers={"Accept": "application/json"}).status_code for _ in range(100)]
    assert statuses == [200] * 30 + [429] * 70
    assert Session.objects.count() == 30


def test_forms_of_visitors_make_no_hundred_sessions() -> None:
    answers = [
        Client().post("/plans/start/", {"name": f"A{number}", "reference": "x"}) for number in range(100)
    ]
    assert {answer.status_code for answer in answers} <= {302, 429}
    assert Session.objects.count() <= 30


def test_no_other_page_makes_sessions_for_visitors_without_end() -> None:
    for url in URLS:
        if url.name in PUBLIC and not url.arguments:
            for _ in range(3):
                Client().get(url.path, headers={"Accept": "application/json"})
                Client().post(url.path, {"email": "somebody@example.com", "name": "A"})
    for _ in range(100):
        Client().get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
    assert Session.objects.count() <= 60


def test_signing_in_gets_a_session_above_the_limit(saver: User) -> None:
    for _ in range(31):
        Client().get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
    client = Client()
    assert (
        client.post("/accounts/login/", {"login": saver.email, "password": "asusu-demo"}).status_code == 302
    )
    assert client.get("/profile/").status_code == 200


def test_without_redis_each_process_counts_by_itself(
    without_redis: None, saver_client: Client, saver: User
) -> None:
    path = f"/circles/{start_circle(saver).slug}/rotate-code/"
    assert [saver_client.post(path).status_code for _ in range(11)] == [302] * 10 + [429]


@pytest.mark.django_db(transaction=True)
def test_many_requests_at_once_are_counted_one_by_one(saver: User) -> None:
    path = f"/circles/{start_circle(saver).slug}/rotate-code/"
    clients = [Client() for _ in range(24)]
    for client in clients:
        client.force_login(saver)

    def post(client: Client) -> int:
        try:
            return client.post(path).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(post, clients))
    assert statuses.count(302) <= 10
    assert set(statuses) == {302, 429}


def test_a_wrong_answer_about_a_statement_says_when_to_try_again(client: Client, saver: User) -> None:
    code = written(saver).code
    for _ in range(6):
        answer = client.post("/statements/verify/", {"code": code, "closing": "1"})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 60


def test_allauths_own_limits_say_when_to_try_again(client: Client) -> None:
    for number in range(31):
        answer = client.post("/accounts/login/", {"login": f"a{number}@example.com", "password": "x"})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (90, "90 seconds"),
        (119, "119 seconds"),
        (121, "3 minutes"),
        (5400, "90 minutes"),
        (86_400, "24 hours"),
    ],
)
def test_the_waiting_time_is_shown_in_words(seconds: int, words: str) -> None:
    assert messages.wait(seconds) == words
