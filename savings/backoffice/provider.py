"""Asking the provider again about a payment, dispute or withdrawal, which needs nobody's approval."""

from __future__ import annotations

from savings import payments
from savings.backoffice import audit, cases, messages
from savings.exceptions import Refused
from savings.models import Case, Dispute, Payment, Payout, User

Kind = Case.Kind


def can_ask_provider(case: Case) -> bool:
    """Return whether an answer of the provider can still change what a case is about."""
    if case.payout is not None:
        return case.payout.state == Payout.State.SENT
    if case.dispute is not None:
        return case.dispute.resolved_at is None
    return case.payment is not None and payments.is_open(case.payment)


def ask_provider(case: Case, *, by: User) -> str:
    """Ask the provider about the subject of a case, and return its answer in a sentence.

    Solves the case if its subject is over by the answer. Raises Refused when the case has no such subject or the
    provider does not have it, ProviderUnavailable and ProviderRefused when it does not answer.
    """
    if case.payout is not None:
        payments.ask_soon(case.payout)
        said = messages.ASKED_SOON
    elif case.dispute is not None:
        payments.update_dispute(case.dispute.provider_id)
        said = messages.dispute_is(Dispute.objects.get(pk=case.dispute.pk).status)
    elif case.payment is not None:
        said = _ask_about(case.payment)
    else:
        raise Refused(messages.NOTHING_TO_ASK)
    audit.record(
        audit.Verb.PROVIDER_ASKED, by=by, saver=case.saver_id, subject=cases.name_of(case), text=said
    )
    cases.refresh(case)
    return said


def ask_about_payment(payment: Payment, *, by: User) -> str:
    """Ask the provider about a payment, and return its answer in a sentence. Raises as `ask_provider` does."""
    said = _ask_about(payment)
    movement = payment.transaction
    audit.record(
        audit.Verb.PROVIDER_ASKED, by=by, saver=movement.user_id, subject=f"payment:{payment.pk}", text=said
    )
    return said


def ask_about_payout(payout: Payout, *, by: User) -> str:
    """Let the worker ask the provider about a withdrawal. Raises Refused unless the provider has it."""
    payments.ask_soon(payout)
    said = messages.ASKED_SOON
    audit.record(
        audit.Verb.PROVIDER_ASKED, by=by, saver=payout.user_id, subject=f"payout:{payout.pk}", text=said
    )
    return said


def _ask_about(payment: Payment) -> str:
    if not payments.is_open(payment):
        # Only a fee that is not known yet is asked about then.
        payments.settle_payment(payment.transaction.reference)
        return messages.answer_is_final(payment.transaction.get_status_display())
    movement = payments.settle_payment(payment.transaction.reference)
    return messages.payment_is(movement.get_status_display() if movement else "")
