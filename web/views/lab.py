"""The lab: experiments on real rows for developers. It exists in development only; see `HAS_LAB`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import FETCH_ONE
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from savings.models import Transaction
from web.forms.transactions import FilterForm
from web.http import SaverRequest, redirect, render_part
from web.lab import boards, lookups, mails, names
from web.lab.measure import compare
from web.pages import transactions as transaction_rows

_ROUNDS = 3


def home(request: SaverRequest) -> HttpResponse:
    """The list of experiments."""
    return render(request, "lab/home.html")


def plan_names(request: SaverRequest) -> HttpResponse:
    """The user's latest transactions with their plans' names, in five ways."""
    has_rows = request.user.transactions.exists()
    comparison = compare(names.WAYS, request.user, rounds=_ROUNDS) if has_rows else None
    return _show(request, "lab/plan_names.html", {"comparison": comparison})


def lookup(request: SaverRequest) -> HttpResponse:
    """Transactions by reference, with and without an index; POST makes the copies of the table."""
    if request.method == "POST":
        lookups.make_copies()
        return redirect(request, reverse("lab:lookup"))
    wanted = lookups.sample()
    context = {
        "comparison": compare(lookups.WAYS, wanted, rounds=_ROUNDS) if wanted else None,
        "rows": lookups.ROWS,
    }
    return _show(request, "lab/lookup.html", context)


def leaderboard(request: SaverRequest) -> HttpResponse:
    """The top of the largest circle, computed and cached."""
    circle = boards.largest()
    context = {
        "comparison": compare(boards.WAYS, circle, rounds=_ROUNDS) if circle else None,
        "circle": circle,
        "is_in_redis": circle is not None and boards.is_in_redis(circle),
    }
    return _show(request, "lab/leaderboard.html", context)


def mail(request: SaverRequest) -> HttpResponse:
    """A mail to the user, inline and queued; sent only by POST, and once."""
    comparison = compare(mails.WAYS, request.user, rounds=0) if request.method == "POST" else None
    context = {"comparison": comparison, "smtp_ms": round(mails.SMTP_SECONDS * 1000)}
    return _show(request, "lab/mail.html", context)


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


def _show(request: SaverRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render_part(request, template, "result", context | {"is_watched": settings.DEBUG_TOOLBAR})
