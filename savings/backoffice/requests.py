"""Requests: one member of staff asks for an action, and another approves it. The database refuses the same person."""

from __future__ import annotations

import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils import timezone

from savings import typed_text
from savings.backoffice import audit, cases, messages
from savings.backoffice.action_runs import Asked
from savings.backoffice.actions import ACTIONS, Action
from savings.backoffice.checks import check_not_own, check_reason
from savings.backoffice.previews import (
    MAY_DECIDE,
    Preview,
    ProviderAway,
    lines_of,
    new_reference,
    prepare,
    preview,
)
from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.models import Case, StaffRequest, Transaction, User
from savings.models.constraints import is_violation_of

State = StaffRequest.State


class PreviewChanged(Refused):
    """An action that would not post any more what the person has seen."""


def ask(
    action_name: str,
    values: dict[str, Any],
    *,
    asked_by: User,
    reason: str,
    case: Case | None = None,
    seen: Preview | None = None,
    reference: str | None = None,
) -> StaffRequest:
    """Ask for an action, which another member of staff has to approve, and return the request.

    `seen` is the preview that the person saw; another one by now is refused, with PreviewChanged. A repeat with the
    same `reference` returns the first request. Raises Refused when the person may not ask for it, without a reason, for
    an action about their own money, when a request about the same waits already, and whenever the action itself would
    be refused now; ReferenceTaken when the reference belongs to another request.
    """
    check_reason(reason)
    details = {"action": action_name, "values": values, "asked_by": asked_by, "reason": reason.strip()}
    if reference is not None and (earlier := _asked_before(reference, details)):
        return earlier
    found = preview(action_name, values, asked_by=asked_by, reason=reason)
    if seen is not None and seen != found:
        raise PreviewChanged(messages.PREVIEW_CHANGED)
    try:
        request = _store(ACTIONS[action_name], found, case, reference, details)
    except IntegrityError as error:
        # The same form was sent twice at once.
        if reference is not None and (earlier := _asked_before(reference, details)):
            return earlier
        if is_violation_of(error, "request_once_per_subject"):
            raise Refused(messages.SUBJECT_WAITS) from None
        raise
    return request


def _store(
    action: Action, found: Preview, case: Case | None, reference: str | None, details: dict[str, Any]
) -> StaffRequest:
    now, values = timezone.now(), details["values"]
    with atomic():
        request = StaffRequest.objects.create(
            **details,
            reference=reference or new_reference(action),
            facts=found.facts,
            lines=found.lines,
            subject=action.subject(values),
            case=case,
            saver=action.saver(values),
            asked_at=now,
            expires_at=now + datetime.timedelta(hours=settings.STAFF.request_hours),
        )
        text = f"{action.name}: {request.reason}"
        _record(audit.Verb.REQUEST_MADE, request, by=request.asked_by, text=text)
    return request


def approve(request: StaffRequest, *, by: User) -> StaffRequest:
    """Carry out what a request asks for, and return the request: done, or void or expired with its reason.

    The action runs in the commit that ends the request. Raises Refused when `by` asked for it, may not approve, or is
    the saver whose money it moves, and when the request is over already; ProviderAway for an action that asks the
    provider first, when that does not answer.
    """
    _check_decider(request, by)
    try:
        is_late = request.expires_at <= timezone.now()
        prepared = None if is_late else prepare(ACTIONS[request.action], request.values)
    except ProviderAway:
        raise
    except Refused as refused:
        return _void(request, by, str(refused))
    with atomic():
        now = _lock(request, by)
        why = _why_void(now)
        if now.expires_at <= timezone.now():
            return _end(now, State.EXPIRED, answer=messages.TOO_LATE)
        if why:
            return _end(now, State.VOID, answer=why)
        try:
            with atomic():
                movement = _carry_out(now, by, prepared)
        except Refused as refused:
            return _end(now, State.VOID, answer=str(refused)[:300])
        ended = _end(now, State.DONE, by=by, movement=movement)
        _record(audit.Verb.REQUEST_APPROVED, now, by=by, text=now.action)
    if ended.case is not None:
        cases.refresh(ended.case)
    return ended


def refuse(request: StaffRequest, *, by: User, answer: str) -> StaffRequest:
    """Refuse a request with a reason. Raises Refused as `approve` does, and without a reason on the field `answer`."""
    answer = typed_text.line(answer)
    if not answer:
        raise Refused(messages.REFUSAL_MISSING, field="answer")
    with atomic():
        now = _lock(request, by)
        ended = _end(now, State.REFUSED, by=by, answer=answer[:300])
        _record(audit.Verb.REQUEST_REFUSED, now, by=by, text=answer)
    return ended


