"""The rows that the values of an action name, what must not change about them, and what a request is about."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum

from savings import ledger
from savings.models import Dispute, InterestPosting, Payment, Plan, Transaction, User

Values = dict[str, Any]


def movement_of(values: Values) -> Transaction:
    return Transaction.objects.select_related("user", "plan").get(pk=values["transaction"])


def plan_of(values: Values) -> Plan | None:
    rows = Plan.objects.select_related("user", "account")
    return rows.get(pk=values["plan"]) if values.get("plan") else None


def user_of(values: Values) -> User | None:
    return User.objects.get(pk=values["user"]) if values.get("user") else None


def payment_of(values: Values) -> Payment | None:
    """Return the payment that an action is about, None if it is about none."""
    if "transaction" not in values:
        return None
    return Payment.objects.filter(transaction=_first_of(movement_of(values))).first()


def left_to_refund_kobo(movement: Transaction) -> int:
    """Return what of a payment has not gone back and is not on its way back, for a form. `refund` checks it again."""
    back = Transaction.objects.filter(refunds=movement).exclude(
        status__in=[Transaction.Status.FAILED, Transaction.Status.ABANDONED]
    )
    return movement.amount_kobo - int(back.aggregate(kobo=Sum("amount_kobo", default=0))["kobo"])


# Whose money it is.


def payer(values: Values) -> User | None:
    return movement_of(values).user


def owner(values: Values) -> User | None:
    plan = plan_of(values)
    return plan.user if plan else None


def disputed_payer(values: Values) -> User | None:
    return _dispute_of(values).payment.transaction.user


def nobody(_: Values) -> None:
    return None


# What a request is about, of which one waits at a time.


def of_payment(values: Values) -> str:
    return f"payment:{_first_of(movement_of(values))}"


def of_family(values: Values) -> str:
    return f"transaction:{_first_of(movement_of(values))}"


def of_plan(values: Values) -> str:
    return f"plan:{values['plan']}"


def of_debt(values: Values) -> str:
    return f"debt:{values.get('user') or 0}"


def of_goodwill(values: Values) -> str:
    return f"goodwill:{values['user']}"


def of_dispute(values: Values) -> str:
    return f"dispute:{values['dispute']}"


def of_treasury(values: Values) -> str:
    return f"treasury:{values['purpose']}:{values.get('period_on') or ''}"


def of_product(values: Values) -> str:
    return f"product:{values.get('product') or values['terms']['name']}"


# The facts that a request is made on.


def payment_facts(values: Values) -> Values:
    """Return the state of a payment, what is left of it in suspense, and whether it is disputed."""
    movement = movement_of(values)
    first_id = _first_of(movement)
    disputed = Dispute.objects.filter(payment__transaction=first_id, resolved_at=None).exists()
    return {
        "status": movement.status,
        "in_suspense_kobo": ledger.left_in_suspense(first_id),
        "disputed": disputed,
        "gone_back": sorted(Transaction.objects.filter(refunds=movement).values_list("reference", flat=True)),
    }


def debt_facts(values: Values) -> Values:
    return {"owed_kobo": ledger.receivable_kobo(user_of(values))}


def goodwill_facts(values: Values) -> Values:
    """Return what a person was given as goodwill before, so that two requests do not give it twice."""
    return {"goodwill_kobo": ledger.goodwill_kobo(user_of(values))}


def movement_facts(values: Values) -> Values:
    return {"status": movement_of(values).status}


def interest_facts(values: Values) -> Values:
    """Return the last posting of a plan's interest, and its corrections."""
    posted = InterestPosting.objects.filter(account__plan=values["plan"]).order_by("-period_start")
    corrections = Transaction.objects.filter(
        plan=values["plan"], kind=Transaction.Kind.INTEREST_CORRECTION
    ).values_list("reference", flat=True)
    return {
        "posting": posted.values_list("pk", flat=True).first(),
        "corrections": sorted(corrections),
    }


def dispute_facts(values: Values) -> Values:
    dispute = _dispute_of(values)
    return {"claimed_kobo": dispute.amount_kobo, "dispute": dispute.status, "answer": dispute.answer}


def of_erasure(values: Values) -> str:
    return f"erase:{values['user']}"


def erasure_facts(values: Values) -> Values:
    user = User.objects.get(pk=values["user"])
    return {"closed_at": str(user.closed_at), "erased_at": str(user.erased_at)}


def no_facts(_: Values) -> Values:
    return {}


def _first_of(movement: Transaction) -> int:
    return movement.part_of_id or movement.pk


def _dispute_of(values: Values) -> Dispute:
    return Dispute.objects.select_related("payment__transaction__user").get(pk=values["dispute"])
