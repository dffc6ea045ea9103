"""Email addresses: the one path for every change, whoever makes it, and the way back from one that was hostile.

An address counts once it is proven. `User.email` and allauth's `EmailAddress` are written together, here alone, so
they never disagree. For some days after a change the old address can undo it, and nobody else may use that address.

If an address was changed more than once, each former address can undo its own change as long as its days last, and the
oldest one wins: undoing a change ends every later one, because an intruder who changed the address again must not
outrank its owner. An address that an undo removes gets no link of its own.
"""

from __future__ import annotations

import datetime

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from savings import typed_text
from savings.exceptions import Refused
from savings.models import EmailChange, User
from savings.users import credentials, security_mails

_CONFIRM_HOURS = 72
_CONFIRM = signing.Signer(salt="savings.email_changes.confirm")
_UNDO = signing.Signer(salt="savings.email_changes.undo")


class LinkExpired(Exception):
    """A link of ours that has been used, has run out, or was overruled."""


def clean_email(email: str, user: User | None = None) -> str:
    """Return an address as it is stored. Raises Refused, beside `email`, for one that `user` may not have.

    That is an invalid one, one of somebody else's account, or one that its former owner may still take back.
    """
    email = typed_text.email(email)
    try:
        EmailValidator()(email)
        EmailAddress._meta.get_field("email").run_validators(email)
    except ValidationError:
        raise Refused("Enter an email address, such as ada@example.com.", field="email") from None
    mine = user.pk if user else 0
    taken = User.objects.filter(email=email).exclude(pk=mine).exists()
    taken = taken or EmailAddress.objects.filter(email=email).exclude(user_id=mine).exists()
    if taken or is_email_reserved(email, user):
        raise Refused("Somebody else uses this address.", field="email")
    return email


def propose_email(user_id: int, email: str, *, by: User | None = None) -> EmailChange:
    """Ask a new address to confirm that it is to be somebody's, and tell the present one, which can stop it.

    Until the new address confirms, the present one signs in and receives everything. A proposal replaces an earlier
    one. `by` is the member of staff, None for an operator. Raises Refused as `clean` does, and PermissionDenied where
    `by` may not change this person's sign-in.
    """
    with transaction.atomic():
        user = credentials.lock_user_for(user_id, by)
        email = clean_email(email, user)
        if email == user.email:
            raise Refused("This is their address already.", field="email")
        user.email_changes.filter(effective_at=None, ended_at=None).update(ended_at=timezone.now())
        change = user.email_changes.create(old_email=user.email, new_email=email, asked_by=by)
        confirm_url = f"{settings.SITE_URL}/accounts/email/confirm/{_CONFIRM.sign(str(change.pk))}/"
        security_mails.notify_of_change(
            user, "email_change_confirm", to=email, secret=confirm_url, url=confirm_url, hours=_CONFIRM_HOURS
        )
        undo_url = _undo_url(change)
        security_mails.notify_of_change(
            user, "email_change_proposed", secret=undo_url, url=undo_url, to_email=email
        )
    return change


def email_proposal(token: str) -> EmailChange | None:
    """Return what the link in a mail to a new address is about; None for a link that is not ours.

    Raises LinkExpired where it was used, has run out or was replaced, and where its sender may not change it any more.
    """
    change = _read(_CONFIRM, token)
    if change and not (
        _proposals(timezone.now()).filter(pk=change.pk).exists() and _may_still(change.asked_by, change.user)
    ):
        raise LinkExpired
    return change


def confirm_email(change: EmailChange) -> None:
    """Let a proposed address take effect, at the word of whoever reads its mail.

    Raises LinkExpired as `email_proposal` does, and Refused where somebody else has it by now.
    """
    with transaction.atomic():
        user = credentials.lock_user_for(change.user_id)
        now = timezone.now()
        # Asked again under the lock: two clicks, a cancellation between, or rights that were granted meanwhile.
        found = _proposals(now).filter(pk=change.pk).select_related("asked_by").first()
        if found is None or not _may_still(found.asked_by, user):
            raise LinkExpired
        _take_effect(user, found, now)


def change_email(
    user_id: int, email: str, *, device: str = "", session_key: str | None = None
) -> EmailChange:
    """Change somebody's address to one that they have just proven, by their own wish.

    Every session ends but the one with that key, and both addresses are told. Raises Refused as `clean` does.
    """
    with transaction.atomic():
        user = credentials.lock_user_for(user_id)
        email = clean_email(email, user)
        made = EmailChange(user=user, old_email=user.email, new_email=email)
        _take_effect(user, made, timezone.now(), device=device, session_key=session_key)
    return made


def undoable_email_change(token: str) -> EmailChange | None:
    """Return which change the link in a mail to an old address can undo; None for a link that is not ours.

    Raises LinkExpired where the change was undone, is too long ago, or an older one has been undone.
    """
    change = _read(_UNDO, token)
    if change and not _open(timezone.now()).filter(pk=change.pk).exists():
        raise LinkExpired
    return change