def withdraw(request: StaffRequest, *, by: User) -> StaffRequest:
    """Withdraw one's own request. Raises Refused for another person's, and for one that is over."""
    with atomic():
        now = StaffRequest.objects.select_for_update().get(pk=request.pk)
        _check_waiting(now)
        if now.asked_by_id != by.pk:
            raise Refused(messages.ASKED_BY_ANOTHER)
        ended = _end(now, State.WITHDRAWN)
        _record(audit.Verb.REQUEST_WITHDRAWN, now, by=by)
    return ended


def expire_requests(now: datetime.datetime) -> int:
    """End the requests that nobody decided in time, and return how many."""
    expired = 0
    for request_id in StaffRequest.objects.waiting().filter(expires_at__lte=now).values_list("pk", flat=True):
        with atomic():
            request = StaffRequest.objects.select_for_update().get(pk=request_id)
            if request.is_waiting:
                _end(request, State.EXPIRED, answer=messages.TOO_LATE)
                expired += 1
    return expired


def may_approve(request: StaffRequest, user: User) -> bool:
    """Return whether a user may approve a request, for the buttons of a page. `approve` checks again."""
    is_another = user.pk not in {request.asked_by_id, request.saver_id}
    return request.is_waiting and is_another and user.has_perm(MAY_DECIDE)


def _asked_before(reference: str, details: dict[str, Any]) -> StaffRequest | None:
    """Return the request with a reference, None if there is none. Raises ReferenceTaken if its details are others."""
    earlier = StaffRequest.objects.select_related("asked_by").filter(reference=reference).first()
    if earlier is not None and any(getattr(earlier, name) != value for name, value in details.items()):
        raise ReferenceTaken(SENT_OTHERWISE)
    return earlier


def _lock(request: StaffRequest, by: User) -> StaffRequest:
    now = StaffRequest.objects.select_for_update().get(pk=request.pk)
    _check_decider(now, by)
    return now


def _check_decider(request: StaffRequest, by: User) -> None:
    """Raise Refused when a request is over, or is not for this person to decide."""
    _check_waiting(request)
    if request.asked_by_id == by.pk:
        raise Refused(messages.OWN_REQUEST)
    check_not_own(request.saver_id, by)
    # Read again: the right may have been taken since the page was opened.
    person = User.objects.get(pk=by.pk)
    if not (person.is_staff and person.is_active and person.has_perm(MAY_DECIDE)):
        raise Refused(messages.NOT_ALLOWED)


def _why_void(request: StaffRequest) -> str:
    """Return why a request is void, empty if it is not. Locks the saver, so that the facts stay as they are."""
    if not (request.asked_by.is_staff and request.asked_by.is_active):
        return messages.ASKER_GONE
    if request.saver_id is not None:
        User.objects.touch(request.saver_id)
    has_changed = ACTIONS[request.action].facts(request.values) != request.facts
    return messages.FACTS_CHANGED if has_changed else ""


def _void(request: StaffRequest, by: User, why: str) -> StaffRequest:
    with atomic():
        return _end(_lock(request, by), State.VOID, answer=why[:300])


def _carry_out(request: StaffRequest, by: User, prepared: Any) -> Transaction | None:
    """Run the action of a request. Raises Refused when it would not post what the request says."""
    action = ACTIONS[request.action]
    asked = Asked(request.values, request.reference, request.asked_by, by, request.reason, prepared)
    movement = action.run(asked)
    if lines_of(movement) != request.lines:
        raise Refused(messages.LINES_CHANGED)
    if movement is not None and action.tell is not None:
        action.tell(movement, request.values)
    return movement


def _check_waiting(request: StaffRequest) -> None:
    if not request.is_waiting:
        raise Refused(messages.ended_already(request.get_state_display(), request.ended_at))


def _end(
    request: StaffRequest,
    state: str,
    *,
    by: User | None = None,
    answer: str = "",
    movement: Transaction | None = None,
) -> StaffRequest:
    request.state, request.decided_by, request.answer = state, by, answer
    request.ended_at, request.transaction = timezone.now(), movement
    request.save(update_fields=["state", "decided_by", "answer", "ended_at", "transaction"])
    if state in {State.VOID, State.EXPIRED}:
        _record(audit.Verb.REQUEST_ENDED, request, by=None, text=f"{state}: {answer}")
    return request


def _record(verb: str, request: StaffRequest, *, by: User | None, text: str = "") -> None:
    audit.record(verb, by=by, saver=request.saver_id, subject=f"request:{request.pk}", text=text)
