"""Forms for rows that can change while the form is open: they save only the fields the user changed.

Each field carries the value it was shown with (`show_hidden_initial`). A field the user left unchanged is not saved,
so an old tab undoes nothing that another tab, a mail's unsubscribe link or staff have saved since. If both changed the
same field, the later user sees an error beside the field and decides.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils.choices import flatten_choices
from django.utils.functional import cached_property

if TYPE_CHECKING:
    _Form = forms.BaseForm
else:
    _Form = object


class KnowsChanges(_Form):
    """Mix into a form whose `initial` comes from the current row."""

    data: QueryDict
    # Fields that a page may lack: they do not apply, or the release before has rendered it. They stay as they are.
    # Without this, a missing checkbox would be one that was unticked.
    may_be_missing: ClassVar[Collection[str]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # A disabled field, such as the hash of a password, must not be sent as a hidden value either.
            field.show_hidden_initial = not field.disabled
        if self.is_bound:
            for name in self.may_be_missing:
                if {self.add_prefix(name), self.add_initial_prefix(name)}.isdisjoint(self.data):
                    del self.fields[name]
            self.data = self._with_shown_values()

    @property
    def changes(self) -> dict[str, Any]:
        """The changed values of a valid form, by field. Save nothing else."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name in self.cleaned_data}

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        for name in self._contested:
            if name in values:
                self.add_error(name, self._contest(name))
        return values

    @cached_property
    def _contested(self) -> list[str]:
        """The fields that were changed both here and, to another value, elsewhere since this form was shown."""
        return [
            name
            for name in self.changed_data
            if self._differs(name, "shown") and self._differs(name, "typed")
        ]

    def _differs(self, name: str, which: str) -> bool:
        """Return whether the shown or the typed value of a field differs from the current row."""
        bound, field = self[name], self.fields[name]
        now = self.get_initial_for_field(field, name)
        data = bound.data if which == "typed" else self._shown(name)
        return field.has_changed(now, data)

    def _shown(self, name: str) -> Any:
        bound, widget = self[name], self.fields[name].hidden_widget()
        return widget.value_from_datadict(self.data, self.files, bound.html_initial_name)

    def _contest(self, name: str) -> str:
        """Return the error for a contested field, and update the shown value so that sending again replaces it."""
        field = self.fields[name]
        now = self.get_initial_for_field(field, name)
        self.data.setlist(self[name].html_initial_name, _as_sent(field, now))
        return f"This was changed to “{_words(field, now)}” after you opened this page. Save again to replace that."

    def _with_shown_values(self) -> QueryDict:
        """Return the sent data, with the current row's value for each field whose shown value is missing.

        A multiple choice without a selection sends no shown value; if other fields sent theirs, it counts as empty.
        """
        sent = QueryDict(mutable=True)
        for name in self.data:
            sent.setlist(name, self.data.getlist(name))
        shown = {
            self[name].html_initial_name: name
            for name, field in self.fields.items()
            if field.show_hidden_initial
        }
        says_what_was_shown = any(name in sent for name in shown)
        for name in shown.keys() - sent.keys():
            field = self.fields[shown[name]]
            now = _as_sent(field, self.get_initial_for_field(field, shown[name]))
            sent.setlist(name, [] if says_what_was_shown else now)
        return sent


def _as_sent(field: forms.Field, value: Any) -> list[str]:
    """Return a value as the hidden fields of a form send it."""
    prepared = field.prepare_value(value)
    if isinstance(prepared, list | tuple):
        return [str(each) for each in prepared]
    return ["" if prepared is None else str(prepared)]


def _words(field: forms.Field, value: Any) -> str:
    """Return a value as its field displays it."""
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        return str(dict(flatten_choices(choices)).get(value, value))
    return _as_sent(field, value)[0] or "nothing"
