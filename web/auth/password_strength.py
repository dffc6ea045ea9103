"""Refuses passwords that are easy to guess: common ones, patterns, and those made of the user's name or the site's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.password_validation import CommonPasswordValidator, UserAttributeSimilarityValidator
from django.core.exceptions import ValidationError

from web.messages import sign_in as messages

_SITE_NAME = "asusu"
# zxcvbn's score 3: safe against guessing through this site, and slow to crack from a stolen database.
_LEAST_GUESSES = 10**8
# zxcvbn takes quadratic time: 10 ms for 32 characters, 0.4 s for 100. Only the start of a longer password is measured,
# so the start must be strong.
_MEASURED = 40
_READ = 200
_SHORTEST_WORD = 3
# Characters that replace a letter. These are patterns, because "1" can replace two letters.
_ALIKE = {
    "a": "[a4@]",
    "b": "[b8]",
    "e": "[e3]",
    "g": "[g9]",
    "i": "[i1!|]",
    "l": "[l1|]",
    "o": "[o0]",
    "s": "[s5$]",
    "t": "[t7+]",
    "z": "[z2]",
}


class HardToGuessValidator:
    """Used through AUTH_PASSWORD_VALIDATORS at sign-up, change, reset, in the admin and in createsuperuser."""

    def __init__(self) -> None:
        self._common = CommonPasswordValidator()
        self._similar = UserAttributeSimilarityValidator(user_attributes=["email", "name"])

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Raise ValidationError with advice for a better password."""
        text = _folded(password[:_READ])
        rest = _without(_personal_words(user), text)
        if _is_refused(self._similar, password, user) or (rest != text and _is_weak(rest)):
            raise ValidationError(messages.PERSONAL_WORDS, code="password_personal")
        if _is_refused(self._common, password, user) or _is_weak(text):
            raise ValidationError(messages.EASY_TO_GUESS, code="password_easy")

    def get_help_text(self) -> str:
        return messages.USE_UNRELATED_WORDS


def _is_refused(validator: object, password: str, user: AbstractBaseUser | None) -> bool:
    try:
        validator.validate(password, user)  # type: ignore[attr-defined]
    except ValidationError:
        return True
    return False


def _is_weak(text: str) -> bool:
    """Measure a password with and without separators: "p-a-s-s" is a word, and "0803 123 4567" a number."""
    joined = re.sub(r"[\W_]+", "", text)
    # A password of mostly punctuation is not weak because it has few letters.
    readings = [text, joined] if 2 * len(joined) >= len(text) else [text]
    return joined.isdecimal() or min(map(_guesses, readings)) < _LEAST_GUESSES


def _guesses(text: str) -> float:
    # Imported at the first password: its word lists take 0.1 s to load, which other processes need not pay.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    return float(zxcvbn(text[:_MEASURED])["guesses"]) if text else 0


def _folded(text: str) -> str:
    """Return the text in lower case, without accents and tone marks, in one Unicode form."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFKC", "".join(c for c in letters if unicodedata.category(c) != "Mn"))


def _personal_words(user: AbstractBaseUser | None) -> set[str]:
    email = _folded(getattr(user, "email", "") or "")
    local, _, domain = email.partition("@")
    name = _folded(getattr(user, "name", "") or "")
    hosts = [domain, urlsplit(settings.SITE_URL).hostname or ""]
    phrases = [email, domain, *_joined_and_parts(local), *_joined_and_parts(name), _SITE_NAME]
    # Not the top-level domain: "com" is part of many words.
    phrases += [label for host in hosts for label in host.split(".")[:-1]]
    return {phrase for phrase in phrases if len(phrase) >= _SHORTEST_WORD}


def _joined_and_parts(phrase: str) -> Iterator[str]:
    parts = re.findall(r"[^\W_]+", phrase)
    yield from parts
    yield phrase
    yield "".join(parts)


def _without(words: set[str], text: str) -> str:
    """Remove the words from a text, also if written backwards or with digits for letters."""
    both_ways = sorted({*words, *(word[::-1] for word in words)}, key=len, reverse=True)
    patterns = ["".join(_ALIKE.get(c, re.escape(c)) for c in word) for word in both_ways]
    return re.sub("|".join(patterns), "", text)
