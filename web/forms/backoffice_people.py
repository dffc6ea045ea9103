"""What staff type when they act on a person's account: always a reason, and sometimes a choice or a check."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget

from savings.models import EmailChange, User
from web.forms.fields import LineField, ReferenceField
from web.forms.picks import Picks
from web.forms.refusals import RefusableForm
from web.messages import backoffice_people as messages

# Of the reference of a form.
_PREFIX = "ADM"
_REASON_HELP = "Stored in the audit log. Write no name, email address or number of an account."


class ReasonForm(RefusableForm):
    """Why staff act. One line, at most 300 characters."""

    reason = LineField(max_length=300, widget=AdminTextareaWidget({"rows": 3}), help_text=_REASON_HELP)

    @property
    def values(self) -> dict[str, Any]:
        """The arguments of the action."""
        return dict(self.cleaned_data)


class FreezeForm(ReasonForm):
    """What to stop."""

    how = forms.ChoiceField(
        label="Stop",
        choices=[
            (User.Frozen.WITHDRAWALS, "Withdrawals only"),
            (User.Frozen.MOVEMENTS, "Every movement of money"),
        ],
        widget=Picks(messages.FREEZES),
    )
    field_order: Iterable[str] | None = ("how", "reason")


class SignOutForm(ReasonForm):
    """A reason, and the reference by which the form acts once, however often it is sent."""

    reference = ReferenceField()

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reference"].belong_to(by, _PREFIX)  # type: ignore[attr-defined]


class CheckedForm(ReasonForm):
    """By which document or call the person proved who they are."""

    check = LineField(
        label="What you checked",
        max_length=120,
        widget=AdminTextInputWidget,
        help_text="Such as “passport, on a video call” or “called back on the number of the bank account”.",
    )
    field_order: Iterable[str] | None = ("check", "reason")


class UndoForm(CheckedForm):
    """Which change of email address to undo."""

    change = forms.TypedChoiceField(label="Change", coerce=int, widget=forms.RadioSelect)
    field_order: Iterable[str] | None = ("change", "check", "reason")

    def __init__(self, *args: Any, changes: list[EmailChange], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["change"].choices = [(change.pk, str(change)) for change in changes]  # type: ignore[attr-defined]
        if changes:
            self.initial.setdefault("change", changes[0].pk)

    @property
    def values(self) -> dict[str, Any]:
        values = super().values
        return values | {"change_id": values.pop("change")}
