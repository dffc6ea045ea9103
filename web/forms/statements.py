"""The forms of statements: request one, and verify a file."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings import money, statements
from savings.exceptions import Refused
from savings.models import Circle, Plan, User
from savings.models.statements import Format, Scope
from web import date_formats
from web.forms.fields import Chips, DayInput, MoneyField, Segments, Switch
from web.forms.refusals import RefusableForm
from web.messages import statements as messages

# The choice of period that shows the two date fields.
OTHER_DAYS = "days"
_CHOOSE = {"required": "Choose one.", "invalid_choice": "Choose one of these."}
_DAY = {"invalid": "Enter a day, such as 30/09/2027."}


class Subject(NamedTuple):
    """The subject of a statement."""

    scope: Scope
    plan: Plan | None = None
    circle: Circle | None = None


class StatementForm(RefusableForm):
    """The subject, period and file format of a statement."""

    field_names: ClassVar = {"scope": "about", "plan": "about", "circle": "about"}

    since = forms.DateField(label="From", required=False, widget=DayInput, error_messages=_DAY)
    until = forms.DateField(label="To", required=False, widget=DayInput, error_messages=_DAY)
    format = forms.ChoiceField(
        choices=[(Format.PDF, "PDF"), (Format.EXCEL, "Excel"), (Format.CSV, "CSV")],
        widget=Segments,
        error_messages=_CHOOSE,
    )
    password = forms.CharField(
        label="Password for the PDF",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters that are hard to guess. We don’t store it, so we can’t recover it.",
    )
    monthly = forms.BooleanField(
        label="Send me one every month",
        required=False,
        widget=Switch,
        help_text="On the 1st, for the month before. Not password-protected.",
    )

    def __init__(self, data: QueryDict | None = None, *, user: User, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.user = user
        self.subjects = _subjects(user)
        self.presets = statements.period_presets(timezone.localdate())
        self.fields["about"] = forms.ChoiceField(
            label="Covers", choices=_grouped(self.subjects), error_messages=_CHOOSE
        )
        self.fields["period"] = forms.ChoiceField(
            label="Period", choices=self._periods(), widget=Chips, error_messages=_CHOOSE
        )
        usual = {"about": Scope.EVERYTHING, "period": self.presets[0][0], "format": Format.PDF}
        self.initial = usual | dict(self.initial)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for key, _, since, until in self.presets:
            if values.get("period") == key:
                values |= {"since": since, "until": until}
        if values.get("period") == OTHER_DAYS:
            for name in ("since", "until"):
                if values.get(name) is None and name not in self.errors:
                    self.add_error(name, "Choose a day.")
            joined_on = timezone.localdate(self.user.date_joined)
            if values.get("until") and values["until"] < joined_on:
                self.add_error("until", messages.before_joining(joined_on))
        return values

    @property
    def subject(self) -> Subject:
        """The chosen subject of a valid form."""
        return self.subjects[self.cleaned_data["about"]][1]

    def look_ahead(self) -> str:
        """Return a preview from the fields that are valid so far, such as the number of rows; empty if too few are."""
        about, days = self["about"].value(), self._days_so_far()
        most = statements.most_rows(Format.PDF)
        if about not in self.subjects or days is None or most is None:
            return ""
        subject, (since, until) = self.subjects[about][1], days
        try:
            rows = statements.expected_rows(
                self.user, **subject._asdict(), since=since, until=until, most=most
            )
        except Refused:
            # Submitting the form shows the refusal beside its field.
            return ""
        return _ahead(rows, most)

    def full_clean(self) -> None:
        super().full_clean()
        self._ask_for_the_password_again()

    def add_error(self, field: str | None, error: Any) -> None:
        super().add_error(field, error)
        self._ask_for_the_password_again()

    def _ask_for_the_password_again(self) -> None:
        """Require the password again if the form has errors, because we never send a password back."""
        if self.errors and self.data.get("password") and "password" not in self.errors:
            super().add_error("password", "Enter the password again: we never send it back.")

    def _days_so_far(self) -> tuple[datetime.date, datetime.date] | None:
        for key, _, since, until in self.presets:
            if key == self["period"].value():
                return since, until
        first, last = (_day(self.fields[name], self[name].value()) for name in ("since", "until"))
        return (first, last) if first and last and first <= last else None

    def _periods(self) -> list[tuple[str, SafeString]]:
        named = [(key, label, _note(since, until)) for key, label, since, until in self.presets]
        return [
            (key, format_html('{}<span class="sub">{}</span>', label, note))
            for key, label, note in [*named, (OTHER_DAYS, "Custom dates", "")]
        ]


class CheckForm(forms.Form):
    """A verification code, the closing balance printed beside it, and the file, hashed by the browser or uploaded."""

    code = forms.CharField(
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
        help_text="Such as 5QN8-H6Z2-WPY0-JRYW. At the foot of every PDF page, on the first sheet of an Excel file, or "
        "in the last line of a CSV.",
        error_messages={
            "required": "Enter the code.",
            "max_length": "That’s too long for a code. Check it against the file.",
        },
    )
    closing = MoneyField(
        label="Closing balance",
        min_kobo=0,
        max_kobo=money.MOST_KOBO,
        help_text="As printed, with its kobo.",
        error_messages={"required": "Enter the closing balance printed on the statement."},
    )
    file = forms.FileField(label="The file", required=False, allow_empty_file=True)
    sha256 = forms.CharField(
        required=False,
        widget=forms.HiddenInput,
        validators=[RegexValidator(r"\A[0-9a-f]{64}\Z", "Choose the file again.")],
    )


def _subjects(user: User) -> dict[str, tuple[str, Subject]]:
    """Return the subjects a user can choose, with their names, by form value."""
    found = {
        "everything": ("Everything", Subject(Scope.EVERYTHING)),
        "stash": ("Stash", Subject(Scope.STASH)),
    }
    for plan in user.plans.order_by("-id"):
        found[f"plan-{plan.pk}"] = (plan.name, Subject(Scope.PLAN, plan=plan))
    for mine in user.memberships.current().select_related("circle").order_by("-id"):
        found[f"circle-{mine.circle_id}"] = (mine.circle.name, Subject(Scope.CIRCLE, circle=mine.circle))
    return found


def _day(field: forms.Field, value: Any) -> datetime.date | None:
    """Return the date of a field, or None if it is missing or invalid."""
    try:
        day: datetime.date | None = field.clean(value)
    except forms.ValidationError:
        return None
    return day


def _ahead(rows: int, most: int) -> str:
    if rows > most:
        return messages.too_many_for_pdf(most)
    if not rows:
        return messages.NO_TRANSACTIONS
    return messages.transaction_count(rows)


def _note(since: datetime.date, until: datetime.date) -> str:
    """Return the days of a preset as a short text."""
    if since == statements.BEGINNING:
        return messages.SINCE_JOINED
    is_whole_year = (since.day, since.month, until.day, until.month) == (1, 1, 31, 12)
    return str(since.year) if is_whole_year else date_formats.days(since, until)


def _grouped(subjects: dict[str, tuple[str, Subject]]) -> list[Any]:
    """Return the choices: everything and the stash, then plans and circles in groups."""
    groups: dict[Scope, list[tuple[str, str]]] = {scope: [] for scope in Scope}
    for value, (name, subject) in subjects.items():
        groups[subject.scope].append((value, name))
    headed = [("Plans", groups[Scope.PLAN]), ("Circles", groups[Scope.CIRCLE])]
    return [*groups[Scope.EVERYTHING], *groups[Scope.STASH], *(group for group in headed if group[1])]
