"""Cached pages equal fresh ones byte for byte, are never another user's, and never older than the last commit."""

from __future__ import annotations

import hmac
import json
import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, cast

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.core.cache import cache, caches
from django.db import transaction
from django.template import engines
from django.template.exceptions import TemplateSyntaxError
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from savings import circles, leaderboards, ledger, mails, outbox, payments, plans, references, users
from savings.leaderboards import progress
from savings.models import Circle, Membership, OutboxRow, Payment, Plan, Transaction, User
from tests import factories
from tests.factories import join_circle, make_plan, make_product, make_user, pay_in, put_in, start_circle
from web.caching.fragments import FragmentCache

pytestmark = pytest.mark.django_db

TOKEN = re.compile(r'(name="csrfmiddlewaretoken" value=")\w+')


class Person(NamedTuple):
    """A user with one of everything, a browser, and their cached pages."""

    user: User
    plan: Plan
    member: Membership
    client: Client
    pages: list[str]


def make_person(circle: Circle, name: str) -> Person:
    user = make_user(name=name)
    plan = make_plan(user, circle.product, holding_kobo=1_000_00, name=f"{name}’s rent")
    member = join_circle(circle, user, nickname=name)
    put_in(user, 500_00, plan=member.plan)
    member.refresh_from_db()
    movement = pay_in(user, 250_00)
    client = Client()
    client.force_login(user)
    paths = [
        "/dashboard/",
        "/dashboard/?period=1y",
        "/plans/",
        "/plans/interest/",
        f"/plans/{plan.pk}/",
        "/stash/",
        "/transactions/",
    ]
    paths += [f"/transactions/?plan={plan.pk}", f"/transactions/{movement.reference}/"]
    paths += [f"/circles/{circle.slug}/", f"/circles/{circle.slug}/leaderboard/"]
    return Person(user, plan, member, client, paths)


@pytest.fixture
def circle(db: None) -> Circle:
    return start_circle(make_user(name="Owner"), make_product(name="Flexible"))


@pytest.fixture
def ada(circle: Circle) -> Person:
    return make_person(circle, "Ada")


@pytest.fixture
def bola(circle: Circle) -> Person:
    return make_person(circle, "Bola")


@pytest.fixture(autouse=True)
def _board(circle: Circle, ada: Person, bola: Person) -> None:
    leaderboards.rebuild_board(circle.pk)


def text(client: Client, path: str, **headers: str) -> str:
    """Return a page without the CSRF tokens of its forms, which differ each time."""
    response = client.get(path, headers=headers)
    assert response.status_code == 200, path
    return TOKEN.sub(r"\1", response.content.decode())


def test_a_cached_page_equals_one_rendered_without_caches(ada: Person, settings: Settings) -> None:
    for path in ada.pages:
        for headers in ({}, {"HX-Request": "true"}):
            first, cached = (text(ada.client, path, **headers) for _ in "12")
            settings.KEEPS_PAGES = False
            assert first == cached == text(ada.client, path, **headers), path
            settings.KEEPS_PAGES = True


