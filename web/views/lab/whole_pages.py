"""A whole page, written both ways."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import FETCH_ONE
from django.http import HttpResponse
from django.shortcuts import render

from savings.models import Transaction
from web.forms.transactions import FilterForm
from web.http import SaverRequest
from web.pages import transactions as transaction_rows


def naive_transactions(request: SaverRequest) -> HttpResponse:
    """The transactions page as a beginner would write it, which `bench pages` compares ours with."""
    form = FilterForm(request.GET, user=request.user)
    movements = form.filter(request.user.transactions.order_by("-id")).fetch_mode(FETCH_ONE)
    page = Paginator(movements, 25).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "rows": [(movement, _signed_kobo(movement)) for movement in page]}
    return render(request, "lab/naive_transactions.html", context, status=422 if form.errors else 200)


def _signed_kobo(movement: Transaction) -> int:
    """Return the amount in kobo with the sign that the list shows; 0 if it shows none."""
    reversed_kind = movement.reverses.kind if movement.reverses else None
    way = transaction_rows.direction(movement.kind, reversed_kind)
    return movement.amount_kobo * (way if movement.status == Transaction.Status.SUCCESS else min(way, 0))
