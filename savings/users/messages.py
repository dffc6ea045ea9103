"""The sentences about users and their email addresses that savers and staff see."""

from __future__ import annotations

EMAIL_INVALID = "Enter an email address, such as ada@example.com."
EMAIL_TAKEN = "Someone else uses this email address."
# To staff, about the user whose address they change.
EMAIL_UNCHANGED = "This is already their email address."

NAME_MISSING = "Enter the name you go by."
NAME_HAS_HIDDEN_CHARACTERS = "This name has invisible characters. Type it again."
# A format of `typed_text.name`.
NAME_TOO_LONG = "Use at most {longest} characters. This name has {length}."
