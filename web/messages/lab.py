"""What the lab says in notices."""

from __future__ import annotations

LOADING_ALREADY = "This circle is being loaded already, or Redis does not answer."
CLEANED = "The lab’s circles are deleted."
