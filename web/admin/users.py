"""Users for staff: their data and permissions. Users are never deleted; their account is closed."""

from __future__ import annotations

import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field, unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    ReadOnlyPasswordHashField,
    UserChangeForm,
)
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings import typed_text, users
from savings.models import User
from web.admin import row_pages
from web.admin.base import ConditionFilter, StaffAdmin
from web.admin.permission_boxes import PicksPermissions
from web.forms.refusals import refused_as_invalid
from web.messages import admin as words
from web.pages import badges

_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")
_MAIL_SWITCHES = (
    "wants_receipts",
    "wants_autosave_notices",
    "wants_goal_reached",
    "wants_rank_changes",
    "wants_weekly_digest",
)
# Staff change these for themselves on the security page, which asks for the password first.
_OWN_SIGN_IN = ("email", "is_active")

# What nobody changes in the form. Pages of their own freeze, close and erase an account.
_ENDS = ("frozen", "closed_at", "erased_at")
_KNOWN = ("date_joined", "last_login", *_ENDS, "withdrawals", "bank_accounts")


class UserState(ConditionFilter):
    title = "who"
    parameter_name = "state"
    # Most people are savers, so the list by id finds a page of them at once. The others have indexes.
    conditions = {
        "savers": ("Savers", lambda rows: rows.filter(is_staff=False)),
        "staff": ("Staff", lambda rows: rows.filter(is_staff=True)),
        "frozen": ("Frozen", lambda rows: rows.exclude(frozen="")),
        "closed": ("Closed", lambda rows: rows.filter(closed_at__isnull=False)),
    }


class _Addressed(forms.ModelForm):
    """A form with an email address that is neither taken nor reserved for a former owner."""

    def clean_email(self) -> str:
        user = self.instance if self.instance.pk else None
        with refused_as_invalid():
            return users.clean_email(self.cleaned_data["email"], user)


