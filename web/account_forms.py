"""allauth's forms in our words: labels instead of placeholders, one password to type, a name at sign-up."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.contrib.auth import password_validation
from django.core.validators import MaxLengthValidator

from savings import users
from savings.exceptions import Refused
from savings.models import User

# What reading a credential raises that no browser made.
_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)
_LONG_ENOUGH = "At least 10 characters. Three or four unrelated words are easy to remember and hard to guess."
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
        if "code" in self.fields:
            self.fields["code"].widget.attrs |= {"autocapitalize": "characters", "spellcheck": "false"}


class _Digits(_OurWords):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


class SignupForm(_OurWords, account.SignupForm):
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

    def clean(self) -> dict[str, Any]:
        # Not allauth's own, which compares the password with the email address alone.
        cleaned: dict[str, Any] = super(account.SignupForm, self).clean()
        if "password1" in cleaned:
            newcomer = User(name=self["name"].value() or "", email=self["email"].value() or "")
            try:
                password_validation.validate_password(cleaned["password1"], newcomer)
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return cleaned


class LoginForm(_OurWords, account.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        self.fields["remember"].initial = True


class ReauthenticateForm(_OurWords, account.ReauthenticateForm):
    pass


class ResetPasswordForm(_OurWords, account.ResetPasswordForm):
    pass


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
    pass


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


class PasskeySignInForm(_Signed, webauthn.LoginWebAuthnForm):
    pass


class PasskeySecondStepForm(_Signed, webauthn.AuthenticateWebAuthnForm):
    pass


class PasskeyProofForm(_Signed, webauthn.ReauthenticateWebAuthnForm):
    pass


def _short(field: forms.Field) -> None:
    field.validators.append(MaxLengthValidator(80))
    field.widget.attrs["maxlength"] = "80"


def _not_signed() -> forms.ValidationError:
    return forms.ValidationError("The passkey did not answer as expected. Try again.", code="malformed")
