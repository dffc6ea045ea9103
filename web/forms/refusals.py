"""Forms that show a refusal of the rules beside the field that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import ClassVar

from django import forms

from savings.exceptions import Refused


@contextmanager
def refused_as_invalid() -> Iterator[None]:
    """Turn a refusal into a validation error, inside the `clean` method of a field."""
    try:
        yield
    except Refused as refused:
        raise forms.ValidationError(str(refused)) from None


class RefusableForm(forms.Form):
    """A valid form whose values `savings` may still refuse."""

    # Fields that have another name in `savings`, by that name. An amount needs no entry: its field has the same name
    # without the unit, such as `target` for `target_kobo`.
    field_names: ClassVar[Mapping[str, str]] = {}

    def refusals(self) -> _Refusals:
        """Return a context that turns a refusal into an error of this form.

        Its body calls `savings`, notifies and returns the response. After a refusal the code below the body shows the
        form again.
        """
        return _Refusals(self)

    def refuse(self, refused: Refused) -> None:
        """Show a refusal beside its field, or above the form if it has none here."""
        asked = refused.field or ""
        name = self.field_names.get(asked, asked.removesuffix("_kobo"))
        self.add_error(name if name in self.fields else None, str(refused))


class _Refusals:
    # Not a `contextmanager`: the type checker must know that this one can swallow an exception.
    def __init__(self, form: RefusableForm) -> None:
        self.form = form

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if isinstance(error, Refused):
            self.form.refuse(error)
            return True
        return False
