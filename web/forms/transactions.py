"""The filters of the transactions page. They are in the query string, so Back and shared links preserve them."""

from __future__ import annotations

import functools
from typing import Any, Literal
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.http import QueryDict

from savings import references, typed_text
from savings.models import Transaction, User
from savings.models.ledger import TransactionQuerySet
from web.forms.fields import DayInput, LineField
from web.messages import transactions as messages

STASH = "stash"
# The buttons above the filters: the label and the values that each sets.
_BUTTONS: list[tuple[str, dict[str, str]]] = [
    (messages.ALL, {}),
    (messages.TOP_UPS, {"kind": Transaction.Kind.TOP_UP}),
    (messages.INTEREST, {"kind": Transaction.Kind.INTEREST}),
    (messages.WITHDRAWALS, {"kind": Transaction.Kind.STASH_WITHDRAWAL}),
    (messages.WAITING, {"status": Transaction.Status.PENDING}),
    (Transaction.Status.FAILED.label, {"status": Transaction.Status.FAILED}),
]
# The view that a list's signs belong to: all transactions, a plan's or the stash's.
SeenFrom = Literal["", "plan", "stash"]


class FilterForm(forms.Form):
    """Filters by reference or plan name, kind, status, plan and days. All are optional and combine."""

    q = LineField(label="Reference or plan", required=False, max_length=60)
    kind = forms.ChoiceField(
        label="Kind",
        required=False,
        choices=[
            ("", "Every kind"),
            *((kind.value, kind.label) for kind in Transaction.Kind if kind != Transaction.Kind.TREASURY),
        ],
    )
    status = forms.ChoiceField(
        label="Status",
        required=False,
        choices=[
            ("", "Every status"),
            *(
                (value, messages.WAITING if value == Transaction.Status.PENDING else label)
                for value, label in Transaction.Status.choices
            ),
        ],
    )
    since = forms.DateField(label="From", required=False, widget=DayInput)
    until = forms.DateField(label="To", required=False, widget=DayInput)

    def __init__(self, data: QueryDict, *, user: User, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.user = user
        # Queried only if the field is rendered or has a value.
        places = functools.cache(lambda: _places(user))
        self.fields["plan"] = forms.ChoiceField(label="Where", required=False, choices=places)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            self.add_error("until", "This day is before the start date.")
        return values

    @property
    def chosen(self) -> dict[str, str]:
        """The values that are set, by the names of their fields."""
        return {name: value for name in self.fields if (value := self.data.get(name))}

    @property
    def is_filtered(self) -> bool:
        return bool(self.chosen)

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter except the search is set."""
        return bool(self.chosen.keys() - {"q"})

    @property
    def is_open(self) -> bool:
        """Whether a filter is set that no button above the filters names; the page then shows the filters."""
        return self.is_narrowed and not any(is_chosen for _, _, is_chosen in self.buttons)

    @property
    def buttons(self) -> list[tuple[str, str, bool]]:
        """The label of each button above the filters, its query, and whether exactly that is chosen."""
        return [
            (label, f"?{urlencode(asked)}" if asked else "", asked == self.chosen)
            for label, asked in _BUTTONS
        ]

    @property
    def seen_from(self) -> SeenFrom:
        """The chosen view: all transactions, a plan's or the stash's. Signs depend on it."""
        asked = self.cleaned_data.get("plan") if self.is_bound and self.is_valid() else ""
        return "stash" if asked == STASH else "plan" if asked else ""

    def filter(self, movements: TransactionQuerySet) -> TransactionQuerySet:
        """Return the transactions that match the valid fields of the form."""
        values = self.cleaned_data if self.is_valid() else getattr(self, "cleaned_data", {})
        if typed := values.get("q", ""):
            movements = movements.filter(self._found_by(typed))
        if kind := values.get("kind"):
            movements = movements.filter(kind=kind)
        if status := values.get("status"):
            movements = movements.filter(status=status)
        if place := values.get("plan"):
            movements = movements.of_stash() if place == STASH else movements.filter(plan_id=place)
        return movements.between(values.get("since"), values.get("until"))

    def _found_by(self, typed: str) -> Q:
        """Return a condition on the start of the reference, or on words in the plan's name."""
        by_reference = Q(reference__startswith=references.cleaned(typed))
        key = typed_text.search_key(typed)
        if references.looks_like_one(typed) or not key:
            return by_reference
        names = self.user.plans.values_list("pk", "name")
        plan_ids = [pk for pk, name in names if key in typed_text.search_key(name)]
        return by_reference | Q(plan__in=plan_ids) if plan_ids else by_reference


def _places(user: User) -> list[tuple[str, str]]:
    plans = user.plans.order_by("-id").values_list("pk", "name")
    return [("", "Everywhere"), (STASH, "Stash"), *((str(pk), name) for pk, name in plans)]
