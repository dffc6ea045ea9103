"""Signs the references of forms for one user, so that nobody can send another user's reference."""

from __future__ import annotations

from django.core import signing

from savings.models import User

_PREFIX_LENGTH = 3


def reference_signer(user: User, prefix: str) -> signing.Signer:
    """Return the signer of a user's references with this three-letter prefix."""
    return signing.Signer(salt=f"web.forms.reference.{user.pk}.{prefix}")


def is_signed_for(user: User, signed: str) -> bool:
    """Return whether a signed reference was created for that user."""
    try:
        reference_signer(user, signed[:_PREFIX_LENGTH]).unsign(signed)
    except signing.BadSignature:
        return False
    return True
