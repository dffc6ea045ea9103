"""Money in by card, back to the payer, and out to bank accounts, through the payment provider.

A card payment begins in `checkout` and is settled by `settlement`, whether `webhooks` or `polling` asked for it. Money
goes back by `refunds` and `disputes`, and out by `payouts` to `recipients`. `reconciliation` compares the provider's
figures with the books.
"""

from savings.payments.banks import list_banks
from savings.payments.card_charges import charge_card, needs_fresh_sign_in, why_not_chargeable
from savings.payments.cards import (
    DEACTIVATE_CARD,
    LONGEST_CARD_NAME,
    MOST_CARDS,
    announce_expiring_cards,
    deactivate_card,
    make_default_card,
    remove_card,
    rename_card,
    takes_country,
)
from savings.payments.checkout import send_to_provider, start_payment
from savings.payments.coverage import record_coverage
from savings.payments.dispute_answers import accept_dispute, contest_dispute, send_dispute_answers
from savings.payments.dispute_evidence import Evidence, Mandate, SignIn, dispute_evidence
from savings.payments.disputes import is_lost, sweep_disputes, update_dispute, what_to_do
from savings.payments.fees import OPERATOR, PAYER, REFUSED, post_late_fee, post_missing_costs
from savings.payments.lost import Recovered, last_known_moment, recover_lost
from savings.payments.lost_payouts import Unbookable
from savings.payments.messages import CARD_FAILURES, MANDATE
from savings.payments.outside_refunds import book_outside_refund, find_outside_refund
from savings.payments.payout_fees import fees_for, most_for
from savings.payments.payout_limits import Room, room
from savings.payments.payout_runs import send_payout, sweep_payouts
from savings.payments.payouts import OUTBOX_KIND as PAYOUT_KIND
from savings.payments.payouts import QUOTE_SECONDS as PAYOUT_QUOTE_SECONDS
from savings.payments.payouts import (
    PayoutQuote,
    approve_payout,
    ask_soon,
    cancel_payout,
    fees_of,
    quote_payout,
    refuse_payout,
    request_payout,
    sign_payout,
    wake_frozen,
)
from savings.payments.paystack import NOT_FOUND, CheckUp, check_up, using_transport
from savings.payments.polling import poll_due_payments, poll_times
from savings.payments.recipients import (
    MOST_RECIPIENTS,
    FoundAccount,
    add_recipient,
    find_account,
    is_own_name,
    make_default,
    recipient_of_token,
    remove_recipient,
    same_account,
    undo_token,
)
from savings.payments.reconciliation import Comparison, reconcile
from savings.payments.refunds import NEEDS_ATTENTION, request_refund, sweep_refunds
from savings.payments.settlement import is_open, settle_payment
from savings.payments.settlements import fetch_settlements
from savings.payments.suspense import release_from_suspense
from savings.payments.transfers import Bank, delete_recipient
from savings.payments.webhooks import (
    LONGEST_BODY_BYTES,
    paid_without_event,
    process_event,
    receive_event,
    sweep_events,
)

__all__ = [
    "CARD_FAILURES",
    "DEACTIVATE_CARD",
    "LONGEST_BODY_BYTES",
    "LONGEST_CARD_NAME",
    "MANDATE",
    "MOST_CARDS",
    "MOST_RECIPIENTS",
    "NEEDS_ATTENTION",
    "NOT_FOUND",
    "OPERATOR",
    "PAYER",
    "PAYOUT_KIND",
    "PAYOUT_QUOTE_SECONDS",
    "REFUSED",
    "Bank",
    "CheckUp",
    "Comparison",
    "Evidence",
    "FoundAccount",
    "Mandate",
    "PayoutQuote",
    "Recovered",
    "Room",
    "SignIn",
    "Unbookable",
    "accept_dispute",
    "add_recipient",
    "announce_expiring_cards",
    "approve_payout",
    "ask_soon",
    "book_outside_refund",
    "cancel_payout",
    "charge_card",
    "check_up",
    "contest_dispute",
    "deactivate_card",
    "delete_recipient",
    "dispute_evidence",
    "fees_for",
    "fees_of",
    "fetch_settlements",
    "find_account",
    "find_outside_refund",
    "is_lost",
    "is_open",
    "is_own_name",
    "last_known_moment",
    "list_banks",
    "make_default",
    "make_default_card",
    "most_for",
    "needs_fresh_sign_in",
    "paid_without_event",
    "poll_due_payments",
    "poll_times",
    "post_late_fee",
    "post_missing_costs",
    "process_event",
    "quote_payout",
    "receive_event",
    "recipient_of_token",
    "reconcile",
    "record_coverage",
    "recover_lost",
    "refuse_payout",
    "release_from_suspense",
    "remove_card",
    "remove_recipient",
    "rename_card",
    "request_payout",
    "request_refund",
    "room",
    "same_account",
    "send_dispute_answers",
    "send_payout",
    "send_to_provider",
    "settle_payment",
    "sign_payout",
    "start_payment",
    "sweep_disputes",
    "sweep_events",
    "sweep_payouts",
    "sweep_refunds",
    "takes_country",
    "undo_token",
    "update_dispute",
    "using_transport",
    "wake_frozen",
    "what_to_do",
    "why_not_chargeable",
]
