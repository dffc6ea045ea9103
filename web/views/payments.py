"""Paying by card, the return from the provider's page, and its webhook."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from savings import money, payments, tasks
from savings.exceptions import ForgedEvent, MalformedEvent, ProviderRefused, ProviderUnavailable
from savings.models import Payment, Plan, Transaction
from web.auth.fresh_sign_in import ask_for_proof
from web.forms.cards import CardForm, card_source
from web.http import SaverRequest, redirect, render_part, wants_part
from web.messages import amounts as amount_messages
from web.messages import payments as messages
from web.notices import notify
from web.pages import plan_standing
from web.pages.cards import after_charge
from web.pages.payments import where_to_pay
from web.pages.polling import PROVIDER_STEPS, next_look, polls_so_far

Status = Transaction.Status
# The longest a page waits for the provider's answer.
_ASK_SECONDS = 3


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Store an event of the provider and queue it for a worker. The answers tell an attacker nothing."""
    try:
        # BodyLimitMiddleware has refused a longer body with 413.
        event = payments.receive_event(request.body, request.headers.get("x-paystack-signature", ""))
    except ForgedEvent:
        return HttpResponse(status=401)
    except MalformedEvent:
        return HttpResponse(status=400)
    if event.due_at is not None:
        tasks.nudge(tasks.process_webhook_event, event.pk)
    return HttpResponse(status=200)


def pay(request: SaverRequest, form: CardForm, *, plan: Plan | None) -> HttpResponse:
    """Pay a valid form by card: charge the saved card that it names, or lead to the provider's page for another one.

    A large amount is charged to a saved card only after a fresh sign-in, which leads back to the form as it is.
    """
    amount_kobo, reference, card = (
        form.cleaned_data["amount"],
        form.cleaned_data["reference"],
        form.chosen_card,
    )
    if card is None:
        payment = payments.start_payment(
            request.user,
            plan=plan,
            amount_kobo=amount_kobo,
            reference=reference,
            mandate=form.mandate,
            mandate_device=request.headers.get("User-Agent", ""),
        )
        return redirect(request, where_to_pay(payment))
    if payments.needs_fresh_sign_in(amount_kobo):
        query = {"amount": money.figures(amount_kobo), "from": card_source(card)}
        asked = ask_for_proof(request, going_to=f"{request.path}?{urlencode(query)}")
        if asked is not None:
            return asked
    kind = Transaction.Kind.TOP_UP if plan else Transaction.Kind.STASH_DEPOSIT
    movement = payments.charge_card(card, plan=plan, amount_kobo=amount_kobo, reference=reference, kind=kind)
    if movement.status != Status.PENDING:
        _say_how_it_ended(request, _payment_of(request, reference))
    return redirect(request, after_charge(movement))


@require_GET
def find_returned(request: SaverRequest) -> HttpResponse:
    """Lead from the URL in the provider's settings, to which it sends people after a challenge, to their payment."""
    reference = request.GET.get("reference", "")
    if not re.fullmatch("[A-Za-z0-9]{1,40}", reference):
        return redirect(request, reverse("transactions:index"))
    return redirect(request, reverse("payments:return_from_provider", args=[reference]))


@require_GET
def return_from_provider(request: SaverRequest, reference: str) -> HttpResponse:
    """Ask the provider once for a payment's result; show its receipt, or a page that waits for it."""
    payment = _payment_of(request, reference)
    is_sent = payment.sent_at or payment.saved_card_id
    if is_sent and payments.is_open(payment) and not wants_part(request):
        _ask(reference)
        payment = _payment_of(request, reference)
    if payment.transaction.status != Status.PENDING:
        _say_how_it_ended(request, payment)
        return redirect(request, reverse("transactions:receipt", args=[reference]))
    polls = polls_so_far(request.GET)
    context = {
        "payment": payment,
        "movement": payment.transaction,
        **next_look(polls, PROVIDER_STEPS),
    }
    return render_part(request, "payments/return_from_provider.html", "watch", context)


@require_POST
def send_again(request: SaverRequest, reference: str) -> HttpResponse:
    """Redirect to the provider's page, after sending the payment to the provider if that has failed before."""
    payment = _payment_of(request, reference)
    if (
        payment.transaction.status == Status.PENDING
        and not payment.checkout_url
        and not payment.saved_card_id
    ):
        if payments.send_to_provider(payment):
            return HttpResponseRedirect(payment.checkout_url)
        notify(request, messages.STILL_NO_PROVIDER, messages.NOTHING_MOVED, is_bad=True)
    return HttpResponseRedirect(where_to_pay(payment))


def _payment_of(request: SaverRequest, reference: str) -> Payment:
    payments_of_user = Payment.objects.select_related("transaction__plan", "meant_for")
    return get_object_or_404(
        payments_of_user, transaction__reference=reference, transaction__user=request.user
    )


def _ask(reference: str) -> None:
    """Ask the provider now, or queue the question for a worker if it is slow."""
    try:
        payments.settle_payment(reference, timeout_seconds=_ASK_SECONDS)
    except (ProviderUnavailable, ProviderRefused):
        tasks.nudge(tasks.settle_payment, reference)


def _say_how_it_ended(request: SaverRequest, payment: Payment) -> None:
    movement = payment.transaction
    amount_kobo = movement.amount_kobo
    if movement.status == Status.SUCCESS and movement.plan:
        notify(
            request,
            amount_messages.in_plan(amount_kobo, movement.plan.name),
            plan_standing.milestone(movement),
        )
    elif movement.status == Status.SUCCESS:
        why = messages.plan_was_full(payment.meant_for.name) if payment.meant_for else ""
        notify(request, amount_messages.in_stash(amount_kobo), why)
    elif movement.status == Status.REVIEW:
        notify(request, messages.BEING_CHECKED, messages.SEE_RECEIPT)
    elif movement.status == Status.ABANDONED:
        notify(request, messages.left_before_paying(amount_kobo), messages.NOTHING_MOVED, is_bad=True)
    elif movement.status == Status.FAILED:
        why = payments.CARD_FAILURES.get(movement.failure_code, "") if payment.saved_card_id else ""
        notify(request, messages.failed(amount_kobo), why or messages.NOTHING_LEFT, is_bad=True)
