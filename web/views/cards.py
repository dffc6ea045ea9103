"""The saved cards of a saver: list, rename, make the default, and remove."""

from __future__ import annotations

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from savings import payments
from savings.models import AutosaveRule, SavedCard
from web.forms.cards import RenameCardForm
from web.http import SaverRequest, redirect, render_part
from web.messages import cards as messages
from web.notices import notify
from web.pages import cards as card_pages


def index(request: SaverRequest) -> HttpResponse:
    """The saved cards, the default first."""
    is_active = Q(autosave_rules__status=AutosaveRule.Status.ACTIVE)
    cards = request.user.cards.current().annotate(autosaves=Count("autosave_rules", filter=is_active))
    current = [card_pages.shown(card) for card in cards]
    context = {"cards": current, "most": payments.MOST_CARDS, "is_full": len(current) >= payments.MOST_CARDS}
    return render(request, "cards/index.html", context)


def rename(request: SaverRequest, card_id: int) -> HttpResponse:
    """Give a card a name."""
    card = _own_card(request, card_id)
    form = RenameCardForm(request.POST if request.method == "POST" else None, initial={"name": card.name})
    if form.is_valid():
        with form.refusals():
            payments.rename_card(card, form.cleaned_data["name"])
            card.name = form.cleaned_data["name"]
            notify(request, messages.renamed(str(card)))
            return redirect(request, reverse("cards:index"))
    context = {"form": form, "card": card_pages.shown(card)}
    return render_part(request, "cards/rename.html", "form", context, status=422 if form.errors else 200)


@require_POST
def make_default(request: SaverRequest, card_id: int) -> HttpResponse:
    """Let the forms propose this card."""
    card = _own_card(request, card_id)
    payments.make_default_card(card)
    notify(request, messages.is_default(str(card)))
    return redirect(request, reverse("cards:index"))


def remove(request: SaverRequest, card_id: int) -> HttpResponse:
    """Ask whether to remove a card, and remove it."""
    card = _own_card(request, card_id)
    if request.method == "POST":
        payments.remove_card(card)
        notify(request, messages.removed(str(card)), messages.NO_MORE_CHARGES)
        return redirect(request, reverse("cards:index"))
    return render(request, "cards/remove.html", {"card": card_pages.shown(card)})


def _own_card(request: SaverRequest, card_id: int) -> SavedCard:
    return get_object_or_404(request.user.cards.current(), pk=card_id)
