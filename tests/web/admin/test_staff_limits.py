"""Limits of staff: they cannot gain rights or another user's sign-in, and the owner is notified of each change."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from savings.models import Device, EmailChange, User
from tests.factories import PASSWORD, make_user
from tests.web.mails import subjects
from tests.web.staff import make_staff, sign_in

pytestmark = pytest.mark.django_db

NEW = "four quiet old words"
TARGETS: list[dict[str, Any]] = [
    {"is_staff": True},
    {"is_superuser": True},
    {"is_staff": True, "is_superuser": True},
]


def url(page: str, *args: object, model: type[Model] = User) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def password_page(user: User) -> str:
    return reverse("admin:auth_user_password_change", args=[user.pk])


def form_of(user: User, **values: Any) -> dict[str, Any]:
    """The data of a user's admin form as shown; None leaves a box unticked."""
    shown = {
        "email": user.email,
        "name": user.name,
        "theme": "",
        "is_active": "on" if user.is_active else None,
        "is_staff": "on" if user.is_staff else None,
        "is_superuser": "on" if user.is_superuser else None,
    }
    return {name: value for name, value in (shown | values).items() if value is not None}


def row(user: User) -> dict[str, Any]:
    return dict(User.objects.filter(pk=user.pk).values().get())


@pytest.fixture
def support() -> Client:
    """Staff with every permission on users and groups, without being a superuser."""
    everything = Permission.objects.filter(content_type__app_label__in=["savings", "account", "mfa", "auth"])
    return sign_in(make_staff(*everything.values_list("codename", flat=True)))


@pytest.fixture
def boss() -> Client:
    return sign_in(make_staff(is_superuser=True))


