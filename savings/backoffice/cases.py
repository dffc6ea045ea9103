"""Cases: what a person has to decide, opened and solved by the state of what they are about."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable

from django.db.transaction import atomic
from django.utils import timezone

from savings import typed_text
from savings.backoffice import audit, case_subjects, messages
from savings.backoffice.case_subjects import Subject
from savings.backoffice.checks import check_not_own
from savings.exceptions import Refused
from savings.models import Case, OutboxRow, StaffNote, StaffRequest, User

logger = logging.getLogger(__name__)

_LONGEST_NOTE = 2000
# Staff are alarmed this long before a deadline.
_ALARM_BEFORE = datetime.timedelta(hours=24)


def sync_cases(now: datetime.datetime) -> int:
    """Open a case for everything that waits for a person, and solve those whose subject needs nobody any more.

    Returns how many were opened or solved. Safe to run twice at once: a subject has one case.
    """
    changed = 0
    for kind in case_subjects.WAITING:
        waiting = {subject.key: subject for subject in case_subjects.WAITING[kind]()}
        changed += _open_missing(waiting)
        changed += _solve_others(kind, waiting, now)
    _alarm(now)
    return changed


def open_from_outbox(row: OutboxRow) -> dict[str, object]:
    """Open the case that a row of the outbox asks for: a refund or payout that failed."""
    kind, row_id = row.payload["kind"], int(row.payload["row"])
    subject = case_subjects.FAILED[kind](row_id)
    # A repeat does not open it again: what failed is over.
    if subject is not None and not Case.objects.filter(key=subject.key).exists():
        _open_missing({subject.key: subject})
    return {}


def open_once(subject: Subject) -> bool:
    """Open the case of a subject that staff solve by hand, and return whether it is new: a repeat never opens it."""
    return not Case.objects.filter(key=subject.key).exists() and bool(_open_missing({subject.key: subject}))


def open_question(saver: User, *, by: User, summary: str, text: str = "") -> Case:
    """Open a case for the question of a saver, with a first note if there is a text.

    Raises Refused without a summary, on the field `summary`, and for a text that is too long, on the field `text`.
    """
    summary = typed_text.line(summary)
    if not summary:
        raise Refused(messages.SUMMARY_MISSING, field="summary")
    with atomic():
        case = Case.objects.create(
            kind=Case.Kind.QUESTION,
            key=f"question:{saver.pk}:{timezone.now().isoformat()}",
            saver=saver,
            summary=summary[:300],
            assignee=by,
        )
        audit.record(audit.Verb.CASE_OPENED, by=by, saver=saver, subject=name_of(case))
        if text.strip():
            write_note(text, by=by, case=case)
    return case


def assign(case: Case, to: User | None, *, by: User) -> None:
    """Give an open case to a member of staff, or to nobody. Raises Refused for a solved case and for other people."""
    with atomic():
        now = _lock(case)
        if to is not None and not (to.is_staff and to.is_active):
            raise Refused(messages.ONLY_STAFF_WORK, field="assignee")
        Case.objects.filter(pk=now.pk).update(assignee=to)
        audit.record(
            audit.Verb.CASE_ASSIGNED,
            by=by,
            saver=now.saver_id,
            subject=name_of(now),
            text=f"to {to.pk}" if to else "to nobody",
        )
    case.assignee = to


def write_note(text: str, *, by: User, case: Case | None = None, saver: User | None = None) -> StaffNote:
    """Add a note to a case or to a saver. Raises Refused, on the field `text`, for an empty or too long one."""
    text = text.strip()
    if not text:
        raise Refused(messages.NOTE_MISSING, field="text")
    if len(text) > _LONGEST_NOTE:
        raise Refused(messages.note_too_long(_LONGEST_NOTE), field="text")
    with atomic():
        about = saver or (case.saver if case else None)
        note = StaffNote.objects.create(case=case, saver=about, author=by, text=text)
        subject = name_of(case) if case else f"user:{about.pk}" if about else ""
        audit.record(audit.Verb.NOTE_WRITTEN, by=by, saver=about, subject=subject)
    return note


def solve(case: Case, *, by: User, outcome: str) -> None:
    """Solve a case by hand: a question, an event, or something that failed and is over.

    Raises Refused without an outcome, for a solved case, for one's own, for one that a request waits for, and for a
    case that ends only when its payment, dispute, refund or withdrawal does.
    """
    check_not_own(case.saver_id, by)
    outcome = typed_text.line(outcome)
    if not outcome:
        raise Refused(messages.OUTCOME_MISSING, field="outcome")
    with atomic():
        now = _lock(case)
        if not can_be_solved_by_hand(now):
            raise Refused(messages.SOLVED_BY_ITS_SUBJECT)
        if StaffRequest.objects.waiting().filter(case=now).exists():
            raise Refused(messages.REQUEST_WAITS)
        case_subjects.release(now)
        _end(now, by=by, outcome=outcome[:300], at=timezone.now())
        audit.record(audit.Verb.CASE_SOLVED, by=by, saver=now.saver_id, subject=name_of(now), text=outcome)
    case.refresh_from_db()


def can_be_solved_by_hand(case: Case) -> bool:
    """Return whether staff may solve a case by a sentence alone."""
    kind, _, _ = case.key.partition(":")
    return kind in case_subjects.BY_HAND


def name_of(case: Case) -> str:
    """Return the name of a case in the audit log."""
    return f"case:{case.pk}"


def refresh(case: Case) -> None:
    """Solve a case at once if what it is about needs nobody any more, as the next `sync_cases` would."""
    kind, _, _ = case.key.partition(":")
    if kind in case_subjects.WAITING and case.is_open:
        _solve_others(kind, [], timezone.now(), only=case)
        case.refresh_from_db()


def _open_missing(subjects: dict[str, Subject]) -> int:
    known = {case.key: case for case in Case.objects.filter(key__in=subjects)}
    new = [
        Case(
            kind=subject.kind,
            key=key,
            saver_id=subject.saver_id,
            summary=subject.summary[:300],
            opened_at=subject.since,
            due_at=subject.due_at,
            **subject.rows,
        )
        for key, subject in subjects.items()
        if key not in known
    ]
    Case.objects.bulk_create(new, ignore_conflicts=True)
    again = [key for key, case in known.items() if not case.is_open]
    for key in again:
        _open_again(key, subjects[key])
    for key, case in known.items():
        # The provider may move a deadline, and the sentence may name a newer problem.
        now = (subjects[key].summary[:300], subjects[key].due_at)
        if case.is_open and (case.summary, case.due_at) != now:
            Case.objects.filter(pk=case.pk).update(summary=now[0], due_at=now[1], alarmed_at=None)
    return len(new) + len(again)


def _open_again(key: str, subject: Subject) -> None:
    with atomic():
        solved = Case.objects.filter(key=key, state=Case.State.SOLVED)
        reopened = solved.update(
            state=Case.State.OPEN,
            solved_at=None,
            solved_by=None,
            outcome="",
            opened_at=timezone.now(),
            summary=subject.summary[:300],
            due_at=subject.due_at,
            alarmed_at=None,
        )
        if reopened:
            case = Case.objects.get(key=key)
            StaffNote.objects.create(case=case, saver_id=case.saver_id, text=messages.OPENED_AGAIN)


def _solve_others(
    kind: str, waiting: Iterable[str], now: datetime.datetime, *, only: Case | None = None
) -> int:
    """Solve the open cases of a kind whose subject does not wait any more.

    Each subject that is not among those `waiting` is read again: since the list was read, another process may have
    opened its case.
    """
    over = (
        Case.objects.unsolved().filter(kind=kind, key__startswith=f"{kind}:").exclude(key__in=list(waiting))
    )
    if only is not None:
        over = over.filter(pk=only.pk)
    solved = 0
    for case in over:
        with atomic():
            row_id = int(case.key.partition(":")[2])
            if any(case_subjects.WAITING[kind]([row_id])):
                continue
            case_subjects.release(case)
            solved += _end(case, by=None, outcome=case_subjects.outcome(case), at=now)
    return solved


def _end(case: Case, *, by: User | None, outcome: str, at: datetime.datetime) -> int:
    ended = Case.objects.unsolved().filter(pk=case.pk)
    return ended.update(state=Case.State.SOLVED, solved_at=at, solved_by=by, outcome=outcome)


def _alarm(now: datetime.datetime) -> None:
    """Log an error, once, for each case whose deadline is near."""
    near = Case.objects.unsolved().filter(due_at__lte=now + _ALARM_BEFORE, alarmed_at=None)
    for case in near:
        if near.filter(pk=case.pk).update(alarmed_at=now):
            logger.error("%s has to be decided by %s: %s", case, case.due_at, case.summary)


def _lock(case: Case) -> Case:
    now = Case.objects.select_for_update().get(pk=case.pk)
    if not now.is_open:
        raise Refused(messages.SOLVED_ALREADY)
    return now
