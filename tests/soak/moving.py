"""How savers of the simulated year move money between stash and plans, and withdraw it to their banks."""

from __future__ import annotations

from django.utils import timezone

from savings import payments, plans, references
from savings.exceptions import Refused
from savings.models import Notice, Payout, Recipient, Transaction
from tests.soak.people import Act, Person

Kind = Transaction.Kind


def move_to_plan(person: Person) -> Act | None:
    """Move a part of the stash into a plan, at times more than is there."""
    plan, kobo = person.plan(), person.stash_kobo()
    if plan is None or not kobo:
        return None
    kobo = max(1, int(kobo * person.chance.uniform(0.05, 1.05)))
    reference = references.new(Kind.STASH_TO_PLAN)
    return lambda: plans.move_to_plan(person.user, plan, amount_kobo=kobo, reference=reference)


def take_out(person: Person) -> Act | None:
    """Take money out of a plan, in the way that its terms allow: by a move, a notice, or an early exit by quote."""
    plan, chance = person.plan(), person.chance
    if plan is None or not plan.account.balance_kobo:
        return None
    held_kobo = plan.account.balance_kobo
    kobo = held_kobo if chance.random() < 0.3 else max(1, int(held_kobo * chance.uniform(0.05, 0.9)))
    today = timezone.localdate()
    if plans.needs_notice(plan, today):
        reference = references.mint(references.NOTICE_PREFIX)
        return lambda: plans.give_notice(person.user, plan, amount_kobo=kobo, reference=reference)
    reference = references.new(Kind.PLAN_TO_STASH)
    if not plans.is_early(plan, today):
        return lambda: plans.move_from_plan(person.user, plan, amount_kobo=kobo, reference=reference)
    try:
        token = plans.sign_quote(person.user, plans.quote_exit(plan, kobo, on=today))
    except Refused:
        return None
    return lambda: plans.carry_out_exit(person.user, plan, token, reference=reference)


def cancel_notice(person: Person) -> Act | None:
    """Cancel a notice."""
    notice = Notice.objects.waiting().filter(user=person.user_id).order_by("pk").first()
    return (lambda: plans.cancel_notice(notice)) if notice else None


def add_bank_account(person: Person) -> Act | None:
    """Add a bank account, whose number decides how transfers to it end."""
    if Recipient.objects.current().filter(user=person.user_id).count() >= 3:
        return None
    chance = person.chance
    ending = chance.randrange(900, 917) if chance.random() < 0.5 else chance.randrange(900)
    number = f"1{chance.randrange(10**6):06}{ending:03}"
    bank_code = chance.choice(["058", "057", "50211"])

    def add() -> None:
        found = payments.find_account(person.user, bank_code=bank_code, account_number=number)
        payments.add_recipient(person.user, found.token)

    return add


def withdraw(person: Person) -> Act | None:
    """Withdraw a part of the stash to a bank account."""
    recipients = list(Recipient.objects.current().filter(user=person.user_id).order_by("pk"))
    kobo = person.stash_kobo()
    if not recipients or not kobo:
        return None
    recipient = person.chance.choice(recipients)
    asked_kobo = None if person.chance.random() < 0.3 else max(1, int(kobo * person.chance.uniform(0.1, 1)))
    try:
        quote = payments.quote_payout(person.user, recipient, asked_kobo)
    except Refused:
        return None
    token = payments.sign_payout(person.user, quote, session="")
    return lambda: payments.request_payout(person.user, token, session="")


def cancel_withdrawal(person: Person) -> Act | None:
    """Cancel a withdrawal that was not sent yet."""
    payout = Payout.objects.filter(user=person.user_id, state__in=Payout.UNSENT).order_by("pk").first()
    return (lambda: payments.cancel_payout(payout)) if payout else None


def remove_bank_account(person: Person) -> Act | None:
    """Remove a bank account."""
    recipients = list(Recipient.objects.current().filter(user=person.user_id).order_by("pk"))
    recipient = person.chance.choice(recipients) if len(recipients) > 1 else None
    return (lambda: payments.remove_recipient(recipient)) if recipient else None
