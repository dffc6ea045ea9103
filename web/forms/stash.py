"""The form of the stash: add money by card."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from savings.models import Transaction, User
from savings.models.ledger import REFERENCE_PREFIXES
from web.forms.cards import CardForm


class FundForm(CardForm):
    """The amount to pay into the stash, and the card that pays it."""

    def __init__(self, data: QueryDict | None = None, *, user: User, **kwargs: Any) -> None:
        super().__init__(data, user=user, prefix=REFERENCE_PREFIXES[Transaction.Kind.STASH_DEPOSIT], **kwargs)
        # Without a saved card there is nothing to choose.
        self.fields["source"].required = bool(self.cards)

    def clean_source(self) -> str:
        return self.cleaned_data["source"] or self.CARD
