"""The sentences of mails that are not in a template: their names, the reasons for sending them, and their facts."""

from __future__ import annotations

from savings import money

# Each kind of mail: its name until it is rendered, and the reason for sending it.
KINDS = {
    "account": ("About your account", "Because it’s about your account or how you sign in"),
    "autosave_failed": ("An auto-save didn’t go through", "Because you set up an auto-save"),
    "autosave_late": ("A late auto-save", "Because you set up an auto-save"),
    "autosave_stopped": ("An auto-save has stopped", "Because you set up an auto-save"),
    "autosave_tomorrow": ("Auto-save tomorrow", "Because you set up an auto-save"),
    "card_expires": ("A saved card expires soon", "Because you saved a card with us"),
    "card_needs_approval": ("Approve a card payment", "Because your bank wants you to approve a payment"),
    "circle_ended": ("A circle has ended", "Because a circle you’re in has ended"),
    "goal_reached": ("You reached your goal", "Because a plan of yours reached its goal"),
    "circle_joined": ("You’ve joined a circle", "Because you joined a circle"),
    "new_device": ("A new device signed in", "Because a device we hadn’t seen before signed in"),
    "interest_caught_up": ("Interest of earlier months", "Because interest of your plans was posted"),
    "notice_carried_out": ("Money moved after your notice", "Because a notice that you gave was due"),
    "notice_refused": ("Nothing could move after your notice", "Because a notice that you gave was due"),
    "payment_in_review": ("We’re checking a payment", "Because a payment of yours is being checked"),
    "payout_asked": ("Withdrawal requested", "Because you asked for a withdrawal"),
    "payout_came_back": ("A withdrawal came back", "Because you asked for a withdrawal"),
    "payout_returned": ("A withdrawal didn’t go through", "Because you asked for a withdrawal"),
    "payout_sent": ("A withdrawal was paid", "Because you asked for a withdrawal"),
    "plan_matured": ("Your plan has matured", "Because a plan of yours has matured"),
    "plan_renewed": ("Your plan has started again", "Because a plan of yours started a new term"),
    "rank_changed": ("Your rank in a circle", "Because your rank in a circle changed"),
    "recipient_added": ("A bank account was added", "Because a bank account was added to your savings"),
    "statement_failed": ("We couldn’t make a statement", "Because you asked for a statement"),
    "statement_ready": ("Your statement is ready", "Because you asked for a statement"),
    "top_up_received": ("Money received", "Because you topped up"),
    "weekly_digest": ("Your week in circles", "Because something changed in a circle of yours"),
    "welcome": ("Welcome to Asusu", "Because you opened an account"),
}

# Replaces a link or code after the mail is sent.
REMOVED = "[removed after sending]"


YOUR_STASH = "your stash"


def saved(amount_kobo: int, *, is_rounded: bool) -> str:
    return f"about {money.naira(amount_kobo)}" if is_rounded else money.naira(amount_kobo)


def certificate(year: int) -> str:
    return f"Certificate of interest and tax, {year}"


def period(since: str, until: str) -> str:
    return f"{since} to {until}"
