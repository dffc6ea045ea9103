"""Prepares the pages of payments: where one continues, which are being checked, and who pays the provider's fee."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone

from savings.models import Entry, Payment, Transaction
from savings.prepared_queries import prepared
from web import date_formats
from web.messages import payments as messages

MOST_CHECKED = 3


class Checked(NamedTuple):
    """A payment that people check, as the dashboard shows it."""

    reference: str
    text: str


def being_checked(user_id: int) -> list[Checked]:
    """Return the newest payments of a user that are being checked, in one query."""
    return [
        Checked(reference, messages.part_being_checked(amount_kobo, arrived_kobo))
        if arrived_kobo
        else Checked(reference, messages.all_being_checked(amount_kobo, plan, _day(made_at)))
        for reference, amount_kobo, plan, made_at, arrived_kobo in _in_review(user_id)
    ]


def _day(at: datetime.datetime) -> str:
    created, today = timezone.localtime(at), timezone.localdate()
    return date_formats.day(created, with_year=created.year != today.year)


@prepared
def _in_review(user_id: int) -> QuerySet[Transaction, Any]:
    arrived = Entry.objects.filter(transaction=OuterRef("pk"), code=Entry.Code.SUSPENSE)
    found = Transaction.objects.filter(user=user_id).in_review().order_by("-id")
    arrived_kobo = Subquery(arrived.order_by("id").values("amount_kobo")[:1])
    return found.values_list("reference", "amount_kobo", "plan__name", "created_on", arrived_kobo)[
        :MOST_CHECKED
    ]


def where_to_pay(payment: Payment) -> str:
    """Return the URL where a payment continues: the provider's page, or ours if there is none or it is over."""
    if payment.checkout_url and payment.transaction.status == Transaction.Status.PENDING:
        return payment.checkout_url
    return reverse("payments:return_from_provider", args=[payment.transaction.reference])


def card_note() -> str:
    """Return what a saver must know about a card before they choose it: who pays the fee, and where they pay."""
    sentence = fee_sentence()
    return sentence if sentence == messages.NO_CARDS else f"{sentence} {messages.ON_THEIR_PAGE}"


def fee_sentence() -> str:
    """Return who pays the provider's fee of a card, and which cards are not accepted, as one sentence."""
    return messages.CARD_FEES[settings.FEE_BEARER_CARD, settings.FEE_BEARER_FOREIGN_CARD]
