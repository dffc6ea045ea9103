"""The form for a note about a saver."""

from __future__ import annotations

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget

from web.forms.refusals import RefusableForm


class NoteForm(RefusableForm):
    """What staff write about a saver. `savings.backoffice` says how long it may be."""

    text = forms.CharField(
        label="New note",
        required=False,
        strip=False,
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text="Other staff read it. It cannot be changed. The saver does not see it.",
    )
