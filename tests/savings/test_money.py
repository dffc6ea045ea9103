"""Reading, writing and rounding kobo."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from savings import money
from savings.exceptions import BadAmount


@pytest.mark.parametrize(
    ("text", "kobo"),
    [
        ("1250", 1250_00),
        ("1250.5", 1250_50),
        ("1250.05", 1250_05),
        ("₦1,000", 1000_00),
        ("NGN 1,000.00", 1000_00),
        ("  25,000 ", 25_000_00),
        ("25 000", 25_000_00),
        ("１２５０", 1250_00),
        ("0", 0),
    ],
)
def test_amounts_as_people_write_them(text: str, kobo: int) -> None:
    assert money.parse(text) == kobo


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Enter an amount."),
        ("   ", "Enter an amount."),
        ("-5", "above zero"),
        ("−5", "above zero"),
        ("1e9", "in figures"),
        ("12.345", "at most two digits"),
        ("1,00,0", "in figures"),
        ("10,00", "in figures"),
        ("five", "in figures"),
        ("0x10", "in figures"),
        ("1_000", "in figures"),
        ("½", "in figures"),
        ("9" * 30, "more money than there is"),
        ("NaN", "in figures"),
    ],
)
def test_what_is_not_an_amount_gets_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadAmount, match=sentence):
        money.parse(text)


@given(st.integers(min_value=0, max_value=10**15))
def test_what_is_written_reads_back_the_same(kobo: int) -> None:
    assert money.parse(money.naira(kobo)) == kobo


@given(st.text(max_size=40))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    with contextlib.suppress(BadAmount):
        assert money.parse(text) >= 0


def test_interest_of_the_design_to_the_kobo() -> None:
    assert money.interest(100_000_00 * 850 * 90) == 2095_89


def test_rates_and_signs_are_written_as_people_read_them() -> None:
    assert money.percent(1350) == "13.50\u00a0%"
    assert money.signed(20_000_00) == "+\u202f₦20,000.00"
    assert money.naira(-4_50) == "−\u202f₦4.50"
    assert money.share(123_45, 100) == 1_23
