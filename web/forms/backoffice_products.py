"""The terms of a product in naira and percent, its rates, and the day from which they are valid."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.utils import timezone

from savings import backoffice
from savings.models import Product
from savings.models.plans import EarlyExit, InterestPaid
from web.forms.fields import LineField, MoneyField
from web.forms.refusals import RefusableForm, refused_as_invalid

_MOST_RATES = 12


class PercentInput(forms.NumberInput):
    """A number before the sign of percent."""

    template_name = "web/widgets/percent.html"


class PercentField(forms.DecimalField):
    """A share in percent with at most two decimals; the cleaned value is in basis points."""

    widget = PercentInput

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=Decimal(0), max_value=Decimal(100), decimal_places=2, **options)

    def clean(self, value: Any) -> Any:
        typed = str(value or "").strip().removesuffix("%").replace(",", ".")
        percent = super().clean(typed)
        return None if percent is None else int(percent * 100)

    def prepare_value(self, value: Any) -> Any:
        return f"{Decimal(value) / 100:f}" if isinstance(value, int) else value


class RateForm(forms.Form):
    """One rate, and the term from which it applies. An empty row is left out."""

    from_days = forms.IntegerField(label="From how many days", min_value=0, max_value=36_525, required=False)
    rate = PercentField(label="Rate a year", required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.errors and (values.get("from_days") is None) != (values.get("rate") is None):
            empty = "rate" if values.get("rate") is None else "from_days"
            self.add_error(empty, "Fill in both, or leave both empty.")
        return values


RateFormSet = forms.formset_factory(RateForm, extra=2, max_num=_MOST_RATES, validate_max=True)


class ProductTermsForm(RefusableForm):
    """All terms of a product, and why and from when they change."""

    field_names = {"penalty_bps": "penalty"}

    kind = forms.ChoiceField(choices=Product.Kind)
    name = LineField(max_length=40, widget=AdminTextInputWidget)
    description = LineField(max_length=120, widget=AdminTextareaWidget({"rows": 2}))
    min_term_days = forms.IntegerField(
        label="Shortest term, days", min_value=1, required=False, help_text="Leave both empty for no term."
    )
    max_term_days = forms.IntegerField(
        label="Longest term, days", min_value=1, max_value=36_525, required=False, help_text="365 is a year."
    )
    min_target = MoneyField(label="Smallest goal", help_text="Of a new plan that has a goal.")
    early_exit = forms.ChoiceField(
        label="Taking money out early", choices=EarlyExit, help_text="Before the plan matures."
    )
    penalty = PercentField(label="Penalty", help_text="Of the amount taken out.")
    notice_hours = forms.IntegerField(
        label="Notice, hours", min_value=0, max_value=8_760, help_text="How long money waits. 0 is no notice."
    )
    interest_paid = forms.ChoiceField(choices=InterestPaid)
    is_offered = forms.BooleanField(label="Savers can choose it", required=False)
    position = forms.IntegerField(
        min_value=0, max_value=32_767, help_text="Products with a smaller number come first."
    )
    valid_from = forms.DateField(
        label="Valid from",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Running plans keep their terms.",
    )
    reason = LineField(
        max_length=300,
        widget=AdminTextareaWidget({"rows": 3}),
        help_text="The reason is stored, and the person who approves the change reads it.",
    )

    def __init__(self, *args: Any, product: Product | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.product = product
        # A product keeps its kind, and one person sets up an installation at once.
        if product is not None:
            self.fields["kind"].disabled = True
        if backoffice.may_change_alone():
            del self.fields["valid_from"]

    def clean_valid_from(self) -> datetime.date:
        day: datetime.date = self.cleaned_data["valid_from"]
        with refused_as_invalid():
            backoffice.check_valid_from(day)
        return day

    @property
    def terms(self) -> dict[str, Any]:
        """The terms of a valid form, by column."""
        values = self.cleaned_data
        renamed = {"min_target_kobo": values["min_target"], "penalty_bps": values["penalty"]}
        return {name: renamed[name] if name in renamed else values[name] for name in backoffice.TERMS}


def initial_of(product: Product | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the initial values of the form and of its rates."""
    if product is None:
        return {
            "penalty": 0,
            "notice_hours": 0,
            "position": 0,
            "is_offered": True,
            "valid_from": _today(),
        }, []
    terms, rates = backoffice.terms_of(product)
    named = {
        **terms,
        "min_target": terms["min_target_kobo"],
        "penalty": terms["penalty_bps"],
        "valid_from": _today(),
    }
    return named, [{"from_days": from_days, "rate": rate_bps} for from_days, rate_bps in rates]


def _today() -> str:
    return timezone.localdate().isoformat()
