"""Email addresses: which ones a user may have, who can still restore one, and the only code that stores them.

Only `store_email` writes `User.email` and allauth's `EmailAddress`, in one transaction, so they never disagree.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from savings import typed_text
from savings.exceptions import Refused
from savings.models import EmailChange, User
from savings.users import messages


def clean_email(email: str, user: User | None = None) -> str:
    """Return an email address as it is stored. Raises Refused on the field `email` for one that `user` cannot have.

    That is an invalid address, one of another user, or one that its former owner can still restore.
    """
    email = typed_text.email(email)
    try:
        EmailValidator()(email)
        EmailAddress._meta.get_field("email").run_validators(email)
    except ValidationError:
        raise Refused(messages.EMAIL_INVALID, field="email") from None
    user_id = user.pk if user else 0
    is_taken = User.objects.filter(email=email).exclude(pk=user_id).exists()
    is_taken = is_taken or EmailAddress.objects.filter(email=email).exclude(user_id=user_id).exists()
    if is_taken or is_email_reserved(email, user):
        raise Refused(messages.EMAIL_TAKEN, field="email")
    return email


def store_email(user: User, email: str) -> None:
    """Store a user's confirmed address in both tables, or in neither. Raises Refused if another user has it."""
    try:
        with transaction.atomic():
            EmailAddress.objects.filter(user=user).delete()
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
            User.objects.filter(pk=user.pk).update(email=email)
    except IntegrityError:
        raise Refused(messages.EMAIL_TAKEN, field="email") from None
    user.email = email


def reserved_email(email: str) -> EmailChange | None:
    """Return the oldest change that an address can still undo, or None."""
    in_time = Q(old_email=typed_text.email(email), ended_at=None, undo_until__gt=timezone.now())
    return EmailChange.objects.filter(in_time).select_related("user").order_by("effective_at", "pk").first()


def is_email_reserved(email: str, user: User | None = None) -> bool:
    """Return whether an address recently belonged to another user than `user`, who can still restore it."""
    in_time = Q(old_email=typed_text.email(email), ended_at=None, undo_until__gt=timezone.now())
    return EmailChange.objects.filter(in_time).exclude(user_id=user.pk if user else 0).exists()


def users_with_email(email: str) -> list[int]:
    """Return the ids of all users who have or had this address."""
    email = typed_text.email(email)
    current = User.objects.filter(email=email).order_by().values_list("pk", flat=True)
    former = EmailChange.objects.filter(old_email=email).exclude(effective_at=None)
    return list(current.union(former.order_by().values_list("user_id", flat=True)))
