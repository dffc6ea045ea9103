"""Changes of email address: by code, by staff, undone by a link, and attempts of an intruder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings as site
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from savings import mails, outbox, tasks, users
from savings.models import OutboxRow, User
from tests.factories import PASSWORD, make_user, pay_in
from tests.web.links import link_sent_to
from tests.web.mails import code_sent_to, newest, subjects
from tests.web.staff import SECRET, app_code, make_staff, sign_in

pytestmark = pytest.mark.django_db

OLD, NEW = "ada@example.com", "new@example.com"
WORDS = "four quiet old words"


@pytest.fixture
def ada(db: None) -> User:
    return make_user(OLD)


def signed_in(email: str, password: str = PASSWORD) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": email, "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def change_by_code(client: Client, email: str = NEW) -> None:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "1", "email": email})
    client.post("/accounts/confirm-email/", {"code": code_sent_to(email)})


def change_by_staff(user: User, email: str = NEW) -> None:
    staff = sign_in(make_staff("change_user"))
    url = reverse("admin:savings_user_change", args=[user.pk])
    form = {"email": email, "name": user.name, "theme": "", "is_active": "on"}
    assert staff.post(url, form).status_code == 302


def reset(client: Client, email: str) -> str:
    """Choose a new password with a mailed code; return the URL it redirects to."""
    client.post("/accounts/password/reset/", {"email": email})
    client.post("/accounts/password/reset/confirm/", {"code": code_sent_to(email)})
    return str(client.post("/accounts/password/reset/complete/", {"password1": WORDS})["Location"])


def agree(user: User) -> bool:
    user.refresh_from_db()
    rows = EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary")
    return list(rows) == [(user.email, True, True)]


# By the saver


def test_a_change_ends_every_other_session_and_notifies_both(ada: User) -> None:
    here, elsewhere = signed_in(OLD), signed_in(OLD)
    change_by_code(here)
    assert [is_in(here), is_in(elsewhere)] == [True, False]
    assert agree(ada)
    assert subjects(OLD) == ["Your email address was changed"]
    assert subjects(NEW)[-1] == "This is now your account’s email address"
    assert not is_in(signed_in(OLD))
    assert is_in(signed_in(NEW))


@pytest.mark.parametrize("action", ["action_primary", "action_remove", "action_send"])
def test_allauths_other_buttons_leave_the_one_address(ada: User, action: str) -> None:
    client = signed_in(OLD)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {action: "1", "email": OLD})
    assert agree(ada)
    assert ada.email == OLD


@pytest.mark.parametrize("action", ["action_primary", "action_remove", "action_send"])
@pytest.mark.parametrize("is_proven", [True, False])
def test_allauths_other_buttons_bring_in_no_second_address(
    ada: User, action: str, *, is_proven: bool
) -> None:
    # Our code does not write such a row; an earlier release may have.
    EmailAddress.objects.create(user=ada, email=NEW, verified=is_proven, primary=False)
    client = signed_in(OLD)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {action: "1", "email": NEW})
    ada.refresh_from_db()
    assert ada.email == OLD
    assert subjects(NEW) == []
    assert EmailAddress.objects.filter(user=ada).count() == 2


def test_saving_a_password_does_not_bring_an_old_address_back(ada: User) -> None:
    stale = User.objects.get(pk=ada.pk)
    users.change_email(ada.pk, NEW)
    get_adapter().set_password(stale, WORDS)
    assert agree(ada)
    assert ada.email == NEW
    assert ada.check_password(WORDS)


# By staff


def test_an_email_address_from_staff_changes_nothing_until_confirmed(ada: User) -> None:
    browser = signed_in(OLD)
    change_by_staff(ada)
    assert agree(ada)
    assert ada.email == OLD
    assert is_in(browser)
    assert not is_in(signed_in(NEW))
    Client().post("/accounts/password/reset/", {"email": NEW})
    assert newest(NEW).subject == "There is no account with this address"
    assert subjects(OLD) == ["Someone asked to change your email address"]


def test_the_link_to_the_new_address_makes_it_the_one(ada: User) -> None:
    browser = signed_in(OLD)
    change_by_staff(ada)
    link = link_sent_to(NEW)
    assert "Use this address" in Client().get(link).text
    assert ada.email == OLD
    assert "Your email address is changed" in Client().post(link).text
    assert agree(ada)
    assert ada.email == NEW
    assert not is_in(browser)
    assert not is_in(signed_in(OLD))
    assert is_in(signed_in(NEW))
    assert Client().post(link).status_code == 410


def test_after_it_codes_go_to_the_new_address_alone(ada: User) -> None:
    users.change_email(ada.pk, NEW)
    Client().post("/accounts/password/reset/", {"email": OLD})
    assert "code" not in newest(OLD).subject
    client = Client()
    assert reset(client, NEW) == "/dashboard/"
    assert agree(ada)


def test_receipts_never_go_to_an_address_that_is_not_proven(ada: User) -> None:
    change_by_staff(ada)
    with transaction.atomic():
        row = mails.top_up_received(pay_in(ada, 500_00))
    assert row
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    row.refresh_from_db()
    assert row.to == OLD


@pytest.mark.parametrize("taken", ["taken@example.com", "FORMER@example.com", "no address"])
def test_staff_see_beside_the_field_what_will_not_do(ada: User, taken: str) -> None:
    make_user("taken@example.com")
    users.change_email(make_user("former@example.com").pk, "other@example.com")
    staff = sign_in(make_staff("change_user"))
    url = reverse("admin:savings_user_change", args=[ada.pk])
    page = staff.post(url, {"email": taken, "name": ada.name, "theme": "", "is_active": "on"})
    assert page.status_code == 200
    assert page.context["adminform"].form.errors["email"]
    assert agree(ada)


def test_staff_find_people_by_the_address_they_had(ada: User) -> None:
    users.change_email(ada.pk, NEW)
    staff = sign_in(make_staff("view_user", "view_emailchange"))
    for page in ("savings_user", "savings_emailchange"):
        found = staff.get(reverse(f"admin:{page}_changelist"), {"q": " Ada@Example.com"})
        assert len(found.context["cl"].result_list) == 1, page


# Undo


def test_after_a_hostile_change_the_old_address_takes_the_account_back(ada: User) -> None:
    thief = signed_in(OLD)
    change_by_code(thief)
    thief.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": "the thief has chosen"})
    Authenticator.objects.create(user=ada, type="webauthn", data={"name": "The thief's"})
    owner, link = Client(), link_sent_to(OLD)
    assert "Get my address back" in owner.get(link).text
    assert is_in(thief)
    done = owner.post(link)
    assert "Your email address is back" in done.text
    assert agree(ada)
    assert ada.email == OLD
    assert not is_in(thief)
    assert not Authenticator.objects.exists()
    assert not is_in(signed_in(NEW, "the thief has chosen"))
    assert not is_in(signed_in(OLD, "the thief has chosen"))
    assert reset(owner, OLD) == "/dashboard/"
    assert is_in(owner)
    assert owner.get(link).status_code == 410


def test_a_signed_in_owner_can_undo_the_change(ada: User) -> None:
    here = signed_in(OLD)
    change_by_code(here)
    assert here.post(link_sent_to(OLD)).status_code == 200
    assert not is_in(here)


def test_a_get_undoes_nothing(ada: User) -> None:
    users.change_email(ada.pk, NEW)
    link = link_sent_to(OLD)
    for method in (Client().get, Client().head):
        assert method(link).status_code == 200
    assert ada.email_changes.get().ended_at is None


def test_the_links_want_a_form_of_ours(ada: User) -> None:
    users.change_email(ada.pk, NEW)
    assert Client(enforce_csrf_checks=True).post(link_sent_to(OLD)).status_code == 403


@pytest.mark.parametrize("verb", ["undo", "confirm"])
def test_a_forged_link_is_not_there(client: Client, verb: str) -> None:
    assert client.get(f"/accounts/email/{verb}/1:forged/").status_code == 404


def test_an_intruder_does_not_see_the_link_among_the_messages(ada: User, settings: Settings) -> None:
    settings.SHOWS_MAILBOX = False
    thief = signed_in(OLD)
    change_by_code(thief)
    link = link_sent_to(OLD)
    row = OutboxRow.objects.get(to=OLD)
    page = thief.get(f"/messages/{row.pk}/")
    assert "was changed from" in page.text
    assert link not in page.text


def test_a_code_asked_for_before_the_undoing_is_worth_nothing_after_it(ada: User) -> None:
    users.change_email(ada.pk, NEW)
    thief = Client()
    thief.post("/accounts/password/reset/", {"email": NEW})
    code = code_sent_to(NEW)
    Client().post(link_sent_to(OLD))
    thief.post("/accounts/password/reset/confirm/", {"code": code})
    thief.post("/accounts/password/reset/complete/", {"password1": WORDS})
    assert not is_in(thief)
    ada.refresh_from_db()
    assert not ada.has_usable_password()


def test_a_code_entered_before_the_undoing_is_worth_nothing_after_it(ada: User) -> None:
    users.change_email(ada.pk, NEW)
    thief = Client()
    thief.post("/accounts/password/reset/", {"email": NEW})
    thief.post("/accounts/password/reset/confirm/", {"code": code_sent_to(NEW)})
    Client().post(link_sent_to(OLD))
    thief.post("/accounts/password/reset/complete/", {"password1": WORDS})
    assert not is_in(thief)


def test_an_unfinished_sign_in_is_worth_nothing_after_the_undoing(ada: User) -> None:
    users.change_email(ada.pk, NEW)
    TOTP.activate(ada, SECRET)
    Authenticator.objects.update(created_at="2020-01-01T00:00:00Z")
    thief = Client()
    login = thief.post("/accounts/login/", {"login": NEW, "password": PASSWORD})
    assert login["Location"] == "/accounts/2fa/authenticate/"
    Client().post(link_sent_to(OLD))
    thief.post("/accounts/2fa/authenticate/", {"code": app_code()})
    assert not is_in(thief)


def test_an_unfinished_sign_in_ends_with_a_new_password(ada: User) -> None:
    owner = signed_in(OLD)
    TOTP.activate(ada, SECRET)
    thief = signed_in(OLD)
    owner.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": WORDS})
    thief.post("/accounts/2fa/authenticate/", {"code": app_code()})
    assert not is_in(thief)
    assert is_in(owner)


# The old email address, meanwhile


def test_asking_for_a_code_at_the_old_address_mails_the_way_back(ada: User) -> None:
    users.change_email(ada.pk, NEW)
    Client().post("/accounts/password/reset/", {"email": OLD})
    assert newest(OLD).subject == "Your email address was replaced"
    Client().post(link_sent_to(OLD))
    assert agree(ada)
    assert ada.email == OLD


def test_signing_up_with_it_is_answered_as_with_a_taken_one(ada: User) -> None:
    make_user("taken@example.com")
    users.change_email(ada.pk, NEW)
    pages = []
    for email in (OLD, "taken@example.com"):
        client = Client()
        form = {"name": "Eve", "email": email, "password1": WORDS}
        answer = client.post("/accounts/signup/", form)
        page = client.get("/accounts/confirm-email/").text.replace(email, "")
        pages.append((answer.status_code, answer["Location"], re.sub(r'value="[^"]{64}"', "", page)))
    assert pages[0] == pages[1]
    assert not User.objects.filter(email=OLD).exists()
    assert newest(OLD).subject == "Your email address was replaced"


def test_nobody_else_changes_to_it(ada: User) -> None:
    users.change_email(ada.pk, NEW)
    eve = make_user("eve@example.com")
    client = signed_in("eve@example.com")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/email/", {"action_add": "1", "email": OLD})
    answer = client.post("/accounts/confirm-email/", {"code": code_sent_to(OLD)})
    assert answer.status_code == 422
    assert "Someone else uses this email address" in answer.text
    assert agree(eve)
    Client().post(link_sent_to(OLD))
    assert agree(ada)
    assert ada.email == OLD


def test_staff_get_no_code_at_an_address_that_was_never_proven(client: Client) -> None:
    User.objects.create_superuser("slip@example.com", PASSWORD, name="Boss")
    client.post("/accounts/password/reset/", {"email": "slip@example.com"})
    assert newest("slip@example.com").subject == "There is no account with this address"


def test_only_one_module_stores_email_addresses() -> None:
    writing = re.compile(
        r"EmailAddress\.objects\.(\w*create|update)|EmailAddress\([^)]|update\([^)]*\bemail=|\.email = (?!row\.email)"
    )
    writers = {
        str(path.relative_to(site.BASE_DIR))
        for folder in ("savings", "web")
        for path in Path(site.BASE_DIR / folder).rglob("*.py")
        if writing.search(path.read_text()) and not {"migrations", "demo"} & {*path.parts}
    }
    # An erased person gets an address that nobody has.
    assert writers == {
        "savings/backoffice/erasure.py",
        "savings/users/email_addresses.py",
        "web/admin/users.py",
    }
