"""The form of a certificate of interest and tax."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from savings import statements
from savings.models import User
from savings.models.statements import Format
from web.forms.fields import Segments
from web.forms.refusals import RefusableForm

_YEAR = {"required": "Choose a year.", "invalid_choice": "No interest was posted in this year."}


class CertificateForm(RefusableForm):
    """A year in which interest was posted, and a file format."""

    format = forms.ChoiceField(
        choices=[(Format.PDF, "PDF"), (Format.CSV, "CSV")],
        initial=Format.PDF,
        widget=Segments,
        error_messages={"required": "Choose one.", "invalid_choice": "Choose one of these."},
    )

    def __init__(self, data: QueryDict | None = None, *, user: User, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.years = statements.certificate_years(user)
        self.fields["year"] = forms.TypedChoiceField(
            choices=[(year, str(year)) for year in self.years], coerce=int, error_messages=_YEAR
        )
        self.order_fields(["year"])
