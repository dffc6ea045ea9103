"""Adapts allauth's accounts: sign-in and sign-up, their mails, redirects, messages and limits."""

from __future__ import annotations

import ipaddress
from typing import Any

from allauth import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.core.internal.httpkit import clean_client_ip
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from savings import users
from savings.exceptions import Refused
from savings.models import User
from web.auth import devices, guessing, sign_in
from web.auth.email_addresses import owner_of
from web.auth.guessing import Kind
from web.messages import sign_in as sentences

# Mails that anybody can request for any email address, known or not.
_ON_REQUEST = {
    "account/email/account_already_exists": Kind.CODE_MAIL,
    "account/email/email_confirmation": Kind.CODE_MAIL,
    "account/email/email_confirmation_signup": Kind.CODE_MAIL,
    "account/email/password_reset_code": Kind.RESET_MAIL,
    "account/email/unknown_account": Kind.RESET_MAIL,
}
# For these, a former email address receives the link that restores it instead.
_NOT_THEIRS = {"account/email/account_already_exists", "account/email/unknown_account"}


class AccountAdapter(DefaultAccountAdapter):
    """Users sign up with an email address and a name; every mail is an outbox row."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": sentences.ACCOUNT_CLOSED,
        "duplicate_email": sentences.EMAIL_IS_YOURS,
        "email_password_mismatch": sentences.WRONG_EMAIL_OR_PASSWORD,
        "email_taken": users.EMAIL_TAKEN,
        "enter_current_password": sentences.WRONG_PASSWORD,
        "incorrect_code": sentences.WRONG_MAILED_CODE,
        "incorrect_password": sentences.WRONG_PASSWORD,
        "rate_limited": sentences.TOO_MANY_TRIES,
        "too_many_login_attempts": sentences.TOO_MANY_WRONG_CODES,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def save_user(
        self,
        request: HttpRequest,
        user: AbstractBaseUser,
        form: BaseForm,
        commit: bool = True,  # noqa: FBT001 - allauth's
    ) -> AbstractBaseUser:
        if isinstance(user, User):
            user.name = form.cleaned_data["name"]
        return super().save_user(request, user, form, commit)

    def clean_email(self, email: str) -> str:
        # Check the limits of the column. Django's form field allows more, which PostgreSQL would refuse at the INSERT.
        EmailAddress._meta.get_field("email").run_validators(email)
        return email

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Check a password at sign-in and at re-authentication. Raises guessing.TooManyTries."""
        attempt = guessing.begin(request, Kind.PASSWORD, credentials["email"])
        user = super().authenticate(request, **credentials)
        if user is not None:
            attempt.succeed()
        return user

    def is_safe_url(self, url: str) -> bool:
        """Allow redirects only to the host of this request; allauth would allow all of ALLOWED_HOSTS."""
        return url_has_allowed_host_and_scheme(
            url, {allauth_context.request.get_host()}, require_https=allauth_context.request.is_secure()
        )

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("users:security")

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        return (
            reverse("users:security") if allauth_context.request.user.is_authenticated else settings.LOGIN_URL
        )

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        response = super().post_login(request, user, **kwargs)
        if isinstance(user, User):
            response["Location"] = sign_in.safe_next(request, user, response["Location"])
            devices.note_sign_in(request, response, user)
        return response

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client's IP address for limits and sessions, in a form that every database accepts.

        A dual-stack socket reports IPv4 clients as IPv6, and all of those are in one /64. PostgreSQL accepts no zone.
        """
        address = ipaddress.ip_address(_client_address(request) or super().get_client_ip(request))
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or ipaddress.IPv6Address(int(address))
        return str(address)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        # Save only this field: another request may have changed the others since this row was read.
        user.set_password(password)
        user.save(update_fields=["password"])

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirm a user's first email address, or change it to one whose code they entered."""
        user = User.objects.get(pk=email_address.user_id)
        if email_address.email == user.email:
            return super().confirm_email(request, email_address)
        try:
            users.change_email(
                user.pk,
                email_address.email,
                device=devices.label_of(request),
                session_key=request.session.session_key,
            )
        except Refused:
            self.add_message(request, messages.ERROR, "account/messages/email_confirmation_failed.txt")
            return False
        self.add_message(request, messages.SUCCESS, "account/messages/email_confirmed.txt")
        return True

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        # Pass the user, because the email address may have just been replaced and no longer finds them.
        super().send_notification_mail(template_prefix, user, {"user": user, **(context or {})}, email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write the mail into the outbox, without text from the requester: the email address may be another's."""
        if template_prefix in _ON_REQUEST:
            guessing.begin_or_stop(allauth_context.request, _ON_REQUEST[template_prefix], email)
            # Looked up for every email address, so that response times reveal nothing.
            is_former = users.is_email_reserved(email)
            if is_former and template_prefix in _NOT_THEIRS and users.resend_proposal(email):
                return
        agent = context.get("user_agent")
        context = {**context, "device": devices.label(agent) if agent else ""}
        owner = context.get("user") or owner_of(email)
        users.send_security_mail(template_prefix, email, context, user=owner, secret=context.get("code", ""))
        if owner is None:
            # Do the same work as for an owner, whose cached pages a mail makes stale.
            User.objects.touch(0)


def _client_address(request: HttpRequest) -> str | None:
    """Return the client address from our outermost proxy, or else of the connection; None if neither has one.

    A request that bypassed the outermost of several proxies names fewer addresses; allauth would answer it with 500.
    """
    count = app_settings.TRUSTED_PROXY_COUNT
    named = request.headers.get("X-Forwarded-For", "").split(",") if count else []
    found = [clean_client_ip(text) for text in (*named[-count:][:1], request.META.get("REMOTE_ADDR", ""))]
    return next(filter(None, found), None)
