"""Text that stays on one line."""

from __future__ import annotations

_NO_BREAK = "\N{NO-BREAK SPACE}"


def unbroken(text: str) -> str:
    """Return a text whose words are never on different lines."""
    return text.replace(" ", _NO_BREAK)
