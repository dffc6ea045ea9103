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
    "by_staff": ("From our staff", "Because it’s about your money or your account"),
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


# In a sentence, and alone as a fact.
YOUR_STASH = "your stash"
STASH = "Your stash"

# What staff did to a saver's money: the subject and the sentence of the mail.
MOVED_BY_STAFF = {
    "refund": (
        "A refund of %(amount)s is on its way",
        "We approved a refund of %(amount)s. The payment provider gives it back to where you paid from. Your bank"
        " decides when you see it there.",
    ),
    "refund_made": (
        "We refunded %(amount)s",
        "We gave %(amount)s of a payment back to where you paid from, through the payment provider. Your bank decides"
        " when you see it there.",
    ),
    "repay_debt": (
        "We took %(amount)s for what you owed",
        "You owed us money, for instance for a payment that was charged back. We took %(amount)s out of your stash to"
        " pay it.",
    ),
    "write_off": (
        "You no longer owe %(amount)s",
        "You owed %(amount)s for a payment that was charged back. We have given up this debt: there is nothing to pay.",
    ),
    "reverse": (
        "We reversed a movement of %(amount)s",
        "We reversed a movement of %(amount)s, and everything that belonged to it. The receipt shows where the money is"
        " now.",
    ),
    "adjust_gives": ("We added %(amount)s", "We added %(amount)s to %(place)s."),
    "adjust_takes": ("We took %(amount)s back", "We took %(amount)s out of %(place)s."),
    "correct_interest_gives": (
        "We added %(amount)s of interest",
        "We corrected the interest on %(place)s: you got %(amount)s too little. Tax was withheld from it as from all"
        " interest.",
    ),
    "correct_interest_takes": (
        "We corrected your interest",
        "We corrected the interest on %(place)s: too much was paid, and %(amount)s of it came back.",
    ),
}
# What staff did to a saver's account.
CHANGED_BY_STAFF = {
    "withdrawals": (
        "Withdrawals from your account are stopped",
        "Our staff have stopped withdrawals from your account. You can still pay in, and your money keeps earning"
        " interest. Please contact us.",
    ),
    "movements": (
        "Your account is frozen",
        "Our staff have frozen your account: no money can move, and auto-saves stop. Your money keeps earning interest."
        " Please contact us.",
    ),
    "unfrozen": (
        "Your account is open again",
        "Our staff have ended the freeze of your account. Auto-saves that were paused meanwhile stay paused until you"
        " resume them.",
    ),
    "dispute_accepted": (
        "We accepted a claim about a payment",
        "Your bank asked for a payment of yours back, and we have accepted that. The payment provider returns the money"
        " to where you paid from, and the same amount leaves your savings then.",
    ),
    "sessions_ended": (
        "We signed you out everywhere",
        "Our staff have signed you out of every device, and unfinished sign-ins and mailed codes no longer work. Your"
        " password and your second step are the same as before: sign in again with them.",
    ),
    "closed": (
        "Your account is closed",
        "Your account is closed. You can no longer sign in. We keep what the law requires us to keep.",
    ),
}


def saved(amount_kobo: int, *, is_rounded: bool, leaves_one_out: bool) -> str:
    amount = money.naira(amount_kobo)
    if leaves_one_out:
        return f"at least {amount}"
    return f"about {amount}" if is_rounded else amount


def certificate(year: int) -> str:
    return f"Certificate of interest and tax, {year}"


def period(since: str, until: str) -> str:
    return f"{since} to {until}"
