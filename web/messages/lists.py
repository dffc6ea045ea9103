"""The words of values in the lists of the admin: codes, exceptions of a yes or no, and the titles of cases."""

from __future__ import annotations

import datetime
import re

from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import ngettext

from web import date_formats

# Values that are stored as codes or in the words of savers.
_VALUES = {
    "amount": "Another amount",
    "channel": "Way of paying not accepted",
    "closed": "Account was closed",
    "fee": "Fee not clear",
    "less": "Less than asked for",
    "more": "More than asked for",
    "no_answer": "No answer of the provider",
    "same_payment": "Reported twice",
    "ussd": "USSD",
    "My stash": "The stash",
    "Move to my stash": "Move to the stash",
    "To my stash": "To the stash",
}
# What an event of the provider says.
_EVENTS = {
    "charge.success": "Payment succeeded",
    "charge.dispute.create": "Dispute opened",
    "charge.dispute.remind": "Reminder of a dispute",
    "charge.dispute.resolve": "Dispute decided",
    "transfer.success": "Withdrawal paid",
    "transfer.failed": "Withdrawal failed",
    "transfer.reversed": "Withdrawal came back",
    "refund.pending": "Refund begun",
    "refund.processing": "Refund on its way",
    "refund.processed": "Refund made",
    "refund.failed": "Refund failed",
    "refund.needs-attention": "Refund needs a bank account",
}
# What the provider says of a dispute or refund, in whose words we are the merchant.
_SAID = {
    "awaiting-merchant-feedback": "Waits for our answer",
    "awaiting-bank-feedback": "Waits for the bank",
    "needs-attention": "Needs the payer’s bank account",
}
# What a column of yes and no shows: the exception alone.
EXCEPTIONS = {
    "is_active": {False: "Not active"},
    "is_offered": {False: "Not offered"},
    "hides_amount": {True: "Hidden"},
    "on_board": {False: "Not on the leaderboard"},
    "primary": {False: "Not the main one"},
    "shows_amounts": {True: "With amounts"},
    "verified": {False: "Not confirmed"},
}
# What a column of numbers does not show: everything went as it should.
USUAL_AT_MOST = {"tries": 1, "times_received": 1}
NO_RATE = "none"
STASH = "The stash"
STASHES = "Stashes"
# The amount of an auto-save without one.
REST_OF_GOAL = "What is left to the goal"
# Columns that are empty in most rows.
MOSTLY_EMPTY = {
    *EXCEPTIONS,
    *USUAL_AT_MOST,
    "standing",
    "error",
    "review_reason",
    "due_at",
    "failed_at",
    "next_try_at",
}
# How a proof of the books was started.
FROM_PAGE, FROM_COMMAND_LINE = "Staff, on the page “Ledger health”", "An operator, on the command line"
# What the entries at the end of a month, and their opposites of the next day, are for, by the debited account.
ACCRUALS = {
    "interest_expense": "Interest accrued at the end of a month",
    "interest_payable": "Accrued interest taken back",
}
UNKNOWN_PAYER = "Unknown payer"
_REFERENCE = re.compile(r"\b[A-Z]{3}[0-9A-Z]{17}\b")
_BEGINS_WITH_EVENT = re.compile(r"(?P<event>[a-z]+(\.[a-z-]+)+) *: *(?P<problem>.+)")
_BEGINS_WITH_IT = re.compile(r"[A-Z]{3}[0-9A-Z]{17}: (?P<facts>[^.]*(?:\.\d\d[^.]*)*)\. (?P<problem>.+)")


def event(code: str) -> str:
    """Return what an event of the provider says, in words."""
    return _EVENTS.get(code) or capfirst(code.replace(".", " ").replace("-", " "))


def said(status: str) -> str:
    """Return a state of a dispute or refund at the provider in our words; empty for none."""
    return _SAID.get(status) or capfirst(status.replace("-", " ").replace("_", " "))


def plain(value: str) -> str:
    """Return a code or a choice in words for staff: “Paystack” for `paystack`."""
    if value in _VALUES:
        return _VALUES[value]
    if value != value.lower():
        return value
    text = value.replace("_", " ")
    return text[:1].upper() + text[1:]


def case_title(summary: str) -> tuple[str, str]:
    """Return the problem of a case and the facts about it, both without the reference that the summary begins with."""
    if found := _BEGINS_WITH_IT.fullmatch(summary):
        return found["problem"].removesuffix("."), found["facts"]
    text = re.sub(r"\s{2,}", " ", _REFERENCE.sub("", summary)).strip(" :")
    if found := _BEGINS_WITH_EVENT.fullmatch(text):
        return found["problem"].removesuffix("."), event(found["event"])
    return text[:1].upper() + text[1:].removesuffix("."), ""


def ended(paid: int, failed: int) -> str:
    """Return how payments or withdrawals of a day ended; empty if there were none."""
    parts = [f"{paid:,} paid"] if paid else []
    return ", ".join(parts + ([f"{failed:,} failed"] if failed else []))


def numbered(case_id: int, facts: str) -> str:
    return f"Case {case_id}: {facts}" if facts else f"Case {case_id}"


def usable_from(at: datetime.datetime) -> str:
    return f"Usable from {date_formats.day(timezone.localtime(at).date(), with_year=False)}"


def waited(age: str) -> str:
    return f"for {age}"


def rows(number: int) -> str:
    return ngettext("%(rows)d row", "%(rows)d rows", number) % {"rows": number}


def rows_on_page(number: int) -> str:
    return f"{rows(number)} on this page"


def account_number(number: int, balance_on: datetime.date | None = None) -> str:
    """Return the number of an account, and the day at whose end it held its balance, unless that is of now."""
    if balance_on is None:
        return f"Account {number}"
    return f"Account {number}, balance of {date_formats.day(balance_on, with_year=False)}"


def between(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"


def term(shortest: int | None, longest: int | None) -> str:
    return f"{shortest:,} to {longest:,} days" if shortest and longest else "No term"


def term_from(days: int) -> str:
    if not days:
        return "Any term"
    return ngettext("%(days)s day and more", "%(days)s days and more", days) % {"days": f"{days:,}"}


def rate_from(days: int) -> str:
    """Return which rate of a product it is, by the days of a plan's term."""
    return ngettext("Rate from %(days)s day", "Rate from %(days)s days", days) % {"days": f"{days:,}"}


def statement(about: str, since: datetime.date, until: datetime.date) -> str:
    return f"{about}, {date_formats.period(since, until)}"