class _OnlyPasswords(forms.Form):
    """Says nothing of single sign-on and LDAP, which this site does not have, and whose password it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = words.SIGN_IN_RULES
        way = self.fields.get("usable_password")
        if isinstance(way, forms.ChoiceField):
            label, with_password, without = words.SIGN_IN_WAYS
            way.label, way.help_text = label, ""
            way.choices = [("true", with_password), ("false", without)]


class ChangeUserForm(_Addressed, UserChangeForm):
    password = ReadOnlyPasswordHashField(label="Password")


class NewUserForm(_Addressed, _OnlyPasswords, AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name")


class PasswordForm(_OnlyPasswords, AdminPasswordChangeForm):
    user: User

    def save(self, commit: bool = True) -> User:  # noqa: FBT001 - Django's
        is_usable = self.cleaned_data["set_usable_password"]
        users.set_password(self.user.pk, self.cleaned_data["password1"] if is_usable else None)
        self.user.refresh_from_db()
        return self.user


@admin.register(User)
class UserAdmin(PicksPermissions, StaffAdmin, DjangoUserAdmin):
    list_display = ("name", "email", "standing", "joined", "last_login")
    second_lines = {"email": "name"}
    phone_parts = {"joined": "beside", "last_login": ""}
    list_filter = (UserState,)
    finds_by = ("email",)
    search_help_text = "Full email address, current or former, or the beginning of a name"
    filter_horizontal = ()
    form = ChangeUserForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (words.OWN_PERMISSIONS, {"fields": ("user_permissions",), "classes": ("collapse",)}),
        ("Preferences", {"fields": ("theme", *_MAIL_SWITCHES), "classes": ("collapse",)}),
        ("Details", {"fields": _KNOWN, "classes": ("known",)}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    readonly_fields = (*_KNOWN, "emails")

    @admin.display(description="State")
    def standing(self, user: User) -> SafeString | str:
        """Return what is not as usual with an account."""
        if user.closed_at:
            return badges.badge("closed", "Closed")
        if user.frozen:
            return badges.badge("waiting", "Frozen")
        if not user.is_active:
            return badges.badge("closed", "Not active")
        return "Staff" if user.is_staff else ""

    @admin.display
    def joined(self, user: User) -> datetime.date:
        return timezone.localdate(user.date_joined)

    @admin.display
    def withdrawals(self, user: User) -> SafeString:
        return _list_of(user, "payout", "All withdrawals")

    @admin.display(description=words.EMAILS)
    def emails(self, user: User) -> str:
        """Return which emails a person has switched off, for those who cannot change it."""
        off = [name for name in _MAIL_SWITCHES if not getattr(user, name)]
        return words.emails_without([str(label_for_field(name, User)) for name in off])

    @admin.display
    def bank_accounts(self, user: User) -> SafeString:
        return _list_of(user, "recipient", "All bank accounts, including removed ones")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Find users by a whole email address, or by the start of a name, with or without its tone marks."""
        term = typed_text.line(search_term)
        if "@" in term:
            return queryset.filter(pk__in=users.users_with_email(term)), False
        key = typed_text.search_key(term)
        return (queryset.filter(name_search__startswith=key) if key else queryset), False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None and db_field.name in words.PERSON:
            field.label, field.help_text = words.PERSON[db_field.name]
        return field

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return found
        # What is known of a password is of no use to those who cannot change it.
        shown: dict[object, Any] = {None: ("email", "name"), "Preferences": ("theme", "emails")}
        return [
            (title, {**options, "fields": shown.get(title, options["fields"])}) for title, options in found
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show a person whom the reader may not change on the page of a row that nobody edits."""
        row = context["original"]
        is_read_only = row is not None and not self.has_change_permission(request, row)
        if is_read_only:
            head = ("email", "date_joined", "last_login")
            context |= row_pages.page_of(row, context["adminform"], head)
            if request.user.has_perm("savings.see_saver"):
                context["meaning"] = words.PERSON_KNOWN
        response = super().render_change_form(request, context, *args, **kwargs)
        if is_read_only:
            cast("TemplateResponse", response).template_name = "admin/row.html"
        return response

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields: tuple[str, ...] = self.readonly_fields
        if obj is not None and obj.pk == request.user.pk:
            fields = (*fields, *_OWN_SIGN_IN)
        if obj is not None and obj.closed_at is not None:
            # Closed for good: nothing about how its owner signs in can change.
            fields = (*fields, *_OWN_SIGN_IN)
        # Only a superuser grants rights, so that nobody else can give, or take, more than they have.
        return fields if request.user.is_superuser else (*fields, *_RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or obj.pk == request.user.pk or users.may_change(_staff(request), obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        user = self.get_object(request, unquote(id))
        if user is not None and user.pk == request.user.pk:
            return HttpResponseRedirect(reverse("account_change_password"))
        with transaction.atomic():
            if user is not None and request.method == "POST":
                users.lock_user_for(user.pk, _staff(request))
            return super().user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm, change: bool) -> None:  # noqa: FBT001
        if not change:
            super().save_model(request, obj, form, change)
            return
        changed = set(form.changed_data)
        if obj.pk != request.user.pk:
            users.lock_user_for(obj.pk, _staff(request))
        if "email" in changed:
            self._propose(request, obj)
        if "is_active" in changed:
            users.set_active(obj.pk, is_active=obj.is_active, by=_staff(request))
        # Save only the changed fields, because the user may have changed others meanwhile.
        plain = {field.name for field in User._meta.concrete_fields} - {"email", "is_active", "password"}
        obj.save(update_fields=changed & plain)
        User.objects.touch(obj.pk)

    def _propose(self, request: HttpRequest, obj: User) -> None:
        new = obj.email
        obj.email = User.objects.values_list("email", flat=True).get(pk=obj.pk)
        users.propose_email(obj.pk, new, by=_staff(request))
        said = f"We sent a link to {new}. The email address changes once confirmed there. {obj.email} can stop it."
        self.message_user(request, said, messages.WARNING)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        users.record_rights_changed(form.instance, form.changed_data)


def _list_of(user: User, model: str, text: str) -> SafeString:
    """Return a link to the rows of a user in another list. By id, because an email address does not belong in a URL."""
    return format_html(
        '<a href="{}?user={}">{}</a>', reverse(f"admin:savings_{model}_changelist"), user.pk, text
    )


def _staff(request: HttpRequest) -> User:
    return cast("User", request.user)
