"""Parsing, formatting and rounding amounts."""

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
        ("ngn 1250", 1250_00),
        ("n1250", 1250_00),
        ("NGN1,250.50", 1250_50),
        ("Naira 1 250", 1250_00),
        ("1,250 NGN", 1250_00),
        ("1250₦", 1250_00),
        ("₦\u00a01,250", 1250_00),
        ("1\u202f250.50", 1250_50),
        ("\u200b₦1,250\u200e", 1250_00),
        ("\ufeff1250\u2060", 1250_00),
        ("1\u200b250", 1250_00),
        ("\u20661,250\u2069", 1250_00),
        ("\u0661\u0662\u0665\u0660", 1250_00),
        ("\u0967\u0968\u096b\u0966", 1250_00),
        ("\u0661\u066c\u0662\u0665\u0660\u066b\u0665\u0660", 1250_50),
        ("１，２５０．５０", 1250_50),
        ("₦1,250.00 NGN", 1250_00),
        ("NGN ₦1,250", 1250_00),
        ("N1,250 naira", 1250_00),
        ("#1250", 1250_00),
        ("=N=1,250", 1250_00),
    ],
)
def test_typed_amounts_are_parsed(text: str, kobo: int) -> None:
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
        ("9" * 30, "That amount is too large. Enter up to"),
        ("NaN", "in figures"),
        ("\u200b\ufeff", "Enter an amount."),
        ("NGN", "Enter an amount."),
        ("N-500", "above zero"),
        ("-N500", "above zero"),
        ("₦ 1.250", "at most two digits"),
        ("1.250,50", "in figures"),
        ("1 2345", "in figures"),
        ("1  250", "in figures"),
        ("1 000,000", "in figures"),
        ("10²", "in figures"),
        ("①", "in figures"),
        ("₦₦5", "in figures"),
        ("5 NGN NGN", "in figures"),
        ("₦ NGN", "Enter an amount."),
        ("NGN -₦5", "above zero"),
        ("5k", "in figures"),
        ("USD 5", "in figures"),
        ("5.", "in figures"),
        ("+5", "in figures"),
        ("(5)", "in figures"),
        ("12\x0034", "in figures"),
        ("12\ud80034", "in figures"),
    ],
)
def test_an_invalid_amount_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadAmount, match=sentence):
        money.parse(text)


@given(st.integers(min_value=0, max_value=10**15))
def test_a_formatted_amount_is_parsed_to_the_same_kobo(kobo: int) -> None:
    assert money.parse(money.naira(kobo)) == kobo


@given(st.text(max_size=40))
def test_any_text_is_either_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(BadAmount):
        assert money.parse(text) >= 0


def test_the_documented_interest_example_is_exact_to_the_kobo() -> None:
    assert money.interest(100_000_00 * 850 * 90) == 2095_89


def test_interest_for_reading_is_rounded_towards_zero() -> None:
    kobo = money.INTEREST_DENOMINATOR
    texts = {
        0: "₦0.00",
        76_84 * kobo + kobo - 1: "₦76.84",
        -(76_84 * kobo + 1): "−\u202f₦76.84",
        8 * kobo: "₦0.08",
        8 * kobo + kobo // 4: "₦0.0825",
        -kobo // 2: "−\u202f₦0.0050",
        1: "below ₦0.0001",
    }
    assert {numerator: money.interest_for_reading(numerator) for numerator in texts} == texts


def test_rates_signs_and_shares_are_formatted() -> None:
    rates = {1350: "13.5%", 1100: "11%", 1234: "12.34%", 105: "1.05%", 0: "0%", 10_000: "100%"}
    assert {rate_bps: money.percent(rate_bps) for rate_bps in rates} == rates
    assert money.signed(20_000_00) == "+\u202f₦20,000.00"
    assert money.naira(-4_50) == "−\u202f₦4.50"
    assert money.share(123_45, 100) == 1_23
