"""Transactions: the list, and the receipt of each."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django_htmx.http import HttpResponseClientRefresh

from savings import ledger
from savings.models import (
    Account,
    AutosaveRun,
    Entry,
    ForfeitedInterest,
    InterestPosting,
    OutboxRow,
    Payment,
    Payout,
    Plan,
    Recipient,
    Transaction,
    WebhookEvent,
)
from web import keyset
from web.caching import pages as page_cache
from web.forms.transactions import FilterForm
from web.http import SaverRequest, render_part, wants_part
from web.pages import payouts as payout_pages
from web.pages import plan_exits, receipt_outcomes, receipts
from web.pages import transactions as transaction_rows
from web.pages.polling import polls_so_far


@page_cache.page(
    "before", "after", "kind", "status", "plan", shows=(Account, AutosaveRun, Entry, Plan, Transaction)
)
def index(request: SaverRequest) -> HttpResponse:
    """Every transaction, newest first, in keyset pages, filtered by the query string."""
    form = FilterForm(request.GET, user=request.user)
    found = form.filter(request.user.transactions.all())
    page = keyset.page(found.values_list(*transaction_rows.COLUMNS), request.GET)
    context = transaction_rows.listing(form, page, request.user.pk)
    return render_part(
        request, "transactions/index.html", "listing", context, status=422 if form.errors else 200
    )


# What a receipt shows of other rows.
_ABOUT_RECEIPT = (
    *("plan", "payment__meant_for", "reverses", "reversed_by", "refunds"),
    *("interest_posting", "tax_of_posting"),
    *("part_of__payout__recipient", "payout__recipient"),
)


@page_cache.page(
    shows=(
        Account,
        Entry,
        ForfeitedInterest,
        InterestPosting,
        OutboxRow,
        Payment,
        Payout,
        Plan,
        Recipient,
        Transaction,
        WebhookEvent,
    )
)
def receipt(request: SaverRequest, reference: str) -> HttpResponse:
    """One transaction: the amount, its progress, and the ledger entries behind it. While it is open, it polls."""
    mine = request.user.transactions.select_related(*_ABOUT_RECEIPT)
    mine = mine.annotate(has_others=Exists(receipts.others_of(OuterRef("pk"))))
    movement: Any = get_object_or_404(mine, reference=reference)
    payment, payout = getattr(movement, "payment", None), receipts.payout_of(movement)
    watch = receipts.watch(movement, payout, polls_so_far(request.GET))
    if wants_part(request):
        if request.GET.get("state") == watch["state"]:
            return render(request, "transactions/receipt.html#watch", watch)
        return HttpResponseClientRefresh()
    entries = list(receipts.entries(movement))
    events = list(WebhookEvent.objects.filter(reference=reference).order_by("id")) if payment else []
    steps = ledger.timeline_steps(
        movement,
        payment=payment,
        entries=entries,
        events=events,
        mails=list(receipts.mails(movement)),
        payout=payout,
    )
    others = list(receipts.others_of(movement)) if movement.has_others else []
    balances, amount_kobo = receipts.balances(entries), receipts.amount_kobo(movement, entries)
    parts = receipts.tax_context(movement, others) | payout_pages.receipt(movement, payout, others)
    linked = {line.reference for line in parts.get("sum_lines", ())}
    context = {
        "movement": movement,
        "payment": payment,
        "outcome": receipt_outcomes.outcome(movement, payment, entries, steps=steps),
        "operator": settings.OPERATOR,
        "amount_kobo": amount_kobo,
        "lines": [receipts.ledger_line(entry) for entry in entries],
        "signed_kobo": receipts.signed_kobo(movement, amount_kobo, balances),
        "exit_lines": plan_exits.receipt_lines(movement),
        "balances": receipts.changes(movement, balances, others),
        "related": receipts.related(movement, others, linked=linked),
        "steps": steps,
    }
    return render(request, "transactions/receipt.html", context | parts | watch)
