"""People for staff: who they are and what they may do here. Nobody is deleted: an account is closed."""

from __future__ import annotations

from typing import Any

# Imported first, so that they have registered what is taken out again below.
import allauth.account.admin
import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.http import HttpRequest

from savings.models import Device, User
from web.admin.base import Picked, ReadOnlyAdmin, StaffAdmin

for model in (EmailAddress, Authenticator, UserSession):
    admin.site.unregister(model)


class UserState(Picked):
    title = "who"
    parameter_name = "state"
    conditions = {"staff": ("Staff", lambda rows: rows.filter(is_staff=True))}


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


@admin.register(User)
class UserAdmin(StaffAdmin, DjangoUserAdmin):
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = (UserState,)
    finds_by = ("email",)
    search_help_text = "A whole e-mail address"
    add_form = NewUserForm
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Preferences", {"fields": ("theme", "wants_receipts", "wants_rank_changes", "wants_weekly_digest")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    readonly_fields = ("date_joined", "last_login")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip().lower()
        return (queryset.filter(email=term) if term else queryset), False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        rights = ("is_staff", "is_superuser", "groups", "user_permissions")
        # Whoever may edit people must not be able to make themselves more than they are.
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *rights)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Device)
class DeviceAdmin(ReadOnlyAdmin):
    list_display = ("label", "user", "first_seen_at", "last_seen_at")
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "A whole e-mail address"
    exclude = ("token_hash",)


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnlyAdmin):
    list_display = ("email", "user", "verified", "primary")
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "The whole e-mail address of a user"


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """That there is a second step, never what it is."""

    list_display = ("user", "type", "created_at", "last_used_at")
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "A whole e-mail address"
    exclude = ("data",)


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "created_at", "last_seen_at", "ip", "user_agent")
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "A whole e-mail address"
    # Without the key, with which anybody could go on in that session.
    exclude = ("session_key", "data")
