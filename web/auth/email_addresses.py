"""Finds the user of an email address, with the same work whether or not there is one."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db.models import Q, Subquery

from savings.models import User


def owner_of(email: str) -> User | None:
    """Return the user with an email address, confirmed or not; None if no user has it."""
    # Always one query. allauth makes a second one for an unknown email address, which an attacker can measure.
    proven = EmailAddress.objects.filter(email=email, verified=True).values("user")[:1]
    found = User.objects.filter(Q(pk=Subquery(proven)) | Q(email=email))
    # Two rows if one user has confirmed the email address and another only entered it: the first owns it.
    return min(found, key=lambda user: user.email == email, default=None)
