"""Changes of email addresses: the only path for users, staff and operators, and the undo of a hostile change.

A new address takes effect once it is confirmed. For EMAIL_UNDO_DAYS after a change, the old address can undo it, and no
other user may take that address.

After several changes, each former address can undo its own change within that time, and the oldest one wins: undoing a
change ends every later one, because an intruder who changed the address again must not outrank its owner. An address
that an undo removes gets no undo link.
"""

from __future__ import annotations

import datetime

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from savings.exceptions import Refused
from savings.models import EmailChange, User
from savings.users import credentials, messages, security_mails
from savings.users.email_addresses import clean_email, reserved_email, store_email

_CONFIRM_HOURS = 72
_CONFIRM = signing.Signer(salt="savings.email_changes.confirm")
_UNDO = signing.Signer(salt="savings.email_changes.undo")


class LinkExpired(Exception):
    """A valid link that has been used, has expired, or was replaced or overruled."""


def propose_email(user_id: int, email: str, *, by: User | None = None) -> EmailChange:
    """Mail a confirmation link to a new address, and a link to cancel the change to the current address.

    Until the new address is confirmed, the current one stays in use. A proposal replaces an earlier one. `by` is the
    member of staff, None for an operator. Raises Refused as `clean_email` does, and PermissionDenied if `by` may not
    change this user's credentials.
    """
    with transaction.atomic():
        user = credentials.lock_user_for(user_id, by)
        email = clean_email(email, user)
        if email == user.email:
            raise Refused(messages.EMAIL_UNCHANGED, field="email")
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
    """Return the proposal of a confirmation link; None for a link that is not ours.

    Raises LinkExpired if it was used, expired or replaced, or if its proposer has lost the right to change the address.
    """
    change = _read(_CONFIRM, token)
    if change and not (
        _proposals(timezone.now()).filter(pk=change.pk).exists()
        and _may_still_propose(change.asked_by, change.user)
    ):
        raise LinkExpired
    return change


def confirm_email(change: EmailChange) -> None:
    """Make a proposed address the user's own, after a click on the link in the mail to it.

    Raises LinkExpired as `email_proposal` does, and Refused if another user has the address by now.
    """
    with transaction.atomic():
        user = credentials.lock_user_for(change.user_id)
        now = timezone.now()
        # Checked again under the lock: a second click, a cancellation or a change of rights may come in between.
        proposal = _proposals(now).filter(pk=change.pk).select_related("asked_by").first()
        if proposal is None or not _may_still_propose(proposal.asked_by, user):
            raise LinkExpired
        _apply_change(user, proposal, now)


def change_email(
    user_id: int, email: str, *, device: str = "", session_key: str | None = None
) -> EmailChange:
    """Change a user's address at their own request to one that they have just confirmed.

    Ends all sessions except the one with `session_key`, and mails both addresses. `device` names the browser in these
    mails. Raises Refused as `clean_email` does.
    """
    with transaction.atomic():
        user = credentials.lock_user_for(user_id)
        email = clean_email(email, user)
        change = EmailChange(user=user, old_email=user.email, new_email=email)
        _apply_change(user, change, timezone.now(), device=device, session_key=session_key)
    return change


def undoable_email_change(token: str) -> EmailChange | None:
    """Return the change that an undo link can undo; None for a link that is not ours.

    Raises LinkExpired if the change was undone, is too old, or was ended by the undo of an older one.
    """
    change = _read(_UNDO, token)
    if change and not _undoable(timezone.now()).filter(pk=change.pk).exists():
        raise LinkExpired
    return change


def undo_email_change(change: EmailChange) -> None:
    """Restore a user's old address and lock out the person who changed it; a proposal is only cancelled.

    Ends all sessions, mailed codes and later changes, and disables the password: the owner gets in by a reset, which is
    mailed to the old address. Raises LinkExpired as `undoable_email_change` does, and Refused if another user has the
    old address by now.
    """
    with transaction.atomic():
        user = credentials.lock_user_for(change.user_id)
        now = timezone.now()
        if not _undoable(now).filter(pk=change.pk).update(ended_at=now):
            raise LinkExpired
        if change.effective_at is None:
            security_mails.notify_of_change(
                user, "email_change_cancelled", to=change.old_email, to_email=change.new_email
            )
            return
        later = Q(effective_at=None) | Q(effective_at__gte=change.effective_at)
        user.email_changes.filter(later, ended_at=None).update(ended_at=now)
        removed_email = user.email
        store_email(user, change.old_email)
        # Recorded so that staff find the user by the removed address too. This change cannot be undone itself.
        user.email_changes.create(
            old_email=removed_email, new_email=user.email, effective_at=now, ended_at=now
        )
        credentials.lock_out_intruder(user, since=change.effective_at - _undo_time())
        security_mails.notify_of_change(user, "email_change_undone", from_email=removed_email)
        if removed_email != user.email:
            security_mails.notify_of_change(user, "email_removed", to=removed_email)


def resend_proposal(email: str) -> bool:
    """Mail the undo link to a former address again; False if it has no change to undo.

    The owner of a changed account cannot sign in and asks for a code at their old address. The answer "no account"
    would not help them.
    """
    change = reserved_email(email)
    if change is None or User.objects.filter(email=change.old_email).exists():
        return False
    _mail_undo(change, "email_changed_reminder")
    return True


def _apply_change(
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
    store_email(user, clean_email(change.new_email, user))
    credentials.end_sessions(user.pk, excluding=session_key)
    _mail_undo(change, "email_changed", device=device)
    security_mails.notify_of_change(user, "email_changed_to", device=device, from_email=change.old_email)


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


def _may_still_propose(by: User | None, user: User) -> bool:
    """Return whether the proposer of an earlier change still has the right to propose it; an operator always has.

    Otherwise staff could take over a user for whom they proposed an address before that user became staff.
    """
    return by is None or (by.is_active and by.is_privileged and credentials.may_change(by, user))


def _proposals(now: datetime.datetime) -> QuerySet[EmailChange]:
    since = now - datetime.timedelta(hours=_CONFIRM_HOURS)
    return EmailChange.objects.filter(effective_at=None, ended_at=None, asked_at__gt=since)


def _undoable(now: datetime.datetime) -> QuerySet[EmailChange]:
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
