"""What staff do to a person's account: freeze it, and help its owner to sign in. Each needs a reason, which is stored.

Nobody acts on their own account, and only a superuser on that of staff. `closing` and `erasure` hold what ends an
account.
"""

from __future__ import annotations

import datetime

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.transaction import atomic
from django.utils import timezone

from savings import mails, outbox, payments, typed_text, users
from savings.backoffice import audit, messages
from savings.backoffice.checks import check_not_own, check_reason
from savings.exceptions import Refused
from savings.models import AuditRow, EmailChange, User

_RESENT_WITHIN = datetime.timedelta(minutes=1)
_LONGEST_CHECK = 120


def freeze(user_id: int, how: str, *, by: User, reason: str) -> None:
    """Stop a saver's withdrawals, or every movement that they can cause: `how` is a value of `User.Frozen`.

    The services of the books refuse it from this commit on. Withdrawals that are not sent wait, auto-save rules pause,
    and interest goes on. The saver gets a mail. The same freeze again changes nothing. Raises Refused as `lock_person`,
    and for another value.
    """
    if how not in {User.Frozen.WITHDRAWALS, User.Frozen.MOVEMENTS}:
        raise Refused(messages.CHOOSE_FREEZE, field="how")
    with atomic():
        user = lock_person(user_id, by=by, reason=reason)
        if user.closed_at is not None:
            raise Refused(messages.CLOSED_ALREADY)
        if user.frozen == how:
            return
        User.objects.filter(pk=user.pk).update(frozen=how)
        row = record(audit.Verb.FROZEN, user, by, f"{how}: {reason}")
        mails.account_changed_by_staff(how, user, f"audit:{row.pk}")
        if how == User.Frozen.MOVEMENTS:
            outbox.recheck_autosaves(user.pk)


def unfreeze(user_id: int, *, by: User, reason: str) -> None:
    """End a freeze: withdrawals that waited for it are sent at the next run. Rules stay paused until their saver
    resumes them. The saver gets a mail. Changes nothing for a saver who is not frozen. Raises Refused as `lock_person`.
    """
    with atomic():
        user = lock_person(user_id, by=by, reason=reason)
        if not user.frozen:
            return
        User.objects.filter(pk=user.pk).update(frozen=User.Frozen.NOTHING)
        payments.wake_frozen(user.pk)
        row = record(audit.Verb.UNFROZEN, user, by, reason)
        mails.account_changed_by_staff("unfrozen", user, f"audit:{row.pk}")


def end_sessions(user_id: int, *, by: User, reason: str, reference: str) -> None:
    """Sign a person out of every device and void their mailed codes, and mail them; once per reference.

    Raises Refused as `lock_person`.
    """
    with atomic():
        user = lock_person(user_id, by=by, reason=reason)
        if mails.account_changed_by_staff("sessions_ended", user, reference) is None:
            return
        users.end_sessions(user.pk)
        record(audit.Verb.SIGN_IN_HELPED, user, by, f"sessions ended: {reason}")


def remove_second_step(user_id: int, *, by: User, check: str, reason: str) -> None:
    """Remove a person's authenticator app, passkeys and recovery codes, which they have lost, and mail them.

    `check` says by which document or call they proved who they are. Their sessions end, and withdrawals wait as after
    any change of how they sign in. Raises Refused as `lock_person`, without a check (on that field), and when there is
    no second step.
    """
    check = _checked(check)
    with atomic():
        user = lock_person(user_id, by=by, reason=reason)
        if not users.remove_second_steps(user.pk, only_if_any=True):
            raise Refused(messages.NO_SECOND_STEP)
        record(audit.Verb.SIGN_IN_HELPED, user, by, f"second step removed, checked by {check}: {reason}")


def resend_confirmation(user_id: int, *, by: User, reason: str) -> None:
    """Mail the link that confirms a new email address again, to that address; the earlier link is void.

    Within a minute of the last one it changes nothing. Raises Refused as `lock_person`, when no change waits for its
    confirmation, and when somebody else has the address by now.
    """
    with atomic():
        user = lock_person(user_id, by=by, reason=reason)
        change = waiting_proposals(user).first()
        if change is None:
            raise Refused(messages.NO_PROPOSAL)
        if timezone.now() - change.asked_at < _RESENT_WITHIN:
            return
        users.propose_email(user.pk, change.new_email, by=by)
        record(audit.Verb.SIGN_IN_HELPED, user, by, f"confirmation sent again: {reason}")


def undo_email_change(user_id: int, change_id: int, *, by: User, check: str, reason: str) -> None:
    """Undo a person's change of email address, as the link in their mail does: the old address counts again.

    Raises Refused as `remove_second_step` does, and for a change that cannot be undone any more.
    """
    check = _checked(check)
    with atomic():
        user = lock_person(user_id, by=by, reason=reason)
        change = undoable_changes(user).filter(pk=change_id).first()
        if change is None:
            raise Refused(messages.NOT_UNDOABLE, field="change")
        try:
            users.undo_email_change(change)
        except users.LinkExpired:
            raise Refused(messages.NOT_UNDOABLE, field="change") from None
        record(
            audit.Verb.SIGN_IN_HELPED,
            user,
            by,
            f"change of email address {change.pk} undone, checked by {check}: {reason}",
        )


def waiting_proposals(user: User) -> QuerySet[EmailChange]:
    """Return the changes of email address that wait for their confirmation, the newest first: at most one."""
    return user.email_changes.filter(effective_at=None, ended_at=None).order_by("-id")


def undoable_changes(user: User) -> QuerySet[EmailChange]:
    """Return the changes of email address that took effect and can still be undone, the newest first."""
    rows = user.email_changes.filter(effective_at__isnull=False, ended_at=None)
    return rows.filter(undo_until__gt=timezone.now()).order_by("-id")


def _checked(check: str) -> str:
    """Return the document or call by which a person proved who they are, on one line. Raises Refused without one."""
    check = typed_text.line(check)
    if not check:
        raise Refused(messages.CHECK_MISSING, field="check")
    if len(check) > _LONGEST_CHECK:
        raise Refused(messages.note_too_long(_LONGEST_CHECK), field="check")
    return check


def lock_person(user_id: int, *, by: User, reason: str) -> User:
    """Lock a person's row and return it, for an action of staff; call it in an atomic block.

    Raises Refused without a reason (on that field) and for the own account; PermissionDenied for the account of staff,
    except by a superuser, and when `by` is no longer active staff.
    """
    check_reason(reason)
    check_not_own(user_id, by)
    if not User.objects.filter(pk=by.pk, is_staff=True, is_active=True).exists():
        raise PermissionDenied
    return users.lock_user_for(user_id, by)


def record(verb: str, user: User, by: User, text: str) -> AuditRow:
    """Add what was done to a person's account to the audit log."""
    return audit.record(verb, by=by, saver=user, subject=f"user:{user.pk}", text=text)
