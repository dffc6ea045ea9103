"""The words of the admin: the names of its lists and of fields, empty lists, and what each button does."""

from __future__ import annotations

import datetime

from django.utils.formats import date_format
from django.utils.translation import ngettext

from web.messages import backoffice_front

# The name of one row and of the list, by the label of the model. A model that is not here has Django's name.
_NAMES = {
    "auth.group": ("role", "roles"),
    "account.emailaddress": ("email address", "email addresses"),
    "mfa.authenticator": ("two-step sign-in", "two-step sign-in"),
    "savings.account": ("ledger account", "ledger accounts"),
    "savings.auditrow": ("line of the audit log", "audit log"),
    "savings.autosaverule": ("auto-save rule", "auto-save rules"),
    "savings.autosaverun": ("auto-save", "auto-saves by date"),
    "savings.circleevent": ("event in a circle", "events in circles"),
    "savings.device": ("known device", "known devices"),
    "savings.emailchange": ("change of email address", "changes of email address"),
    "savings.entry": ("ledger entry", "ledger entries"),
    "savings.installation": ("installation", "this installation"),
    "savings.interestposting": ("interest posted", "interest posted"),
    "savings.jobrun": ("job", "jobs"),
    "savings.ledgerproof": ("proof of the books", "proofs of the books"),
    "savings.manualposting": ("posting by hand", "postings by hand"),
    "savings.membership": ("member of a circle", "members of circles"),
    "savings.notice": ("notice", "notices to move money"),
    "savings.outboxrow": ("mail or task", "mails and tasks"),
    "savings.payout": ("withdrawal", "withdrawals"),
    "savings.postponement": ("failure of a job", "failures of jobs"),
    "savings.productchange": ("change of a product", "changes of products"),
    "savings.productrate": ("rate of a product", "rates of products"),
    "savings.rateperiod": ("rate of a plan", "rates of plans"),
    "savings.recipient": ("bank account", "bank accounts"),
    "savings.staffexport": ("export", "exports"),
    "savings.staffnote": ("note", "notes"),
    "savings.staffrequest": ("request", "requests"),
    "savings.toldplaces": ("last mail about ranks", "last mails about ranks"),
    "savings.statementsubscription": ("monthly statement", "monthly statements"),
    "savings.user": ("person", "people"),
    "savings.webhookevent": ("provider event", "provider events"),
    "usersessions.usersession": ("session", "sessions"),
}

# The models of what the audit log names otherwise.
_SUBJECTS = {
    "request": "staffrequest",
    "export": "staffexport",
    "mail": "outboxrow",
    "note": "staffnote",
    "proof": "ledgerproof",
}

# Pages of our own among the lists.
TREASURY, HEALTH, DOCTOR = "Treasury", "Ledger health", "Doctor"

