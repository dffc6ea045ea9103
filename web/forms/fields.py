"""Shared form parts: amounts in kobo, a reference that makes a form idempotent, and widgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core import signing
from django.forms.renderers import TemplatesSetting

from savings import money, references, typed_text
from savings.exceptions import BadAmount, ReferenceTaken, Refused
from savings.models import User
from web.forms.refusals import RefusableForm
from web.signed_references import reference_signer

_LONGEST_LINE = 1_000
_NOT_BOXED = {"hidden", "checkbox", "radio", "file", "submit"}


class BoundField(forms.BoundField):
    """Adds our CSS class to text controls, so that `{{ form.name }}` looks right everywhere."""

    def build_widget_attrs(
        self, attrs: Mapping[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        widget = widget or self.field.widget
        built: dict[str, Any] = super().build_widget_attrs(dict(attrs), widget)
        if _is_boxed(widget):
            classes = [widget.attrs.get("class"), built.get("class"), "input"]
            built["class"] = " ".join(name for name in classes if name)
        return built


class Renderer(TemplatesSetting):
    """Django's form renderer with our templates and bound fields."""

    bound_field_class = BoundField


class LineField(forms.CharField):
    """A name or other text on one line, normalised as it is stored; see `savings.typed_text`."""

    def to_python(self, value: Any) -> str:
        typed = str(super().to_python(value) or "")
        # Text that is far too long is refused without the cost of normalising it.
        return typed if len(typed) > _LONGEST_LINE else typed_text.line(typed)


class EmailField(forms.EmailField):
    """An email address, normalised as it is stored before it is validated."""

    def to_python(self, value: Any) -> str:
        typed = str(super().to_python(value) or "")
        return typed if len(typed) > _LONGEST_LINE else typed_text.email(typed)


class MoneyInput(forms.TextInput):
    """A text box with the currency sign that opens the numeric keyboard."""

    template_name = "web/widgets/money.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", **(attrs or {})})

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return {**super().get_context(name, value, attrs), "sign": settings.CURRENCY_SIGN}


class DayInput(forms.DateInput):
    """The browser's date picker."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        # The only format that a date input understands.
        super().__init__(attrs, format="%Y-%m-%d")


class Switch(forms.CheckboxInput):
    """A checkbox drawn as a switch."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"class": "switch", "role": "switch", **(attrs or {})})


class Segments(forms.RadioSelect):
    """Two to four short choices side by side."""

    template_name = "web/widgets/segments.html"


class Chips(Segments):
    """Choices that wrap onto several lines, each with a small second line of text."""

    template_name = "web/widgets/chips.html"


class MoneyField(forms.Field):
    """An amount as people write it. The cleaned value is in kobo; the displayed value is the typed text."""

    widget = MoneyInput
    default_error_messages = {"required": money.AMOUNT_MISSING}

    def __init__(self, *, min_kobo: int = 1, max_kobo: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_kobo = min_kobo
        self.max_kobo = max_kobo if max_kobo is not None else settings.PLAN_MAX_KOBO

    def to_python(self, value: Any) -> int | None:
        if value is None or not typed_text.figures(str(value)).strip():
            return None
        try:
            return money.parse(str(value), most_kobo=self.max_kobo)
        except BadAmount as bad:
            raise forms.ValidationError(str(bad), code="amount") from None

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is None:
            return
        if value < self.min_kobo:
            least = f"Enter at least {money.short(self.min_kobo)}."
            raise forms.ValidationError(least if self.min_kobo > 1 else money.NOT_ABOVE_ZERO, code="min")
        if value > self.max_kobo:
            raise forms.ValidationError(money.too_large(self.max_kobo), code="max")

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        # An initial amount, without the currency sign, which the widget shows, and without zero kobo.
        return money.short(value).removeprefix(settings.CURRENCY_SIGN)


def asked_amount(text: str) -> int | str:
    """Return the amount in a URL in kobo, which its field shows with separators; the text if it is no amount."""
    try:
        return money.parse(text[:40])
    except BadAmount:
        return text[:40]


class ReferenceField(forms.Field):
    """The idempotency key of a form, created and signed for one user when the form is shown.

    The same form sent twice carries the same reference, so it takes effect once. The signature prevents a user from
    sending another user's reference, or one of another kind.
    """

    widget = forms.HiddenInput

    def belong_to(self, user: User, prefix: str) -> None:
        """Bind the field to the user the form is shown to, and to the three-letter prefix of the reference."""
        self.prefix = prefix
        self.signer = reference_signer(user, prefix)
        self.initial = self._fresh
        self.is_spent = False

    def renew(self) -> None:
        """Show a fresh reference, because the one that was sent belongs to something else."""
        self.is_spent = True

    def to_python(self, value: Any) -> str:
        try:
            return self.signer.unsign(str(value or ""))
        except signing.BadSignature:
            raise forms.ValidationError(
                "This page expired. Nothing was changed. Check it, then send it again.", code="reference"
            ) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            self.signer.unsign(str(data or ""))
        except signing.BadSignature:
            return initial
        return self._fresh() if self.is_spent else data

    def _fresh(self) -> str:
        return self.signer.sign(references.mint(self.prefix))


class OnceForm(RefusableForm):
    """A form that takes effect once, however often it is sent; its key is `cleaned_data["reference"]`."""

    reference = ReferenceField()

    def __init__(self, *args: Any, user: User, prefix: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reference_field.belong_to(user, prefix)

    @property
    def reference_field(self) -> ReferenceField:
        field = self.fields["reference"]
        assert isinstance(field, ReferenceField)  # noqa: S101 - tells the type checker what the class says
        return field

    def refuse(self, refused: Refused) -> None:
        if isinstance(refused, ReferenceTaken):
            self.reference_field.renew()
        super().refuse(refused)


def _is_boxed(widget: forms.Widget) -> bool:
    if isinstance(widget, MoneyInput):
        return False
    if isinstance(widget, forms.widgets.Input):
        return widget.input_type not in _NOT_BOXED
    return isinstance(widget, forms.Textarea | forms.Select)
