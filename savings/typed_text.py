"""Typed text: the spelling to store, the keys to compare and search names by, and plain codes and figures.

The keys are calculated here and stored. Databases disagree on upper and lower case (SQLite folds ASCII only, PostgreSQL
follows its locale), and none of them composes letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

# Letters, marks and symbols that show nothing, although Unicode does not count them as control or format characters.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_VARIATION_SELECTORS = frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
_EMOJI_STYLE = "\ufe0f"
# Joiners shape Arabic and Indic words and hold emoji together. Latin, Greek and Cyrillic have no use for them.
_JOINERS = frozenset("\u200c\u200d")
_FIRST_JOINED = "\u0600"
# Letters without a Unicode decomposition, and the letters that people type for them.
_PLAIN = str.maketrans(
    {
        "ɓ": "b", "ɗ": "d", "đ": "d", "ð": "d", "ɖ": "d", "ǝ": "e", "ə": "e", "ɛ": "e", "ƒ": "f", "ɣ": "g", "ħ": "h",
        "ı": "i", "ɩ": "i", "ƙ": "k", "ł": "l", "ŋ": "n", "ɲ": "n", "ø": "o", "ɔ": "o", "ʋ": "v", "ƴ": "y", "ʒ": "z",
        "æ": "ae", "œ": "oe", "þ": "th", "’": "'", "‘": "'", "ʼ": "'", "ʻ": "'", "`": "'",
    }
)  # fmt: skip


def line(text: str) -> str:
    """Return text on one line, with composed letters (NFC), single spaces and no invisible characters."""
    text = unicodedata.normalize("NFC", text)
    shown = "".join(char for index, char in enumerate(text) if char.isspace() or _shows(text, index))
    return unicodedata.normalize("NFC", " ".join(shown.split()))


def name(
    text: str,
    *,
    longest: int,
    error: Callable[[str], Exception],
    missing: str,
    unseen: str = "",
    too_long: str = "Use at most {longest} characters.",
    needs_letter: bool = False,
) -> str:
    """Return a name as `line` returns it, with something to read in it and at most `longest` characters.

    Raises `error` of a message: `missing` for a name that is empty, `too_long` (a format of `longest` and `length`) for
    a name that is longer. With `unseen`, hidden characters are refused with this message instead of removed: with them,
    one name can look like another. `needs_letter` refuses a name without a letter or a digit.
    """
    if unseen and has_hidden(text):
        raise error(unseen)
    text = line(text)
    if not text or (needs_letter and not any(unicodedata.category(char)[0] in "LN" for char in text)):
        raise error(missing)
    # A name of combining marks alone has nothing to search it by, and nothing to read.
    if not search_key(text):
        raise error(unseen or missing)
    if len(text) > longest:
        raise error(too_long.format(longest=longest, length=len(text)))
    return text


def paragraph(text: str) -> str:
    """Return longer text with its line breaks, each line as `line` returns it."""
    return "\n".join(line(part) for part in text.splitlines()).strip()


def has_hidden(text: str) -> bool:
    """Return whether text contains invisible characters, or characters that change the writing direction.

    Joiners inside words do not count.
    """
    text = " ".join(text.split())
    return any(not _shows(text, index) for index in range(len(text)))


def key(text: str) -> str:
    """Return the key for comparing names: letter case, width, spacing and hidden characters are ignored.

    Tone marks count. Unique constraints are on this key, which is stored beside the name.
    """
    folded = line(text)
    before = None
    while folded != before:
        before = folded
        # Composed last, and repeated: a folded letter can compose with the mark after it.
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
        folded = " ".join("".join(char for char in folded if char.isspace() or not _is_hidden(char)).split())
    return folded


def search_key(text: str) -> str:
    """Return the search key: as `key`, and tone marks are ignored too, so "egbe" finds "Ẹgbẹ́"."""
    decomposed = unicodedata.normalize("NFKD", key(text)).translate(_PLAIN)
    bare = "".join(char for char in decomposed if unicodedata.category(char) not in {"Mn", "Me"})
    return unicodedata.normalize("NFC", " ".join(bare.split()))


def numbered(name: str, number: int, *, longest: int) -> str:
    """Return a name with a number after it, such as "Rent (2)", cut to at most `longest` characters."""
    ending = f" ({number})"
    return name[: longest - len(ending)].rstrip() + ending


def email(text: str) -> str:
    """Return an email address as it is stored: in lower case, without outer spaces and pasted format characters.

    Control characters stay in it, so that validation refuses it.
    """
    pasted = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", pasted).strip().lower()


def code(text: str) -> str:
    """Return a code without spaces, dashes and hidden characters. The letter case does not change."""
    plain = unicodedata.normalize("NFKC", figures(line(text)))
    return "".join(char for char in plain if not char.isspace() and not _is_dash(char))


def figures(text: str) -> str:
    """Return text with its digits, points, commas and spaces, of any script or width, replaced by ASCII ones.

    Format characters, which often come with a pasted amount, are removed. Superscripts and fractions stay: "10²" is
    not 102.
    """
    return "".join(_plain_figure(char) for char in text)


def storable(text: str) -> str:
    """Return text without NUL, which PostgreSQL refuses, and with `?` for lone surrogates, which JSON may contain."""
    return text.replace("\0", "").encode(errors="replace").decode()


def describe_error(error: Exception) -> str:
    """Return the type and message of an error as a row stores them, at most 300 characters."""
    return storable(f"{type(error).__name__}: {error}")[:300]


def _plain_figure(char: str) -> str:
    match unicodedata.category(char):
        case "Nd":
            return str(unicodedata.decimal(char))
        case "Cf":
            return ""
        case "Zs" | "Zl" | "Zp":
            return " "
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    return {"\u066b": ".", "\u066c": ","}.get(char, char)


def _shows(text: str, index: int) -> bool:
    """Return whether the character at an index is visible, or joins visible characters on both sides of it."""
    char, before, after = text[index], text[max(index - 1, 0) : index], text[index + 1 : index + 2]
    if char == _EMOJI_STYLE:
        return bool(before) and unicodedata.category(before) == "So"
    if char in _JOINERS:
        return all(
            end == _EMOJI_STYLE or (end >= _FIRST_JOINED and not _is_hidden(end)) for end in (before, after)
        )
    return not _is_hidden(char)


def _is_hidden(char: str) -> bool:
    return (
        unicodedata.category(char) in {"Cc", "Cf", "Cn", "Co", "Cs"}
        or char in _BLANK
        or char in _VARIATION_SELECTORS
    )


def _is_dash(char: str) -> bool:
    return unicodedata.category(char) == "Pd" or char == "\u2212"
