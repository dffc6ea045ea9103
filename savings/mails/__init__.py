"""Emails to savers: add each kind to the outbox, render and send it, and turn kinds off."""

from savings.mails.autosave import autosave_failed, autosave_late, autosave_stopped, autosave_tomorrow
from savings.mails.backoffice import (
    account_changed_by_staff,
    debt_written_off,
    money_moved_by_staff,
    refund_approved,
)
from savings.mails.cards import card_expires, card_expires_key, card_needs_approval
from savings.mails.emails import (
    RANK_CHANGED,
    WEEKLY_DIGEST,
    account_mail,
    cancel,
    circle_ended,
    circle_joined,
    goal_reached,
    interest_caught_up,
    new_device,
    plan_matured,
    plan_renewed,
    rank_changed,
    send_due,
    statement_failed,
    statement_ready,
    top_up_received,
    weekly_digest,
    welcome,
)
from savings.mails.messages import KINDS, REMOVED
from savings.mails.notices import notice_carried_out, notice_refused
from savings.mails.payments import payment_in_review
from savings.mails.payouts import (
    payout_asked,
    payout_came_back,
    payout_returned,
    payout_sent,
    recipient_added,
)
from savings.mails.sending import send, send_with, shown_text, text_for_staff, with_operator, written
from savings.mails.switches import SWITCHES, read_switch_token, switch_url

__all__ = [
    "KINDS",
    "RANK_CHANGED",
    "REMOVED",
    "SWITCHES",
    "WEEKLY_DIGEST",
    "account_changed_by_staff",
    "account_mail",
    "autosave_failed",
    "autosave_late",
    "autosave_stopped",
    "autosave_tomorrow",
    "cancel",
    "card_expires",
    "card_expires_key",
    "card_needs_approval",
    "circle_ended",
    "circle_joined",
    "debt_written_off",
    "goal_reached",
    "interest_caught_up",
    "money_moved_by_staff",
    "new_device",
    "notice_carried_out",
    "notice_refused",
    "payment_in_review",
    "payout_asked",
    "payout_came_back",
    "payout_returned",
    "payout_sent",
    "plan_matured",
    "plan_renewed",
    "rank_changed",
    "read_switch_token",
    "recipient_added",
    "refund_approved",
    "send",
    "send_due",
    "send_with",
    "shown_text",
    "statement_failed",
    "statement_ready",
    "switch_url",
    "text_for_staff",
    "top_up_received",
    "weekly_digest",
    "welcome",
    "with_operator",
    "written",
]
