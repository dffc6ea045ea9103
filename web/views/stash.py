"""The stash: its balance, its transactions, money on its way out, and adding money by card."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from savings import dashboard
from savings.models import (
    Account,
    AutosaveRule,
    AutosaveRun,
    Circle,
    Entry,
    Membership,
    Payout,
    Plan,
    Product,
    Recipient,
    SavedCard,
    TaxRate,
    Transaction,
)
from savings.prepared_queries import prepared
from web.caching import pages as page_cache
from web.forms.fields import asked_amount
from web.forms.stash import FundForm
from web.http import SaverRequest, render_part
from web.pages import amounts, autosave, plan_list, plan_notices
from web.pages import payouts as payout_pages
from web.pages import transactions as transaction_rows
from web.pages.payments import card_note, fee_sentence
from web.views.payments import pay

LATEST = 10


@page_cache.page(
    shows=(
        Account,
        AutosaveRule,
        AutosaveRun,
        Entry,
        Payout,
        Plan,
        Product,
        Recipient,
        SavedCard,
        TaxRate,
        Transaction,
    ),
    own=(Circle, Membership),
    also=plan_notices.clock_hour,
)
def home(request: SaverRequest) -> HttpResponse:
    """The stash, its latest transactions, what is on its way out, and the plans that accept its money."""
    today = timezone.localdate()
    holdings = dashboard.holdings(request.user)
    context = {
        "stash_kobo": holdings.stash_kobo,
        "on_hold_kobo": holdings.on_hold_kobo,
        # Only withdrawals put money on hold.
        "on_the_way": payout_pages.on_the_way(request.user) if holdings.on_hold_kobo else [],
        "plans": plan_list.taking_money(holdings.plans, today),
        "rows": transaction_rows.rows(_latest(request.user.pk), seen_from="stash"),
        "autosaves": autosave.stash_section(request.user),
    }
    return render(request, "stash/home.html", context)


@prepared
def _latest(user_id: int) -> QuerySet[Transaction, Any]:
    return transaction_rows.newest(Transaction.objects.filter(user=user_id).of_stash(), LATEST)


def fund(request: SaverRequest) -> HttpResponse:
    """Add money to the stash by card, which redirects to the provider."""
    data = request.POST if request.method == "POST" else None
    initial = {"amount": asked_amount(request.GET.get("amount", ""))}
    initial |= {"source": request.GET["from"]} if "from" in request.GET else {}
    form = FundForm(data, user=request.user, initial=initial)
    if form.is_valid():
        with form.refusals():
            return pay(request, form, plan=None)
    stash_kobo = dashboard.holdings(request.user).stash_kobo
    context = {
        "form": form,
        "stash_kobo": stash_kobo,
        "chips": amounts.chips(None, form),
        "after": amounts.after(form, stash_kobo),
        "amount_kobo": amounts.typed_kobo(form),
        "sources": amounts.card_sources(form, card_note()) if form.cards else [],
        "fee_sentence": fee_sentence(),
    }
    return render_part(request, "stash/fund.html", "form", context, status=422 if form.errors else 200)
