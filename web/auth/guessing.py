"""Limits guessing of passwords and codes without letting an attacker lock out the owner.

A known device, one that has signed in to the account before, has its own allowance. All others are counted per account
and IP address, per account, and per IP address. So failures elsewhere never block the owner on a known device, and
guessing from many IP addresses at once is slow. On a new device the owner can wait, use a passkey, or use the code of
a password reset, which others cannot use up either: its mails are counted in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from allauth.core.exceptions import ImmediateHttpResponse
from django import forms
from django.conf import settings
from django.http import HttpRequest

from savings import users
from web.auth import devices, tries
from web.auth.email_addresses import owner_of
from web.auth.tries import Limit
from web.error_pages import too_many_requests
from web.messages import errors as messages

_MINUTE, _HOUR, _DAY = 60, 60 * 60, 24 * 60 * 60


class _Rule(NamedTuple):
    """The limits of one kind of try. A scope without limits is not counted."""

    # For a known device, and for the combination of an account and an IP address.
    own: Sequence[Limit]
    # For an account, from all unknown devices together.
    account: Sequence[Limit] = ()
    # For an IP address, over all accounts.
    network: Sequence[Limit] = ()
    # Counts successful tries too: this limits their cost, not guessing. A known device has its own count.
    busy: Sequence[Limit] = ()


_OWN = (Limit(5, 5 * _MINUTE), Limit(30, _DAY))
_NETWORK = (Limit(10, _MINUTE), Limit(100, _HOUR))


class Kind(StrEnum):
    """The kinds of tries that are limited."""

    PASSWORD = "password"  # noqa: S105 - the word
    CODE = "code of an app, or recovery code"
    PASSKEY = "passkey"
    MAILED_CODE = "mailed code"
    CODE_MAIL = "mail with a code"
    RESET_MAIL = "mail for a password reset"
    EMAIL_CHANGE = "change of email address"


_RULES = {
    Kind.PASSWORD: _Rule(
        _OWN, (Limit(10, 5 * _MINUTE), Limit(30, _HOUR)), _NETWORK, busy=(Limit(30, _MINUTE),)
    ),
    # Three codes of six digits are valid at any time. A guess needs the password first, so this can be stricter: 30
    # guesses a day find a code in thirty years.
    Kind.CODE: _Rule(_OWN, (Limit(10, _HOUR), Limit(30, _DAY)), _NETWORK),
    # There is nothing to guess: this limits the cost of checking signatures.
    Kind.PASSKEY: _Rule((), busy=(Limit(10, _MINUTE),)),
    # A code is tied to one browser and expires after three wrong tries, so the account needs no limit, which others
    # could use up.
    Kind.MAILED_CODE: _Rule((Limit(10, 5 * _MINUTE), Limit(30, _HOUR)), network=_NETWORK),
    Kind.CODE_MAIL: _Rule(
        (Limit(1, 10), Limit(10, _HOUR)), (Limit(30, _HOUR),), (Limit(20, _MINUTE), Limit(100, _HOUR))
    ),
    Kind.RESET_MAIL: _Rule(
        (Limit(5, 5 * _MINUTE), Limit(10, _HOUR)),
        (Limit(30, _HOUR),),
        (Limit(20, _MINUTE), Limit(100, _HOUR)),
    ),
    Kind.EMAIL_CHANGE: _Rule((Limit(10, _MINUTE), Limit(30, _HOUR))),
}


class TooManyTries(forms.ValidationError):
    """Raised before a try is checked, whether it is right or wrong. Answered with 429 and Retry-After."""

    def __init__(self, wait_seconds: float) -> None:
        self.wait_seconds = max(1, math.ceil(wait_seconds))
        super().__init__(messages.too_many_tries(self.wait_seconds), code="too_many_tries")


class Try(NamedTuple):
    """A try, counted before it is checked, so that simultaneous tries are all counted."""

    counts: Sequence[tries.Count]

    def succeed(self) -> None:
        """Remove a successful try from the counts of the account, the device and the IP address."""
        for counted in self.counts:
            counted.take_back()


def begin(request: HttpRequest, kind: Kind, account: str = "") -> Try:
    """Count a try to sign in or to have a mail sent, for an account given by its email address.

    Known and unknown email addresses are counted alike. Raises TooManyTries.
    """
    if not settings.ACCOUNT_RATE_LIMITS:
        # allauth's switch for all limits; benchmarks turn it off.
        return Try([])
    rule = _RULES[kind]
    account = account.strip().lower()
    device = _known_device(request, account)
    place = f"device {device}" if device else f"network {tries.network_of(request)}"
    try:
        busy = [(f"all {kind} {place}", rule.busy)] if rule.busy else []
        tries.count_all(busy)
        return Try(tries.count_all(_scopes(rule, kind, account, place, is_known=bool(device))))
    except tries.LimitReached as reached:
        raise TooManyTries(reached.wait_seconds) from None


def begin_or_stop(request: HttpRequest, kind: Kind, account: str = "") -> Try:
    """Do the same as `begin`, but answer with the 429 page, because no form can show the refusal."""
    try:
        return begin(request, kind, account)
    except TooManyTries as refused:
        page = too_many_requests(request, refused.wait_seconds, rule=str(refused.message))
        raise ImmediateHttpResponse(page) from None


def wait_seconds(form: forms.BaseForm) -> int:
    """Return the seconds to wait before a form can be sent again; 0 if it was not refused for too many tries."""
    errors = [error for listed in form.errors.as_data().values() for error in listed]
    return max((error.wait_seconds for error in errors if isinstance(error, TooManyTries)), default=0)


def _scopes(
    rule: _Rule, kind: Kind, account: str, place: str, *, is_known: bool
) -> Iterator[tuple[str, Sequence[Limit]]]:
    """Yield the scopes of a try, narrowest first, so that one IP address alone never uses up an account's limit."""
    yield from [(f"{kind} {account} {place}", rule.own)] if rule.own else []
    if is_known:
        return
    yield from [(f"{kind} {account}", rule.account)] if rule.account else []
    yield from [(f"{kind} {place}", rule.network)] if rule.network else []


def _known_device(request: HttpRequest, account: str) -> str:
    """Return the id of this device if the account has signed in on it; without an account, if any has."""
    token = devices.token_of(request)
    if not token:
        return ""
    if not account:
        return users.known_device(token)
    owner = owner_of(account)
    # No user has the id 0. An unknown email address needs as many queries as a known one.
    return users.known_device(token, owner.pk if owner else 0)
