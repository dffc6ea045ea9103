"""The forms of saved cards: pay with one, or with another that is saved, and give one a name."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from savings import payments
from savings.models import SavedCard, User
from web.forms.fields import LineField, MoneyField, OnceForm, Segments
from web.forms.refusals import RefusableForm

_CHOOSE = "Choose where the money comes from."


class CardForm(OnceForm):
    """The amount and the card that pays it: a saved one, or another one on the provider's page, saved if chosen."""

    CARD = "card"

    amount = MoneyField(label="Amount", min_kobo=settings.TOP_UP_MIN_KOBO, max_kobo=settings.TOP_UP_MAX_KOBO)
    source = forms.ChoiceField(
        label="From",
        widget=Segments,
        error_messages={"required": _CHOOSE, "invalid_choice": _CHOOSE},
    )
    save_card = forms.BooleanField(
        label="Save this card to pay faster next time", required=False, help_text=payments.MANDATE
    )

    def __init__(self, data: QueryDict | None = None, *, user: User, prefix: str, **kwargs: Any) -> None:
        super().__init__(data, user=user, prefix=prefix, **kwargs)
        current = list(user.cards.current())
        # The cards that can be charged, the default first.
        self.cards = {card_source(card): card for card in current if not payments.why_not_chargeable(card)}
        field = self.fields["source"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the type checker what the class says
        field.choices = [(source, str(card)) for source, card in self.cards.items()] + self.other_sources
        field.initial = next(iter(self.cards), self.CARD)
        if len(current) >= payments.MOST_CARDS:
            del self.fields["save_card"]

    @property
    def other_sources(self) -> list[tuple[str, str]]:
        return [(self.CARD, "Another card")]

    @property
    def chosen_card(self) -> SavedCard | None:
        """The saved card of a valid form that is to be charged."""
        return self.cards.get(self.cleaned_data["source"])

    @property
    def mandate(self) -> str:
        """The text to which the payer of a valid form agreed who wants the card saved; empty for one who does not."""
        return payments.MANDATE if self.cleaned_data.get("save_card") else ""


class RenameCardForm(RefusableForm):
    """What its owner calls a card."""

    name = LineField(
        label="Name",
        required=False,
        max_length=payments.LONGEST_CARD_NAME,
        help_text="Such as Salary card. Leave it empty to see the brand and the last four digits.",
    )


def card_source(card: SavedCard) -> str:
    """Return how the forms name a saved card as the source of a payment."""
    return f"card-{card.pk}"
