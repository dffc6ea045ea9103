"""The effects of a confirmed email address and of changed credentials, started by the signals of allauth."""

from __future__ import annotations

from typing import Any

from allauth.account import signals
from allauth.account.internal.userkit import did_user_login
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.dispatch import receiver
from django.http import HttpRequest

from savings import users
from savings.models import User
from web.auth import devices


@receiver(signals.email_confirmed)
def welcome(request: HttpRequest, email_address: EmailAddress, **kwargs: Any) -> None:
    """Welcome a new user after the first confirmation; later confirmations only change the email address."""
    if not did_user_login(email_address.user):
        users.welcome(email_address.user)


@receiver([signals.password_changed, signals.password_set, signals.password_reset])
def end_sessions(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Delete every other session after a password change; without this they would be invalid but still stored."""
    users.end_sessions(user.pk, excluding=request.session.session_key)


@receiver(signals.email_changed)
def show_new_address(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Bump the user's version: cached pages show the email address."""
    User.objects.touch(user.pk)


@receiver(
    [mfa_signals.authenticator_added, mfa_signals.authenticator_removed, mfa_signals.authenticator_reset]
)
def end_what_was_begun(user: User, **kwargs: Any) -> None:
    """Cancel sign-ins that began before a second step was added and would skip it. Sessions stay valid."""
    users.cancel_pending_logins(user.pk)


@receiver(mfa_signals.authenticator_used)
def tell_of_recovery_code(
    request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any
) -> None:
    """Notify the user that a recovery code was used: they lost their phone, or somebody found the list."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        left = len(Authenticator.objects.get(pk=authenticator.pk).wrap().get_unused_codes())
        users.notify_of_change(user, "recovery_code_used", device=devices.label_of(request), left=left)
