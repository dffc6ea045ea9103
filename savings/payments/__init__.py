"""Card payments: before the provider answers (checkout), and after (settlement, webhooks, polling)."""

from savings.payments.checkout import send_to_provider, start_payment
from savings.payments.coverage import record_coverage
from savings.payments.fees import OPERATOR, PAYER, REFUSED, post_late_fee, post_missing_costs
from savings.payments.paystack import using_transport
from savings.payments.polling import poll_due_payments
from savings.payments.settlement import is_open, settle_payment
from savings.payments.suspense import release_from_suspense
from savings.payments.webhooks import LONGEST_BODY_BYTES, process_event, receive_event, sweep_events

__all__ = [
    "LONGEST_BODY_BYTES",
    "OPERATOR",
    "PAYER",
    "REFUSED",
    "is_open",
    "poll_due_payments",
    "post_late_fee",
    "post_missing_costs",
    "process_event",
    "receive_event",
    "record_coverage",
    "release_from_suspense",
    "send_to_provider",
    "settle_payment",
    "start_payment",
    "sweep_events",
    "using_transport",
]
