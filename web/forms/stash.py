"""The form of the stash: add money by card."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import QueryDict

from savings.models import Transaction, User
from savings.models.ledger import REFERENCE_PREFIXES
from web.forms.fields import MoneyField, OnceForm


class FundForm(OnceForm):
    """The amount to pay into the stash by card."""

    amount = MoneyField(label="Amount", min_kobo=settings.TOP_UP_MIN_KOBO, max_kobo=settings.TOP_UP_MAX_KOBO)

    def __init__(self, data: QueryDict | None = None, *, user: User, **kwargs: Any) -> None:
        super().__init__(data, user=user, prefix=REFERENCE_PREFIXES[Transaction.Kind.STASH_DEPOSIT], **kwargs)
