"""The sentences of the pages for staff."""

from __future__ import annotations

EXPORT_ASKED = "We’re writing the file. Load this page again in a moment: the newest export is at the top."
EXPORT_NOT_ALLOWED = "The person who asked may not export this list any more."
PRODUCT_ASKED = "A second person has to approve the change. It waits among the requests."


def product_changed(name: str) -> str:
    return f"{name} is changed. No plan exists yet, so nobody else had to approve it."
