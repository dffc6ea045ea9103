"""Offers: the actions that fit something now, and why the others do not."""

from __future__ import annotations

import pytest
from django.utils import timezone

from savings import backoffice, ledger, references
from savings.backoffice import Offer, messages
from savings.models import Case, Dispute, Transaction, User
from tests.factories import make_plan, make_user, pay_in, put_in
from tests.savings.backoffice.conftest import ARRIVED, make_staff

pytestmark = pytest.mark.django_db


def why_not(offers: list[Offer]) -> dict[str, str]:
    return {offer.action: offer.why_not for offer in offers}


def test_money_in_suspense_can_be_released_allocated_and_sent_back(
    reviewed: Transaction, finance: User
) -> None:
    offers = backoffice.offers_for_transaction(reviewed, finance)
    assert why_not(offers) == {"release": "", "allocate": "", "send_back": ""}
    assert {tuple(offer.ids.items()) for offer in offers} == {(("transaction", reviewed.pk),)}


def test_nothing_is_released_once_it_is_all_gone(
    reviewed: Transaction, finance: User, approver: User
) -> None:
    values = {"transaction": reviewed.pk, "amount_kobo": ARRIVED, "plan": None}
    request = backoffice.ask("release", values, asked_by=finance, reason="It is hers")
    waiting = why_not(backoffice.offers_for_transaction(reviewed, finance))
    assert set(waiting.values()) == {messages.SUBJECT_WAITS}

    backoffice.approve(request, by=approver)

    reviewed.refresh_from_db()
    assert why_not(backoffice.offers_for_transaction(reviewed, finance)) == {
        "refund": messages.NOTHING_TO_REFUND
    }


def test_a_dispute_stops_what_gives_the_money_back(reviewed: Transaction, finance: User) -> None:
    Dispute.objects.create(payment=reviewed.payment, provider_id=9, amount_kobo=ARRIVED)
    found = why_not(backoffice.offers_for_transaction(reviewed, finance))
    assert found == {"release": "", "allocate": "", "send_back": messages.DISPUTED}


def test_a_payment_without_a_payer_is_only_allocated(reviewed: Transaction, finance: User) -> None:
    reviewed.user = None
    found = why_not(backoffice.offers_for_transaction(reviewed, finance))
    assert found["release"] == messages.PAYER_UNKNOWN
    assert found["allocate"] == ""


def test_a_movement_inside_is_reversed_once(finance: User) -> None:
    movement = put_in(make_user(), 5_00)
    assert why_not(backoffice.offers_for_transaction(movement, finance)) == {"reverse": ""}
    reversal = ledger.reverse(movement, reference=references.new(Transaction.Kind.REVERSAL))
    assert why_not(backoffice.offers_for_transaction(movement, finance)) == {
        "reverse": messages.NOT_REVERSIBLE_NOW
    }
    assert backoffice.offers_for_transaction(reversal, finance) == []


def test_other_roles_and_owners_are_told_why(finance: User) -> None:
    saver = make_user()
    pay_in(saver, 5_00)
    auditor = make_staff("Auditor")
    assert set(why_not(backoffice.offers_for_saver(saver, auditor)).values()) == {messages.NOT_ALLOWED}
    assert set(why_not(backoffice.offers_for_saver(finance, finance)).values()) == {messages.OWN_MONEY}
    assert why_not(backoffice.offers_for_saver(saver, finance)) == {
        "adjust": "",
        "repay_debt": messages.OWES_NOTHING,
        "write_off": messages.OWES_NOTHING,
    }
    assert why_not(backoffice.offers_for_plan(make_plan(saver), finance)) == {"correct_interest": ""}


def test_a_solved_case_offers_nothing(finance: User) -> None:
    case = backoffice.open_question(make_user(), by=finance, summary="Where is it?")
    backoffice.solve(case, by=finance, outcome="There")
    found = why_not(backoffice.offers_for_case(case, finance))
    assert found["adjust"] == messages.SOLVED_ALREADY


def test_a_dispute_is_accepted_once(reviewed: Transaction, finance: User) -> None:
    dispute = Dispute.objects.create(payment=reviewed.payment, provider_id=9, amount_kobo=ARRIVED)
    backoffice.sync_cases(timezone.now())
    case = Case.objects.get(dispute=dispute)
    assert why_not(backoffice.offers_for_case(case, finance))["accept_dispute"] == ""
    dispute.answer = Dispute.Answer.CONTESTED
    case.dispute = dispute
    assert why_not(backoffice.offers_for_case(case, finance))["accept_dispute"] == messages.DISPUTE_ANSWERED
    dispute.resolved_at = timezone.now()
    assert why_not(backoffice.offers_for_case(case, finance))["accept_dispute"] == messages.DISPUTE_OVER
