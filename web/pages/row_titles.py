"""The title of a row's page in words, such as “Card top-up of ₦4,000.00 by Ada Obi, 12 Nov 2026”."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst

from savings import mails, money
from savings.backoffice import Verb
from savings.models import (
    Account,
    AuditRow,
    AutosaveRule,
    AutosaveRun,
    BalanceDay,
    BoardDay,
    CalendarFeed,
    CircleEvent,
    ClosedMonth,
    CoverageDay,
    Dispute,
    Entry,
    InterestPosting,
    JobRun,
    LedgerProof,
    Membership,
    MoneyDay,
    Notice,
    OutboxRow,
    Payment,
    Payout,
    Plan,
    Postponement,
    ProductChange,
    ProductRate,
    RatePeriod,
    Recipient,
    Refund,
    Settlement,
    StaffExport,
    StaffNote,
    Statement,
    TaxRate,
    Transaction,
    User,
    WebhookEvent,
)
from web.messages import admin as words
from web.messages import lists

_UNKNOWN = "an unknown payer"


def title_of(row: Model) -> str:
    """Return the title of a row's page: with a capital, unless it begins with an email address or a code."""
    title = _TITLES.get(type(row), str)(row)
    return title if set(title.partition(" ")[0]) & set("@_.") else capfirst(title)


def kind_in_words(kind: str) -> str:
    """Return what a row of the outbox sends: the name of a mail, or of a task."""
    if kind in mails.KINDS:
        return mails.KINDS[kind][0]
    return words.TASKS.get(kind) or capfirst(kind.replace("_", " "))


def job_in_words(job: str) -> str:
    return capfirst(job.replace("_", " "))


def jobs_in_words(jobs: Iterable[str]) -> str:
    return ", ".join(map(job_in_words, jobs))


def _person(user: User | None) -> str:
    return (user.name or user.email) if user else _UNKNOWN


def _day(day: datetime.date | datetime.datetime) -> str:
    return date_format(timezone.localtime(day) if isinstance(day, datetime.datetime) else day, "j M Y")


def _moment(at: datetime.datetime) -> str:
    return date_format(timezone.localtime(at), "j M Y, H:i")


def _movement(row: Transaction) -> str:
    amount = money.naira(getattr(row, "moved_kobo", row.amount_kobo))
    # What the house's money was moved for, if the page has read it.
    purpose = getattr(row, "purpose", "")
    what = f"{purpose}: {amount}" if purpose else f"{row.get_kind_display()} of {amount}"
    by = f" by {_person(row.user)}" if row.user_id else ""
    return f"{what}{by}, {_day(row.created_on)}"


def _of_movement(what: str, movement: Transaction, person: str) -> str:
    return f"{what} of {money.naira(movement.amount_kobo)} {person}, {_day(movement.created_on)}"


def _rule(row: AutosaveRule) -> str:
    amount = f"of {money.naira(row.amount_kobo)} " if row.amount_kobo else ""
    return f"Auto-save {amount}{row.get_every_display().lower()}, {_person(row.user)}"


def _mail_or_task(row: OutboxRow) -> str:
    to = f" to {_person(row.user)}" if row.user_id else ""
    return mails.subject_for_staff(row) or f"{kind_in_words(row.kind)}{to}"


_TITLES: dict[type[Model], Callable[[Any], str]] = {
    Account: lambda row: f"{row.get_kind_display()} account {row.pk}",
    AuditRow: lambda row: f"{Verb(row.verb).label}, {_moment(row.at)}",
    AutosaveRule: _rule,
    AutosaveRun: lambda row: f"Auto-save of {_day(row.due_on)}",
    BalanceDay: lambda row: f"Balances at the end of {_day(row.day_on)}",
    BoardDay: lambda row: f"Leaderboard of {row.circle}, {_day(row.day)}",
    CalendarFeed: lambda row: f"Calendar feed of {_person(row.user)}",
    CircleEvent: lambda row: f"{row.membership} {row.get_kind_display()}",
    ClosedMonth: lambda row: date_format(row.month_on, "F Y"),
    CoverageDay: lambda row: f"Coverage at the end of {_day(row.day_on)}",
    Dispute: lambda row: (
        f"Dispute about {money.naira(row.amount_kobo)} of {_person(row.payment.transaction.user)}"
    ),
    Entry: lambda row: f"{row.get_code_display()} of {money.naira(row.amount_kobo)}, {_day(row.posted_at)}",
    InterestPosting: lambda row: (
        f"Interest of {money.naira(row.gross_kobo)} for {_person(row.account.user)}, posted {_day(row.posted_at)}"
    ),
    JobRun: lambda row: job_in_words(row.job),
    LedgerProof: lambda row: f"Proof of {_moment(row.began_at)}",
    Membership: lambda row: f"{row.nickname} in {row.circle}",
    MoneyDay: lambda row: f"Money of {_day(row.day_on)}",
    Notice: lambda row: f"Notice of {money.naira(row.amount_kobo)} by {_person(row.user)}",
    OutboxRow: _mail_or_task,
    Payment: lambda row: _of_movement("Payment", row.transaction, f"by {_person(row.transaction.user)}"),
    Payout: lambda row: _of_movement("Withdrawal", row.transaction, f"by {_person(row.user)}"),
    Plan: lambda row: f"“{row.name}” of {_person(row.user)}",
    Postponement: lambda row: f"{job_in_words(row.task)}, row number {row.row_id}",
    ProductChange: lambda row: f"Change of {row.product or 'a new product'} from {_day(row.valid_from)}",
    ProductRate: lambda row: f"{money.percent(row.rate_bps)} for {row.product}",
    RatePeriod: lambda row: (
        f"{money.percent(row.rate_bps)} from {_day(datetime.date.fromordinal(row.from_day))} for"
        f" {f'“{row.account.plan.name}”' if row.account.plan_id else 'the stash'} of {_person(row.account.user)}"
    ),
    Recipient: lambda row: f"{row}, {row.account_name}",
    Refund: lambda row: _of_movement("Refund", row.transaction, f"to {_person(row.transaction.user)}"),
    Settlement: lambda row: f"Settlement of {money.naira(row.net_kobo)}, {_day(row.settled_on)}",
    StaffExport: lambda row: f"Export of {_moment(row.requested_at)}",
    StaffNote: lambda row: f"Note of {_moment(row.written_at)}",
    Statement: lambda row: f"{row.get_scope_display()}, {_day(row.since)} to {_day(row.until)}",
    TaxRate: lambda row: f"{money.percent(row.rate_bps)} from {_day(row.from_on)}",
    Transaction: _movement,
    User: _person,
    WebhookEvent: lambda row: lists.event(row.event),
}
