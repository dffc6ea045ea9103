"""People: the names they go by, what follows a proven address, the devices they sign in from, their preferences."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from typing import Any

from django.db import transaction

from savings import ledger, mails, typed_text
from savings.models import Device, UsedTotpStep, User

_LONGEST_NAME = 80


def clean_name(name: str) -> str:
    """Return a name fit to be shown beside money: one line, composed, at most 80 characters.

    Raises Refused, beside `name`, for a name without a letter, or with characters that are not seen or that turn the
    direction of what follows: with those, one person can look like another.
    """
    return typed_text.name(
        name,
        longest=_LONGEST_NAME,
        missing="Enter the name you go by.",
        unseen="Use letters that can be seen: this name holds hidden characters.",
        too_long="Enter at most {longest} characters ({length} now).",
        needs_letter=True,
    )


def welcome(user: User) -> None:
    """Open the stash of somebody whose address is proven, and greet them; a second call changes nothing."""
    with transaction.atomic():
        ledger.stash_account(user)
        mails.welcome(user)


def recognise_device(user: User, token: str | None, *, label: str, at: datetime.datetime) -> str:
    """Note a sign-in from the browser that holds `token`, and return the token it is to keep from now on.

    A browser that this person has not used before is news to them, by e-mail; the first one of all is not.
    """
    token = token or secrets.token_urlsafe(32)
    digest = _digest(token)
    with transaction.atomic():
        device, is_new = Device.objects.get_or_create(
            user=user,
            token_hash=digest,
            defaults={"label": label, "first_seen_at": at, "last_seen_at": at},
        )
        if not is_new:
            Device.objects.filter(pk=device.pk).update(label=label, last_seen_at=at)
        elif user.devices.exclude(pk=device.pk).exists():
            mails.new_device(user, device, at)
    return token


def known_device(token: str, user_id: int | None = None) -> str:
    """Return the digest of a browser's token where that user has signed in from it, or, without an id, anybody has.

    Empty where there was no such sign-in.
    """
    digest = _digest(token)
    found = Device.objects.filter(token_hash=digest)
    if user_id is not None:
        found = found.filter(user_id=user_id)
    return digest if found.exists() else ""


def forget_device(user: User, device_id: int) -> bool:
    """Forget one of a person's devices, so that its next sign-in is news again; False where it is not theirs."""
    deleted, _ = user.devices.filter(pk=device_id).delete()
    return bool(deleted)


def use_totp_step(user_id: int, step: int) -> bool:
    """Use up the authenticator code of a 30-second step since 1970, with all before it (RFC 6238, section 5.2).

    False where that step or a later one has been used already: the code must be refused.
    """
    if UsedTotpStep.objects.filter(user_id=user_id, step__lt=step).update(step=step):
        return True
    _, is_first = UsedTotpStep.objects.get_or_create(user_id=user_id, defaults={"step": step})
    return is_first


def change_profile(user: User, *, name: str | None = None, theme: str | None = None, **wanted: bool) -> None:
    """Change what a person says about themselves; `wanted` are the switches of their mails (`wants_receipts` …).

    What is not given stays as it is in the database, whatever the instance remembers. Raises Refused for a name that
    `clean_name` refuses, and ValueError for a theme there is not.
    """
    changes: dict[str, Any] = dict(wanted)
    if name is not None:
        changes["name"] = clean_name(name)
    if theme is not None:
        changes["theme"] = User.Theme(theme)
    if not changes:
        return
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(**changes)
        User.objects.touch(user.pk)
        for kind, switch in mails.SWITCHES.items():
            if not wanted.get(switch, True):
                mails.cancel(user, kind)
    for field, value in changes.items():
        setattr(user, field, value)


def unsubscribe(user: User, kind: str) -> None:
    """Send a person no more mails of one of the kinds in `mails.SWITCHES`; a second time changes nothing."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(**{mails.SWITCHES[kind]: False})
        User.objects.touch(user.pk)
        mails.cancel(user, kind)


def change_theme(user: User, theme: str) -> None:
    """Show a person's pages light, dark or as their device does. Raises ValueError for a theme there is not."""
    user.theme = User.Theme(theme)
    with transaction.atomic():
        user.save(update_fields=["theme"])
        User.objects.touch(user.pk)


def _digest(token: str) -> str:
    # The token is 256 random bits, so a plain digest of it cannot be turned back.
    return hashlib.sha256(token.encode()).hexdigest()
