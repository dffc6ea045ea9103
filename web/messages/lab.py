"""What the lab says in notices."""

from __future__ import annotations

from django.utils.translation import ngettext

LOADING_ALREADY = "This circle is being loaded already, or Redis does not answer."
CLEANED = "The lab’s circles are deleted."
ALL_CLEANED = "Everything that the lab had loaded is deleted."


def deleted_statements(count: int) -> str:
    return ngettext("%(count)s statement deleted.", "%(count)s statements deleted.", count) % {"count": count}
