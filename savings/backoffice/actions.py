"""The actions that one member of staff asks for and another approves: what each changes, and on which facts.

Each action calls one service of the books. Its values are a dictionary of ids, amounts in kobo and choices, as JSON can
store them; the forms of the admin check them first, and the services check them again.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

from savings import ledger, mails, payments
from savings.backoffice import products
from savings.models import Dispute, Payment, Plan, Product, Transaction, User

Kind = Transaction.Kind
Values = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Asked:
    """What an action needs to run: its values, and who asks for it, approves it and why."""

    values: Values
    reference: str
    asked_by: User
    approved_by: User
    reason: str

    @property
    def people(self) -> dict[str, Any]:
        """The arguments that every service of the books takes."""
        return {
            "reference": self.reference,
            "asked_by": self.asked_by,
            "approved_by": self.approved_by,
            "reason": self.reason,
        }


@dataclasses.dataclass(frozen=True)
class Action:
    """One action. `run` posts and returns the transaction; `subject` names what it changes."""

    name: str
    label: str
    # The permission of the person who asks.
    permission: str
    # The kind of transaction that its reference is for.
    kind: str
    run: Callable[[Asked], Transaction | None]
    subject: Callable[[Values], str]
    saver: Callable[[Values], User | None]
    # What must not change between the request and its approval.
    facts: Callable[[Values], Values]
    # Tells the saver by email, where `run` does not.
    tell: Callable[[Transaction], object] | None = None


def _release(asked: Asked) -> Transaction:
    return payments.release_from_suspense(
        _movement(asked.values),
        amount_kobo=asked.values["amount_kobo"],
        plan=_plan(asked.values),
        **asked.people,
    )


def _allocate(asked: Asked) -> Transaction:
    return payments.release_from_suspense(
        _movement(asked.values),
        to=User.objects.get(pk=asked.values["user"]),
        amount_kobo=asked.values["amount_kobo"],
        plan=_plan(asked.values),
        **asked.people,
    )


def _send_back(asked: Asked) -> Transaction:
    return _refund_from(asked, "suspense")


def _refund(asked: Asked) -> Transaction:
    return _refund_from(asked, asked.values.get("source", ""))


def _refund_from(asked: Asked, source: str) -> Transaction:
    refund = payments.request_refund(
        _movement(asked.values), amount_kobo=asked.values["amount_kobo"], source=source, **asked.people
    )
    return refund.transaction


def _write_off(asked: Asked) -> Transaction:
    user = _user(asked.values)
    return ledger.write_off(user, amount_kobo=asked.values["amount_kobo"], **asked.people)


def _treasury(asked: Asked) -> Transaction:
    values = asked.values
    period_on = values.get("period_on")
    return ledger.post_treasury(
        values["purpose"],
        amount_kobo=values["amount_kobo"],
        document=values.get("document", ""),
        period_on=datetime.date.fromisoformat(period_on) if period_on else None,
        bank=values.get("bank", "customers"),
        **asked.people,
    )


def _change_product(asked: Asked) -> None:
    values = asked.values
    products.schedule(
        Product.objects.get(pk=values["product"]) if values.get("product") else None,
        values["terms"],
        values["rates"],
        valid_from=datetime.date.fromisoformat(values["valid_from"]),
        asked_by=asked.asked_by,
        approved_by=asked.approved_by,
        reason=asked.reason,
    )


def _payment_facts(values: Values) -> Values:
    """Return the state of a payment, what is left of it in suspense, and whether it is disputed."""
    movement = _movement(values)
    first_id = movement.part_of_id or movement.pk
    disputed = Dispute.objects.filter(payment__transaction=first_id, resolved_at=None).exists()
    return {
        "status": movement.status,
        "in_suspense_kobo": ledger.left_in_suspense(first_id),
        "disputed": disputed,
        "gone_back": sorted(Transaction.objects.filter(refunds=movement).values_list("reference", flat=True)),
    }


def _debt_facts(values: Values) -> Values:
    return {"owed_kobo": ledger.receivable_kobo(_user(values))}


def _no_facts(_: Values) -> Values:
    return {}


def _movement(values: Values) -> Transaction:
    return Transaction.objects.select_related("user", "plan").get(pk=values["transaction"])


def _plan(values: Values) -> Plan | None:
    return Plan.objects.get(pk=values["plan"]) if values.get("plan") else None


def _user(values: Values) -> User | None:
    return User.objects.get(pk=values["user"]) if values.get("user") else None


def _nobody(_: Values) -> None:
    return None


def _payer(values: Values) -> User | None:
    return _movement(values).user


def _of_payment(values: Values) -> str:
    movement = _movement(values)
    return f"payment:{movement.part_of_id or movement.pk}"


def payment_of(values: Values) -> Payment | None:
    """Return the payment that an action is about, None if it is about none."""
    if "transaction" not in values:
        return None
    movement = _movement(values)
    return Payment.objects.filter(transaction=movement.part_of_id or movement.pk).first()


_MONEY = "savings.ask_money"
_ALL = [
    Action(
        "release",
        "Release what arrived",
        _MONEY,
        Kind.STASH_DEPOSIT,
        _release,
        _of_payment,
        _payer,
        _payment_facts,
    ),
    Action(
        "allocate",
        "Allocate to another person",
        _MONEY,
        Kind.STASH_DEPOSIT,
        _allocate,
        _of_payment,
        _user,
        _payment_facts,
    ),
    Action(
        "send_back",
        "Send back to the payer",
        _MONEY,
        Kind.REFUND,
        _send_back,
        _of_payment,
        _payer,
        _payment_facts,
        mails.refund_approved,
    ),
    Action(
        "refund",
        "Refund",
        _MONEY,
        Kind.REFUND,
        _refund,
        _of_payment,
        _payer,
        _payment_facts,
        mails.refund_approved,
    ),
    Action(
        "write_off",
        "Write off a debt",
        _MONEY,
        Kind.WRITE_OFF,
        _write_off,
        lambda values: f"debt:{values.get('user') or 0}",
        _user,
        _debt_facts,
        mails.debt_written_off,
    ),
    Action(
        "treasury",
        "Post for the house",
        "savings.ask_treasury",
        Kind.TREASURY,
        _treasury,
        lambda values: f"treasury:{values['purpose']}:{values.get('period_on') or ''}",
        _nobody,
        _no_facts,
    ),
]
_ALL += [
    Action(
        "product",
        "Change a product",
        "savings.ask_product",
        Kind.ADJUSTMENT,
        _change_product,
        lambda values: f"product:{values.get('product') or values['terms']['name']}",
        _nobody,
        lambda values: products.change_facts(values.get("product")),
    ),
]
ACTIONS: dict[str, Action] = {action.name: action for action in _ALL}
