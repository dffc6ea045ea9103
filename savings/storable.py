"""Text from outside in a form that both databases store."""

from __future__ import annotations


def storable(text: str) -> str:
    """Return a text without NUL, which PostgreSQL refuses, and with `?` for halves of characters that JSON may hold."""
    return text.replace("\0", "").encode(errors="replace").decode()


def reason(error: Exception) -> str:
    """Return what went wrong as a row keeps it: the kind of error and its message, at most 300 characters."""
    return storable(f"{type(error).__name__}: {error}")[:300]
