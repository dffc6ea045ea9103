"""The forms of circles: start, join, appearance and edit."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.html import format_html

from savings import circles, references
from savings.models import Circle, Membership, Product, User
from web.forms.changes import KnowsChanges
from web.forms.fields import Chips, DayInput, LineField, MoneyField, OnceForm, Switch
from web.forms.plans import ProductField
from web.forms.refusals import RefusableForm

_NICKNAME_HELP = "Other members see this, never your email."
_CHOOSE = {"required": "Choose who can join."}
_TWO_LINES = '{}<span class="sub">{}</span>'
# The choices for a new circle; a circle that nobody can join makes no sense at the start.
_JOINING_AT_START = [
    (Circle.Joining.INVITATION, format_html(_TWO_LINES, "Invite only", "with your link")),
    (Circle.Joining.OPEN, format_html(_TWO_LINES, "Public", "anyone can find and join")),
]
_JOINING = [
    *_JOINING_AT_START,
    (Circle.Joining.CLOSED, format_html(_TWO_LINES, "Closed", "takes no new members")),
]


def _nickname() -> forms.CharField:
    # The length is checked with the other nickname rules, so that the text is not cut off.
    return forms.CharField(
        label="Your nickname",
        help_text=_NICKNAME_HELP,
        error_messages={"required": "Enter a nickname."},
        widget=forms.TextInput(attrs={"maxlength": circles.LONGEST_NICKNAME, "autocomplete": "nickname"}),
    )


def _about() -> forms.CharField:
    return forms.CharField(
        label="What it’s for",
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"max_length": "Use at most 300 characters."},
    )


def _name() -> forms.CharField:
    return LineField(
        max_length=60,
        error_messages={
            "required": "Give the circle a name.",
            "max_length": "Use at most 60 characters.",
        },
    )


class StartForm(OnceForm):
    """A new circle and its owner's membership."""

    # A circle ends when the plans of its members mature.
    field_names: ClassVar = {"ends_on": "matures_on"}

    name = _name()
    description = _about()
    goal = MoneyField(label="Goal of the whole circle", error_messages={"required": "Enter a goal."})
    matures_on = forms.DateField(
        label="Ends on",
        widget=DayInput,
        error_messages={"required": "Choose a day.", "invalid": "Enter a day, such as 30/09/2027."},
    )
    joining = forms.ChoiceField(
        label="Who can join",
        choices=_JOINING_AT_START,
        initial=Circle.Joining.INVITATION,
        widget=Chips,
        error_messages=_CHOOSE,
    )
    nickname = _nickname()
    target = MoneyField(label="Your own goal", required=False)

    def __init__(
        self, data: QueryDict | None = None, *, user: User, products: list[Product], **kwargs: Any
    ) -> None:
        super().__init__(data, user=user, prefix=references.CIRCLE_PREFIX, **kwargs)
        self.fields["product"] = ProductField(products)
        self.products = products


class JoinForm(OnceForm):
    """A new member's nickname and personal goal."""

    nickname = _nickname()
    target = MoneyField(label="Your own goal", required=False)

    def __init__(self, data: QueryDict | None = None, *, user: User, circle: Circle, **kwargs: Any) -> None:
        super().__init__(data, user=user, prefix=references.CIRCLE_PREFIX, **kwargs)
        self.fields["target"].required = circle.needs_target


class AppearanceForm(KnowsChanges, RefusableForm):
    """How a member appears to other members."""

    nickname = _nickname()
    shows_amount = forms.BooleanField(
        label="Show how much I’ve saved",
        required=False,
        widget=Switch,
        help_text="If hidden, others still see your rank, and on a wide screen a rough bar. The circle’s total leaves "
        "your amount out while only you hide yours, and is rounded while several do.",
    )
    on_board = forms.BooleanField(
        label="Show me on the leaderboard",
        required=False,
        widget=Switch,
        help_text="Off the board, you still save with the circle but aren’t ranked.",
    )

    def __init__(self, data: QueryDict | None = None, *, membership: Membership, **kwargs: Any) -> None:
        initial = {
            "nickname": membership.nickname,
            "shows_amount": not membership.hides_amount,
            "on_board": membership.on_board,
        }
        super().__init__(data, initial=initial, **kwargs)


class EditForm(KnowsChanges, RefusableForm):
    """The fields of a circle that its owner may change."""

    name = _name()
    description = _about()
    goal = MoneyField(
        label="Goal of the whole circle",
        help_text="Everyone sees progress towards it. The end date can’t change, because members’ plans run until "
        "then.",
        error_messages={"required": "Enter a goal."},
    )
    joining = forms.ChoiceField(label="Who can join", choices=_JOINING, widget=Chips, error_messages=_CHOOSE)

    def __init__(self, data: QueryDict | None = None, *, circle: Circle, **kwargs: Any) -> None:
        initial = {
            "name": circle.name,
            "description": circle.description,
            "joining": circle.joining,
            "goal": circle.goal_kobo,
        }
        super().__init__(data, initial=initial, **kwargs)
