"""allauth's forms with our wording: labels instead of placeholders, one password field, a name at sign-up."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, cast

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.password_reset_by_code import PASSWORD_RESET_VERIFICATION_SESSION_KEY
from allauth.account.internal.flows.signup import prevent_enumeration
from allauth.account.internal.userkit import user_email
from allauth.account.models import EmailAddress
from allauth.account.utils import setup_user_email
from allauth.core import context
from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from savings import typed_text, users
from savings.models import User
from web.auth import guessing
from web.auth.email_addresses import owner_of
from web.auth.guessing import Kind
from web.forms.refusals import refused_as_invalid

_LONG_ENOUGH = "At least 10 characters. Three or four unrelated words are easy to remember and hard to guess."
# Fields that can be typed in several ways, and the functions that normalise them.
_TYPED = {"email": typed_text.email, "login": typed_text.email, "code": typed_text.code}
_LONGEST_TYPED = 500
_DAY_SECONDS = 24 * 60 * 60
_LABELS = {
    "email": "Email",
    "login": "Email",
    "remember": "Keep me signed in",
    "oldpassword": "Current password",
    "password": "Password",
    "password1": "New password",
    "code": "Code",
    "name": "Name",
}
# What to do about an empty field.
_REQUIRED = {
    "email": "Enter your email.",
    "login": "Enter your email.",
    "password": "Enter your password.",
    "oldpassword": "Enter your current password.",
    "password1": "Choose a password.",
    "code": "Enter the code.",
    "name": "Enter a name.",
}


class LabelledForm(forms.Form):
    """Replaces placeholders by labels, removes the second password field, and normalises typed values."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Typing a password twice proves little. It can be shown instead, and reset.
        self.fields.pop("password2", None)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = _LABELS.get(name, field.label)
            field.help_text = _LONG_ENOUGH if name == "password1" else ""
            field.error_messages["required"] = _REQUIRED.get(name, field.error_messages["required"])
            if name in _TYPED:
                _read_as(field, _TYPED[name])
        if "code" in self.fields:
            self.fields["code"].widget.attrs |= {"autocapitalize": "characters", "spellcheck": "false"}


class CodeForm(LabelledForm):
    """A form with a code of digits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


class SignupForm(LabelledForm, account.SignupForm):
    """Sign-up with name, email address and password."""

    name = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ("name", "email", "password1")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = "Password"

    def clean_name(self) -> str:
        with refused_as_invalid():
            return users.clean_name(self.cleaned_data["name"])

    def validate_unique_email(self, value: str) -> str:
        email = super().validate_unique_email(value)
        # A reserved email address may be restored to its former owner, so it is answered like a taken one and only a
        # mail says so. Looked up first, so that a taken email address takes the same work.
        self.account_already_exists = users.is_email_reserved(email) or self.account_already_exists
        return str(email)

    def clean(self) -> dict[str, Any]:
        # Skip allauth's own method, which compares the password with the email address only.
        cleaned: dict[str, Any] = super(account.SignupForm, self).clean()
        if "password1" in cleaned:
            newcomer = User(name=self["name"].value() or "", email=self["email"].value() or "")
            try:
                password_validation.validate_password(cleaned["password1"], newcomer)
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return cleaned

    def hash_password(self, request: HttpRequest) -> None:
        """Prepare the new user without saving. Hashing the password takes most of the time of a sign-up."""
        adapter = get_adapter(request)
        self._newcomer = cast(
            "User", adapter.save_user(request, adapter.new_user(request), self, commit=False)
        )

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Save the new user. If the email address is taken, do the same work, roll it back and mail the owner."""
        email = self.cleaned_data["email"]
        if self.account_already_exists:
            with transaction.atomic():
                user_email(self._newcomer, f"{secrets.token_hex(8)}@nobody.invalid")
                self._save(request)
                transaction.set_rollback(True)
            return None, prevent_enumeration(request, email=email)
        self._save(request)
        return self._newcomer, None

    def _save(self, request: HttpRequest) -> None:
        self._newcomer.save()
        setup_user_email(request, self._newcomer, [])


class LoginForm(LabelledForm, account.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        days = settings.SESSION_COOKIE_AGE // _DAY_SECONDS
        self.fields["remember"].initial = True
        self.fields["remember"].label = f"{_LABELS['remember']} for {days} days"


class ReauthenticateForm(LabelledForm, account.ReauthenticateForm):
    pass


class ResetPasswordForm(LabelledForm, account.ResetPasswordForm):
    # How long the code works.
    minutes = settings.ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT // 60

    def clean_email(self) -> str:
        # Skip allauth's own method, which makes one more query if it finds no confirmed email address.
        email = str(get_adapter().clean_email(self.cleaned_data["email"]))
        owner = owner_of(email)
        # The code goes to the current email address. Staff get one only if it is confirmed: a typo at
        # `createsuperuser` must not give the site to the owner of that mailbox.
        is_owners = owner is not None and owner.is_active and owner.email == email.lower()
        may_reset = _may_reset(owner)
        self.users = [owner] if owner and is_owners and may_reset else []
        return email


class ConfirmPasswordResetCodeForm(LabelledForm, account.ConfirmPasswordResetCodeForm):
    def clean_code(self) -> str:
        state = context.request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY]
        attempt = guessing.begin(context.request, Kind.MAILED_CODE, state["email"])
        if "user_id" not in state:
            # allauth loads the user after a wrong code, so do the same work for an unknown email address.
            owner_of(state["email"])
        code = super().clean_code()
        attempt.succeed()
        return str(code)


class ResetPasswordKeyForm(LabelledForm, account.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(LabelledForm, account.ChangePasswordForm):
    def clean_oldpassword(self) -> str:
        attempt = guessing.begin(context.request, Kind.PASSWORD, cast("User", self.user).email)
        password = super().clean_oldpassword()
        attempt.succeed()
        return str(password)


class SetPasswordForm(LabelledForm, account.SetPasswordForm):
    pass


class AddEmailForm(LabelledForm, account.AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "New email"

    def clean_email(self) -> str:
        guessing.begin(context.request, Kind.EMAIL_CHANGE, cast("User", self.user).email)
        return str(super().clean_email())


class ConfirmEmailVerificationCodeForm(CodeForm, account.ConfirmEmailVerificationCodeForm):
    def clean_code(self) -> str:
        attempt = guessing.begin(context.request, Kind.MAILED_CODE, self.email)
        code = super().clean_code()
        attempt.succeed()
        if users.is_email_reserved(self.email, self.user):
            raise get_adapter().validation_error("email_taken")
        return str(code)


def _may_reset(user: User | None) -> bool:
    # Queried for every email address, so that response times reveal nothing.
    is_proven = EmailAddress.objects.filter(user_id=user.pk if user else 0, verified=True).exists()
    return user is not None and (is_proven or not user.is_privileged)


def _read_as(field: forms.Field, make: Callable[[str], str]) -> None:
    """Make a field normalise its value before validation. A redisplayed form still shows the typed text."""
    read = field.to_python

    def to_python(value: Any) -> Any:
        typed = read(value)
        return make(typed) if isinstance(typed, str) and len(typed) <= _LONGEST_TYPED else typed

    field.to_python = to_python  # type: ignore[method-assign] # the form's own copy of the field
