"""Previews: what an action would post now, found by running it and taking everything back."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from django.db.models import Q, QuerySet
from django.db.transaction import atomic

from savings import mails, references
from savings.backoffice import messages
from savings.backoffice.account_names import Line, line_of
from savings.backoffice.action_runs import Asked
from savings.backoffice.actions import ACTIONS, Action
from savings.backoffice.checks import check_not_own
from savings.exceptions import ProviderRefused, ProviderUnavailable, Refused
from savings.models import Entry, OutboxRow, Transaction, User

logger = logging.getLogger(__name__)

MAY_DECIDE = "savings.decide_staffrequest"


@dataclasses.dataclass(frozen=True)
class Preview:
    """What an action would post now, the facts that it would be made on, and the mails that the saver would get."""

    lines: list[Line]
    facts: dict[str, Any]
    # The subject and the text of each. They do not count when two previews are compared.
    mails: list[tuple[str, str]] = dataclasses.field(default_factory=list, compare=False)


class ProviderAway(Refused):
    """An action that needs an answer of the provider, which does not answer now."""


class _Undone(Exception):
    def __init__(self, lines: list[Line], written: list[tuple[str, str]]) -> None:
        super().__init__()
        self.lines = lines
        self.written = written


def preview(action_name: str, values: dict[str, Any], *, asked_by: User, reason: str = "") -> Preview:
    """Return what an action would post now, by running it and taking everything back.

    Raises Refused as `ask` does, but not without a reason; ProviderAway for an action that asks the provider first,
    when that does not answer.
    """
    action = _allowed(action_name, values, asked_by)
    saver = action.saver(values)
    approver = _somebody_else(asked_by, saver)
    reason = reason.strip() or messages.REASON_TO_COME
    prepared = prepare(action, values)
    asked = Asked(values, new_reference(action), asked_by, approver, reason, prepared)
    try:
        with atomic():
            facts = action.facts(values)
            last_id = OutboxRow.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            movement = action.run(asked)
            if movement is not None and action.tell is not None:
                action.tell(movement, values)
            raise _Undone(lines_of(movement), _mails(saver, last_id))
    except _Undone as undone:
        return Preview(undone.lines, facts, undone.written)


def prepare(action: Action, values: dict[str, Any]) -> Any:
    """Ask the provider what an action needs to know, outside any database transaction. None if it needs nothing.

    Raises ProviderAway when the provider does not answer, and Refused when it says that the action is not possible.
    """
    if action.prepare is None:
        return None
    try:
        return action.prepare(values)
    except (ProviderUnavailable, ProviderRefused) as error:
        logger.warning("the provider did not say what %s needs: %s", action.name, error)
        raise ProviderAway(messages.PROVIDER_AWAY) from None


def _somebody_else(asked_by: User, saver: User | None) -> User:
    """Return a member of staff who could approve, for the trial run. Raises Refused when there is nobody."""
    others = staff_with(MAY_DECIDE).exclude(pk__in=[asked_by.pk, saver.pk if saver else asked_by.pk])
    somebody = others.order_by("pk").first()
    if somebody is None:
        raise Refused(messages.NOBODY_ELSE)
    return somebody


def staff_with(permission: str) -> QuerySet[User]:
    """Return the active members of staff with a permission."""
    codename = permission.rpartition(".")[2]
    may = (
        Q(is_superuser=True)
        | Q(groups__permissions__codename=codename)
        | Q(user_permissions__codename=codename)
    )
    return User.objects.filter(may, is_staff=True, is_active=True).distinct()


def _allowed(action_name: str, values: dict[str, Any], asked_by: User) -> Action:
    action = ACTIONS.get(action_name)
    if action is None:
        raise Refused(messages.UNKNOWN_ACTION)
    if not (asked_by.is_staff and asked_by.is_active and asked_by.has_perm(action.permission)):
        raise Refused(messages.NOT_ALLOWED)
    check_not_own(action.saver(values), asked_by)
    return action


def new_reference(action: Action) -> str:
    return references.new(action.kind)


def lines_of(movement: Transaction | None) -> list[Line]:
    """Return the entries of a transaction and of its parts."""
    if movement is None:
        return []
    rows = Entry.objects.filter(transaction__in=_family_ids(movement))
    entries = rows.select_related("debit_account", "credit_account").order_by("id")
    return [line_of(entry) for entry in entries]


def _mails(saver: User | None, last_id: int) -> list[tuple[str, str]]:
    """Return the subject and the text of each mail to a saver since a row of the outbox."""
    rows = OutboxRow.objects.filter(pk__gt=last_id, user=saver, kind__in=mails.KINDS)
    related = ("user", "transaction__plan", "transaction__user")
    return [mails.written(row) for row in rows.select_related(*related).order_by("id")] if saver else []


def _family_ids(movement: Transaction) -> list[int]:
    # Read first: PostgreSQL has no index for a condition on the parts that is joined by OR to one on the row itself.
    return [movement.pk, *Transaction.objects.filter(part_of=movement).values_list("pk", flat=True)]
