"""The form of an auto-save: how much, how often, from where, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.dates import WEEKDAYS

from savings import references
from savings.autosave import Terms
from savings.exceptions import Refused
from savings.models import AutosaveRule, Plan, SavedCard, User
from savings.models.autosave import Source
from web.forms.fields import DayInput, MoneyField, OnceForm, Segments, Switch

Every = AutosaveRule.Every
_DAY_MESSAGES = {"required": "Choose a day.", "invalid": "Enter a day, such as 30/09/2027."}
_DAY_OF_MONTH = "Enter a day from 1 to 31."


class RuleForm(OnceForm):
    """A rule of one plan, or with no plan of the stash. `cards` are the saver's usable cards."""

    NEVER, GOAL, DATE = "never", "goal", "date"
    STASH = "stash"
    _ENDS = ((NEVER, "I stop it"), (GOAL, "The goal is reached"), (DATE, "A date"))

    fills = forms.BooleanField(
        label="Save what my goal needs each month",
        required=False,
        widget=Switch,
        help_text="We work it out each month, so that you reach the goal in time, and tell you the day before.",
    )
    amount = MoneyField(label="Amount", required=False, max_kobo=settings.TOP_UP_MAX_KOBO)
    every = forms.ChoiceField(
        label="How often",
        choices=[
            (Every.MONTH, "Monthly"),
            (Every.WEEK, "Weekly"),
            (Every.DAY, "Daily"),
            (Every.ONCE, "Once"),
        ],
        initial=Every.MONTH,
        widget=Segments,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose how often."),
    )
    weekday = forms.TypedChoiceField(
        label="Day of the week",
        choices=[(number, str(name)) for number, name in WEEKDAYS.items()],
        coerce=int,
        empty_value=None,
        required=False,
        initial=4,
        error_messages={"invalid_choice": "Choose a day of the week."},
    )
    month_day = forms.IntegerField(
        label="Day of the month",
        required=False,
        min_value=1,
        max_value=31,
        initial=25,
        widget=forms.NumberInput({"inputmode": "numeric"}),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _DAY_OF_MONTH),
    )
    on = forms.DateField(label="On", required=False, widget=DayInput, error_messages=_DAY_MESSAGES)
    source = forms.ChoiceField(
        label="From",
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose where the money comes from."),
    )
    ends = forms.ChoiceField(
        label="Until",
        choices=_ENDS,
        initial=NEVER,
        required=False,
        error_messages={"invalid_choice": "Choose when it ends."},
    )
    until = forms.DateField(label="Last day", required=False, widget=DayInput, error_messages=_DAY_MESSAGES)

    field_order = (
        "fills",
        "amount",
        "every",
        "weekday",
        "month_day",
        "on",
        "source",
        "ends",
        "until",
    )
    field_names: ClassVar[dict[str, str]] = {"until_goal": "ends"}

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        user: User,
        plan: Plan | None,
        cards: Sequence[SavedCard],
        **kwargs: Any,
    ) -> None:
        super().__init__(data, user=user, prefix=references.AUTOSAVE_PREFIX, **kwargs)
        self.plan = plan
        self.cards = {str(card.pk): card for card in cards}
        source, ends = self.fields["source"], self.fields["ends"]
        assert isinstance(source, forms.ChoiceField)  # noqa: S101 - tells the type checker what the class says
        assert isinstance(ends, forms.ChoiceField)  # noqa: S101
        stash = [(self.STASH, "My stash")] if plan is not None else []
        source.choices = [*stash, *((key, str(card)) for key, card in self.cards.items())]
        if plan is None or plan.target_kobo is None:
            ends.choices = [choice for choice in self._ENDS if choice[0] != self.GOAL]
        if plan is None or plan.target_kobo is None or plan.matures_on is None:
            del self.fields["fills"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not values.get("fills") and values.get("amount") is None and "amount" not in self.errors:
            self.add_error("amount", "Enter an amount.")
        every = values.get("every")
        asked = (
            {Every.WEEK: "weekday", Every.MONTH: "month_day", Every.ONCE: "on"}.get(Every(every))
            if every
            else None
        )
        if asked and values.get(asked) is None and asked not in self.errors:
            self.add_error(asked, _MISSING[asked])
        if (
            every != Every.ONCE
            and values.get("ends") == self.DATE
            and values.get("until") is None
            and "until" not in self.errors
        ):
            self.add_error("until", "Choose the last day.")
        return values

    def refuse(self, refused: Refused) -> None:
        """Show a refusal of the last date beside the field that asked for it."""
        if refused.field == "until_on":
            is_once = self.cleaned_data.get("every") == Every.ONCE
            self.add_error("on" if is_once else "until", str(refused))
        else:
            super().refuse(refused)

    def as_query(self) -> dict[str, str]:
        """Return what was typed in a valid form as the query of a URL that fills the form in again."""
        typed = {name: self.cleaned_data.get(name) for name in self.field_order} | {
            "fills": "on" if self.cleaned_data.get("fills") else "",
            "amount": self["amount"].value(),
        }
        return {name: str(value) for name, value in typed.items() if value not in {None, ""}}

    def as_if_sent(self, user: User) -> RuleForm:
        """Return the form with what it shows before it is sent; the first source is chosen where none is."""
        shown = {name: self[name].value() for name in self.fields}
        first = next(iter(self.cards), "") if self.plan is None else self.STASH
        shown["source"] = shown["source"] or first
        data = QueryDict(mutable=True)
        data.update({name: str(value) for name, value in shown.items() if value not in {None, "", False}})
        return RuleForm(data, user=user, plan=self.plan, cards=[*self.cards.values()])

    @property
    def terms(self) -> Terms:
        """The terms that a valid form asks for; those of one without an amount and a source are good for its dates."""
        values = self.cleaned_data
        every, is_once = values["every"], values["every"] == Every.ONCE
        ends = self.NEVER if is_once else values["ends"]
        card = self.cards.get(values.get("source", ""))
        return Terms(
            amount_kobo=None if values.get("fills") else values.get("amount"),
            every=every,
            source=Source.CARD if card else Source.STASH,
            card=card,
            weekday=values["weekday"] if every == Every.WEEK else None,
            month_day=values["month_day"] if every == Every.MONTH else None,
            until_on=values["on"] if is_once else values["until"] if ends == self.DATE else None,
            until_goal=ends == self.GOAL,
        )


_MISSING = {
    "weekday": "Choose a day of the week.",
    "month_day": _DAY_OF_MONTH,
    "on": "Choose the day.",
}


def initial_of(rule: AutosaveRule) -> dict[str, Any]:
    """Return what the form shows for a rule."""
    is_once = rule.every == Every.ONCE
    ends = (
        RuleForm.GOAL
        if rule.until_goal
        else RuleForm.DATE
        if rule.until_on and not is_once
        else RuleForm.NEVER
    )
    shown = {
        "fills": rule.amount_kobo is None,
        "amount": rule.amount_kobo,
        "every": rule.every,
        "weekday": rule.weekday,
        "month_day": rule.month_day,
        "on": rule.until_on if is_once else None,
        "source": str(rule.card_id) if rule.card_id else RuleForm.STASH,
        "ends": ends,
        "until": None if is_once else rule.until_on,
    }
    return {name: value for name, value in shown.items() if value is not None}
