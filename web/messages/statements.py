"""The sentences about statements: notices, states, sizes, and what a request will contain."""

from __future__ import annotations

import datetime

from django.utils.translation import ngettext

from web import date_formats
from web.messages.spacing import unbroken

# Notices, most with a smaller second line.
MAKING = "Making your statement"
EMAIL_WHEN_READY = "We’ll email you when it’s ready."
EMAIL_WHEN_READY_AND_MONTHLY = "We’ll email you when it’s ready. The monthly ones follow on the 1st."
READY = "Your statement is ready"
NOT_MADE = "We couldn’t make a statement"
ALREADY_HERE = "Already here"
SAME_A_MOMENT_AGO = "You asked for the same one a moment ago."
EMAIL_SENT = "Email sent"
REVOKED = "Revoked"
FILE_DELETED = "Its links no longer work and the file is deleted."
DELETED = "Deleted"
MONTHLY_STOPPED = "Monthly statement stopped"
OLD_ONES_STAY = "The ones you have stay here."

# States.
QUEUED = "In the queue. You can close this page: we’ll email you."
FAILED = "Couldn’t be made."
EXPIRED = "Expired. Make it again any time."

# Facts.
CERTIFICATE = "Certificate of interest and tax"
CLOSING_BALANCE = "Closing balance"
INTEREST_AFTER_TAX = "Interest after tax"
HAS_PASSWORD = "password"  # noqa: S105 - a word

# What a request will contain, before it is sent.
NO_TRANSACTIONS = "No transactions in this period. The statement will show one balance."
SINCE_JOINED = "since you joined"

# Verifying.
FILE_TOO_LARGE = "That file is too large to send. Use a browser that runs scripts: it sends nothing."
TOO_MANY_CHECKS = (
    "Too many wrong checks. We answer ten a minute and sixty an hour from one IP address, and five a day about one"
    " statement. Wait for a while, then try again."
)


def all_up_to(day: datetime.date) -> str:
    return f"All time, to {date_formats.day(day)}"


def before_joining(joined_on: datetime.date) -> str:
    return f"You joined on {date_formats.day(joined_on)}. Choose that day or a later one."


def sent_to(email: str) -> str:
    return f"To {email}"


def named(subject: str, period: str) -> str:
    return f"{subject}, {period}"


def monthly(file_format: str, month: str) -> str:
    return f"{file_format}, next for {month}"


def writing(rows: int, expected: int | None) -> str:
    if expected is None:
        return f"{rows:,} transactions so far. You can close this page: we’ll email you."
    return f"{rows:,} of {expected:,} transactions. You can close this page: we’ll email you."


def transaction_count(count: int) -> str:
    return ngettext("%(count)s transaction", "%(count)s transactions", count) % {"count": f"{count:,}"}


def too_many_for_pdf(most: int) -> str:
    return f"More than {most:,} transactions: too many for a PDF. Choose Excel or CSV."


def times(count: int) -> str:
    """Return how often something happened: `not yet`, `once`, `3 times`."""
    return {0: "not yet", 1: "once", 2: "twice"}.get(count, f"{count:,} times")


def downloaded(count: int) -> str:
    return {1: "downloaded once", 2: "downloaded twice"}.get(count, f"downloaded {count:,} times")


def available_until(day: datetime.date) -> str:
    return f"until {unbroken(date_formats.day(day, with_year=False))}"


def size(size_bytes: int) -> str:
    """Return a file's size: `142 kB`, `1.2 MB`."""
    if size_bytes < 1_000:
        return ngettext("%(bytes)d byte", "%(bytes)d bytes", size_bytes) % {"bytes": size_bytes}
    if size_bytes < 999_500:
        return f"{size_bytes / 1_000:.0f} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"
