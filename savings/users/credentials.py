"""Credentials and rights: the only path for changes by staff and operators.

allauth makes the changes that users make themselves; `web.auth.consequences` adds the same consequences to these. The
user gets a mail about each change. Changes of email addresses are in `email_changes`.
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
    """Return whether staff may change a user's credentials, apart from their permissions in the admin.

    Only a superuser may change those of staff and superusers. Staff cannot change their own here: their own security
    page asks for the password first, so an unlocked screen is not enough.
    """
    return by.pk != user.pk and (by.is_superuser or not user.is_privileged)


def lock_user_for(user_id: int, by: User | None = None) -> User:
    """Lock a user's row and return the user; call it in an atomic block.

    Raises PermissionDenied if `by` may not change the user's credentials. None is an operator or the user themselves.
    """
    User.objects.touch(user_id)
    user = User.objects.get(pk=user_id)
    if by is not None and not may_change(by, user):
        raise PermissionDenied
    return user


def set_password(user_id: int, password: str | None, *, by: User | None = None) -> None:
    """Set a user's password (None for an unusable one), end all their sessions and mail them.

    `by` is the member of staff, None for an operator. Raises PermissionDenied as `lock_user_for` does.
    """
    with transaction.atomic():
        user = lock_user_for(user_id, by)
        user.set_password(password)
        user.save(update_fields=["password"])
        record_password_set(user)


def record_password_set(user: User) -> None:
    """End all sessions of a user whose password another person has set, and mail the user."""
    with transaction.atomic():
        end_sessions(user.pk)
        security_mails.notify_of_change(user, "password_set_by_staff", is_usable=user.has_usable_password())


def set_active(user_id: int, *, is_active: bool, by: User | None = None) -> None:
    """Close a user's account and end all their sessions, or reopen it, and mail the user; a second call does nothing.

    One that was closed for good (`User.closed_at`) is never reopened. Raises PermissionDenied as `lock_user_for` does.
    """
    with transaction.atomic():
        user = lock_user_for(user_id, by)
        changeable = User.objects.filter(pk=user_id, is_active=not is_active, closed_at=None)
        if not changeable.update(is_active=is_active):
            return
        if not is_active:
            end_sessions(user_id)
        security_mails.notify_of_change(user, "account_reopened" if is_active else "account_closed")


def remove_second_steps(user_id: int, *, only_if_any: bool = False) -> int:
    """Remove a user's authenticator app, passkeys and recovery codes, end their sessions and mail them.

    Returns the number of removed second steps. With `only_if_any`, nothing else happens for a user who has none.
    """
    with transaction.atomic():
        user = lock_user_for(user_id)
        removed, _ = Authenticator.objects.filter(user=user).delete()
        if only_if_any and not removed:
            return 0
        end_sessions(user_id)
        security_mails.notify_of_change(user, "second_steps_removed")
    return removed


def record_rights_changed(user: User, changed: Iterable[str]) -> None:
    """Mail a user about changed staff rights. Does nothing if `changed` (names of fields) includes none of these."""
    if {*changed} & {*_RIGHTS}:
        with transaction.atomic():
            security_mails.notify_of_change(user, "rights_changed")


def end_sessions(user_id: int, *, excluding: str | None = None) -> None:
    """End all sessions of a user, except the one with the key `excluding`.

    Also invalidates mailed codes and unfinished sign-ins.
    """
    with transaction.atomic():
        for session in UserSession.objects.filter(user_id=user_id).exclude(session_key=excluding):
            session.end()
        cancel_pending_logins(user_id)


def cancel_pending_logins(user_id: int) -> None:
    """Invalidate a user's mailed codes and unfinished sign-ins. Sessions continue."""
    User.objects.filter(pk=user_id).update(credentials_changed_at=timezone.now())


def lock_out_intruder(user: User, since: datetime.datetime) -> None:
    """Remove every credential that an intruder may have added or know; the owner gets in by a password reset.

    Removes the password, all sessions, and the second steps and known devices newer than `since`. Older second steps
    stay: they are the owner's, and without them access to the mailbox would be enough to sign in.
    """
    user.set_unusable_password()
    user.save(update_fields=["password"])
    Authenticator.objects.filter(user=user, created_at__gte=since).delete()
    remaining = Authenticator.objects.filter(user=user)
    if not remaining.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
        remaining.delete()
    user.devices.filter(first_seen_at__gte=since).delete()
    end_sessions(user.pk)
