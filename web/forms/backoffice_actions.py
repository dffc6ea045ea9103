"""What the forms of actions share: the rows they are about, the amount, the stash or plan, and the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.conf import settings

from savings import backoffice, ledger, money
from savings.models import Case, Dispute, Plan, Transaction, User, WebhookEvent
from savings.models.ledger import REFERENCE_PREFIXES
from web.forms.fields import LineField, MoneyField, OnceForm

_STASH = ("", "The stash")


@dataclasses.dataclass(frozen=True)
class Target:
    """The rows that the page of an action is about, named in its URL."""

    case: Case | None = None
    transaction: Transaction | None = None
    user: User | None = None
    plan: Plan | None = None
    dispute: Dispute | None = None
    event: WebhookEvent | None = None
    # The purpose of a movement of the house's money.
    purpose: str = ""

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
        widget=forms.Textarea({"rows": 3}),
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

    needs: ClassVar[tuple[str, ...]] = ("transaction",)
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
        plans = Plan.objects.filter(user=person, closed_at=None).order_by("name")
        field = self.fields["place"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the type checker what the class says
        field.choices = [_STASH, *((plan.pk, f"The plan “{plan.name}”") for plan in plans)]

    def person(self) -> User | None:
        return self.target.user

    def values(self) -> dict[str, Any]:
        return {**super().values(), "plan": self.cleaned_data["place"]}


def typed(amount_kobo: int) -> str:
    """Return an amount as somebody would type it, empty for none."""
    return money.short(amount_kobo).removeprefix(settings.CURRENCY_SIGN) if amount_kobo > 0 else ""


def _in_suspense_kobo(target: Target) -> int:
    movement = target.transaction
    return ledger.left_in_suspense(movement.part_of_id or movement.pk) if movement else 0
