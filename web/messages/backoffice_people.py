"""The sentences of the pages on which staff act on a person's account: what will happen, and what was done."""

from __future__ import annotations

from django.utils.translation import ngettext

# What will happen, a sentence a line.
FREEZE = [
    "Interest goes on, plans mature, and the saver can sign in. Their pages say what is frozen, and they get an email.",
]
# By what is frozen.
FREEZES = {
    "withdrawals": "The saver can ask for no withdrawal, and those that are not sent yet wait. One that is being sent"
    " arrives.",
    "movements": "Also no top-ups from the site, no moves between plans and stash, no notices and no early exits."
    " Auto-saves pause. Money that arrives from outside goes to the stash.",
}
UNFREEZE = [
    "Withdrawals that waited for it are sent within minutes.",
    "Auto-saves stay paused until the saver resumes them.",
    "The saver gets an email.",
]
END_SESSIONS = [
    "Every device is signed out. Codes that we mailed and unfinished sign-ins no longer work.",
    "Withdrawals wait, as after any change of how the saver signs in.",
    "The saver gets an email.",
]
REMOVE_SECOND_STEP = [
    "The authenticator app, passkeys and recovery codes are removed, and every device is signed out.",
    "The password alone signs the saver in until they add a second step again.",
    "Withdrawals wait, as after any change of how the saver signs in. The saver gets an email.",
]
RESEND_CONFIRMATION = [
    "We email a new link to the new address. The earlier link no longer works.",
    "The address changes once the link is opened.",
]
UNDO_EMAIL_CHANGE = [
    "The old address counts again. Every later change is undone too.",
    "The password no longer works, and every device is signed out. The saver gets in by a reset, which we mail to the"
    " old address.",
    "Second steps and devices that are newer than the change are removed.",
]
CLOSE = [
    "The person is signed out and can never sign in again. This can’t be undone.",
    "Empty plans close. Memberships of circles, auto-saves, the calendar feed and monthly statements end.",
    "Saved cards and bank accounts are removed, the cards at the payment provider too.",
    "Receipts and the books stay. Erasing the person’s data is a step of its own. The person gets an email.",
]
# The checks before an account is closed: the name of each, that it is fine, and what to do if it is not.
CLOSING_CHECKS = {
    "money": (
        "Money",
        "The stash and all plans are empty.",
        "Ask the saver to move it to the stash and withdraw it. Interest that is not posted yet comes with its next"
        " posting.",
    ),
    "owed": (
        "Debts and disputes",
        "The saver owes nothing, and no payment is disputed.",
        "Pay or write off a debt on the saver’s page. A dispute is decided on its case.",
    ),
    "on_the_way": (
        "Payments and withdrawals",
        "Nothing is on its way or being checked.",
        "Wait until each has ended, or ask the provider again on its page.",
    ),
    "undecided": (
        "Cases and requests",
        "No case is open, and no request waits.",
        "Solve the cases, and decide or take back the requests.",
    ),
    "circles": (
        "Circles",
        "The saver owns no running circle with other members.",
        "The saver hands each circle over to another member.",
    ),
}
EXPORT = [
    "We write everything that names the person into a zip file: JSON, table by table, with a readme.",
    "The file is ready within minutes and can be downloaded once. It is deleted then, or when its time is over. This"
    " page shows that time beside the file.",
    "Passwords, keys and the links in mails are left out.",
]
ERASE = [
    "A second person has to approve it. It can’t be undone.",
    "A pseudonym replaces the name and the email address. Mails, statements, devices, nicknames, names of plans, bank"
    " accounts, cards, notes, and what the payment provider told us are erased.",
    "The rows of the books stay, without a name, as long as the law requires.",
    "Bank accounts are deleted at the payment provider too, within minutes: this page says so then. The provider also"
    " has the person as a customer. Ask it to delete that first: afterwards nobody here knows the email address.",
]


def can_close(blocking: int) -> str:
    if not blocking:
        return "This account can be closed now"
    return ngettext(
        "%(count)d check is in the way of closing this account",
        "%(count)d checks are in the way of closing this account",
        blocking,
    ) % {"count": blocking}


NO_WORKER = "Redis takes no tasks right now. Try again in a few minutes."
ONLY_SUPERUSERS = "Only a superuser may change the account of staff."

# What was done.
FROZEN = "The account is frozen."
UNFROZEN = "The freeze has ended."
SESSIONS_ENDED = "Every device is signed out."
SECOND_STEP_REMOVED = "The second step is removed."
CONFIRMATION_SENT = "The link was sent again."
EMAIL_CHANGE_UNDONE = "The old address counts again."
CLOSED = "The account is closed."
EXPORT_ASKED = "The file is being written. Reload this page in a minute."
ERASURE_ASKED = "Asked for. Somebody else has to approve it."
