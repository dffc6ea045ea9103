"""Choices of staff as cards, each with a sentence about what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms


class _WithReasons(forms.widgets.ChoiceWidget):
    """Adds the sentence of each, by its value or else its label."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        super().__init__()
        self.sentences = sentences

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, label, *args, **kwargs)
        return {**option, "why": self.sentences.get(str(value)) or self.sentences.get(str(label), "")}


class Picks(_WithReasons, forms.RadioSelect):
    """One of a few choices."""

    template_name = "web/widgets/picks.html"


class ManyPicks(_WithReasons, forms.CheckboxSelectMultiple):
    """Any of a few choices."""

    template_name = "web/widgets/picks.html"
