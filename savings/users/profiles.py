"""Profiles: a user's name, welcome, known devices, authenticator codes and preferences."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from functools import partial
from typing import Any

from django.db import transaction

from savings import ledger, mails, typed_text
from savings.exceptions import Refused
from savings.models import Device, UsedTotpStep, User
from savings.users import messages

_LONGEST_NAME = 80


def clean_name(name: str) -> str:
    """Return a user's name as it is stored: one line, composed (NFC), at most 80 characters.

    Raises Refused on the field `name` for a longer name, a name without a letter or digit, and one with hidden
    characters or direction marks, which can make one user's name look like another's.
    """
    return typed_text.name(
        name,
        longest=_LONGEST_NAME,
        error=partial(Refused, field="name"),
        missing=messages.NAME_MISSING,
        unseen=messages.NAME_HAS_HIDDEN_CHARACTERS,
        too_long=messages.NAME_TOO_LONG,
        needs_letter=True,
    )


def welcome(user: User) -> None:
    """Open the stash of a user who has confirmed their address, and welcome them by mail; once per user."""
    with transaction.atomic():
        ledger.stash_account(user)
        mails.welcome(user)


def recognise_device(user: User, token: str | None, *, label: str, at: datetime.datetime) -> str:
    """Record a sign-in from the browser that has `token`, and return the token that this browser must store.

    The user gets a mail about a browser that they have not used before, except for their first one. `label` describes
    the browser.
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
    """Return the digest of a browser's token if that user has signed in from it (without an id: any user), else ""."""
    digest = _digest(token)
    devices = Device.objects.filter(token_hash=digest)
    if user_id is not None:
        devices = devices.filter(user_id=user_id)
    return digest if devices.exists() else ""


def forget_device(user: User, device_id: int) -> bool:
    """Delete one of a user's devices, so that its next sign-in causes a mail again; False if it is not theirs."""
    deleted, _ = user.devices.filter(pk=device_id).delete()
    return bool(deleted)


def use_totp_step(user_id: int, step: int) -> bool:
    """Mark the authenticator code of a 30-second step since 1970 as used, with all before it (RFC 6238, section 5.2).

    False if this step or a later one was used before: the code must be refused.
    """
    if UsedTotpStep.objects.filter(user_id=user_id, step__lt=step).update(step=step):
        return True
    _, is_first = UsedTotpStep.objects.get_or_create(user_id=user_id, defaults={"step": step})
    return is_first


def change_profile(user: User, *, name: str | None = None, theme: str | None = None, **wanted: bool) -> None:
    """Change a user's name, theme and mail switches (`wanted`: `wants_receipts` and so on).

    Only the given values are written, so the instance may be out of date. Raises Refused as `clean_name` does, and
    ValueError for an unknown theme.
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
    """Turn off one of the kinds of mail in `mails.SWITCHES` for a user; a second call changes nothing."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(**{mails.SWITCHES[kind]: False})
        User.objects.touch(user.pk)
        mails.cancel(user, kind)


def change_theme(user: User, theme: str) -> None:
    """Set the theme of a user's pages: light, dark or the device's. Raises ValueError for an unknown theme."""
    user.theme = User.Theme(theme)
    with transaction.atomic():
        user.save(update_fields=["theme"])
        User.objects.touch(user.pk)


def _digest(token: str) -> str:
    # The token has 256 random bits, so it cannot be found from an unsalted digest.
    return hashlib.sha256(token.encode()).hexdigest()
