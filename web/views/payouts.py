"""Withdrawals: asking for one, confirming exactly what the page showed, and cancelling."""

from __future__ import annotations

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_POST

from savings import payments
from web.auth.fresh_sign_in import fresh_sign_in_required
from web.forms.payouts import PayoutForm, TokenForm
from web.forms.plans import QuoteForm
from web.http import SaverRequest, redirect, render_part, wants_part
from web.messages import payouts as messages
from web.notices import notify
from web.pages import payouts as payout_pages


@fresh_sign_in_required
def withdraw(request: SaverRequest) -> HttpResponse:
    """Ask how much to withdraw to which bank account, and show what that comes to."""
    form = _form(request, request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.refusals():
            return _show_quote(request, form)
    return _ask(request, form)


def preview(request: SaverRequest) -> HttpResponse:
    """Say what a withdrawal of the typed amount would cost, beside the form that asks for the amount."""
    if request.method != "POST" or not wants_part(request):
        return redirect(request, reverse("payouts:withdraw"))
    context = {"after": payout_pages.preview(QuoteForm(request.POST))}
    return render(request, "forms/_comes_to.html", context)


@fresh_sign_in_required
def confirm(request: SaverRequest) -> HttpResponse:
    """Withdraw exactly what the page showed. If that is not valid any more, show what the withdrawal comes to now."""
    if request.method != "POST":
        return redirect(request, reverse("payouts:withdraw"))
    confirmed = TokenForm(request.POST)
    if confirmed.is_valid():
        with confirmed.refusals():
            payout = payments.request_payout(
                request.user, confirmed.cleaned_data["token"], session=_session_mark(request)
            )
            notify(request, messages.ON_ITS_WAY, messages.SEE_STEPS)
            return redirect(request, reverse("transactions:receipt", args=[payout.transaction.reference]))
    form = _form(request, request.POST)
    if form.is_valid():
        with form.refusals():
            return _show_quote(request, form, confirmed)
    return _ask(request, form)


@require_POST
def cancel(request: SaverRequest, reference: str) -> HttpResponse:
    """Cancel a withdrawal that was not sent yet."""
    mine = request.user.payouts.select_related("transaction")
    payout = get_object_or_404(mine, transaction__reference=reference)
    payments.cancel_payout(payout)
    notify(request, messages.cancelled(payout.transaction.amount_kobo), messages.BACK_IN_STASH)
    return redirect(request, reverse("stash:home"))


def _form(request: SaverRequest, data: QueryDict | None) -> PayoutForm:
    recipients = list(request.user.recipients.current())
    return PayoutForm(data, recipients=recipients, initial=payout_pages.initial(request.GET, recipients))


def _ask(request: SaverRequest, form: PayoutForm) -> HttpResponse:
    context = payout_pages.ask(request.user, form)
    status = 422 if form.errors else 200
    return render_part(request, "payouts/withdraw.html", "form", context, status=status)


def _show_quote(request: SaverRequest, form: PayoutForm, confirmed: TokenForm | None = None) -> HttpResponse:
    quote = payments.quote_payout(request.user, form.chosen, form.amount_kobo)
    token = payments.sign_payout(request.user, quote, session=_session_mark(request))
    context = payout_pages.quoted(quote, form, token) | {"confirmed": confirmed}
    status = 422 if confirmed else 200
    return render_part(request, "payouts/confirm.html", "form", context, status=status)


def _session_mark(request: SaverRequest) -> str:
    """Return what binds a confirmation to this session. Not the key itself: a page can be read and saved."""
    key = request.session.session_key or ""
    return salted_hmac("web.views.payouts", key, algorithm="sha256").hexdigest()
