"""The forms of the actions that a second person approves: what to move, how much, and why."""

from __future__ import annotations

from typing import Any

from django import forms

from savings import backoffice, ledger
from savings.models import User
from web.forms.backoffice_actions import AmountForm, AskForm, PlaceForm, Target, typed
from web.forms.fields import DayInput, EmailField, LineField
from web.forms.picks import Picks
from web.messages import backoffice_cases as messages

_GIVES = [("gives", "Give"), ("takes", "Take back")]


class ReleaseForm(PlaceForm):
    """How much of what arrived the payer gets, and where."""

    def person(self) -> User | None:
        return self.target.transaction.user if self.target.transaction else None

    @classmethod
    def start(cls, target: Target) -> dict[str, str]:
        plan = target.transaction.plan if target.transaction else None
        place = str(plan.pk) if plan and not plan.is_closed else ""
        return {**super().start(target), "place": place}


class AllocateForm(PlaceForm):
    """How much of what arrived another person gets, and where."""

    email = EmailField(
        label="Person",
        help_text="Their full email address. After the preview you can choose one of their plans.",
        error_messages={"required": "Enter the person’s full email address."},
    )
    field_order = ("amount", "email", "place")

    def person(self) -> User | None:
        try:
            email = self.fields["email"].clean(self.data.get("email", ""))
        except forms.ValidationError:
            return None
        return User.objects.filter(email=email).first()

    def clean_email(self) -> User:
        found = self.person()
        if found is None:
            raise forms.ValidationError("Nobody has this email address. Check it letter by letter.")
        return found

    def values(self) -> dict[str, Any]:
        return {**super().values(), "user": self.cleaned_data["email"].pk}


class RefundForm(AmountForm):
    """How much of a payment goes back, and where it is taken from."""

    source = forms.ChoiceField(
        label="From",
        required=False,
        choices=[("", "Where the payment went"), ("plan", "The plan"), ("stash", "The stash")],
    )

    @classmethod
    def start(cls, target: Target) -> dict[str, str]:
        return {
            "amount": typed(backoffice.left_to_refund_kobo(target.transaction)) if target.transaction else ""
        }

    def values(self) -> dict[str, Any]:
        return {**super().values(), "source": self.cleaned_data["source"]}


class ReverseForm(AskForm):
    """A movement inside the house is reversed as a whole, with everything that belongs to it."""

    needs = ("transaction",)


class AcceptDisputeForm(AskForm):
    """The payer gets the money back. Nothing is posted before the provider says so."""

    needs = ("dispute",)


class OutsideRefundForm(AskForm):
    """A refund that somebody made at the provider is booked here, in the amount that the provider says."""

    needs = ("event", "transaction")


class AdjustForm(PlaceForm):
    """Goodwill for a saver, or goodwill that was given by mistake and is taken back."""

    needs = ("user",)
    direction = forms.ChoiceField(
        label="Give or take back", choices=_GIVES, widget=Picks(messages.GOODWILL_PICKS)
    )
    field_order = ("direction", "amount", "place")

    @classmethod
    def start(cls, _target: Target) -> dict[str, str]:
        return {"direction": "gives"}

    def values(self) -> dict[str, Any]:
        return {**super().values(), "gives": self.cleaned_data["direction"] == "gives"}


class CorrectInterestForm(AmountForm):
    """Interest of a plan that was posted too little or too much. Before tax; the rate stays."""

    needs = ("plan",)
    direction = forms.ChoiceField(
        label="Give or take back", choices=_GIVES, widget=Picks(messages.INTEREST_PICKS)
    )
    field_order = ("direction", "amount")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].label = "Interest before tax"

    @classmethod
    def start(cls, _target: Target) -> dict[str, str]:
        return {"direction": "gives"}

    def values(self) -> dict[str, Any]:
        return {**super().values(), "gives": self.cleaned_data["direction"] == "gives"}


class RepayForm(AmountForm):
    """How much of a debt is paid from the saver's stash."""

    needs = ("user",)

    @classmethod
    def start(cls, target: Target) -> dict[str, str]:
        if target.user is None:
            return {}
        available = ledger.available(target.user)
        return {"amount": typed(min(available.owed_kobo, available.stash_kobo))}


class WriteOffForm(AmountForm):
    """How much of a debt is given up. Without a person, it is a debt of payers whom nobody knows."""

    needs = ()

    @classmethod
    def start(cls, target: Target) -> dict[str, str]:
        return {"amount": typed(ledger.receivable_kobo(target.user))}

    def values(self) -> dict[str, Any]:
        return {**super().values(), "user": self.target.user.pk if self.target.user else None}


class TreasuryForm(AmountForm):
    """Money between accounts of the house. A purpose that the page has chosen cannot be changed."""

    needs = ()
    purpose = forms.ChoiceField(choices=ledger.Purpose.choices)
    bank = forms.ChoiceField(
        label="Bank account", choices=[("customers", "Savers’ money"), ("own", "Our own money")]
    )
    document = LineField(
        max_length=100, required=False, help_text="The number of the bank statement, slip or receipt."
    )
    period_on = forms.DateField(
        label="Month",
        required=False,
        widget=DayInput,
        help_text="Only for a remittance: the first day of the month that it is for.",
    )
    field_order = ("purpose", "amount", "bank", "document", "period_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        purpose = self.target.purpose
        if purpose in ledger.Purpose.values:
            self.fields["purpose"].widget = forms.HiddenInput()
            if purpose in ledger.REMITTANCES:
                self.fields["period_on"].help_text = "The first day of the month that the remittance is for."
            else:
                del self.fields["period_on"]

    @classmethod
    def start(cls, target: Target) -> dict[str, str]:
        return {"purpose": target.purpose}

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        period_on = data["period_on"].isoformat() if data.get("period_on") else None
        return {
            **super().values(),
            **{name: data[name] for name in ("purpose", "bank", "document")},
            "period_on": period_on,
        }


FORMS: dict[str, type[AskForm]] = {
    "release": ReleaseForm,
    "allocate": AllocateForm,
    "send_back": AmountForm,
    "refund": RefundForm,
    "reverse": ReverseForm,
    "adjust": AdjustForm,
    "correct_interest": CorrectInterestForm,
    "accept_dispute": AcceptDisputeForm,
    "book_outside_refund": OutsideRefundForm,
    "repay_debt": RepayForm,
    "write_off": WriteOffForm,
    "treasury": TreasuryForm,
}