# What a list without rows says. The others say that there are none.
_EMPTY = {
    "mfa.authenticator": "Nobody has set up a second step yet. People do it on their security page.",
    "savings.auditrow": "Nothing yet. Each look and each action of staff is a line here.",
    "savings.autosaverule": "No auto-save rule yet. Savers make them for a plan or the stash.",
    "savings.autosaverun": "No auto-save yet. Each date of a rule is a row here, from its announcement on.",
    "savings.calendarfeed": "Nobody has a calendar feed. Savers get one on their calendar page.",
    "savings.case": "No case is open. The site opens one when somebody has to decide something.",
    "savings.circle": "No circle yet. Savers start them.",
    "savings.circleevent": "Nothing yet. What members of circles save, and who comes first, is here.",
    "savings.device": "No device yet. A browser is here once somebody has signed in with it.",
    "savings.digestline": "Nothing waits. A row is here from the end of a week until its mail is written.",
    "savings.dispute": "No payment was ever disputed. The provider reports a dispute, which then opens a case.",
    "savings.emailchange": "Nobody has changed their email address. A change is here from the moment it is asked for.",
    "savings.entry": "No entry yet. Each movement of money posts its entries here.",
    "savings.forfeitedinterest": "Nobody has given up interest. It happens when money leaves some plans early.",
    "savings.manualposting": "Nothing was posted by hand yet. Finance asks for it on a page of its own:",
    "savings.membership": "No circle has a member yet.",
    "savings.notice": "No notice yet. Savers give one before they move money out of some plans.",
    "savings.outboxrow": "Nothing yet. Each mail is here, before and after it is sent.",
    "savings.payment": "No payment yet. Each time that a saver pays in is a payment.",
    "savings.payout": "No withdrawal yet. Savers withdraw from their stash to a bank account.",
    "savings.plan": "No plan yet. Savers open them from the products.",
    "savings.productchange": "No product was changed yet. A change that waits for approval is in the queue:",
    "savings.recipient": "No bank account yet. Savers add those that they withdraw to.",
    "savings.refund": "No payment was refunded. Finance or support asks for a refund on the page of a transaction.",
    "savings.savedcard": "No card was saved. Savers can save one while they pay.",
    "savings.staffnote": "No note yet. Staff write notes on a case or on a saver’s page.",
    "savings.staffrequest": "Nobody has asked for approval yet. Actions that move money wait here for a colleague.",
    "savings.statement": "No statement yet. Savers ask for them, or get one each month.",
    "savings.statementsubscription": "Nobody gets a monthly statement. Savers ask for it on their statements page.",
    "savings.toldplaces": "No mail about ranks was sent yet. The last one of each circle is here.",
    "savings.transaction": "No transaction yet. Each movement of a saver’s money is one.",
    "savings.usedtotpstep": "No code of an authenticator app was used yet.",
    "savings.webhookevent": "No event yet. The provider reports each payment and transfer here.",
    "usersessions.usersession": "Nobody is signed in.",
    "savings.staffexport": "Nobody has exported a list yet. Press “Export as CSV” on a list.",
    "savings.postponement": "No job has failed on anything. What a job fails on is here until it succeeds.",
    "savings.balanceday": "No day yet. After each midnight, the balances of the day before are stored here.",
    "savings.boardday": "No day yet. After each midnight, the leaderboard of each circle is stored here.",
    "savings.closedmonth": "No month is closed yet. An operator closes one with the command close_month.",
    "savings.coverageday": "No day yet. A job compares each day what we hold with what we owe.",
    "savings.interestposting": "No interest was posted yet. Monthly interest is posted on the first of a month.",
    "savings.moneyday": "No day yet. A job counts the payments and withdrawals of each day.",
    "savings.settlement": "The provider has not paid out to us yet. Each payout to our bank is a row here.",
    "savings.ledgerproof": "The books were not proved yet. The button is on another page:",
}
# The page to which the sentence of an empty list leads: its URL name, the right to see it, and what the link says.
EMPTY_LEADS = {
    "savings.ledgerproof": ("admin:health", "savings.view_coverageday", HEALTH),
    "savings.manualposting": ("admin:treasury", "savings.view_manualposting", TREASURY),
    "savings.productchange": ("admin:requests", "savings.view_staffrequest", "Requests to decide"),
}
NOTHING_FITS = "Nothing fits. Check the search and the filters."

# The names of fields that their code names do not give.
_FIELDS = {
    "accrued_to": "Interest counted up to",
    "accrues_until": "Earns interest until",
    "accrued_numerator": "Interest counted, not posted",
    "approved_by": "Approved by",
    "asked_at": "Asked for",
    "assignee": "Works on it",
    "asked_by": "Asked by",
    "at": "When",
    "at_maturity": "At maturity",
    "code": "Code",
    "created_at": "Created",
    "created_on": "Begun",
    "date_joined": "Joined",
    "dedupe_key": "Key that is sent once",
    "due_at": "Due",
    "due_on": "Due",
    "effective_at": "In effect since",
    "first_failed_at": "First failed",
    "from_on": "Valid from",
    "groups": "Roles",
    "id": "Number",
    "interest_to": "Interest goes",
    "ip": "IP address",
    "is_certificate": "Certificate",
    "is_default": "Default",
    "is_offered": "Savers can choose it",
    "key": "The provider’s key",
    "last_login": "Last sign-in",
    "label": "Device",
    "listed": "List",
    "mandate_at": "Agreed",
    "min_target_kobo": "Smallest goal",
    "meant_for": "Meant for the plan",
    "min_term_days": "Shortest term, days",
    "max_term_days": "Longest term, days",
    "needs_staff": "Needs staff",
    "next_poll_at": "Will be asked again",
    "next_try_at": "Next try",
    "notice_hours": "Notice, hours",
    "on_board": "On the leaderboard",
    "paid_at": "Paid on",
    "payouts_failed": "Withdrawals failed",
    "payouts_paid": "Withdrawals paid",
    "part_of": "Part of",
    "polls": "Times asked",
    "primary": "Primary",
    "provider_id": "Number at the provider",
    "provider_message": "The provider’s message",
    "provider_status": "The provider says",
    "recipient": "Bank account",
    "row_id": "Number of the row",
    "runs": "Runs so far",
    "rows_done": "Rows done",
    "rows_expected": "Rows expected",
    "rows_written": "Rows written",
    "send_at": "To be sent",
    "size_bytes": "Size",
    "size": "Members",
    "sha256": "SHA-256",
    "since": "From",
    "staff_note": "Why staff",
    "started_at": "Last run",
    "status": "State",
    "until": "To",
    "usable_at": "Can be used from",
    "user": "Saver",
    "user_agent": "What the browser says",
    "user_permissions": "Permissions of their own",
    "valid_from": "Valid from",
    "value_on": "Value date",
    "vat": "VAT",
    "verified": "Confirmed",
}
PERSON_NAME, STATE = "Person", "State"
YES, NO = "Yes", "No"
# What a row of the outbox does that sends no mail, by its kind.
TASKS = {
    "autosave_recheck": "Check of an auto-save",
    "case_opening": "Opening of a case",
    "deactivate_card": "Removal of a card at the provider",
    "erase_files": "Erasure of files",
    "erase_recipient": "Erasure of a bank account at the provider",
    "leaderboard": "Update of a leaderboard",
    "ledger_proof": "Proof of the books",
    "payout": "Sending of a withdrawal",
    "person_export": "Export of a person’s data",
    "places": "Check of ranks",
    "staff_export": "Export of a list",
    "statement": "Writing of a statement",
}
# The ways of the second step of a sign-in.
SECOND_STEPS = {"totp": "Authenticator app", "webauthn": "Passkey", "recovery_codes": "Recovery codes"}
_ENDINGS = ("_at", "_on", "_kobo", "_bps")

