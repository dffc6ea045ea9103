"""How people sign in and what they may do: the one path for changes that staff and operators make.

allauth makes the changes that people make themselves; `web.auth.adapters` connects those to the same consequences. Each
change is told to its owner by mail. `email_changes` holds the changes of addresses.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from savings.models import User
from savings.users import security_mails

_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


def may_change(by: User, user: User) -> bool:
    """Say whether staff may change somebody's sign-in, apart from their permissions in the admin.

    Nobody but a superuser changes that of a superuser or of other staff. Nobody changes their own as staff: their own
    security page asks for the password first, so an unlocked screen is not enough.
    """
    return by.pk != user.pk and (by.is_superuser or not user.is_privileged)


def lock_user_for(user_id: int, by: User | None = None) -> User:
    """Lock a person's row and return it; must be called in an atomic block.

    Raises PermissionDenied where `by` may not change their sign-in (None is an operator or the person).
    """
    User.objects.touch(user_id)
    user = User.objects.get(pk=user_id)
    if by is not None and not may_change(by, user):
        raise PermissionDenied
    return user


def set_password(user_id: int, password: str | None, *, by: User | None = None) -> None:
    """Give somebody a password, or none that works, end all their sessions and tell them.

    `by` is the member of staff who does it, None for an operator. Raises PermissionDenied as `lock_for` does.
    """
    with transaction.atomic():
        user = lock_user_for(user_id, by)
        user.set_password(password)
        user.save(update_fields=["password"])
        record_password_set(user)


def record_password_set(user: User) -> None:
    """Do what follows a password that somebody else has set: no session goes on, and the person is told."""
    with transaction.atomic():
        end_sessions(user.pk)
        security_mails.notify_of_change(user, "password_set_by_staff", is_usable=user.has_usable_password())


def set_active(user_id: int, *, is_active: bool, by: User | None = None) -> None:
    """Close an account, which ends all its sessions, or open it again, and tell the person.

    Raises PermissionDenied as `lock_for` does.
    """
    with transaction.atomic():
        user = lock_user_for(user_id, by)
        if not User.objects.filter(pk=user_id, is_active=not is_active).update(is_active=is_active):
            return
        if not is_active:
            end_sessions(user_id)
        security_mails.notify_of_change(user, "account_reopened" if is_active else "account_closed")


def remove_second_steps(user_id: int) -> int:
    """Remove somebody's authenticator app, passkeys and recovery codes, end their sessions, tell them.

    Returns how many there were.
    """
    with transaction.atomic():
        user = lock_user_for(user_id)
        removed, _ = Authenticator.objects.filter(user=user).delete()
        end_sessions(user_id)
        security_mails.notify_of_change(user, "second_steps_removed")
    return removed


def record_rights_changed(user: User, changed: Iterable[str]) -> None:
    """Tell somebody that what they may do as staff was changed; nothing where `changed` names no right."""
    if {*changed} & {*_RIGHTS}:
        with transaction.atomic():
            security_mails.notify_of_change(user, "rights_changed")


def end_sessions(user_id: int, *, but: str | None = None) -> None:
    """Sign somebody out everywhere, except in the session with the key `but`.

    Codes that were mailed and sign-ins that have begun count no more, either.
    """
    with transaction.atomic():
        for session in UserSession.objects.filter(user_id=user_id).exclude(session_key=but):
            session.end()
        cancel_pending_logins(user_id)


def cancel_pending_logins(user_id: int) -> None:
    """Let codes that were mailed to somebody, and sign-ins that have begun, count no more. Sessions go on."""
    User.objects.filter(pk=user_id).update(credentials_changed_at=timezone.now())


def lock_out_intruder(user: User, since: datetime.datetime) -> None:
    """Remove every way into an account that an intruder may have made or know, down to a password reset.

    The password, all sessions, and the second steps and known devices that are newer than `since`. Older second steps
    stay: they are the owner's, and without them a mailbox alone would open the account.
    """
    user.set_unusable_password()
    user.save(update_fields=["password"])
    Authenticator.objects.filter(user=user, created_at__gte=since).delete()
    left = Authenticator.objects.filter(user=user)
    if not left.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
        left.delete()
    user.devices.filter(first_seen_at__gte=since).delete()
    end_sessions(user.pk)
