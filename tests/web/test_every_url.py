"""Every URL, requested by a visitor and by a user who does not own its object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from savings import plans, references, statements
from savings.models import Device, OutboxRow, Product, User
from tests.autosave import make_rule
from tests.cards import make_card
from tests.factories import PASSWORD, make_plan, make_product, make_user, pay_in, start_circle
from tests.payouts import make_recipient
from tests.web.shelf import written
from web.auth.sign_in import PUBLIC, READABLE

pytestmark = pytest.mark.django_db

_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


class Url(NamedTuple):
    """A URL pattern: its path with `<arguments>`, and its name."""

    path: str
    name: str

    @property
    def arguments(self) -> list[str]:
        return _ARGUMENT.findall(self.path)


def walk(resolver: URLResolver, path: str = "/", namespaces: tuple[str, ...] = ()) -> Iterator[Url]:
    for pattern in resolver.url_patterns:
        # The admin's last pattern matches everything else.
        here = path + str(pattern.pattern).replace("(?P<url>.*)$", "<url>")
        if isinstance(pattern, URLResolver):
            deeper = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from walk(pattern, here, deeper)
        elif isinstance(pattern, URLPattern):
            yield Url(here, ":".join((*namespaces, pattern.name)) if pattern.name else "")


URLS = list(walk(get_resolver()))
PRIVATE = [url for url in URLS if url.name not in PUBLIC]


@pytest.fixture
def owner(db: None) -> User:
    """A user with one of everything."""
    return make_user("owner@example.com")


@pytest.fixture
def examples(owner: User) -> dict[str, str]:
    """The owner's object for each URL argument. A new argument needs a line here."""
    plan = make_plan(owner, make_product(Product.Kind.EMERGENCY), holding_kobo=5_000_00)
    reference = references.mint(references.NOTICE_PREFIX)
    notice = plans.give_notice(owner, plan, amount_kobo=1_000_00, reference=reference)
    movement = pay_in(owner, 1_000_00, plan=plan)
    session = UserSession.objects.create(user=owner, ip="127.0.0.1", session_key="x" * 32)
    device = Device.objects.create(user=owner, token_hash="x" * 64, label="Firefox on Linux")
    message = OutboxRow.objects.create(kind="welcome", dedupe_key="walk", user=owner, text="Hello")
    passkey = Authenticator.objects.create(
        user=owner, type=Authenticator.Type.WEBAUTHN, data={"name": "Mine"}
    )
    circle = start_circle(owner)
    subscription = statements.subscribe(owner, scope="stash", format="csv")
    return {
        "plan_id": str(plan.pk),
        "notice_id": str(notice.pk),
        "rule_id": str(make_rule(plan).pk),
        "reference": movement.reference,
        "message_id": str(message.pk),
        "statement_id": str(written(owner).pk),
        "subscription_id": str(subscription.pk),
        "session_id": str(session.pk),
        "device_id": str(device.pk),
        "recipient_id": str(make_recipient(owner).pk),
        "card_id": str(make_card(owner).pk),
        "pk": str(passkey.pk),
        "slug": circle.slug,
        "membership_id": str(circle.memberships.get().pk),
        # Not the circle's invite code, which admits anybody.
        "code": "revoked",
        # The admin's arguments, for pages that only staff may see.
        "object_id": str(owner.pk),
        "id": str(owner.pk),
        "user_id": str(owner.pk),
        "page": "plan",
        "key": str(plan.pk),
        "app_label": "savings",
        "content_type_id": "1",
        "url": "nowhere",
        "action": "adjust",
        "case_id": "1",
        "request_id": "1",
        "payout_id": "1",
        "dispute_id": "1",
        "export_id": "1",
        "product_id": "1",
        "listed": "savings.transaction",
    }


def path_of(url: Url, examples: dict[str, str]) -> str:
    missing = set(url.arguments) - set(examples)
    assert not missing, f"{url.path} needs an example of {missing} in this file"
    return _ARGUMENT.sub(lambda match: examples[match[1]], url.path)


def test_the_list_of_public_pages_names_only_what_is_there() -> None:
    assert set() == (PUBLIC | READABLE) - {url.name for url in URLS}
    assert not PUBLIC & READABLE


def test_a_visitor_is_asked_to_sign_in_everywhere_else(client: Client, examples: dict[str, str]) -> None:
    for url in PRIVATE:
        path = path_of(url, examples)
        methods = (client.post,) if url.name in READABLE else (client.get, client.post)
        for response in (method(path) for method in methods):
            assert response.status_code == 302, f"{path} is shown to visitors: {response.status_code}"
            assert response["Location"].startswith("/accounts/login/?next="), path


@pytest.mark.parametrize("url", [url for url in URLS if url.name in PUBLIC], ids=lambda url: url.path)
def test_a_visitor_sees_what_is_public(client: Client, url: Url) -> None:
    response = client.get(url.path)
    # Some are later steps of a sign-in, or accept only the provider's POST.
    assert response.status_code in {200, 302, 404, 405}, url.path
    assert "next=" not in response.get("Location", "")


def test_another_saver_finds_nothing_of_the_owners(client: Client, examples: dict[str, str]) -> None:
    client.force_login(make_user())
    # allauth asks for the password before it looks up the passkey.
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for url in PRIVATE:
        if not url.arguments or url.path.startswith("/admin/"):
            continue
        path = path_of(url, examples)
        answers = {client.get(path).status_code, client.post(path).status_code}
        assert 404 in answers, f"{path} answers another user's request: {answers}"
        assert answers <= {404, 405}, f"{path} answers another user's request: {answers}"


def test_a_saver_is_kept_out_of_the_admin(client: Client, examples: dict[str, str]) -> None:
    client.force_login(make_user())
    for url in PRIVATE:
        if url.path.startswith("/admin/"):
            response = client.get(path_of(url, examples), follow=True)
            assert response.status_code in {403, 404} or response.redirect_chain, url.path
            assert b'id="user-tools"' not in response.content, url.path


def test_every_page_without_an_argument_opens_for_a_saver(client: Client) -> None:
    client.force_login(make_user())
    for url in URLS:
        if not url.arguments and not url.path.startswith("/admin/"):
            status = client.get(url.path).status_code
            assert status in {200, 302, 404, 405}, f"{url.path}: {status}"


def test_no_page_is_in_allauths_own_look(saver_client: Client, saver: User) -> None:
    saver_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    examples: dict[str, str] = {}
    pages = [url for url in URLS if url.path.startswith("/accounts/")]
    # Passkey URLs come last: this passkey has only a name, which pages that use passkeys cannot handle.
    for url in sorted(pages, key=lambda url: url.arguments == ["pk"]):
        if url.arguments == ["pk"] and not examples:
            passkey = Authenticator.objects.create(user=saver, type="webauthn", data={"name": "Mine"})
            examples["pk"] = str(passkey.pk)
        if set(url.arguments) <= set(examples):
            for browser in (Client(), saver_client):
                page = browser.get(path_of(url, examples))
                borrowed = [template.name for template in page.templates if "allauth" in template.origin.name]
                assert not borrowed, f"{url.path} uses {borrowed}"
