"""The form of a user's profile: name, mail preferences, interest and theme."""

from __future__ import annotations

from django import forms

from savings.models import User
from web.forms.changes import KnowsChanges
from web.forms.fields import Segments
from web.forms.refusals import RefusableForm


class ProfileForm(KnowsChanges, RefusableForm):
    """Name, mail preferences, interest and theme."""

    may_be_missing = ("earns_interest",)

    name = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="What we call you, here and in emails.",
        error_messages={"required": "Enter a name."},
    )
    wants_receipts = forms.BooleanField(
        required=False,
        label="Each top-up, with its receipt",
    )
    wants_autosave_notices = forms.BooleanField(
        required=False,
        label="The day before an auto-save",
        help_text="What is saved, from where, and how to skip it.",
    )
    wants_goal_reached = forms.BooleanField(
        required=False,
        label="A plan reaches its goal",
        help_text="Once for each goal.",
    )
    wants_rank_changes = forms.BooleanField(
        required=False,
        label="My rank in a circle changes",
        help_text="When you enter or leave the top 10, 5, 3, 2 or 1. At most one a day for each circle.",
    )
    wants_weekly_digest = forms.BooleanField(
        required=False,
        label="My week in circles, on Mondays",
        help_text="Only after a week in which something changed.",
    )
    earns_interest = forms.BooleanField(
        required=False,
        label="Earn interest on my plans",
        help_text="A change counts from tomorrow. You keep what you’ve earned until then. While this is off, new plans "
        "earn nothing. Plans that you’ve switched off one by one stay off.",
    )
    theme = forms.ChoiceField(
        required=False, choices=User.Theme.choices, widget=Segments, help_text="Auto matches your device."
    )
