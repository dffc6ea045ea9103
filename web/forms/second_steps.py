"""allauth's forms for second steps and passkeys, with our wording and limits."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.validators import MaxLengthValidator

from savings import typed_text
from savings.models import User
from web.auth import guessing
from web.auth import totp as web_totp
from web.auth.guessing import Kind
from web.forms.users import CodeForm, LabelledForm

# Exceptions raised by allauth for a credential that no browser made.
_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)


class ActivateTOTPForm(CodeForm, totp.ActivateTOTPForm):
    def clean_code(self) -> str:
        attempt = guessing.begin(context.request, Kind.CODE, self.user.email)
        code = str(super().clean_code())
        if not web_totp.use_code(self.user.pk, self.secret, code):
            raise get_mfa_adapter().validation_error("incorrect_code")
        attempt.succeed()
        return code


class _SecondStep(CodeForm):
    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        attempt = guessing.begin(context.request, Kind.CODE, self.user.email)
        code = str(super().clean_code())  # type: ignore[misc] # defined by the other base class
        if not web_totp.use_code_of(self.authenticator, code):
            raise get_mfa_adapter().validation_error("incorrect_code")
        attempt.succeed()
        return code


class AuthenticateForm(_SecondStep, mfa.AuthenticateForm):
    pass


class MFAReauthenticateForm(_SecondStep, mfa.ReauthenticateForm):
    pass


class _SignedField(forms.JSONField):
    """Untrusted JSON: Python raises other errors for a number of 5,000 digits and for deeply nested brackets."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except (ValueError, RecursionError) as error:
            raise _not_signed() from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except (ValueError, RecursionError):
            return None


class _Signed(forms.Form):
    """A form with a signed credential. allauth trusts its structure and crashes on one that no browser made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = _SignedField(widget=forms.HiddenInput)

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


class AddPasskeyForm(LabelledForm, _Signed, webauthn.AddWebAuthnForm):
    """Every passkey can be used without a password, so there is only one kind to explain."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("passwordless", None)
        _short(self.fields["name"])
        self.fields["name"].help_text = "To tell it from others, such as the name of your phone."

    def clean_name(self) -> str:
        return typed_text.line(self.cleaned_data["name"])

    def clean_credential(self) -> Any:
        return self.cleaned_data["credential"]

    def clean(self) -> dict[str, Any]:
        # Makes allauth require that the device has verified its user by fingerprint, face or PIN.
        self.cleaned_data["passwordless"] = True
        return super().clean()


class EditPasskeyForm(LabelledForm, webauthn.EditWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _short(self.fields["name"])

    def clean_name(self) -> str:
        return typed_text.line(self.cleaned_data["name"])

    def save(self) -> Authenticator:
        before = self.instance.wrap().name
        renamed: Authenticator = super().save()
        # Otherwise an intruder could silently give their passkey the name of one that the owner knows.
        if before != self.cleaned_data["name"]:
            get_adapter().send_notification_mail("mfa/email/webauthn_renamed", renamed.user)
        return renamed


class _LimitedPasskey(_Signed):
    user: User | None

    def clean_credential(self) -> Any:
        guessing.begin_or_stop(context.request, Kind.PASSKEY, self.user.email if self.user else "")
        return super().clean_credential()


class PasskeySignInForm(_LimitedPasskey, webauthn.LoginWebAuthnForm):
    pass


class PasskeySecondStepForm(_LimitedPasskey, webauthn.AuthenticateWebAuthnForm):
    pass


class PasskeyProofForm(_LimitedPasskey, webauthn.ReauthenticateWebAuthnForm):
    pass


def _short(field: forms.Field) -> None:
    field.validators.append(MaxLengthValidator(80))
    field.widget.attrs["maxlength"] = "80"


def _not_signed() -> forms.ValidationError:
    return forms.ValidationError("The passkey didn’t work. Try again.", code="malformed")
