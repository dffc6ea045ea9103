"""The sentences about statements: refusals, reasons of failures, and the texts that several file formats share.

The texts of a statement's rows are in `wording`.
"""

from __future__ import annotations

from django.utils.translation import ngettext

# Requesting.
CHOOSE_OWN_PLAN = "Choose one of your plans."
CHOOSE_OWN_CIRCLE = "Choose a circle that you’re in."
NOT_IN_CIRCLE = "You’re not in this circle."
CERTIFICATE_FORMATS = "A certificate is a PDF or a CSV."
DAY_IN_FUTURE = "Choose a day up to today."
LAST_DAY_BEFORE_FIRST = "The last day comes before the first."
NOTHING_THAT_FAR_BACK = "There is nothing that far back."

# Passwords.
PASSWORD_FOR_PDF_ONLY = "Only a PDF can have a password."  # noqa: S105 - a sentence
PASSWORD_TOO_LONG = "This password is too long for a PDF."  # noqa: S105 - a sentence
PASSWORD_UNTYPABLE = "Use letters, digits and symbols that you can type."  # noqa: S105 - a sentence
PASSWORD_GONE = "We no longer have its password. Make the statement again."  # noqa: S105 - a sentence

# A statement that is gone or whose file stays.
GONE = "This statement no longer exists. Make it again."
FILE_NOT_REMOVED = "We can’t delete its file right now. Try again later."

# Failures of writing: a reason, and what happens next.
NO_ROOM = "There was no room for the file."
NOT_STORED = "We couldn’t store the file."
NOT_WRITTEN = "Something went wrong while we made it."
WILL_TRY_AGAIN = "We’ll try again automatically."
MAKE_AGAIN_LATER = "Make it again later."

# Presets of the period.
THIS_MONTH = "This month"
LAST_MONTH = "Last month"
LAST_3_MONTHS = "Last 3 full months"
THIS_YEAR = "This year"
LAST_YEAR = "Last year"
ALL_TIME = "All time"

# Subjects.
STASH = "Stash"
EVERYTHING = "Everything"

# Facts and columns of the files.
STATEMENT = "Statement"
CERTIFICATE = "Certificate"
ISSUED_BY = "Issued by"
STATEMENT_NUMBER = "Statement number"
EMAIL = "Email"
TAX_ID = "Tax withheld by"
PLAN_REFERENCE = "Plan reference"
PRODUCT = "Product"
RATE = "Rate"
OPENING_BALANCE = "Opening balance"
CLOSING_BALANCE = "Closing balance"
MONEY_IN = "Money in"
MONEY_OUT = "Money out"
INTEREST_BEFORE_TAX = "Interest before tax"
INTEREST_AFTER_TAX = "Interest after tax"
TAX_WITHHELD = "Tax withheld"
TOTAL = "Total"
# The kind of a row whose money moves between two accounts of the same statement.
OWN_TRANSFER = "Transfer between your accounts"
CONTRIBUTION = "Contribution"
SAVED_IN_CIRCLE = "Saved in the circle"

# Interest proofs.
INTEREST_PROOF = "Interest proof"
DAYS_OF_INTEREST = "Days of interest"
INTEREST_POSTED = "Interest posted"
INTEREST_CHANGED = "Posted interest changed"
INTEREST_FORFEITED = "Interest of money that went back"
INTEREST_BY_STAFF = "Interest corrected by our staff"
PROOF_AGREES = "This agrees with the account."


def too_many_unfinished(most: int) -> str:
    return f"You already have {most} statements in the queue. Try again when one is ready."


def no_interest_in(year: int) -> str:
    return f"No interest was posted in {year}."


def too_many_rows_for_pdf(most: int) -> str:
    return f"A PDF holds up to {most:,} rows. Choose Excel or CSV, or a shorter period."


def too_many_rows_for_excel(most: int) -> str:
    return f"An Excel file holds up to {most:,} rows. Choose CSV, or a shorter period."


def failure(reason: str, *, is_last: bool) -> str:
    """Return one of the reasons of a failure, and whether another try follows."""
    return f"{reason} {MAKE_AGAIN_LATER if is_last else WILL_TRY_AGAIN}"


def plan_title(plan: str) -> str:
    return f"Plan: {plan}"


def circle_title(circle: str) -> str:
    return f"Circle: {circle}"


def certificate_title(year: int, until: str = "") -> str:
    """Return the title of a certificate; `until` is the last day of a year that is not over."""
    return f"Interest and tax of {year}, up to {until}" if until else f"Interest and tax of {year}"


def file_title(what: str, holder: str, subject: str, period: str) -> str:
    return f"{what} of {holder}. {subject}. {period}"


def rate_before_tax(rate: str) -> str:
    return f"{rate} a year, before tax"


def interest_rates(rates: str) -> str:
    return f"Interest {rates} a year"


def tax_rates(rates: str) -> str:
    return f"Tax {rates}"


def period(since: str, until: str) -> str:
    return f"{since} to {until}"


def made_on(currency: str, day: str, time: str, zone: str) -> str:
    return f"Amounts in {currency}. Made on {day}, {time} ({zone})."


def made_at(moment: str, verify_url: str) -> str:
    return f"Made {moment}. Verify at {verify_url}"


def verify_certificate(verify_url: str) -> str:
    return f"Closing balance: interest after tax. {verify_url}"


def verification_code(code: str) -> str:
    return f"Verification code {code}"


def entry_count(count: int) -> str:
    return ngettext("%(count)d entry", "%(count)d entries", count) % {"count": count}


def proof_days(since: str, until: str, days: int) -> str:
    return ngettext("%(since)s to %(until)s, %(days)d day", "%(since)s to %(until)s, %(days)d days", days) % {
        "since": since,
        "until": until,
        "days": days,
    }


def proof_days_at_rate(plan: str, until: str, days: int, rate: str, numerator: int) -> str:
    return ngettext(
        "%(plan)s. To %(until)s: %(days)d day at %(rate)s. Numerator %(numerator)d",
        "%(plan)s. To %(until)s: %(days)d days at %(rate)s. Numerator %(numerator)d",
        days,
    ) % {"plan": plan, "until": until, "days": days, "rate": rate, "numerator": numerator}


def proof_step(plan: str, numerator: int, left: int | None) -> str:
    if left is None:
        return f"{plan}. Numerator {numerator}"
    return f"{plan}. Numerator {numerator}. Left: {left}"


def proof_step_on(what: str, day: str) -> str:
    return f"{what} on {day}"


def proof_posting_on(what: str, day: str, *, gross: str, tax: str, net: str, left: int) -> str:
    return f"{what} on {day}: {gross}, tax {tax}, after tax {net}; left {left:,}"


def proof_rows_left_out(count: int) -> str:
    return ngettext(
        "%(count)s more row is in Excel and CSV.", "%(count)s more rows are in Excel and CSV.", count
    ) % {"count": f"{count:,}"}


def proof_sums(*, earned: int, posted: int, forfeited: int, by_staff: int, left: int) -> str:
    """Return the numerators of a plan's interest since it began."""
    parts = [f"{earned:,} in total"]
    if by_staff:
        parts.append(f"{by_staff:,} corrected by our staff")
    parts.append(f"{posted:,} posted")
    if forfeited:
        parts.append(f"{forfeited:,} of money that went back")
    return f"Since the plan began: {', '.join(parts)}, {left:,} not posted."


def proof_differs(stored: int) -> str:
    return f"The account differs: it has {stored:,}. Ask our staff for help."
