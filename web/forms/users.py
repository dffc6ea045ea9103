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
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.contrib.auth import password_validation
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from savings import typed_text, users
from savings.exceptions import Refused
from savings.models import User
from web.auth import guessing
from web.auth import totp as web_totp
from web.auth.email_addresses import owner_of
from web.auth.guessing import Kind

# Exceptions raised by allauth for a credential that no browser made.
_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)
_LONG_ENOUGH = "At least 10 characters. Three or four unrelated words are easy to remember and hard to guess."
# Fields that can be typed in several ways, and the functions that normalise them.
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


class _WithOurLabels(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Typing a password twice proves little. It can be shown instead, and reset.
        self.fields.pop("password2", None)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = _LABELS.get(name, field.label)
            field.help_text = _LONG_ENOUGH if name == "password1" else ""
            if name in _TYPED:
                _read_as(field, _TYPED[name])
        if "code" in self.fields:
            self.fields["code"].widget.attrs |= {"autocapitalize": "characters", "spellcheck": "false"}


class _Digits(_WithOurLabels):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


class SignupForm(_WithOurLabels, account.SignupForm):
    """Sign-up with name, email address and password."""

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


class LoginForm(_WithOurLabels, account.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        self.fields["remember"].initial = True


class ReauthenticateForm(_WithOurLabels, account.ReauthenticateForm):
    pass


class ResetPasswordForm(_WithOurLabels, account.ResetPasswordForm):
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


class ConfirmPasswordResetCodeForm(_WithOurLabels, account.ConfirmPasswordResetCodeForm):
    def clean_code(self) -> str:
        state = context.request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY]
        attempt = guessing.begin(context.request, Kind.MAILED_CODE, state["email"])
        if "user_id" not in state:
            # allauth loads the user after a wrong code, so do the same work for an unknown email address.
            owner_of(state["email"])
        code = super().clean_code()
        attempt.succeed()
        return str(code)


class ResetPasswordKeyForm(_WithOurLabels, account.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(_WithOurLabels, account.ChangePasswordForm):
    def clean_oldpassword(self) -> str:
        attempt = guessing.begin(context.request, Kind.PASSWORD, cast("User", self.user).email)
        password = super().clean_oldpassword()
        attempt.succeed()
        return str(password)


class SetPasswordForm(_WithOurLabels, account.SetPasswordForm):
    pass


class AddEmailForm(_WithOurLabels, account.AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "New e-mail"

    def clean_email(self) -> str:
        guessing.begin(context.request, Kind.EMAIL_CHANGE, cast("User", self.user).email)
        return str(super().clean_email())


class ConfirmEmailVerificationCodeForm(_Digits, account.ConfirmEmailVerificationCodeForm):
    def clean_code(self) -> str:
        attempt = guessing.begin(context.request, Kind.MAILED_CODE, self.email)
        code = super().clean_code()
        attempt.succeed()
        if users.is_email_reserved(self.email, self.user):
            raise get_adapter().validation_error("email_taken")
        return str(code)


class ActivateTOTPForm(_Digits, totp.ActivateTOTPForm):
    def clean_code(self) -> str:
        attempt = guessing.begin(context.request, Kind.CODE, self.user.email)
        code = str(super().clean_code())
        if not web_totp.use_code(self.user.pk, self.secret, code):
            raise get_mfa_adapter().validation_error("incorrect_code")
        attempt.succeed()
        return code


class _SecondStep(_Digits):
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


class AddPasskeyForm(_WithOurLabels, _Signed, webauthn.AddWebAuthnForm):
    """Every passkey can be used without a password, so there is only one kind to explain."""

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
        # Makes allauth require that the device has verified its user by fingerprint, face or PIN.
        self.cleaned_data["passwordless"] = True
        return super().clean()


class EditPasskeyForm(_WithOurLabels, webauthn.EditWebAuthnForm):
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


def _short(field: forms.Field) -> None:
    field.validators.append(MaxLengthValidator(80))
    field.widget.attrs["maxlength"] = "80"


def _not_signed() -> forms.ValidationError:
    return forms.ValidationError("The passkey did not answer as expected. Try again.", code="malformed")