def undo_email_change(change: EmailChange) -> None:
    """Give somebody their old address back, and shut out whoever changed it; a proposal is only cancelled.

    All sessions, codes and later changes end, and the password no longer works: a reset, mailed to the old address, is
    the way in. Raises LinkExpired as `undoable_email_change` does, and Refused where somebody else has the old address
    by now.
    """
    with transaction.atomic():
        user = credentials.lock_user_for(change.user_id)
        now = timezone.now()
        if not _open(now).filter(pk=change.pk).update(ended_at=now):
            raise LinkExpired
        if change.effective_at is None:
            security_mails.notify_of_change(
                user, "email_change_cancelled", to=change.old_email, to_email=change.new_email
            )
            return
        later = Q(effective_at=None) | Q(effective_at__gte=change.effective_at)
        user.email_changes.filter(later, ended_at=None).update(ended_at=now)
        lost = user.email
        _write(user, change.old_email)
        # So that staff find the person by the address that was theirs for a while; it cannot be undone itself.
        user.email_changes.create(old_email=lost, new_email=user.email, effective_at=now, ended_at=now)
        credentials.lock_out_intruder(user, since=change.effective_at - _undo_time())
        security_mails.notify_of_change(user, "email_change_undone", from_email=lost)
        if lost != user.email:
            security_mails.notify_of_change(user, "email_removed", to=lost)


def reserved_email(email: str) -> EmailChange | None:
    """Return the change that an address may still undo, the oldest where there are several, or None."""
    in_time = Q(old_email=typed_text.email(email), ended_at=None, undo_until__gt=timezone.now())
    return EmailChange.objects.filter(in_time).select_related("user").order_by("effective_at", "pk").first()


def is_email_reserved(email: str, user: User | None = None) -> bool:
    """Say whether an address was that of somebody other than `user` until lately, who may still take it back."""
    in_time = Q(old_email=typed_text.email(email), ended_at=None, undo_until__gt=timezone.now())
    return EmailChange.objects.filter(in_time).exclude(user_id=user.pk if user else 0).exists()


def resend_proposal(email: str) -> bool:
    """Mail a former address its way back, once more; False where it has none.

    Somebody who cannot sign in asks for a code at the address they know: "no account" would be no help.
    """
    found = reserved_email(email)
    if found is None or User.objects.filter(email=found.old_email).exists():
        return False
    _mail_undo(found, "email_changed_reminder")
    return True


def users_with_email(email: str) -> list[int]:
    """Return the ids of the people whose address this is or was."""
    email = typed_text.email(email)
    now_theirs = User.objects.filter(email=email).order_by().values_list("pk", flat=True)
    once_theirs = EmailChange.objects.filter(old_email=email).exclude(effective_at=None)
    return list(now_theirs.union(once_theirs.order_by().values_list("user_id", flat=True)))


def _take_effect(
    user: User,
    change: EmailChange,
    now: datetime.datetime,
    *,
    device: str = "",
    session_key: str | None = None,
) -> None:
    user.email_changes.filter(effective_at=None, ended_at=None).exclude(pk=change.pk).update(ended_at=now)
    change.old_email = user.email
    change.effective_at, change.undo_until = now, now + _undo_time()
    change.save()
    _write(user, clean_email(change.new_email, user))
    credentials.end_sessions(user.pk, but=session_key)
    _mail_undo(change, "email_changed", device=device)
    security_mails.notify_of_change(user, "email_changed_to", device=device, from_email=change.old_email)


def _write(user: User, email: str) -> None:
    """Make an address the one that somebody has, proven: in both tables, or in neither."""
    try:
        with transaction.atomic():
            EmailAddress.objects.filter(user=user).delete()
            EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
            User.objects.filter(pk=user.pk).update(email=email)
    except IntegrityError:
        raise Refused("Somebody else uses this address.", field="email") from None
    user.email = email


def _mail_undo(change: EmailChange, template: str, device: str = "") -> None:
    url = _undo_url(change)
    until = date_format(timezone.localtime(change.undo_until), "j F Y, H:i")
    security_mails.notify_of_change(
        change.user,
        template,
        to=change.old_email,
        secret=url,
        device=device,
        url=url,
        until=until,
        from_email=change.old_email,
        to_email=change.new_email,
    )


def _may_still(by: User | None, user: User) -> bool:
    """Say whether what a member of staff proposed a while ago is still theirs to propose; an operator's always is.

    Else staff could take over a person whom they proposed an address for before that person became staff.
    """
    return by is None or (by.is_active and by.is_privileged and credentials.may_change(by, user))


def _proposals(now: datetime.datetime) -> QuerySet[EmailChange]:
    since = now - datetime.timedelta(hours=_CONFIRM_HOURS)
    return EmailChange.objects.filter(effective_at=None, ended_at=None, asked_at__gt=since)


def _open(now: datetime.datetime) -> QuerySet[EmailChange]:
    return EmailChange.objects.filter(Q(effective_at=None) | Q(undo_until__gt=now), ended_at=None)


def _undo_time() -> datetime.timedelta:
    return datetime.timedelta(days=settings.EMAIL_UNDO_DAYS)


def _undo_url(change: EmailChange) -> str:
    return f"{settings.SITE_URL}/accounts/email/undo/{_UNDO.sign(str(change.pk))}/"


def _read(signer: signing.Signer, token: str) -> EmailChange | None:
    try:
        number = signer.unsign(token)
    except signing.BadSignature:
        return None
    return EmailChange.objects.filter(pk=int(number)).select_related("user", "asked_by").first()
