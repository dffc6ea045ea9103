"""The sentences of signing in and up: errors of passwords and codes, and requests to prove one's identity."""

from __future__ import annotations

ACCOUNT_CLOSED = "This account is closed."
WRONG_EMAIL_OR_PASSWORD = "Wrong email or password."  # noqa: S105 - a sentence
WRONG_PASSWORD = "Wrong password."  # noqa: S105 - a sentence
WRONG_MAILED_CODE = "That code didn’t work. Check the latest email."
WRONG_APP_CODE = "That code didn’t work, or it was used before. Enter the next one that your app shows."
UNREADABLE_SECOND_STEP = (
    "We can’t check codes of your app or recovery codes any more. Use a passkey if you have one, or write to us"
    " and we’ll remove your second step."
)
TOO_MANY_WRONG_CODES = "Too many wrong codes. Ask for a new one."
TOO_MANY_TRIES = "Too many tries. Wait a minute, then try again."

EMAIL_IS_YOURS = "This is already your email address."
CONFIRM_EMAIL_FIRST = "Confirm your email address first."

USE_UNRELATED_WORDS = "Use three or four unrelated words."
EASY_TO_GUESS = "This password is easy to guess. Use three or four unrelated words."
PERSONAL_WORDS = (
    "This password is easy to guess: it’s mostly your name, your email or our name. Use three or four"
    " unrelated words."
)

# Why a page asks for the password or a second step again.
TO_WITHDRAW = "You’re about to withdraw money to your bank."
TO_ADD_ACCOUNT = "You’re about to add a bank account that money can be sent to."
TO_PAY_MUCH = "You’re about to pay a large amount with a saved card."
TO_AUTOSAVE_MUCH = "You’re about to set up an auto-save of a large amount from a saved card."
TO_CHANGE_EMAIL = "You’re about to change your email address."
TO_CHANGE_SIGN_IN = "You’re about to change how you sign in."
TO_USE_BACK_OFFICE = "You’re about to open the back office."
# The pages that lead back from there.
AUTOSAVES = "Auto-saves"
BANK_ACCOUNTS = "Bank accounts"
CIRCLES = "Circles"
PLANS = "Plans"
PROFILE = "Profile"
SAVINGS = "Your savings"
SECURITY = "Security"
STASH = "Stash"

QR_CODE = "The key as a QR code"

# Notices, each with a smaller second line.
NOTHING_MOVED = "Nothing has moved yet"
CONFIRM_THEN_SEND = "Confirm it’s you, then send the form again."
START_AGAIN = "Start again"
SIGN_IN_CHANGED = "The password, email or second step of this account has changed since you began."
ONE_MORE_STEP = "One more step"
NEEDS_SECOND_STEP = "This page needs a code or a passkey."

UNKNOWN_BROWSER = "An unknown browser"


def browser_on(browser: str, system: str) -> str:
    return f"{browser} on {system}" if browser else f"A browser on {system}"