def test_a_filled_page_costs_the_sign_in_alone(
    ada: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for path in ada.pages:
        text(ada.client, path)
        with django_assert_num_queries(1):
            text(ada.client, path)


def test_nobody_gets_anything_of_another_user(ada: Person, bola: Person) -> None:
    visits = [(one, other, path) for one, other in ((ada, bola), (bola, ada)) for path in one.pages] * 3
    random.Random(7).shuffle(visits)
    for one, other, path in visits:
        page = text(one.client, path)
        assert one.user.email in page
        assert other.user.email not in page
        assert other.plan.name.replace("’", "&#x27;") not in page.replace("’", "&#x27;")


def test_another_users_cached_page_is_never_shown(ada: Person, bola: Person) -> None:
    tag = ada.client.get(f"/plans/{ada.plan.pk}/")["ETag"]
    assert bola.client.get(f"/plans/{ada.plan.pk}/").status_code == 404
    assert bola.client.get(f"/plans/{ada.plan.pk}/", headers={"If-None-Match": tag}).status_code == 404
    dashboard = ada.client.get("/dashboard/")["ETag"]
    assert bola.client.get("/dashboard/", headers={"If-None-Match": dashboard}).status_code == 200


def test_a_new_user_with_an_old_id_sees_no_page_of_the_old_one(ada: Person) -> None:
    before = text(ada.client, "/plans/")
    plans.rename(ada.plan, "Quite another")
    # As in a new database, while Redis still has the old data.
    User.objects.filter(pk=ada.user.pk).update(version=ada.user.version, date_joined="2020-01-01T00:00Z")
    assert text(ada.client, "/plans/") != before


def pay_by_card(person: Person) -> None:
    pay_in(person.user, 33_00, plan=person.plan)


def write_a_mail(person: Person) -> None:
    movement = person.user.transactions.latest("pk")
    OutboxRow.objects.filter(transaction=movement).delete()
    with transaction.atomic():
        row = mails.top_up_received(movement)
    assert row
    outbox.deliver(row.pk, {"top_up_received": lambda _: {}})


def reverse(person: Person) -> None:
    movement = Transaction.objects.filter(plan=person.member.plan, kind="adjustment").latest("pk")
    ledger.reverse(movement, reference=references.new("reversal"))


def move_to_stash(person: Person) -> None:
    reference = references.new("plan_to_stash")
    plans.move_from_plan(person.user, person.plan, amount_kobo=10_00, reference=reference)


def hide(person: Person) -> None:
    circles.change_appearance(person.member, nickname="Somebody", hides_amount=True, on_board=True)


def leave(person: Person) -> None:
    reverse(person)
    circles.leave(person.member)


def change_circle(person: Person) -> None:
    circle = person.member.circle
    circles.edit_circle(
        circle, name="School fees", description="Anew", joining="open", goal_kobo=circle.goal_kobo * 2
    )


def change_profile(person: Person) -> None:
    users.change_profile(person.user, name="Adaeze", theme="dark", **_switches(person.user))


def _switches(user: User) -> dict[str, Any]:
    names = [field.name for field in User._meta.fields if field.name.startswith("wants_")]
    return {name: getattr(user, name) for name in names}


def become_staff(person: Person) -> None:
    user = User.objects.get(pk=person.user.pk)
    user.is_staff = True
    user.save()


VERBS: list[Callable[[Person], object]] = [
    pay_by_card,
    lambda person: pay_in(person.user, 44_00),
    lambda person: pay_in(person.user, 55_00, plan=person.member.plan),
    write_a_mail,
    reverse,
    move_to_stash,
    hide,
    leave,
    change_circle,
    lambda person: circles.rotate_code(person.member.circle),
    lambda person: circles.hand_over(person.member.circle, person.member.circle.owner, person.member),
    lambda person: join_circle(person.member.circle, nickname="A newcomer", saved_kobo=900_00),
    lambda person: plans.rename(person.plan, "Another name"),
    lambda person: make_plan(person.user, person.plan.product, name="A new plan"),
    lambda person: factories.make_transaction("top_up", 66_00, user=person.user, plan=person.plan),
    change_profile,
    become_staff,
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", VERBS)
def test_every_change_is_on_the_next_page_of_all_users(
    ada: Person, bola: Person, circle: Circle, verb: Callable[[Person], object], settings: Settings
) -> None:
    owner = Client()
    owner.force_login(circle.owner)
    everybody = [
        (one, path)
        for one, paths in (
            (ada.client, ada.pages),
            (bola.client, bola.pages),
            (owner, ["/dashboard/", f"/circles/{circle.slug}/"]),
        )
        for path in paths
    ]
    for client, path in everybody:
        client.get(path)
    verb(ada)
    for client, path in everybody:
        shown = client.get(path)
        settings.KEEPS_PAGES = False
        again = client.get(path)
        settings.KEEPS_PAGES = True
        assert shown.status_code == again.status_code, path
        if shown.status_code == 200:
            assert TOKEN.sub("", shown.content.decode()) == TOKEN.sub("", again.content.decode()), path


@pytest.mark.django_db(transaction=True)
def test_a_posting_of_another_process_is_on_the_next_page(ada: Person) -> None:
    assert "₦1,234.00" not in text(ada.client, "/stash/")
    own = settings.DATABASES["default"]
    url = f"sqlite:///{own['NAME']}"
    if "postgresql" in own["ENGINE"]:
        url = f"postgres://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
    words = "import django; django.setup(); from tests import factories; from savings.models import User; "
    words += f"factories.pay_in(User.objects.get(pk={ada.user.pk}), 1_234_00)"
    subprocess.run(
        [sys.executable, "-c", words],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "web.settings", "DATABASE_URL": url},
        check=True,
    )
    assert "₦1,234.00" in text(ada.client, "/stash/")


def test_a_save_of_the_whole_row_never_puts_the_version_back(ada: Person) -> None:
    stale = User.objects.get(pk=ada.user.pk)
    pay_by_card(ada)
    version = User.objects.get(pk=ada.user.pk).version
    stale.save()
    assert User.objects.get(pk=ada.user.pk).version == version + 1


def test_a_renamed_product_is_on_the_cards_of_all_who_save_in_it(ada: Person, circle: Circle) -> None:
    text(ada.client, "/plans/")
    factories.change_product(circle.product, name="Easy")
    assert "Easy ·" in text(ada.client, "/plans/")


def test_a_sum_that_may_be_a_minute_old_is_not_kept(
    ada: Person, bola: Person, circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be stale for an hour, because the board's version changed before the sum did."""
    monkeypatch.setattr(progress, "_ALWAYS_FRESH", 2)
    path = f"/circles/{circle.slug}/"
    assert "₦1,000" in text(ada.client, path)
    pay_in(bola.user, 77_00, plan=bola.member.plan)
    text(ada.client, path)
    cache.delete(f"circle:{circle.pk}:progress")
    assert "₦1,077" in text(ada.client, path)


def test_an_event_of_the_provider_is_on_the_receipt(ada: Person) -> None:
    movement = factories.make_transaction("top_up", 66_00, user=ada.user, plan=ada.plan)
    Payment.objects.create(transaction=movement)
    path = f"/transactions/{movement.reference}/"
    assert "Confirmed by the payment provider" not in text(ada.client, path)
    body = json.dumps({"event": "charge.success", "data": {"reference": movement.reference}}).encode()
    for said in ("Confirmed by the payment provider", "2 times, counted once"):
        payments.receive_event(
            body, hmac.new(settings.PROVIDER_SECRET_KEY.encode(), body, "sha512").hexdigest()
        )
        assert said in text(ada.client, path)


def test_an_unchanged_page_is_304_and_says_so_to_this_browser_alone(ada: Person) -> None:
    page = ada.client.get("/dashboard/")
    assert page["Cache-Control"] == "private, no-cache, must-revalidate"
    assert {*page["Vary"].split(", ")} == {"HX-Request", "Cookie", "Accept-Encoding"}
    again = ada.client.get("/dashboard/", headers={"If-None-Match": page["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "Vary", "Cache-Control"):
        assert again[name] == page[name]
    pay_by_card(ada)
    assert ada.client.get("/dashboard/", headers={"If-None-Match": page["ETag"]}).status_code == 200


def test_a_tag_that_no_server_made_is_no_tag(ada: Person) -> None:
    for number in ("9" * 20, "9" * 5_000, "²"):
        tag = f'W/"{number}-{"0" * 32}"'
        assert "Ada" in text(ada.client, "/dashboard/", **{"If-None-Match": tag})


def test_a_page_for_htmx_is_not_the_whole_page(ada: Person) -> None:
    page = ada.client.get("/dashboard/?period=1y")
    part = ada.client.get(
        "/dashboard/?period=1y", headers={"HX-Request": "true", "If-None-Match": page["ETag"]}
    )
    assert part.status_code == 200
    assert b"<html" not in part.content


def deactivate(person: Person) -> None:
    User.objects.filter(pk=person.user.pk).update(is_active=False)


def change_password(person: Person) -> None:
    User.objects.filter(pk=person.user.pk).update(password=make_password("another one"))


def end_session(person: Person) -> None:
    # Redis is not updated, as if it were down; the database decides.
    Session.objects.filter(pk=person.client.session.session_key).delete()


@pytest.mark.parametrize("bite", [deactivate, change_password, end_session])
def test_an_ended_sign_in_fails_at_the_next_request(ada: Person, bite: Callable[[Person], None]) -> None:
    tag = ada.client.get("/dashboard/")["ETag"]
    bite(ada)
    response = ada.client.get("/dashboard/", headers={"If-None-Match": tag})
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/dashboard/")


def test_signing_out_empties_the_browser_and_its_cookie_opens_nothing(ada: Person) -> None:
    tag, cookies = ada.client.get("/dashboard/")["ETag"], dict(ada.client.cookies)
    assert ada.client.post("/accounts/logout/")["Clear-Site-Data"] == '"cache", "storage"'
    thief = Client()
    thief.cookies.update(cookies)
    assert thief.get("/dashboard/", headers={"If-None-Match": tag}).status_code == 302


def test_a_form_on_a_kept_page_carries_the_token_of_who_asks(ada: Person) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada.user)
    for _ in range(2):
        page = browser.get("/plans/")
    token = page.content.decode().partition('name="csrfmiddlewaretoken" value="')[2][:64]
    data = {"theme": "dark", "next": "/plans/", "csrfmiddlewaretoken": token}
    assert browser.post("/profile/theme/", data)["Location"] == "/plans/"
    assert not [key for key in cached_keys() if token in caches["template_fragments"].get(key, "")]


def test_with_another_csrf_cookie_the_page_is_another(ada: Person) -> None:
    tag = ada.client.get("/plans/")["ETag"]
    ada.client.cookies[settings.CSRF_COOKIE_NAME] = "x" * 32
    assert ada.client.get("/plans/", headers={"If-None-Match": tag}).status_code == 200


def test_a_notice_is_shown_once_and_not_kept(ada: Person) -> None:
    text(ada.client, "/profile/")
    tag = ada.client.get("/plans/")["ETag"]
    page = ada.client.post(f"/plans/{ada.plan.pk}/edit/", {"name": "Anew"}, follow=True)
    assert "Saved." in page.content.decode()
    assert "ETag" not in page.headers
    ada.client.post(f"/plans/{ada.plan.pk}/edit/", {"name": "Anew"})
    assert "Saved." in text(ada.client, "/plans/", **{"If-None-Match": tag})
    assert "Saved." not in text(ada.client, "/plans/")


def test_an_address_of_ones_own_making_is_not_kept(ada: Person) -> None:
    for path in ("/plans/?x=1", f"/transactions/?q={'A' * 9}", f"/transactions/?plan={'1' * 300}"):
        assert "ETag" not in ada.client.get(path).headers, path


def test_an_invalid_filter_page_is_not_cached(ada: Person) -> None:
    assert ada.client.get("/transactions/?kind=nonsense").status_code == 422
    assert "ETag" not in ada.client.get("/transactions/?kind=nonsense").headers


def cached_keys() -> list[str]:
    """Return the keys of all cached pages."""
    return list(cast("Any", caches["template_fragments"]).keys("*"))


@pytest.mark.parametrize("part", ["missing", "nothing", "empty"])
def test_a_fragment_without_an_owner_is_an_error(part: str) -> None:
    template = engines["django"].from_string(
        "{% load keeping %}{% cache 60 balance " + part + " 1 %}x{% endcache %}"
    )
    with pytest.raises(TemplateSyntaxError):
        template.render({"nothing": None, "empty": ""})


@pytest.mark.django_db(transaction=True)
def test_a_hundred_readers_make_a_page_once() -> None:
    made: list[int] = []

    def make() -> tuple[bytes, int]:
        made.append(1)
        threading.Event().wait(0.2)
        return b"a page", 60

    def read(_: int) -> bytes:
        return cast("FragmentCache", caches["template_fragments"]).once("page", make)

    with ThreadPoolExecutor(100) as pool:
        assert {*pool.map(read, range(100))} == {b"a page"}
    assert len(made) == 1


def test_one_who_cannot_make_it_does_not_keep_the_others_waiting() -> None:
    store = cast("FragmentCache", caches["template_fragments"])

    def fail() -> tuple[bytes, int]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.once("page", fail)
    assert store.once("page", lambda: (b"made", 60)) == b"made"


def test_a_stale_page_is_rendered_again_without_waiting() -> None:
    store = cast("FragmentCache", caches["template_fragments"])
    assert store.once("page", lambda: (b"old", 60)) == b"old"
    old = store.find("page")
    assert store.once("page", lambda: (b"new", 60), found=old) == b"new"
    assert store.once("page", lambda: (b"newer", 60), lambda made: made.body == b"newer", old) == b"newer"
    assert store.get("page") == "newer"
