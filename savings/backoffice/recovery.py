"""After a restore: books what the provider says, and opens a case for each transfer that cannot be booked."""

from __future__ import annotations

import datetime

from django.db.transaction import atomic
from django.utils import timezone

from savings import mails, payments
from savings.backoffice import audit, cases, messages
from savings.backoffice.case_subjects import Subject
from savings.models import Case, User
from savings.payments import Recovered, Unbookable


def recover_lost(since: datetime.datetime) -> Recovered:
    """Do what `payments.recover_lost` does, and leave the rest to staff. Safe to repeat.

    Withdrawals of a saver are frozen whose stash is too small for a transfer that was made: until staff have decided,
    the same money must not leave a second time.
    """
    done = payments.recover_lost(since)
    for lost in done.unbooked:
        _leave_to_staff(lost)
    return done


def _leave_to_staff(lost: Unbookable) -> None:
    sent = lost.transfer
    with atomic():
        is_frozen = lost.saver_id is not None
        why = messages.transfer_lost(sent.reference, sent.amount_kobo, lost.why, is_frozen=is_frozen)
        key = f"payout-lost:{sent.reference}"
        subject = Subject(Case.Kind.PAYOUT, key, lost.saver_id, why, timezone.now(), None, {})
        if cases.open_once(subject) and lost.saver_id is not None:
            _freeze(lost.saver_id, sent.reference)


def _freeze(saver_id: int, reference: str) -> None:
    User.objects.touch(saver_id)
    how = User.Frozen.WITHDRAWALS
    if User.objects.filter(pk=saver_id, frozen="").update(frozen=how):
        row = audit.record(
            audit.Verb.FROZEN, by=None, saver=saver_id, subject=f"payout-lost:{reference}", text=how
        )
        mails.account_changed_by_staff(how, User.objects.get(pk=saver_id), f"audit:{row.pk}")
