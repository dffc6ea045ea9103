"""Finds the user of an email address, with the same work whether there is one or not."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.db.models import Q, Subquery

from savings.models import User


def owner_of(email: str) -> User | None:
    """Return the user with an email address, if need be an unproven one; None where no account has it."""
    # One query in any case, where allauth takes a second one for what it has not found: that shows from outside.
    proven = EmailAddress.objects.filter(email=email, verified=True).values("user")[:1]
    found = User.objects.filter(Q(pk=Subquery(proven)) | Q(email=email))
    # Two where somebody has proven an address that another account only names: the first of them owns it.
    return min(found, key=lambda user: user.email == email, default=None)