# What a role may do, by its name; and the words for the account of a person.
ROLES = {
    "Support": "Looks at savers, their money and their cases. Works on cases, asks for movements of savers’ money, and"
    " closes accounts.",
    "Finance": "Does what support does. Also looks at the house’s own accounts, asks for postings of the house, changes"
    " of products and erasures, and exports a person’s data.",
    "Approver": "Looks at what finance sees. Approves and refuses requests and withdrawals.",
    "Auditor": "Looks at everything and exports lists. Changes nothing.",
    "Operations": "Looks at payments, mails and jobs, without entries. Works on cases, asks the provider again, repeats"
    " mails and statements, and proves the books.",
}
PERSON = {
    "is_active": ("May sign in", "Without this, the person can’t sign in. Their money and their data stay."),
    "is_staff": (
        "Staff",
        "May sign in to these pages. What the person sees and does here comes from their roles.",
    ),
    "is_superuser": (
        "Superuser",
        "May do everything, without a role. Two people still decide about money.",
    ),
    "groups": ("Roles", ""),
    "user_permissions": ("Permissions", ""),
}
# The fields that Django names itself.
_OF_DJANGO = {
    "date_joined": "Joined",
    "last_login": "Last signed in",
    **{name: PERSON[name][0] for name in ("is_active", "is_staff", "is_superuser")},
}
# Which emails a person gets, in one line.
EMAILS, ALL_EMAILS = "Emails", "All of them"
PERSON_KNOWN = "Their money, cases, notes and devices are on the saver’s page."
OWN_PERMISSIONS = "Permissions of their own"
ROLE_PEOPLE, ROLE_DOES = "People", "What it may do"
SIGN_IN_RULES = (
    "Their password must have at least 10 characters and be hard to guess: not one of the most used passwords, and not"
    " their name or email address."
)
SIGN_IN_WAYS = ("How they sign in", "With a password", "Without a password")

INSTALLATION = (
    "Every amount is in this currency, and every day begins in this time zone. The epoch names the history in this"
    " database: a restored backup gets a new one, so that nothing cached from the lost history is shown. The version"
    " counts the changes that all savers see, such as new rates, and renews their pages."
)
RATE_OF_PLAN = "The rate is for a year. It applies until the next rate of the same plan begins."
RATE_OF_STASH = "The rate is for a year. It applies until the next rate of the stash begins."
SAME_STAFF = "All lines of this member of staff"
EVENT_CONTENT = "What the provider sent"
JOB_LATE = "It has missed three of its runs. Check that the worker is running."

