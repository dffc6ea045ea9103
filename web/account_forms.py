"""allauth's forms in our words: labels instead of placeholders, one password to type, a name at sign-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.base import forms as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.validators import MaxLengthValidator

from savings import email_changes, typed_text, users
from savings.exceptions import Refused
from savings.models import User

# What reading a credential raises that no browser made.
_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)
_LONG_ENOUGH = "At least 10 characters. Three words you will remember are better than one you will not."
# What is typed in more than one way, and what makes it what is stored.
_TYPED = {"email": typed_text.email, "login": typed_text.email, "code": typed_text.code}
_LONGEST_TYPED = 500
_LABELS = {
    "email": "E-mail",
    "login": "E-mail",
    "remember": "Keep me signed in",
    "oldpassword": "Password now",
    "password": "Password",
    "password1": "New password",
    "code": "Code",
    "name": "Name",
}


class _OurWords(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Typing a password twice proves little; it can be shown instead, and be reset.
        self.fields.pop("password2", None)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = _LABELS.get(name, field.label)
            field.help_text = _LONG_ENOUGH if name == "password1" else ""
            if name in _TYPED:
                _read_as(field, _TYPED[name])
        if "code" in self.fields:
            self.fields["code"].widget.attrs |= {"autocapitalize": "characters", "spellcheck": "false"}


class _Digits(_OurWords):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


class SignupForm(_OurWords, account.SignupForm):  # type: ignore[misc]
    """Name, e-mail, password."""

    name = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ("name", "email", "password1")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = "Password"

    def clean_name(self) -> str:
        try:
            return users.clean_name(self.cleaned_data["name"])
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from None

    def validate_unique_email(self, value: str) -> str:
        email = super().validate_unique_email(value)
        # Answered as a taken address is, and told by mail alone: it may go back to whose it was.
        self.account_already_exists = self.account_already_exists or email_changes.is_reserved(email)
        return str(email)


class LoginForm(_OurWords, account.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        self.fields["remember"].initial = True


class ReauthenticateForm(_OurWords, account.ReauthenticateForm):
    pass


class ResetPasswordForm(_OurWords, account.ResetPasswordForm):
    def clean_email(self) -> str:
        email = super().clean_email()
        # The code goes to the address that somebody has now. Staff get one only where that is proven: a slip at
        # `createsuperuser` must not give the site to whoever has that mailbox.
        self.users = [user for user in self.users if user.email == email.lower() and _may_reset(user)]
        return str(email)


class ConfirmPasswordResetCodeForm(_OurWords, account.ConfirmPasswordResetCodeForm):
    pass


class ResetPasswordKeyForm(_OurWords, account.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(_OurWords, account.ChangePasswordForm):
    pass


class SetPasswordForm(_OurWords, account.SetPasswordForm):
    pass


class AddEmailForm(_OurWords, account.AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "New e-mail"


class ConfirmEmailVerificationCodeForm(_Digits, account.ConfirmEmailVerificationCodeForm):
    def clean_code(self) -> str:
        code = super().clean_code()
        if email_changes.is_reserved(self.email, self.user):
            raise get_adapter().validation_error("email_taken")
        return str(code)


class ActivateTOTPForm(_Digits, totp.ActivateTOTPForm):
    pass


class AuthenticateForm(_Digits, mfa.AuthenticateForm):
    pass


class MFAReauthenticateForm(_Digits, mfa.ReauthenticateForm):
    pass


class _Signed(forms.Form):
    """A form with what a device has signed. allauth trusts the shape of it, and fails on what is not from a browser."""

    def clean(self) -> dict[str, Any]:
        try:
            return dict(super().clean() or {})
        except _MALFORMED as error:
            raise _not_signed() from error

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except _MALFORMED as error:
            raise _not_signed() from error


class AddPasskeyForm(_OurWords, _Signed, webauthn.AddWebAuthnForm):
    """A passkey always signs in by itself: one kind of key, so one thing to explain."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("passwordless", None)
        _short(self.fields["name"])
        self.fields[
            "name"
        ].help_text = "So that you know it from others, such as the name of the phone it is on."

    def clean_name(self) -> str:
        return typed_text.line(self.cleaned_data["name"])

    def clean_credential(self) -> Any:
        return self.cleaned_data["credential"]

    def clean(self) -> dict[str, Any]:
        # Asks allauth to insist that the device has checked who holds it, by a finger, a face or a PIN.
        self.cleaned_data["passwordless"] = True
        return super().clean()


class EditPasskeyForm(_OurWords, webauthn.EditWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _short(self.fields["name"])

    def clean_name(self) -> str:
        return typed_text.line(self.cleaned_data["name"])

    def save(self) -> Authenticator:
        before = self.instance.wrap().name
        renamed: Authenticator = super().save()
        # An intruder's passkey could otherwise take the name of one that its owner knows, in silence.
        if before != self.cleaned_data["name"]:
            get_adapter().send_notification_mail("mfa/email/webauthn_renamed", renamed.user)
        return renamed


class PasskeySignInForm(_Signed, webauthn.LoginWebAuthnForm):
    pass


class PasskeySecondStepForm(_Signed, webauthn.AuthenticateWebAuthnForm):
    pass


class PasskeyProofForm(_Signed, webauthn.ReauthenticateWebAuthnForm):
    pass


def _read_as(field: forms.Field, make: Callable[[str], str]) -> None:
    """Have a field read what was typed as it is stored, before it is checked. What is shown again stays as typed."""
    read = field.to_python

    def to_python(value: Any) -> Any:
        typed = read(value)
        return make(typed) if isinstance(typed, str) and len(typed) <= _LONGEST_TYPED else typed

    field.to_python = to_python  # type: ignore[method-assign] # this form's own copy of the field


def _may_reset(user: User) -> bool:
    return not user.is_privileged or EmailAddress.objects.filter(user=user, verified=True).exists()


def _short(field: forms.Field) -> None:
    field.validators.append(MaxLengthValidator(80))
    field.widget.attrs["maxlength"] = "80"


def _not_signed() -> forms.ValidationError:
    return forms.ValidationError("The passkey did not answer as expected. Try again.", code="malformed")
