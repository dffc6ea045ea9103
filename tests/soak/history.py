"""The history of a simulated year as one hash, without what is random in the services: references and ids."""

from __future__ import annotations

import hashlib

from savings.models import Account, Entry, Plan, User


def digest() -> str:
    """Return a hash of all entries: amounts, codes, times, and accounts by their owners' order of creation."""
    users = {pk: number for number, pk in enumerate(User.objects.order_by("pk").values_list("pk", flat=True))}
    plans = {pk: number for number, pk in enumerate(Plan.objects.order_by("pk").values_list("pk", flat=True))}
    accounts = {
        pk: f"{kind} {place} {users.get(user_id)} {plans.get(plan_id)}"
        for pk, kind, place, user_id, plan_id in Account.objects.values_list(
            "pk", "kind", "provider", "user", "plan"
        )
    }
    hashed = hashlib.sha256()
    for entry in Entry.objects.select_related("transaction").order_by("pk"):
        line = (
            entry.amount_kobo,
            entry.transaction.kind,
            entry.code,
            accounts[entry.debit_account_id],
            accounts[entry.credit_account_id],
            entry.posted_at.isoformat(),
            str(entry.value_on),
        )
        hashed.update(f"{line}\n".encode())
    return hashed.hexdigest()[:16]
