"""How users sign in, for staff to read: email addresses, second steps, sessions and devices, never their secrets."""

from __future__ import annotations

from typing import Any

# Imported first, because they register models that are unregistered below.
import allauth.account.admin
import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin

from savings.models import Device, EmailChange, UsedTotpStep, User
from web.admin.base import OfUser, ReadOnlyAdmin
from web.auth import devices
from web.messages import admin as words

for model in (EmailAddress, Authenticator, UserSession):
    admin.site.unregister(model)


class OfPerson(ReadOnlyAdmin):
    """Rows of savers and of staff alike."""

    @admin.display(description=words.PERSON_NAME)
    def user(self, row: Any) -> User | None:
        """Return whose row it is."""
        user: User | None = row.user
        return user


@admin.register(EmailChange)
class EmailChangeAdmin(OfPerson):
    """Former email addresses, and changes that wait for confirmation from the new one."""

    list_display = ("user", "old_email", "new_email", "asked_by", "asked_at", "effective_at", "ended_at")
    list_filter = (OfUser,)
    relations = ("user", "asked_by")
    finds_by = ("email",)
    search_help_text = "Full email address, current or former"


@admin.register(Device)
class DeviceAdmin(OfPerson):
    list_display = ("label", "user", "first_seen_at", "last_seen_at")
    phone_parts = {"first_seen_at": "", "last_seen_at": "when"}
    list_filter = (OfUser,)
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "Full email address"
    exclude = ("token_hash",)


@admin.register(EmailAddress)
class EmailAddressAdmin(OfPerson):
    list_display = ("email", "user", "verified", "primary")
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "Full email address"
    fields = ("standing", "user")
    head = ("standing", "user")

    @admin.display(description=words.STATE)
    def standing(self, address: EmailAddress) -> str:
        return words.email_standing(verified=address.verified, primary=address.primary)


@admin.register(Authenticator)
class AuthenticatorAdmin(OfPerson):
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
class UserSessionAdmin(OfPerson):
    list_display = ("user", "browser", "created_at", "last_seen_at", "ip")
    phone_parts = {"ip": ""}
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
class UsedTotpStepAdmin(OfPerson):
    """The last used authenticator code of a user, as the number of 30-second steps since 1970."""

    list_display = ("user", "step")
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "Full email address"
