"""The forms of withdrawals: find and confirm a bank account, ask for a withdrawal, and confirm it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from savings.exceptions import Refused
from savings.models import Recipient
from savings.payments import Bank, list_banks
from web.forms.plans import QuoteForm
from web.forms.refusals import RefusableForm

_TEN_DIGITS = "An account number has 10 digits."


class AccountForm(RefusableForm):
    """A bank account to look up. Only the payment provider knows whether it exists."""

    bank_code = forms.ChoiceField(
        label="Bank",
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose a bank from the list."),
    )
    account_number = forms.CharField(
        label="Account number",
        # A longer text is refused; it is not cut to another account's number.
        max_length=100,
        help_text="The 10 digits of your account (NUBAN).",
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off", "maxlength": None}),
        error_messages={
            "required": "Enter the account number.",
            "max_length": _TEN_DIGITS,
            "null_characters_not_allowed": _TEN_DIGITS,
        },
    )

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        field = self.fields["bank_code"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the type checker what the class says
        # Why there are no banks to choose from; empty if there are.
        self.away = ""
        banks: list[Bank] = []
        try:
            banks = list_banks()
        except Refused as refused:
            self.away = str(refused)
            field.error_messages |= dict.fromkeys(("required", "invalid_choice"), self.away)
        field.choices = [("", "Choose a bank"), *((bank.code, bank.name) for bank in banks)]


class TokenForm(RefusableForm):
    """The confirmation of what a page showed, which only its token names."""

    token = forms.CharField(
        max_length=2_000,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(
            ("required", "max_length", "null_characters_not_allowed"),
            "This confirmation is no longer valid. Nothing was changed. Check the page and confirm again.",
        ),
    )


class PayoutForm(QuoteForm):
    """The amount to withdraw, or all that is possible, and the bank account to send it to."""

    recipient = forms.TypedChoiceField(
        label="Bank account",
        coerce=int,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose one of your bank accounts."),
    )

    def __init__(self, data: QueryDict | None = None, *, recipients: list[Recipient], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.recipients = {recipient.pk: recipient for recipient in recipients}
        field = self.fields["recipient"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the type checker what the class says
        field.choices = [(pk, str(recipient)) for pk, recipient in self.recipients.items()]

    @property
    def chosen(self) -> Recipient:
        """The bank account of a valid form."""
        return self.recipients[self.cleaned_data["recipient"]]
