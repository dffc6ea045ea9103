"""How users sign in, for staff to read: email addresses, second steps, sessions and devices, never their secrets."""

from __future__ import annotations

# Imported first, because they register models that are unregistered below.
import allauth.account.admin
import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin

from savings.models import Device, EmailChange, UsedTotpStep
from web.admin.base import OfUser, ReadOnlyAdmin
from web.auth import devices
from web.messages import admin as words

for model in (EmailAddress, Authenticator, UserSession):
    admin.site.unregister(model)


@admin.register(EmailChange)
class EmailChangeAdmin(ReadOnlyAdmin):
    """Former email addresses, and changes that wait for confirmation from the new one."""

    list_display = ("user", "old_email", "new_email", "asked_by", "asked_at", "effective_at", "ended_at")
    list_filter = (OfUser,)
    relations = ("user", "asked_by")
    finds_by = ("email",)
    search_help_text = "Full email address, current or former"


@admin.register(Device)
class DeviceAdmin(ReadOnlyAdmin):
    list_display = ("label", "user", "first_seen_at", "last_seen_at")
    list_filter = (OfUser,)
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "Full email address"
    exclude = ("token_hash",)


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnlyAdmin):
    list_display = ("email", "user", "verified", "primary")
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "Full email address"


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Shows that a second step exists, never its secret."""

    list_display = ("user", "way", "created_at", "last_used_at")
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "Full email address"
    fields = ("user", "way", "created_at", "last_used_at")

    @admin.display(description="With")
    def way(self, row: Authenticator) -> str:
        return words.SECOND_STEPS.get(row.type, row.get_type_display())


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "browser", "created_at", "last_seen_at", "ip")
    list_filter = (OfUser,)
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "Full email address"
    # Without the key, which would let anyone take over the session.
    fields = ("user", "browser", "created_at", "last_seen_at", "ip", "user_agent")

    @admin.display
    def browser(self, session: UserSession) -> str:
        """Return the browser and the system, as in the list of known devices."""
        return devices.label(session.user_agent)


@admin.register(UsedTotpStep)
class UsedTotpStepAdmin(ReadOnlyAdmin):
    """The last used authenticator code of a user, as the number of 30-second steps since 1970."""

    list_display = ("user", "step")
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "Full email address"
