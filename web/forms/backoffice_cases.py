"""The forms of a case and of a request: assign, write a note, solve, refuse."""

from __future__ import annotations

from typing import Any

from django import forms

from savings import backoffice
from web.forms.fields import LineField
from web.forms.refusals import RefusableForm


class QuestionForm(RefusableForm):
    """What a saver asks, for a case of its own."""

    summary = LineField(
        label="What does the saver ask?",
        max_length=300,
        required=False,
        help_text="One sentence, without passwords or card numbers. The case is assigned to you.",
    )
    text = forms.CharField(
        label="What happened?",
        max_length=10_000,
        required=False,
        widget=forms.Textarea({"rows": 5}),
        help_text="Optional. It becomes the first note of the case, which is never changed or deleted.",
    )


class AssignForm(RefusableForm):
    """Somebody who works on cases, or nobody."""

    assignee = forms.TypedChoiceField(
        label="Works on it",
        required=False,
        coerce=int,
        empty_value=None,
        error_messages={"invalid_choice": "Choose somebody who works on cases."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {
            person.pk: person for person in backoffice.staff_with("savings.work_case").order_by("name")
        }
        field = self.fields["assignee"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the type checker what the class says
        field.choices = [
            ("", "Nobody"),
            *((pk, f"{person.name} ({person.email})") for pk, person in self.people.items()),
        ]


class NoteForm(RefusableForm):
    """A note about a case. Its length is checked by `backoffice.write_note`."""

    text = forms.CharField(
        label="Note",
        max_length=10_000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text="Other staff read it. Notes are never changed or deleted.",
    )


class SolveForm(RefusableForm):
    """How a case was solved, in a sentence."""

    outcome = LineField(
        label="How was it solved?",
        max_length=300,
        required=False,
        help_text="One sentence. Staff read it when the saver writes again.",
    )


class RefuseForm(RefusableForm):
    """Why a request is refused."""

    answer = LineField(
        label="Why you refuse it",
        max_length=300,
        required=False,
        help_text="The person who asked reads it here.",
    )


class ContestForm(RefusableForm):
    """What the provider has to know to turn a claim down. `payments.contest_dispute` checks it."""

    service_details = forms.CharField(
        label="What the payment was for",
        max_length=10_000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text="For example: a deposit into the saver’s own savings plan, which is still theirs.",
    )
    message = LineField(
        label="Why the claim is wrong",
        max_length=1_000,
        required=False,
        help_text="The payer’s bank reads it.",
    )
    phone = LineField(
        label="The payer’s phone number",
        max_length=100,
        required=False,
        help_text="The provider requires one, and we do not store one. Ask the saver.",
    )
