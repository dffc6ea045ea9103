"""Typed text: stored in one spelling, compared and searched by keys that are the same on every database."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from savings import typed_text

TEXT = st.text(st.characters(), max_size=30)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Rent \t 2027\n", "Rent 2027"),
        ("E\u0323gbe\u0323\u0301 O\u0323ja\u0300", "Ẹgbẹ́ Ọjà"),
        ("Rent\u200b\u2060\ufeff", "Rent"),
        ("\u202eRent\u2069", "Rent"),
        ("Re\x00nt\x1b", "Rent"),
        ("Re\ud800nt", "Rent"),
        ("Rent\u00a0\u202f2027", "Rent 2027"),
        ("Re\u00adnt \u3164", "Rent"),
        ("Ren\u200dt", "Rent"),
        ("क्\u200dष", "क्\u200dष"),
        ("👩\u200d👧 🏳\ufe0f\u200d🌈 ❤\ufe0f", "👩\u200d👧 🏳\ufe0f\u200d🌈 ❤\ufe0f"),
        ("\u200b\u202e\x00\ud800", ""),
    ],
)
def test_text_is_stored_on_one_line_in_one_spelling(typed: str, stored: str) -> None:
    assert typed_text.line(typed) == stored


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rent", "  RENT "),
        ("Ọjà", "O\u0323ja\u0300"),
        ("Straße", "STRASSE"),
        ("kemi", "\u212aemi"),
        ("ABC", "ａｂｃ"),
        ("Rent", "Re\u200bnt"),
        ("fix", "ﬁx"),
        ("❤", "❤\ufe0f"),
        ("ΟΔΟΣ", "οδος"),
    ],
)
def test_names_that_look_the_same_have_one_key(one: str, other: str) -> None:
    assert typed_text.key(one) == typed_text.key(other)


@pytest.mark.parametrize(("one", "other"), [("Ọjà", "Oja"), ("Inci", "İnci"), ("Rent", "Rent 2")])
def test_names_that_differ_in_more_than_case_have_two(one: str, other: str) -> None:
    assert typed_text.key(one) != typed_text.key(other)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Ẹgbẹ́ Ọjà", "egbe oja"),
        ("E\u0323gbe\u0323\u0301", "EGBE"),
        ("Ɓaɗo Ƙano", "bado kano"),
        ("İnci", "inci"),
        ("Ngozi’s", "ngozi's"),
        ("Łódź", "lodz"),
    ],
)
def test_a_search_ignores_tone_marks(name: str, typed: str) -> None:
    assert typed_text.search_key(name) == typed_text.search_key(typed)


@given(TEXT)
def test_spellings_and_keys_are_idempotent(text: str) -> None:
    for make in (typed_text.line, typed_text.key, typed_text.search_key, typed_text.paragraph):
        assert make(make(text)) == make(text)


@given(TEXT)
def test_equal_keys_do_not_depend_on_how_letters_are_composed(text: str) -> None:
    composed, decomposed = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert typed_text.key(composed) == typed_text.key(decomposed)


@given(TEXT)
def test_storable_text_can_be_stored_on_every_database(text: str) -> None:
    stored = typed_text.line(text)
    stored.encode()
    assert "\0" not in stored
    assert "\n" not in stored


def test_a_paragraph_keeps_its_line_breaks() -> None:
    assert (
        typed_text.paragraph(" For  the\u200b roof \r\n\n and\x00 the door ")
        == "For the roof\n\nand the door"
    )


def test_a_number_fits_after_the_longest_name() -> None:
    assert typed_text.numbered("x" * 60, 2, longest=60) == "x" * 56 + " (2)"
    assert typed_text.numbered("Rent", 10, longest=60) == "Rent (10)"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Ada@Example.com\u200b", "ada@example.com"),
        ("ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ada@example.com"),
        ("\ufeff\u212aemi@example.com", "kemi@example.com"),
    ],
)
def test_an_email_address_is_stored_in_lower_case_without_pasted_characters(typed: str, stored: str) -> None:
    assert typed_text.email(typed) == stored


@pytest.mark.parametrize(
    "typed", ["1234 5678", "1234-5678", "\u200b1234\u20135678 ", "１２３４ ５６７８", "١٢٣٤٥٦٧٨"]
)
def test_a_code_is_read_with_any_grouping(typed: str) -> None:
    assert typed_text.code(typed) == "12345678"
