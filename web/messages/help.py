"""The lengths of time in the answers of the help page."""

from __future__ import annotations

from django.utils.translation import ngettext


def hours(count: int) -> str:
    return ngettext("%(count)s hour", "%(count)s hours", count) % {"count": f"{count:,}"}


def minutes(count: int) -> str:
    return ngettext("%(count)s minute", "%(count)s minutes", count) % {"count": f"{count:,}"}
