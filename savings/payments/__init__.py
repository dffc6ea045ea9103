"""Card payments: before the provider answers (checkout), after (settlement, webhooks, polling), and back (refunds).

Also the provider's disputes and its settlements, and the comparison of its figures with the books.
"""

from savings.payments.checkout import send_to_provider, start_payment
from savings.payments.coverage import record_coverage
from savings.payments.disputes import sweep_disputes
from savings.payments.fees import OPERATOR, PAYER, REFUSED, post_late_fee, post_missing_costs
from savings.payments.paystack import using_transport
from savings.payments.polling import poll_due_payments
from savings.payments.reconciliation import Comparison, reconcile
from savings.payments.refunds import request_refund, sweep_refunds
from savings.payments.settlement import is_open, settle_payment
from savings.payments.settlements import fetch_settlements
from savings.payments.suspense import release_from_suspense
from savings.payments.webhooks import LONGEST_BODY_BYTES, process_event, receive_event, sweep_events

__all__ = [
    "LONGEST_BODY_BYTES",
    "OPERATOR",
    "PAYER",
    "REFUSED",
    "Comparison",
    "fetch_settlements",
    "is_open",
    "poll_due_payments",
    "post_late_fee",
    "post_missing_costs",
    "process_event",
    "receive_event",
    "reconcile",
    "record_coverage",
    "release_from_suspense",
    "request_refund",
    "send_to_provider",
    "settle_payment",
    "start_payment",
    "sweep_disputes",
    "sweep_events",
    "sweep_refunds",
    "using_transport",
]
