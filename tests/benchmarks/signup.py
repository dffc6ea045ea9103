"""Response times must not reveal whether an email address has an account."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import django
from django.conf import settings

from tests.benchmarks._servers import PRODUCTION

if not settings.configured:
    os.environ |= PRODUCTION
    django.setup()

from django.core.management import call_command
from django.test import Client

from tests.benchmarks import _database
from tests.benchmarks._report import Figure, in_turns, publish
from tests.factories import make_user

ROUNDS = 50
AT_LEAST, AT_MOST = 0.9, 1.1
TAKEN, UNCONFIRMED = "taken@example.com", "unconfirmed@example.com"
_numbers = count(1)


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json")
    options = parser.parse_args()
    # Production pages use hashed file names.
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.ACCOUNT_RATE_LIMITS = False
    # It would log each wrong password.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    with _database.made():
        make_user(TAKEN)
        make_user(UNCONFIRMED).emailaddress_set.update(verified=False)
        figures = list(_measure())
    return publish("signup", figures, options.json)


def _measure() -> Iterator[Figure]:
    for what, post in (
        ("sign-up", _sign_up),
        ("password reset", _ask_for_reset),
        ("wrong password", _sign_in),
    ):
        yield from _ratios(what, post)


def _ratios(what: str, post: Callable[[str], None]) -> Iterator[Figure]:
    free, taken, unconfirmed = in_turns(
        ROUNDS, lambda: post(_free()), partial(post, TAKEN), partial(post, UNCONFIRMED)
    )
    for name, seconds in (("taken", taken), ("never confirmed", unconfirmed)):
        detail = f"{seconds * 1000:.1f} : {free * 1000:.1f} ms"
        yield Figure(
            f"{what}, {name} : free address", seconds / free, "x", detail, at_least=AT_LEAST, at_most=AT_MOST
        )


def _free() -> str:
    return f"free{next(_numbers)}@example.com"


def _browser() -> Client:
    return Client(headers={"host": "savings.example.com", "x-forwarded-proto": "https"})


def _sign_up(email: str) -> None:
    _post(_browser(), "/accounts/signup/", 302, name="Ngozi Eze", email=email, password1="three quiet words")


def _ask_for_reset(email: str) -> None:
    _post(_browser(), "/accounts/password/reset/", 302, email=email)


def _sign_in(email: str) -> None:
    _post(_browser(), "/accounts/login/", 422, login=email, password="wrong")


def _post(browser: Client, path: str, status: int, **fields: str) -> None:
    response = browser.post(path, fields)
    assert response.status_code == status, f"{path} answered {response.status_code}"


if __name__ == "__main__":
    sys.exit(main())
