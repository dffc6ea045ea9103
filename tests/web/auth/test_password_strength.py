"""Passwords that are easy to guess are refused in every form, with advice."""

from __future__ import annotations

import time

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from savings.models import User
from tests.factories import PASSWORD, make_user
from tests.web import staff
from tests.web.mails import code_sent_to

NGOZI = {"name": "Ngọ́zi Adébáyọ̀ Eze", "email": "n.eze@mailbox.example.com"}


def refusal(password: str, **person: str) -> str:
    """The code of the first error of a password; empty if it is accepted."""
    try:
        validate_password(password, User(**(person or NGOZI)))
    except ValidationError as error:
        return str(error.error_list[0].code)
    return ""


@pytest.mark.parametrize(
    "password",
    [
        " " * 10,
        "\u3000" * 10,
        "Password123!",
        "P@ssw0rd1234",
        "Ｐａｓｓｗｏｒｄ１２３！",
        "p a s s w o r d 1 2 3",
        "passwordpassword",
        "qwertyuiop",
        "asdfghjkl;",
        "zxcvbnm,./",
        "1qaz2wsx3edc",
        "1q2w3e4r5t",
        "!@#$%^&*()",
        "azertyuiop12",
        "aaaaaaaaaaaa",
        "!!!!!!!!!!!!",
        "abababababab",
        "ab" * 200,
        "abcdefghij",
        "zyxwvutsrq",
        "1234567890",
        "0803 123 4567",
        "12/04/1990ab",
        "iloveyou2024!",
        "godisgood123",
        "Chelsea2012!",
        "Nigeria1960!",
        "Summer2024!!",
        "changeme1234",
    ],
)
def test_common_passwords_and_patterns_are_refused(password: str) -> None:
    assert refusal(password) == "password_easy"


@pytest.mark.parametrize(
    "password",
    [
        "Ngozi2024!",
        "NgoziEze1990",
        "eze1990ngozi",
        "Ngozi Eze 1990",
        "   ngozi    ",
        "Ngozi Ngozi",
        "Ng0z1_1990",
        "izogn-1990-eze",
        "Adébáyọ̀1985",
        "adebayo@1985!!",
        "n.eze@mailbox.example.com",
        "mailbox2024!",
        "asusuasusu",
        "AsusuAsusu1",
        "a-s-u-s-u-asusu",
        "@5u5u2026!!",
        "asusu-demo",
    ],
)
def test_the_persons_name_address_and_the_site_are_refused(password: str) -> None:
    assert refusal(password) == "password_personal"


def test_the_words_of_the_sites_own_address_are_refused(settings: Settings) -> None:
    settings.SITE_URL = "https://harvest.example.org"
    assert refusal("harvest2026!") == "password_personal"


@pytest.mark.parametrize(
    "password",
    [
        "three quiet words",
        "mango tractor river",
        "purple-lamp-seven",
        "wéré ọ̀rọ̀ mẹ́ta dára",
        "x8K!s0Pq2z",
        "#$%@!^&*;:{",
        "Tk9vQm2Xw4Lz",
        "ngozi kR7#mQ2$vL9",
    ],
)
def test_unrelated_words_and_random_characters_are_accepted(password: str) -> None:
    assert refusal(password) == ""


def test_a_password_without_a_person_is_measured_too() -> None:
    validate_password("mango tractor river")
    with pytest.raises(ValidationError, match="easy to guess"):
        validate_password("Password123!")


def test_a_person_without_a_name_compares_with_nothing() -> None:
    assert refusal("mango tractor river", name="", email="") == ""


def test_only_the_start_of_a_long_password_is_measured() -> None:
    begun_at = time.process_time()
    assert refusal("mango tractor river " + "te6o2!7$47tat7i4!0oi1@" * 40_000) == ""
    # Measuring all of it would take hours.
    assert time.process_time() - begun_at < 5


@pytest.mark.django_db
@pytest.mark.parametrize("password", ["Ngozi2024!", "asusuasusu", "Password123!", " " * 10])
def test_sign_up_compares_with_what_is_typed_beside_it(client: Client, password: str) -> None:
    typed = {"name": "Ngozi Eze", "email": "someone@example.com", "password1": password}
    response = client.post("/accounts/signup/", typed)
    assert response.status_code == 422
    assert "Use three or four unrelated words." in response.text
    assert not User.objects.exists()


@pytest.mark.django_db
def test_sign_up_says_one_sentence_about_the_password(client: Client) -> None:
    typed = {"name": "Ngozi Eze", "email": "ngozi@example.com", "password1": "ngozi@example.com"}
    response = client.post("/accounts/signup/", typed)
    assert len(response.context["form"].errors["password1"]) == 1


@pytest.mark.django_db
def test_sign_up_compares_also_with_an_address_that_will_not_do(client: Client) -> None:
    typed = {"name": "", "email": "chidera@", "password1": "chidera1990"}
    assert "password1" in client.post("/accounts/signup/", typed).context["form"].errors


def test_a_change_is_measured(saver_client: Client) -> None:
    typed = {"oldpassword": PASSWORD, "password1": "Password123!"}
    assert "easy to guess" in saver_client.post("/accounts/password/change/", typed).text


@pytest.mark.django_db
def test_a_reset_is_measured(client: Client) -> None:
    user = make_user(name="Ngozi Eze")
    client.post("/accounts/password/reset/", {"email": user.email})
    client.post("/accounts/password/reset/confirm/", {"code": code_sent_to(user.email)})
    response = client.post("/accounts/password/reset/complete/", {"password1": "Ngozi2024!"})
    assert response.status_code == 422
    assert "mostly your name" in response.text


@pytest.mark.django_db
def test_a_first_password_is_measured(client: Client) -> None:
    user = make_user(name="Ngozi Eze")
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    response = client.post("/accounts/password/set/", {"password1": "Ngozi2024!"})
    assert "mostly your name" in response.text


@pytest.mark.django_db
def test_createsuperuser_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    # The last answer: whether to create the user with that password anyway.
    answers = iter(["boss@example.com", "Boss", "n"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    typed = iter(["Boss2024!!", "Boss2024!!", *["mango tractor river"] * 2])
    monkeypatch.setattr("getpass.getpass", lambda *_: next(typed))
    call_command("createsuperuser", stdin=_Terminal())
    assert User.objects.get().check_password("mango tractor river")


class _Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.django_db
def test_staff_cannot_choose_a_weak_one_for_somebody() -> None:
    client = staff.sign_in(User.objects.create_superuser("boss@example.com", PASSWORD, name="Boss"))
    typed = {
        "email": "ngozi@example.com",
        "name": "Ngozi Eze",
        "usable_password": "true",
        "password1": "Ngozi2024!",
        "password2": "Ngozi2024!",
    }
    response = client.post("/admin/savings/user/add/", typed)
    assert "mostly your name" in response.text
    assert not User.objects.filter(email="ngozi@example.com").exists()
