"""Overridden allauth views: every email address takes the same work, and every change goes through `savings.users`."""

from __future__ import annotations

from typing import Any, cast

from allauth.account import views
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification_by_code import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
    EmailVerificationProcess,
)
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from web.auth.email_addresses import owner_of
from web.http import SaverRequest, redirect


class SignUp(views.SignupView):
    """Signs up in one transaction, so the work is the same for an email address that already has an account."""

    def form_valid(self, form: Any) -> HttpResponse:
        # Hash before the transaction, because on SQLite a transaction blocks all other writers.
        form.hash_password(self.request)
        try:
            with transaction.atomic():
                return super().form_valid(form)
        except IntegrityError:
            # The form was sent twice at once and the other request won: the email address now has an account.
            if owner_of(form.cleaned_data["email"]) is None:
                raise
            form.account_already_exists = True
            with transaction.atomic():
                return super().form_valid(form)


class ConfirmEmail(views.ConfirmEmailVerificationCodeView):
    """The page for the mailed code, also shown if no code was mailed because the email address has an account."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        state = request.session.get(EMAIL_VERIFICATION_CODE_SESSION_KEY)
        if state and "user_id" not in state:
            # allauth reads the user twice if the session has one, so do the same work here.
            owner_of(state["email"])
            owner_of(state["email"])
        return super().dispatch(request, *args, **kwargs)

    def _resend_form_valid(self, form: Any) -> HttpResponse:
        process = cast("EmailVerificationProcess", self._process)
        if not process.email_address.user_id:
            # allauth would send no mail here, which takes less time and is not limited as mails are.
            get_adapter().send_account_already_exists_mail(process.email)
        return super()._resend_form_valid(form)  # type: ignore[no-untyped-call, no-any-return]


class ChangeEmail(views.EmailView):
    """Sends a code to a new email address. allauth's other actions would bypass `savings.users`."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "action_add" not in request.POST:
            return redirect(cast("SaverRequest", request), reverse("account_email"))
        return super().post(request, *args, **kwargs)


sign_up = SignUp.as_view()
change_email = ChangeEmail.as_view()
confirm_email = ConfirmEmail.as_view()