@pytest.mark.parametrize("rights", TARGETS)
def test_nobody_but_a_superuser_sets_the_password_of_staff(support: Client, rights: dict[str, Any]) -> None:
    target = make_user(**rights)
    answers = [
        support.get(password_page(target)),
        support.post(password_page(target), {"password1": NEW, "password2": NEW}),
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    target.refresh_from_db()
    assert target.check_password(PASSWORD)


@pytest.mark.parametrize("rights", TARGETS)
@pytest.mark.parametrize(
    "change",
    [
        {"email": "mine@example.com"},
        {"is_active": None},
        {"is_staff": None, "is_superuser": None},
        {"name": "Renamed"},
    ],
)
def test_nobody_but_a_superuser_changes_staff(
    support: Client, rights: dict[str, Any], change: dict[str, Any]
) -> None:
    target = make_user(**rights)
    before = row(target)
    assert support.post(url("change", target.pk), form_of(target, **change)).status_code == 403
    assert row(target) == before
    assert not EmailChange.objects.exists()


@pytest.mark.parametrize("rights", TARGETS)
def test_nobody_deletes_users_or_their_sign_in_methods(support: Client, rights: dict[str, Any]) -> None:
    target = make_user(**rights)
    rows: list[Model] = [
        target,
        EmailAddress.objects.get(user=target),
        Authenticator.objects.create(user=target, type="totp", data={"secret": "x"}),
        UserSession.objects.create(user=target, ip="127.0.0.1", session_key="x" * 32),
        Device.objects.create(user=target, token_hash="x", label="Phone"),
        EmailChange.objects.create(user=target, old_email="a@x.com", new_email="b@x.com"),
    ]
    for one in rows:
        model = type(one)
        support.post(url("delete", one.pk, model=model), {"post": "yes"})
        chosen = {"action": "delete_selected", "_selected_action": [one.pk], "post": "yes"}
        support.post(url("changelist", model=model), chosen)
        support.post(
            url("change", one.pk, model=model), {"user": 1, "verified": "on", "email": "x@example.com"}
        )
        assert model._default_manager.filter(pk=one.pk).exists(), model
        assert not admin.site._registry[model].list_editable


def test_a_saver_gets_no_rights_from_staff_who_are_no_superusers(support: Client) -> None:
    saver, group = make_user(), Group.objects.create(name="Role")
    given = {
        "is_staff": "on",
        "is_superuser": "on",
        "groups": [group.pk],
        "user_permissions": list(Permission.objects.values_list("pk", flat=True)),
    }
    assert support.post(url("change", saver.pk), form_of(saver, **given)).status_code == 302
    saver.refresh_from_db()
    assert (saver.is_staff, saver.is_superuser, saver.groups.count()) == (False, False, 0)
    assert not saver.user_permissions.exists()


def test_a_user_added_by_staff_gets_no_rights(support: Client) -> None:
    form = {"email": "new@example.com", "name": "New", "usable_password": "true", "is_staff": "on"}
    support.post(url("add"), form | {"is_superuser": "on", "password1": NEW, "password2": NEW})
    user = User.objects.get(email="new@example.com")
    assert (user.is_staff, user.is_superuser) == (False, False)


def test_roles_are_written_by_superusers_alone(support: Client) -> None:
    group = Group.objects.create(name="Role")
    permissions = list(Permission.objects.values_list("pk", flat=True))
    form = {"name": "Role", "permissions": permissions}
    assert support.get(url("changelist", model=Group)).status_code == 200
    for answer in (
        support.post(url("change", group.pk, model=Group), form),
        support.post(url("add", model=Group), form | {"name": "Mine"}),
        support.post(url("delete", group.pk, model=Group), {"post": "yes"}),
    ):
        assert answer.status_code == 403
    assert not group.permissions.exists()


@pytest.mark.parametrize("fields", [{}, {"is_superuser": True}])
def test_staff_change_their_own_sign_in_on_the_security_page(fields: dict[str, Any]) -> None:
    me = make_staff("change_user", **fields)
    client = sign_in(me)
    assert client.get(password_page(me))["Location"] == "/accounts/password/change/"
    client.post(password_page(me), {"password1": NEW, "password2": NEW})
    client.post(url("change", me.pk), form_of(me, email="mine@example.com", is_active=None, name="Me"))
    me.refresh_from_db()
    assert (me.name, me.is_active) == ("Me", True)
    assert me.check_password(PASSWORD)
    assert not EmailChange.objects.exists()


def test_the_own_password_is_sent_to_the_page_for_everyone() -> None:
    client = sign_in(make_staff())
    page = client.get(reverse("admin:password_change"))
    assert 'action="/accounts/password/change/"' in page.text
    assert client.post(reverse("admin:password_change")).status_code == 405
    assert client.get(reverse("admin:password_change_done"))["Location"] == reverse("admin:index")


# What superusers and staff may do, and the notifications


@pytest.mark.parametrize("who", ["boss", "support"])
def test_a_password_set_by_staff_ends_the_sessions_and_is_notified(
    who: str, request: pytest.FixtureRequest
) -> None:
    saver, browser = make_user(), Client()
    browser.post("/accounts/login/", {"login": saver.email, "password": PASSWORD})
    client = request.getfixturevalue(who)
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert client.post(password_page(saver), form).status_code == 302
    saver.refresh_from_db()
    assert saver.check_password(NEW)
    assert browser.get("/profile/").status_code == 302
    assert not UserSession.objects.filter(user=saver).exists()
    assert subjects(saver.email) == ["Our staff changed your password"]


def test_a_password_disabled_by_staff_is_notified(support: Client) -> None:
    saver = make_user()
    support.post(password_page(saver), {"usable_password": "false", "unset-password": "1"})
    saver.refresh_from_db()
    assert not saver.has_usable_password()
    assert subjects(saver.email) == ["Our staff changed your password"]


def test_closing_and_reopening_an_account_is_notified(support: Client) -> None:
    saver, browser = make_user(), Client()
    browser.post("/accounts/login/", {"login": saver.email, "password": PASSWORD})
    support.post(url("change", saver.pk), form_of(saver, is_active=None))
    assert not UserSession.objects.filter(user=saver).exists()
    support.post(url("change", saver.pk), form_of(saver, is_active="on"))
    saver.refresh_from_db()
    assert saver.is_active
    assert subjects(saver.email) == ["Your account was closed", "Your account is open again"]


@pytest.mark.parametrize("right", ["is_staff", "is_superuser", "groups", "user_permissions"])
def test_a_change_of_rights_is_notified(boss: Client, right: str) -> None:
    saver = make_user()
    values = {
        "groups": [Group.objects.create(name="Role").pk],
        "user_permissions": [Permission.objects.earliest("pk").pk],
    }
    boss.post(url("change", saver.pk), form_of(saver, **{right: values.get(right, "on")}))
    assert subjects(saver.email) == ["Your rights as staff were changed"]


def test_a_change_of_a_group_is_notified_to_its_members(boss: Client) -> None:
    group, member = Group.objects.create(name="Role"), make_user(is_staff=True)
    member.groups.add(group)
    permission = Permission.objects.earliest("pk")
    boss.post(url("change", group.pk, model=Group), {"name": "Role", "permissions": [permission.pk]})
    boss.post(url("delete", group.pk, model=Group), {"post": "yes"})
    assert subjects(member.email) == ["Your rights as staff were changed"] * 2


def test_a_change_of_a_name_is_not(boss: Client) -> None:
    saver = make_user()
    boss.post(url("change", saver.pk), form_of(saver, name="Renamed"))
    saver.refresh_from_db()
    assert saver.name == "Renamed"
    assert subjects(saver.email) == []


def test_a_page_that_was_open_for_long_undoes_nothing(boss: Client) -> None:
    saver = make_user()
    shown = form_of(saver, name="Renamed")
    User.objects.filter(pk=saver.pk).update(credentials_changed_at="2026-01-01T00:00:00Z", version=7)
    boss.post(url("change", saver.pk), shown)
    kept = row(saver)
    assert kept["credentials_changed_at"]
    assert kept["version"] > 7


def test_the_page_of_other_staff_is_to_be_read_and_holds_no_hash(support: Client) -> None:
    target = make_user(is_staff=True)
    page = support.get(url("change", target.pk))
    assert page.status_code == 200
    assert target.password not in page.text
    assert 'name="_save"' not in page.text
