"""The sentences of the page that starts a plan."""

from __future__ import annotations


def date_not_used(product: str) -> str:
    return f"A {product} plan has no end, so the date isn’t used."
