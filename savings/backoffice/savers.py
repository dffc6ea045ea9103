"""Everything about one saver on one page, the newest rows of each kind, in a fixed number of queries."""

from __future__ import annotations

import dataclasses

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import F, Sum

from savings import ledger, mails
from savings.backoffice import audit, cases
from savings.ledger import Available
from savings.models import (
    Account,
    AuditRow,
    AutosaveRule,
    Case,
    Device,
    EmailChange,
    Membership,
    OutboxRow,
    Payout,
    Plan,
    Recipient,
    SavedCard,
    StaffNote,
    StaffRequest,
    Statement,
    Transaction,
    User,
)

# The newest rows of each kind that are shown; the lists have all.
MOST_ROWS = 5
# Of the tables. One row more tells whether there are more.
_READ_ROWS = MOST_ROWS + 1


@dataclasses.dataclass(frozen=True)
class SaverSheet:
    """A saver's money, rows and ways to sign in. Amounts are in kobo."""

    user: User
    stash_kobo: int
    plans_kobo: int
    on_hold_kobo: int
    available: Available
    # The row of the audit log that froze the saver, None without a freeze.
    froze: AuditRow | None
    cases: list[Case]
    requests: list[StaffRequest]
    plans: list[Plan]
    memberships: list[Membership]
    rules: list[AutosaveRule]
    cards: list[SavedCard]
    recipients: list[Recipient]
    transactions: list[Transaction]
    payouts: list[Payout]
    mails: list[OutboxRow]
    statements: list[Statement]
    sessions: list[UserSession]
    devices: list[Device]
    steps: list[Authenticator]
    emails: list[EmailAddress]
    email_changes: list[EmailChange]
    notes: list[StaffNote]

    @property
    def total_kobo(self) -> int:
        return self.stash_kobo + self.plans_kobo + self.on_hold_kobo

    @property
    def waits_for_confirmation(self) -> bool:
        """Whether a new email address waits to be confirmed, see `waiting_proposals`."""
        return any(change.effective_at is None and change.ended_at is None for change in self.email_changes)


def saver_sheet(user: User) -> SaverSheet:
    """Return what the page of a saver shows, in 23 queries however much the saver has."""
    sums = Account.objects.filter(user=user).order_by().values_list("kind").annotate(kobo=Sum("balance_kobo"))
    balances = dict(sums)
    own = {"user": user}
    freezes = AuditRow.objects.filter(saver=user, verb=audit.Verb.FROZEN).select_related("staff")
    plans = Plan.objects.filter(**own).select_related("account", "membership")
    sent = OutboxRow.objects.filter(kind__in=mails.KINDS, **own).defer("payload", "text", "html")
    return SaverSheet(
        user=user,
        stash_kobo=balances.get(Account.Kind.STASH, 0),
        plans_kobo=balances.get(Account.Kind.PLAN, 0),
        on_hold_kobo=balances.get(Account.Kind.HOLD, 0),
        available=ledger.available(user),
        froze=freezes.order_by("-pk").first() if user.frozen else None,
        # Open ones first.
        cases=list(
            Case.objects.filter(saver=user).select_related("assignee").order_by("state", "-pk")[:MOST_ROWS]
        ),
        requests=list(
            StaffRequest.objects.filter(saver=user).select_related("asked_by").order_by("-pk")[:MOST_ROWS]
        ),
        # Those with money first, so that none of it is missing beside the sum.
        plans=list(
            plans.order_by(F("closed_at").desc(nulls_first=True), "-account__balance_kobo", "-pk")[
                :_READ_ROWS
            ]
        ),
        memberships=list(
            Membership.objects.filter(**own).select_related("circle", "plan").order_by("-pk")[:_READ_ROWS]
        ),
        rules=list(AutosaveRule.objects.filter(**own).select_related("plan").order_by("-pk")[:_READ_ROWS]),
        cards=list(SavedCard.objects.filter(**own).order_by("-pk")[:_READ_ROWS]),
        recipients=list(Recipient.objects.filter(**own).order_by("-pk")[:_READ_ROWS]),
        transactions=list(
            Transaction.objects.filter(**own)
            .with_moved()
            .select_related("plan", "payout")
            .order_by("-pk")[:_READ_ROWS]
        ),
        payouts=list(
            Payout.objects.filter(**own)
            .select_related("transaction", "recipient")
            .order_by("-pk")[:_READ_ROWS]
        ),
        mails=list(sent.order_by("-pk")[:_READ_ROWS]),
        statements=list(
            Statement.objects.filter(**own).select_related("plan", "circle").order_by("-pk")[:_READ_ROWS]
        ),
        sessions=list(UserSession.objects.filter(**own).order_by("-last_seen_at")[:_READ_ROWS]),
        devices=list(Device.objects.filter(**own).order_by("-last_seen_at")[:_READ_ROWS]),
        steps=list(Authenticator.objects.filter(**own).defer("data").order_by("pk")),
        emails=list(EmailAddress.objects.filter(**own)),
        email_changes=list(EmailChange.objects.filter(**own).order_by("-pk")[:_READ_ROWS]),
        notes=list(
            StaffNote.objects.filter(saver=user).select_related("author", "case").order_by("-pk")[:MOST_ROWS]
        ),
    )


def write_saver_note(saver: User, text: str, *, by: User) -> StaffNote:
    """Add a note to a saver. The same form sent twice writes one. Raises Refused as `write_note` does."""
    latest = StaffNote.objects.filter(saver=saver).order_by("-pk").first()
    if latest is not None and latest.author_id == by.pk and latest.text == text.strip():
        return latest
    return cases.write_note(text, by=by, saver=saver)
