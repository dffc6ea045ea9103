"""The forms of the actions that a second person approves: what to move, how much, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.conf import settings

from savings import backoffice, ledger, money
from savings.models import Case, Dispute, Plan, Transaction, User, WebhookEvent
from savings.models.ledger import REFERENCE_PREFIXES
from web.forms.fields import DayInput, EmailField, LineField, MoneyField, OnceForm

_STASH = ("", "The stash")
_GIVES = [("gives", "Give"), ("takes", "Take back")]


@dataclasses.dataclass(frozen=True)
class Target:
    """The rows that the page of an action is about, named in its URL."""

    case: Case | None = None
    transaction: Transaction | None = None
    user: User | None = None
    plan: Plan | None = None
    dispute: Dispute | None = None
    event: WebhookEvent | None = None

    @property
    def saver(self) -> User | None:
        """Whose money it is about."""
        movement = self.dispute.payment.transaction if self.dispute else self.transaction
        return self.user or (self.plan.user if self.plan else None) or (movement.user if movement else None)


class AskForm(OnceForm):
    """An action without choices of its own, and its reason."""

    # What has to be in the URL.
    needs: ClassVar[tuple[str, ...]] = ()
    field_names: ClassVar[Mapping[str, str]] = {"plan": "place", "user": "email", "gross_kobo": "amount"}

    reason = LineField(
        label="Reason",
        max_length=300,
        required=False,
        help_text="Why this is right. The reason is stored, and the person who approves it reads it.",
    )

    def __init__(self, *args: Any, target: Target, action: str, user: User, **kwargs: Any) -> None:
        self.target = target
        prefix = REFERENCE_PREFIXES[Transaction.Kind(backoffice.ACTIONS[action].kind)]
        super().__init__(*args, user=user, prefix=prefix, **kwargs)
        self.order_fields([name for name in self.fields if name != "reason"])

    @classmethod
    def start(cls, _target: Target) -> dict[str, str]:
        """Return what the fields contain at first, as somebody would type it."""
        return {}

    def values(self) -> dict[str, Any]:
        """Return the values of the action from a valid form."""
        return {name: getattr(self.target, name).pk for name in self.needs}


class AmountForm(AskForm):
    """An action with an amount."""

    needs = ("transaction",)
    amount = MoneyField(label="Amount", max_kobo=money.MOST_KOBO)

    @classmethod
    def start(cls, target: Target) -> dict[str, str]:
        return {"amount": typed(_in_suspense_kobo(target))}

    def values(self) -> dict[str, Any]:
        return {**super().values(), "amount_kobo": self.cleaned_data["amount"]}


class PlaceForm(AmountForm):
    """An action with an amount, and the stash or a plan of a person."""

    place = forms.TypedChoiceField(
        label="Into",
        required=False,
        coerce=int,
        empty_value=None,
        error_messages={"invalid_choice": "Choose the stash or an open plan of this saver."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        person = self.person()
        plans = Plan.objects.filter(user=person, closed_at=None).order_by("name") if person else []
        field = self.fields["place"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the type checker what the class says
        field.choices = [_STASH, *((plan.pk, f"The plan “{plan.name}”") for plan in plans)]

    def person(self) -> User | None:
        return self.target.user

    def values(self) -> dict[str, Any]:
        return {**super().values(), "plan": self.cleaned_data["place"]}


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
    direction = forms.ChoiceField(label="Give or take back", choices=_GIVES)
    field_order = ("direction", "amount", "place")

    @classmethod
    def start(cls, _target: Target) -> dict[str, str]:
        return {"direction": "gives"}

    def values(self) -> dict[str, Any]:
        return {**super().values(), "gives": self.cleaned_data["direction"] == "gives"}


class CorrectInterestForm(AmountForm):
    """Interest of a plan that was posted too little or too much. Before tax; the rate stays."""

    needs = ("plan",)
    direction = forms.ChoiceField(label="Give or take back", choices=_GIVES)
    field_order = ("direction", "amount")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].label = "Interest before tax"

    @classmethod
    def start(cls, _target: Target) -> dict[str, str]:
        return {"direction": "gives"}

    def values(self) -> dict[str, Any]:
        return {**super().values(), "gives": self.cleaned_data["direction"] == "gives"}


class WriteOffForm(AmountForm):
    """How much of a debt is given up. Without a person, it is a debt of payers whom nobody knows."""

    needs = ()

    @classmethod
    def start(cls, target: Target) -> dict[str, str]:
        return {"amount": typed(ledger.receivable_kobo(target.user))}

    def values(self) -> dict[str, Any]:
        return {**super().values(), "user": self.target.user.pk if self.target.user else None}


class TreasuryForm(AmountForm):
    """Money between accounts of the house."""

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

    @classmethod
    def start(cls, _target: Target) -> dict[str, str]:
        return {}

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        period_on = data["period_on"].isoformat() if data["period_on"] else None
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
    "write_off": WriteOffForm,
    "treasury": TreasuryForm,
}


def typed(amount_kobo: int) -> str:
    """Return an amount as somebody would type it, empty for none."""
    return money.short(amount_kobo).removeprefix(settings.CURRENCY_SIGN) if amount_kobo > 0 else ""


def _in_suspense_kobo(target: Target) -> int:
    movement = target.transaction
    return ledger.left_in_suspense(movement.part_of_id or movement.pk) if movement else 0
