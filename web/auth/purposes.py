"""What a saver was about to do when they were asked to confirm who they are, and the page to go back to instead."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve, reverse

from web.messages import sign_in as messages


class Purpose(NamedTuple):
    """Why a page asks for a proof, as a sentence, and the way back: its words and its URL."""

    sentence: str
    back: str
    back_url: str


# By the URL name of the page that asks, or of all pages below its namespace: the sentence, and the page before it.
_PURPOSES = {
    "payouts:add_recipient": (messages.TO_ADD_ACCOUNT, messages.BANK_ACCOUNTS, "payouts:recipients"),
    "payouts": (messages.TO_WITHDRAW, messages.STASH, "stash:home"),
    "plans": (messages.TO_PAY_MUCH, messages.PLANS, "plans:index"),
    "stash": (messages.TO_PAY_MUCH, messages.STASH, "stash:home"),
    "circles": (messages.TO_PAY_MUCH, messages.CIRCLES, "circles:index"),
    "autosave": (messages.TO_AUTOSAVE_MUCH, messages.AUTOSAVES, "autosave:index"),
    "account_email": (messages.TO_CHANGE_EMAIL, messages.PROFILE, "users:profile"),
    "admin": (messages.TO_USE_BACK_OFFICE, messages.SAVINGS, "dashboard:home"),
}
_OTHER = (messages.TO_CHANGE_SIGN_IN, messages.SECURITY, "users:security")


def purpose_of(going_to: str) -> Purpose:
    """Return the purpose of the page to which a proof leads; that of the sign-in for all others.

    `going_to` comes from the address, so it may be anything: only its path is looked at, and it is shown nowhere.
    """
    try:
        found = resolve(urlsplit(going_to).path)
    except (Resolver404, ValueError):
        return _purpose(_OTHER)
    return _purpose(_PURPOSES.get(found.view_name) or _PURPOSES.get(found.namespace) or _OTHER)


def _purpose(purpose: tuple[str, str, str]) -> Purpose:
    sentence, back, name = purpose
    return Purpose(sentence, back, reverse(name))
