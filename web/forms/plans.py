"""The forms of plans: start, top up, withdraw, give notice and edit."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from savings import references
from savings.models import Plan, Product, Transaction, User
from savings.models.ledger import REFERENCE_PREFIXES
from web.forms.cards import CardForm
from web.forms.changes import KnowsChanges
from web.forms.fields import DayInput, LineField, MoneyField, OnceForm, Switch
from web.forms.refusals import RefusableForm

_AGAIN = (
    "If it starts again, it has a new term of the same length, at the same rate. If it starts again without the "
    "interest, that goes to your stash."
)
_DAY_MESSAGES = {"required": "Choose a day.", "invalid": "Enter a day, such as 30/09/2027."}


class ProductField(forms.TypedChoiceField):
    """A choice of products. `plans/_products.html` renders the choices with their rates."""

    def __init__(self, products: list[Product]) -> None:
        super().__init__(
            choices=[(product.pk, product.name) for product in products],
            coerce=lambda pk: next(product for product in products if product.pk == int(pk)),
            widget=forms.RadioSelect,
            error_messages={
                "required": "Choose a plan type.",
                "invalid_choice": "Choose one of these plan types.",
            },
        )


class StartForm(OnceForm):
    """A new plan. `first` and `monthly` are used by the preview only; this form pays nothing."""

    # The order on the page, which is the order of the error summary.
    field_order = (
        "name",
        "target",
        "matures_on",
        "product",
        "at_maturity",
        "interest_to",
        "first",
        "monthly",
        "autosaves",
    )

    name = LineField(label="Plan name", max_length=60, error_messages={"required": "Give the plan a name."})
    target = MoneyField(label="Goal", required=False)
    matures_on = forms.DateField(
        label="Target date",
        required=False,
        widget=DayInput,
        help_text="You can extend this date, but not bring it forward.",
        error_messages=_DAY_MESSAGES,
    )
    at_maturity = forms.ChoiceField(
        label="When it ends",
        choices=Plan.AtMaturity,
        initial=Plan.AtMaturity.STASH,
        required=False,
        help_text=_AGAIN,
    )
    interest_to = forms.ChoiceField(
        label="Monthly interest goes",
        choices=Plan.InterestTo,
        initial=Plan.InterestTo.PLAN,
        required=False,
        help_text="Only interest in the plan earns interest itself.",
    )
    first = MoneyField(label="First payment", required=False, max_kobo=settings.TOP_UP_MAX_KOBO)
    monthly = MoneyField(label="Then each month", required=False, max_kobo=settings.TOP_UP_MAX_KOBO)
    autosaves = forms.BooleanField(
        label="Set up auto-save",
        required=False,
        widget=Switch,
        help_text="You choose next when it’s saved and where the money comes from.",
    )

    def __init__(
        self, data: QueryDict | None = None, *, user: User, products: list[Product], **kwargs: Any
    ) -> None:
        super().__init__(data, user=user, prefix=references.PLAN_PREFIX, **kwargs)
        self.fields["product"] = ProductField(products)
        self.order_fields(self.field_order)
        self.products = products


class TopUpForm(CardForm):
    """The amount and its source: a card, or the stash, which is immediate."""

    STASH = "stash"

    def __init__(self, data: QueryDict | None = None, *, user: User, **kwargs: Any) -> None:
        super().__init__(data, user=user, prefix=REFERENCE_PREFIXES[Transaction.Kind.TOP_UP], **kwargs)

    @property
    def other_sources(self) -> list[tuple[str, str]]:
        return [*super().other_sources, (self.STASH, "My stash")]


class WithdrawForm(OnceForm):
    """The amount to move from a plan to the stash."""

    amount = MoneyField(label="Amount")

    def __init__(self, data: QueryDict | None = None, *, user: User, **kwargs: Any) -> None:
        super().__init__(data, user=user, prefix=REFERENCE_PREFIXES[Transaction.Kind.PLAN_TO_STASH], **kwargs)


class NoticeForm(OnceForm):
    """The amount to give notice of. The button "All of it" sends the amount that the page named, as `all_of_it`."""

    amount = MoneyField(label="Amount")

    def __init__(self, data: QueryDict | None = None, *, user: User, **kwargs: Any) -> None:
        if data is not None and "all_of_it" in data:
            data = data.copy()
            data.setlist("amount", data.getlist("all_of_it"))
        super().__init__(data, user=user, prefix=references.NOTICE_PREFIX, **kwargs)


class QuoteForm(RefusableForm):
    """The amount to take out of a plan early. The button "All of it" sends `all_of_it`, whatever amount was typed."""

    amount = MoneyField(label="Amount")

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        self.is_all = data is not None and "all_of_it" in data
        if data is not None and self.is_all:
            data = data.copy()
            data["amount"] = ""
        super().__init__(data, **kwargs)
        self.fields["amount"].required = not self.is_all

    @property
    def amount_kobo(self) -> int | None:
        """The amount of a valid form, None for all."""
        amount_kobo: int | None = self.cleaned_data["amount"]
        return None if self.is_all else amount_kobo


class ExitForm(OnceForm):
    """An early exit by the quote that the page showed."""

    quote = forms.CharField(
        max_length=2_000,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(
            ("required", "max_length", "null_characters_not_allowed"),
            "This quote is not valid. Nothing was moved. Look at the new one.",
        ),
    )

    def __init__(self, data: QueryDict | None = None, *, user: User, **kwargs: Any) -> None:
        super().__init__(data, user=user, prefix=REFERENCE_PREFIXES[Transaction.Kind.PLAN_TO_STASH], **kwargs)


class EditForm(KnowsChanges, RefusableForm):
    """What a saver can change on a plan. A field that does not apply to the plan is not shown.

    A later end takes two requests: the answer to the first names both days, and the second sends them back.
    """

    may_be_missing = ("target", "matures_on", "at_maturity", "interest_to", "earns_interest")

    name = LineField(max_length=60, error_messages={"required": "Give the plan a name."})
    target = MoneyField(label="Goal", required=False)
    matures_on = forms.DateField(
        label="Ends on",
        widget=DayInput,
        help_text="You can extend this date, but not bring it forward.",
        error_messages=_DAY_MESSAGES,
    )
    at_maturity = forms.ChoiceField(
        label="When it ends",
        choices=Plan.AtMaturity,
        help_text=f"You can choose until the day before. {_AGAIN}",
    )
    interest_to = forms.ChoiceField(
        label="Monthly interest goes",
        choices=Plan.InterestTo,
        help_text="From the next time on. Only interest in the plan earns interest itself.",
    )
    earns_interest = forms.BooleanField(
        label="Earn interest",
        required=False,
        widget=Switch,
        help_text="A change counts from tomorrow on. What was earned until then stays.",
    )

    def __init__(
        self, data: QueryDict | None = None, *, plan: Plan, today: datetime.date, **kwargs: Any
    ) -> None:
        initial = {
            "name": plan.name,
            "target": plan.target_kobo,
            "matures_on": plan.matures_on,
            "at_maturity": plan.at_maturity,
            "interest_to": plan.interest_to,
            "earns_interest": plan.earns_interest,
        }
        super().__init__(data, initial=initial, **kwargs)
        self.plan = plan
        if not self.is_bound:
            # A field that an older page has sent is refused by the rules, and not ignored.
            for name in _not_applicable(plan, today):
                del self.fields[name]
        if "target" in self.fields:
            self.fields["target"].required = plan.needs_target
        if "earns_interest" in self.fields and not plan.user.earns_interest:
            self.fields[
                "earns_interest"
            ].help_text = (
                "Interest is off for all your plans, in your profile. Once it is on there, this counts."
            )

    @property
    def later_end(self) -> datetime.date | None:
        """The day to which a valid form moves the end; None if it does not, or a form sent before has done it."""
        day = self.changes.get("matures_on")
        return day if day != self.plan.matures_on else None

    @property
    def confirmation(self) -> str:
        """What the form sends to confirm the later end: both days, so that another day is asked about again."""
        return f"{self.plan.matures_on} {self.later_end}" if self.later_end else ""

    @property
    def is_confirmed(self) -> bool:
        return self.data.get("confirmation", "") == self.confirmation or not self.later_end


def _not_applicable(plan: Plan, today: datetime.date) -> set[str]:
    """Return the fields of `EditForm` that such a plan does not have. Reads `plan.membership` and its circle."""
    if plan.is_closed:
        return {"target", "matures_on", "at_maturity", "interest_to", "earns_interest"}
    member = getattr(plan, "membership", None)
    circle = member.circle if member is not None and member.left_at is None else None
    names = set()
    if plan.matures_on is None or plan.is_matured(today):
        names |= {"matures_on", "at_maturity"}
    if circle is not None:
        names |= {"at_maturity", "interest_to"}
        if circle.has_ended(today):
            names.add("target")
    if not plan.pays_monthly:
        names.add("interest_to")
    return names
