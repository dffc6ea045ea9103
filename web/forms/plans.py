"""The forms of plans: start, top up, withdraw, give notice and edit."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from savings import references
from savings.models import Plan, Product, Transaction, User
from savings.models.ledger import REFERENCE_PREFIXES
from web.forms.changes import KnowsChanges
from web.forms.fields import DayInput, LineField, MoneyField, OnceForm, Segments
from web.forms.refusals import RefusableForm

_DAY_MESSAGES = {"required": "Choose a day.", "invalid": "Enter a day, such as 30/09/2027."}


class ProductField(forms.TypedChoiceField):
    """A choice of products. `plans/_products.html` renders the choices with their rates."""

    def __init__(self, products: list[Product]) -> None:
        super().__init__(
            choices=[(product.pk, product.name) for product in products],
            coerce=lambda pk: next(product for product in products if product.pk == int(pk)),
            widget=forms.RadioSelect,
            error_messages={"required": "Choose one.", "invalid_choice": "Choose one of these."},
        )


class StartForm(OnceForm):
    """A new plan. `first` and `monthly` are used by the preview only; this form pays nothing."""

    name = LineField(max_length=60, error_messages={"required": "Give the plan a name."})
    target = MoneyField(label="Goal", required=False)
    matures_on = forms.DateField(
        label="By",
        required=False,
        widget=DayInput,
        help_text="Can move later, never earlier.",
        error_messages=_DAY_MESSAGES,
    )
    at_maturity = forms.ChoiceField(
        label="On that day", choices=Plan.AtMaturity, initial=Plan.AtMaturity.STASH, required=False
    )
    first = MoneyField(label="First payment", required=False, max_kobo=settings.TOP_UP_MAX_KOBO)
    monthly = MoneyField(label="Then each month", required=False, max_kobo=settings.TOP_UP_MAX_KOBO)

    def __init__(
        self, data: QueryDict | None = None, *, user: User, products: list[Product], **kwargs: Any
    ) -> None:
        super().__init__(data, user=user, prefix=references.PLAN_PREFIX, **kwargs)
        self.fields["product"] = ProductField(products)
        self.products = products


class TopUpForm(OnceForm):
    """The amount and its source: a card through the provider, or the stash, which is immediate."""

    CARD, STASH = "card", "stash"

    amount = MoneyField(label="Amount", min_kobo=settings.TOP_UP_MIN_KOBO, max_kobo=settings.TOP_UP_MAX_KOBO)
    source = forms.ChoiceField(
        label="From",
        choices=[(CARD, "My card"), (STASH, "My stash")],
        widget=Segments,
        initial=CARD,
        error_messages={"required": "Choose where the money comes from."},
    )

    def __init__(self, data: QueryDict | None = None, *, user: User, **kwargs: Any) -> None:
        super().__init__(data, user=user, prefix=REFERENCE_PREFIXES[Transaction.Kind.TOP_UP], **kwargs)


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


class EditForm(KnowsChanges, RefusableForm):
    """A plan's name and, if it has one, its maturity date."""

    name = LineField(max_length=60, error_messages={"required": "Give the plan a name."})
    matures_on = forms.DateField(
        label="Ends on",
        widget=DayInput,
        help_text="Can move later, never earlier.",
        error_messages=_DAY_MESSAGES,
    )

    def __init__(self, data: QueryDict | None = None, *, plan: Plan, **kwargs: Any) -> None:
        super().__init__(data, initial={"name": plan.name, "matures_on": plan.matures_on}, **kwargs)
        if plan.matures_on is None:
            del self.fields["matures_on"]
