"""The one search of staff. Each lookup has an index, so it costs the same among millions of rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db.models import Q, QuerySet

from savings import money, references, statements, typed_text, users
from savings.backoffice import messages
from savings.models import (
    Dispute,
    Payment,
    Payout,
    Plan,
    Recipient,
    Refund,
    Settlement,
    Statement,
    Transaction,
    User,
    WebhookEvent,
)
from savings.models.payouts import LAST_DIGITS

# Of each kind of row.
MOST_HITS = 20
_SHORTEST_NAME = 2
_LAST_DIGITS, _ALL_DIGITS = 4, 10
_LONGEST_ID = 18


@dataclasses.dataclass(frozen=True)
class Hit:
    """A row that was found: its model in lower case, and what tells it from the others."""

    model: str
    id: int
    title: str
    detail: str = ""
    # The saver it belongs to, None if it belongs to nobody.
    saver_id: int | None = None


Finder = Callable[[str], Iterable[Hit]]


def search(text: str, *, may: Callable[[str], bool]) -> list[Hit]:
    """Return what a typed text names, up to 20 rows of each kind that the searcher may see.

    It may be a reference, an email address (also a former one), the beginning of a person's or plan's name, a number or
    name at the provider, the code of a statement, or the last digits (four or more) of a bank account.
    `may` says whether the searcher has a permission.
    """
    term = typed_text.line(text)
    if not term:
        return []
    finders = [find for right, fits, find in _FINDERS if fits(term) and may(f"savings.{right}")]
    # A row that two lookups find is one hit.
    found = {(hit.model, hit.id): hit for find in finders for hit in find(term)}
    if not found and _is_code(term) and may("savings.view_webhookevent"):
        # The provider's events about something that is not in the books.
        return list(_events(term))
    return list(found.values())


def _is_email(term: str) -> bool:
    return "@" in term


def _is_code(term: str) -> bool:
    """Return whether text can be a reference, a code or an id: letters, digits and separators, with a digit."""
    return "@" not in term and any(char.isdigit() for char in term)


def _is_id(term: str) -> bool:
    return term.isascii() and term.isdigit() and len(term) <= _LONGEST_ID


def _is_bank_account(term: str) -> bool:
    return _is_id(term) and _LAST_DIGITS <= len(term) <= _ALL_DIGITS


def _is_name(term: str) -> bool:
    return "@" not in term and len(term) >= _SHORTEST_NAME and not term.isdigit()


def _savers_by_email(term: str) -> Iterator[Hit]:
    yield from _savers(User.objects.filter(pk__in=users.users_with_email(term)))


def _savers_by_name(term: str) -> Iterator[Hit]:
    key = typed_text.search_key(term)
    if key:
        yield from _savers(User.objects.filter(name_search__startswith=key))


def _savers(found: QuerySet[User]) -> Iterator[Hit]:
    for user in found.order_by()[:MOST_HITS]:
        detail = " · ".join([user.email, *_standing(user)])
        yield Hit("user", user.pk, user.name or user.email, detail, user.pk)


def _standing(user: User) -> Iterator[str]:
    """Yield what tells an account from those of most savers."""
    if user.is_staff:
        yield messages.ALSO_STAFF
    if user.closed_at:
        yield messages.ACCOUNT_CLOSED
    elif user.frozen:
        yield messages.ACCOUNT_FROZEN


def _transactions(term: str) -> Iterator[Hit]:
    rows = Transaction.objects.filter(reference__in=_typed(term)).select_related("user")
    for row in rows:
        detail = f"{row.get_kind_display()} · {money.naira(row.amount_kobo)} · {row.get_status_display()}"
        yield Hit("transaction", row.pk, row.reference, detail, row.user_id)


def _plans(term: str) -> Iterator[Hit]:
    yield from _plan_hits(Plan.objects.filter(reference__in=_typed(term)))


def _plans_by_name(term: str) -> Iterator[Hit]:
    key = typed_text.key(term)
    if key:
        yield from _plan_hits(Plan.objects.filter(name_key__startswith=key))


def _plan_hits(found: QuerySet[Plan]) -> Iterator[Hit]:
    for plan in found.select_related("user").order_by()[:MOST_HITS]:
        yield Hit("plan", plan.pk, plan.name, plan.user.email, plan.user_id)


def _statements(term: str) -> Iterator[Hit]:
    code = statements.cleaned_code(term)
    for row in Statement.objects.filter(code=code).select_related("user") if code else ():
        yield Hit("statement", row.pk, str(row), row.user.email, row.user_id)


def _payments_by_id(term: str) -> Iterator[Hit]:
    rows = Payment.objects.filter(**_at_provider(term)).select_related("transaction__user")
    for row in rows:
        movement = row.transaction
        detail = f"{movement.reference} · {money.naira(movement.amount_kobo)}"
        yield Hit("payment", row.pk, f"Payment {row.provider_id}", detail, movement.user_id)


def _refunds_by_id(term: str) -> Iterator[Hit]:
    rows = Refund.objects.filter(**_at_provider(term)).select_related("transaction")
    for row in rows:
        movement = row.transaction
        yield Hit("refund", row.pk, f"Refund {row.provider_id}", movement.reference, movement.user_id)


def _disputes_by_id(term: str) -> Iterator[Hit]:
    rows = Dispute.objects.filter(**_at_provider(term)).select_related("payment__transaction")
    for row in rows:
        movement = row.payment.transaction
        yield Hit("dispute", row.pk, f"Dispute {row.provider_id}", movement.reference, movement.user_id)


def _settlements_by_id(term: str) -> Iterator[Hit]:
    for row in Settlement.objects.filter(**_at_provider(term)):
        detail = f"{row.settled_on} · {money.naira(row.net_kobo)}"
        yield Hit("settlement", row.pk, f"Settlement {row.provider_id}", detail)


def _payouts(term: str) -> Iterator[Hit]:
    # The condition of the index: without it SQLite reads the table.
    rows = Payout.objects.filter(~Q(transfer_code=""), transfer_code=term).select_related("transaction")
    for row in rows[:MOST_HITS]:
        detail = f"{row.transaction.reference} · {money.naira(row.transaction.amount_kobo)}"
        yield Hit("payout", row.pk, row.transfer_code, detail, row.user_id)


def _recipients(term: str) -> Iterator[Hit]:
    rows = Recipient.objects.annotate(last=LAST_DIGITS).filter(last=term[-_LAST_DIGITS:])
    rows = rows.filter(account_number__endswith=term).select_related("user")
    for row in rows.order_by()[:MOST_HITS]:
        yield Hit("recipient", row.pk, f"{row}, {row.account_name}", row.user.email, row.user_id)


def _events(term: str) -> Iterator[Hit]:
    # The provider writes the references of transfers in lower case.
    rows = WebhookEvent.objects.filter(reference__in=_typed(term) | {term.lower()}).defer("body")
    for row in rows.order_by("-pk")[:MOST_HITS]:
        yield Hit("webhookevent", row.pk, row.event, row.reference)


def _typed(term: str) -> set[str]:
    """Return the forms in which a typed reference may be stored: they are dictated, in groups and in either case."""
    return {term, term.upper(), references.cleaned(term)}


def _at_provider(term: str) -> dict[str, Any]:
    return {"provider": "paystack", "provider_id": int(term)}


# The permission, whether a term fits, and the lookup.
_FINDERS: list[tuple[str, Callable[[str], bool], Finder]] = [
    ("see_saver", _is_email, _savers_by_email),
    ("view_transaction", _is_code, _transactions),
    ("view_plan", _is_code, _plans),
    ("view_statement", _is_code, _statements),
    ("view_payment", _is_id, _payments_by_id),
    ("view_refund", _is_id, _refunds_by_id),
    ("view_dispute", _is_id, _disputes_by_id),
    ("view_settlement", _is_id, _settlements_by_id),
    ("view_payout", _is_code, _payouts),
    ("view_recipient", _is_bank_account, _recipients),
    ("see_saver", _is_name, _savers_by_name),
    ("view_plan", _is_name, _plans_by_name),
]