# What happens after an action on the page of one row, by the name of the action.
CONSEQUENCES = {
    "approve": "The worker sends the money to the bank when it is due.",
    "refuse": "You give a reason. The saver gets it by email, and the money goes back to the stash.",
    "ask_now": "The answer of the provider is booked at once. Nothing is sent twice.",
    "remove": "The saver can’t withdraw to it any more. What was not sent yet goes back to the stash.",
    "ask_again": "The answer of the provider is booked at once. Nothing is charged twice.",
    "try_again": "The worker tries it again at its next run.",
    "send_again": "The saver gets the mail a second time.",
    "make_again": "The worker writes a new file, without a password.",
    "rebuild": "The worker writes the leaderboard again from the books. Nobody’s amount changes.",
    "appoint": "This member can then change the circle and remove members.",
}


def jobs_late(number: int) -> str:
    if not number:
        return ""
    return f"{backoffice_front.jobs_late(number)}: three runs were missed. Check that the worker is running."


def tax_today(rate: str, since: datetime.date) -> str:
    return f"Today’s rate is {rate}, in effect since {date_format(since, 'j M Y')}."


def names(label: str, single: str, plural: str) -> tuple[str, str]:
    """Return the names of one row and of the list of a model, which are Django's unless we have better ones."""
    return _NAMES.get(label, (single, plural))


def subject(code: str) -> str:
    """Return what a line of the audit log is about, such as “Withdrawal 12” for `payout:12`."""
    kind, _, number = code.partition(":")
    if kind == "found":
        return f"Found: {', '.join(_found(model) for model in number.split(','))}"
    if not number.isdigit():
        kind = kind.replace("_", " ").replace("-", " ").capitalize()
        return f"{kind}: {number}" if number else kind
    label = f"savings.{_SUBJECTS.get(kind, kind)}"
    name = names(label, kind.replace("_", " "), "")[0]
    return f"{name[:1].upper()}{name[1:]} {number}"


def _found(model: str) -> str:
    """Return what a search found, such as “person” for `user`."""
    return _NAMES.get(f"savings.{model}", (model,))[0]


def exported(text: str) -> str:
    """Return which list was exported, and by which filters: “payments, by state” for `savings.payment, state`."""
    label, *filters = text.split(", ")
    model = label.rpartition(".")[2]
    listed = names(label, model, f"{model}s")[1]
    return f"{listed}, by {', '.join(filters)}" if filters else listed


def code_of(typed: str) -> str:
    """Return the code of what somebody typed in words, such as `payout:12` for “Withdrawal 12”."""
    name, _, number = typed.rpartition(" ")
    if not number.isdigit():
        return typed
    kinds = {single: label.rpartition(".")[2] for label, (single, _) in _NAMES.items()}
    kind = kinds.get(name.lower(), name.lower())
    return f"{next((code for code, model in _SUBJECTS.items() if model == kind), kind)}:{number}"


def times(what: str, count: int) -> str:
    return f"{what}, {count} times" if count > 1 else what


def rights(count: int) -> str:
    return ngettext("%(count)d right", "%(count)d rights", count) % {"count": count}


def emails_without(switches: list[str]) -> str:
    return f"Without: {', '.join(switches)}" if switches else ALL_EMAILS


def email_standing(*, verified: bool, primary: bool) -> str:
    return (
        f"{'Confirmed' if verified else 'Not confirmed'}, {'the main one' if primary else 'not the main one'}"
    )


def tax_of(rate: str, since: datetime.date) -> str:
    since_day = date_format(since, "j M Y")
    return (
        f"{rate} of the interest that is posted from {since_day} on is withheld, until the next rate begins."
    )


def product_rate(product: str, from_days: int) -> str:
    if not from_days:
        return f"A plan of {product} earns this rate in a year, unless a rate for longer terms applies."
    return f"A plan of {product} with a term of {from_days:,} days or more earns this rate in a year."


def nothing_in(label: str, plural: str) -> str:
    return _EMPTY.get(label) or f"No {plural} yet."


def field(name: str, given: str) -> str:
    """Return the name of a field in words. A name that was given by hand stays, but for those of Django's user."""
    if name in _OF_DJANGO:
        return _OF_DJANGO[name]
    plain = name.replace("_", " ")
    without_unit = plain.removesuffix(" kobo").removesuffix(" bps").capitalize()
    if given not in {plain, plain.capitalize(), plain.upper(), without_unit}:
        return given
    if name in _FIELDS:
        return _FIELDS[name]
    ending = next((ending for ending in _ENDINGS if name.endswith(ending)), "")
    words = name.removesuffix(ending).removeprefix("is_").replace("_", " ")
    return words[:1].upper() + words[1:]
