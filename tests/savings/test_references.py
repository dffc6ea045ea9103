"""References: their form, their order, and typed ones."""

from __future__ import annotations

import re

import pytest
import time_machine

from savings import references
from savings.models import Transaction
from savings.models.ledger import REFERENCE_PREFIXES

Kind = Transaction.Kind


@pytest.mark.parametrize(
    "typed", ["top0 1m85-mw6e m6c1 d15q", " TOPO1M85MW6EM6CiDl5Q\u200b", "ＴＯＰ01M85MW6EM6C1D15Q"]
)
def test_a_typed_reference_is_normalised(typed: str) -> None:
    assert references.cleaned(typed) == "TOP01M85MW6EM6C1D15Q"
    assert references.looks_like_one(typed)


@pytest.mark.parametrize("typed", ["top", "Ọjà", "rent 2027", "", "TOPS"])
def test_a_word_is_not_taken_for_a_reference(typed: str) -> None:
    assert not references.looks_like_one(typed)


@pytest.mark.parametrize("kind", Kind.values)
def test_a_reference_has_the_prefix_of_its_kind_and_twenty_characters(kind: str) -> None:
    assert re.fullmatch(REFERENCE_PREFIXES[Kind(kind)] + "[0-9A-HJKMNP-TV-Z]{17}", references.new(kind))


def test_later_references_sort_after_earlier_ones() -> None:
    with time_machine.travel("2026-11-24T09:00:00Z", tick=False) as clock:
        minted = []
        for _ in range(50):
            minted.append(references.new(Kind.TOP_UP))
            clock.shift(0.001)
    assert minted == sorted(minted)


def test_another_prefix_keeps_the_timestamp_and_the_random_part() -> None:
    reference = references.new(Kind.TOP_UP)
    assert references.with_prefix(reference, Kind.STASH_DEPOSIT) == "STD" + reference[3:]


@pytest.mark.parametrize("kind", Kind.values)
def test_our_references_are_recognised_in_either_case(kind: str) -> None:
    reference = references.new(kind)
    assert references.is_ours(reference)
    assert references.is_ours(reference.lower())


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "TOP",
        "order-1042",
        "TOP01M85MW6EM6C1D15Q ",
        "XYZ01M85MW6EM6C1D15Q",
        "TOP01M85MW6EM6C1D15U",
        "T0P" + "1" * 17,
    ],
)
def test_other_references_are_not_ours(reference: str) -> None:
    assert not references.is_ours(reference)
