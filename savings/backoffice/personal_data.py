"""Where the database names a person: every table, how its rows lead to the person, and which columns are secrets.

The export of a person's data writes these tables, and a test demands that each relation to a user is named here.
"""

from __future__ import annotations

import dataclasses
from functools import reduce
from operator import or_
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Model, Q, QuerySet

from savings.models import (
    Account,
    AuditRow,
    AutosaveRule,
    AutosaveRun,
    CalendarFeed,
    Case,
    Circle,
    CircleEvent,
    Device,
    DigestLine,
    Dispute,
    EmailChange,
    Entry,
    ForfeitedInterest,
    InterestPosting,
    ManualPosting,
    Membership,
    Notice,
    OutboxRow,
    Payment,
    Payout,
    Plan,
    RatePeriod,
    Recipient,
    Refund,
    SavedCard,
    StaffNote,
    StaffRequest,
    Statement,
    StatementSubscription,
    Transaction,
    UsedTotpStep,
    User,
)
from savings.models.keys import KeyField


@dataclasses.dataclass(frozen=True)
class Table:
    """One table with rows about a person. `paths` lead from a row to the person's id."""

    model: type[Model]
    paths: tuple[str, ...]
    # Columns that are secrets, or about other people.
    without: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.model._meta.label_lower.partition(".")[2]

    @property
    def columns(self) -> list[str]:
        """The exported columns: without secrets, and without search keys, which repeat a text."""
        return [
            field.attname
            for field in self.model._meta.concrete_fields
            if field.attname not in self.without and not isinstance(field, KeyField)
        ]

    def rows(self, user_id: int) -> QuerySet[Any]:
        """Return the rows about a person."""
        found = self.model._base_manager.filter(reduce(or_, (Q(**{path: user_id}) for path in self.paths)))
        return found.distinct() if len(self.paths) > 1 else found


def _table(model: type[Model], paths: str, without: str = "") -> Table:
    return Table(model, tuple(paths.split()), frozenset(without.split()))


TABLES = [
    _table(User, "pk", "password credentials_changed_at version is_staff is_superuser"),
    _table(EmailAddress, "user"),
    _table(EmailChange, "user", "asked_by_id"),
    _table(Device, "user", "token_hash"),
    _table(UserSession, "user", "session_key data"),
    _table(Authenticator, "user", "data"),
    _table(Plan, "user"),
    _table(Account, "user plan__user"),
    _table(RatePeriod, "account__user account__plan__user"),
    _table(InterestPosting, "account__user account__plan__user"),
    _table(ForfeitedInterest, "account__user account__plan__user"),
    _table(Transaction, "user"),
    _table(Entry, "transaction__user"),
    _table(ManualPosting, "transaction__user", "asked_by_id approved_by_id"),
    _table(Payment, "transaction__user"),
    _table(Refund, "transaction__user payment__transaction__user"),
    _table(Dispute, "payment__transaction__user", "answered_by_id"),
    _table(Recipient, "user"),
    _table(Payout, "user", "decided_by_id"),
    _table(SavedCard, "user", "authorization_code signature"),
    _table(AutosaveRule, "user"),
    _table(AutosaveRun, "rule__user"),
    _table(Notice, "user"),
    _table(Circle, "owner", "invite_code"),
    _table(Membership, "user"),
    _table(CircleEvent, "membership__user"),
    _table(DigestLine, "user"),
    _table(CalendarFeed, "user", "nonce"),
    _table(Statement, "user", "sealed_password file_name checkpoint"),
    _table(StatementSubscription, "user"),
    # Mails, without links and codes: `person_exports` replaces the text. A payload may hold one.
    _table(OutboxRow, "user", "payload html traceparent dedupe_key"),
    _table(Case, "saver", "assignee_id solved_by_id"),
    _table(StaffNote, "saver case__saver", "author_id"),
    _table(StaffRequest, "saver", "asked_by_id decided_by_id"),
    _table(AuditRow, "saver", "staff_id"),
]

# Relations to a user that no table above follows, by model and field, and why.
NOT_EXPORTED = {
    "savings.EmailChange.asked_by": "the member of staff who asked for the change",
    "savings.Payout.decided_by": "the member of staff who decided",
    "savings.Dispute.answered_by": "the member of staff who answered",
    "savings.ManualPosting.asked_by": "the member of staff who asked",
    "savings.ManualPosting.approved_by": "the member of staff who approved",
    "savings.Case.assignee": "the member of staff who works on it",
    "savings.Case.solved_by": "the member of staff who solved it",
    "savings.StaffNote.author": "the member of staff who wrote it",
    "savings.StaffRequest.asked_by": "the member of staff who asked",
    "savings.StaffRequest.decided_by": "the member of staff who decided",
    "savings.AuditRow.staff": "the member of staff who acted",
    "savings.ProductChange.asked_by": "the member of staff who asked",
    "savings.ProductChange.approved_by": "the member of staff who approved",
    "savings.StaffExport.asked_by": "the member of staff who asked for a list",
    "savings.LedgerProof.asked_by": "the member of staff who had the books proved",
    "savings.UsedTotpStep.user": "the number of the last 30-second step of an app, which says nothing about a person",
    "savings.User_groups.user": "roles of staff",
    "savings.User_user_permissions.user": "rights of staff",
    "admin.LogEntry.user": "what a member of staff did in the admin",
}

# What an erasure deletes: how a person signs in, and from where.
SIGN_IN_ROWS: list[type[Model]] = [
    EmailAddress,
    EmailChange,
    Device,
    UserSession,
    Authenticator,
    UsedTotpStep,
]
