"""Texts as a PDF can show them: days, and names that are neither too long nor too wide."""

from __future__ import annotations

import datetime
import re
import string
import unicodedata

from savings.statements.formats.text import plain

# A word that is too long for a column may be broken, but not between a letter and its marks.
_LONG_WORD = re.compile(
    r"[^\s-]{20}(?=[^\s\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff])"
)
# Emoji sequences, which our fonts would show as several signs: joined emoji, skin tones, presentation selectors, flags
# of two letters and flags spelt in tags.
_EMOJI = r"[\u203c-\u3299\U0001f000-\U0001faff]"
_JOINED = re.compile(rf"({_EMOJI})(?:\u200d{_EMOJI})+")
_MODIFIERS = re.compile("[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_FLAG_LETTERS = {0x1F1E6 + number: letter for number, letter in enumerate(string.ascii_uppercase)}
_ZERO_WIDTH_SPACE = "\u200b"


def day_text(day: datetime.date) -> str:
    """Return a day on one line: `7 Nov 2026`."""
    return f"{day.day}\u00a0{day:%b\u00a0%Y}"


def shorten(text: str, most: int) -> str:
    """Return text as one paragraph of at most `most` characters, in which no word is wider than a column.

    Letters and their marks are composed (NFC), because text extracted from a PDF repeats each part of a decomposed one.
    """
    text = unicodedata.normalize("NFC", _single_emoji(plain(text)))
    if len(text) > most:
        text = text[: most - 1].rstrip() + "…"
    return _LONG_WORD.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", text)


def _single_emoji(text: str) -> str:
    """Return text with each emoji sequence replaced by its first emoji, and each flag by its two letters."""
    if text.isascii():
        return text
    return _JOINED.sub(r"\1", _MODIFIERS.sub("", text)).translate(_FLAG_LETTERS)
