"""The sentences of the pages for staff."""

from __future__ import annotations

EXPORT_ASKED = "We’re writing the file. Load this page again in a moment: the newest export is at the top."
EXPORT_NOT_ALLOWED = "The person who asked may not export this list any more."
