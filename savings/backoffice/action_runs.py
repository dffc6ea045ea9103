"""What each action does: one call of a service of the books, with the people and the reason."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any, cast

from savings import ledger, mails, payments
from savings.backoffice import erasure, products
from savings.backoffice.action_rows import Values, movement_of, plan_of, user_of
from savings.models import Dispute, Plan, Product, Transaction, User, WebhookEvent


@dataclasses.dataclass(frozen=True)
class Asked:
    """What an action needs to run: its values, and who asks for it, approves it and why."""

    values: Values
    reference: str
    asked_by: User
    approved_by: User
    reason: str
    # What the provider said before the database transaction began; see `Action.prepare`.
    prepared: Any = None

    @property
    def people(self) -> dict[str, Any]:
        """The arguments that every service of the books takes."""
        return {
            "reference": self.reference,
            "asked_by": self.asked_by,
            "approved_by": self.approved_by,
            "reason": self.reason,
        }

    @property
    def amount_kobo(self) -> int:
        return int(self.values["amount_kobo"])

    @property
    def gives(self) -> bool:
        return bool(self.values["gives"])


def release(asked: Asked) -> Transaction:
    return payments.release_from_suspense(
        movement_of(asked.values),
        amount_kobo=asked.amount_kobo,
        plan=plan_of(asked.values),
        **asked.people,
    )


def allocate(asked: Asked) -> Transaction:
    return payments.release_from_suspense(
        movement_of(asked.values),
        to=_person(asked),
        amount_kobo=asked.amount_kobo,
        plan=plan_of(asked.values),
        **asked.people,
    )


def send_back(asked: Asked) -> Transaction:
    return _refund_from(asked, "suspense")


def refund(asked: Asked) -> Transaction:
    return _refund_from(asked, asked.values.get("source", ""))


def repay_debt(asked: Asked) -> Transaction:
    return ledger.repay_debt(_person(asked), amount_kobo=asked.amount_kobo, **asked.people)


def write_off(asked: Asked) -> Transaction:
    return ledger.write_off(user_of(asked.values), amount_kobo=asked.amount_kobo, **asked.people)


def adjust(asked: Asked) -> Transaction:
    return ledger.adjust(
        _person(asked),
        plan=plan_of(asked.values),
        amount_kobo=asked.amount_kobo,
        gives=asked.gives,
        **asked.people,
    )


def reverse(asked: Asked) -> Transaction:
    return ledger.reverse_by_hand(movement_of(asked.values), **asked.people)


def correct_interest(asked: Asked) -> Transaction:
    plan = cast("Plan", plan_of(asked.values))
    return ledger.correct_interest(plan, gross_kobo=asked.amount_kobo, gives=asked.gives, **asked.people)


def accept_dispute(asked: Asked) -> None:
    # Nothing is posted before the provider says that the payer has the money back.
    dispute = Dispute.objects.select_related("payment__transaction__user").get(pk=asked.values["dispute"])
    payments.accept_dispute(dispute, by=asked.approved_by)
    payer = dispute.payment.transaction.user
    if payer is not None:
        mails.account_changed_by_staff("dispute_accepted", payer, f"dispute:{dispute.pk}")


def find_outside_refund(values: Values) -> Any:
    return payments.find_outside_refund(WebhookEvent.objects.get(pk=values["event"]))


def book_outside_refund(asked: Asked) -> Transaction:
    event = WebhookEvent.objects.get(pk=asked.values["event"])
    return payments.book_outside_refund(event, answer=asked.prepared, **asked.people).transaction


def treasury(asked: Asked) -> Transaction:
    values = asked.values
    period_on = values.get("period_on")
    return ledger.post_treasury(
        values["purpose"],
        amount_kobo=asked.amount_kobo,
        document=values.get("document", ""),
        period_on=datetime.date.fromisoformat(period_on) if period_on else None,
        bank=values.get("bank", "customers"),
        **asked.people,
    )


def change_product(asked: Asked) -> None:
    values = asked.values
    products.schedule_terms(
        Product.objects.get(pk=values["product"]) if values.get("product") else None,
        values["terms"],
        values["rates"],
        valid_from=datetime.date.fromisoformat(values["valid_from"]),
        asked_by=asked.asked_by,
        approved_by=asked.approved_by,
        reason=asked.reason,
    )


def erase(asked: Asked) -> None:
    """Erase a person's data. It posts nothing."""
    erasure.erase(asked.values["user"], by=asked.approved_by)


def _refund_from(asked: Asked, source: str) -> Transaction:
    refund = payments.request_refund(
        movement_of(asked.values), amount_kobo=asked.amount_kobo, source=source, **asked.people
    )
    return refund.transaction


def _person(asked: Asked) -> User:
    return User.objects.get(pk=asked.values["user"])
