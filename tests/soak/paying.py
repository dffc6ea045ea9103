"""How savers of the simulated year pay by card: on the provider's page and with saved cards, which they manage."""

from __future__ import annotations

from savings import ledger, payments, references
from savings.models import Payment, Transaction
from tests.soak import provider
from tests.soak.people import Act, Person, pick

Kind = Transaction.Kind

# What happens on the checkout page, and how often.
_OUTCOMES = {
    "success": 60,
    "declined": 6,
    "abandon": 4,
    "late": 6,
    "twice": 5,
    "wrong-amount": 2,
    "forged": 2,
    "silent": 6,
    "foreign": 2,
    "other-card": 3,
    "card-no-funds": 2,
    "card-expired": 1,
    "card-not-reusable": 1,
    "card-challenge": 2,
    "card-timeout": 2,
    "card-duplicate": 2,
}


def pay(person: Person) -> Act:
    """Pay by card on the provider's page, into a plan or the stash, sometimes with the wish to save the card."""
    chance, plan = person.chance, person.plan() if person.chance.random() < 0.7 else None
    kobo = person.naira(150, 120_000)
    reference = references.new(Kind.TOP_UP if plan else Kind.STASH_DEPOSIT)
    mandate = payments.MANDATE if chance.random() < 0.3 else ""
    outcome = pick(chance, _OUTCOMES)
    minutes, comes_back, tries_again = chance.randint(1, 25), chance.random() < 0.5, chance.random() < 0.7

    def start() -> None:
        payment = payments.start_payment(
            person.user,
            plan=plan,
            amount_kobo=kobo,
            reference=reference,
            mandate=mandate,
            mandate_device="Simulated",
        )
        if not payment.checkout_url and tries_again:
            payments.send_to_provider(payment)

    def press() -> None:
        if Payment.objects.filter(transaction__reference=reference).exclude(checkout_url="").exists():
            provider.press(reference, outcome)

    def come_back() -> None:
        payments.settle_payment(reference, payer_left=False)

    person.later(press, "pay on the page", least=minutes, most=minutes)
    if comes_back:
        person.later(come_back, "come back", least=minutes + 1, most=minutes + 2)
    return start


def pay_with_saved_card(person: Person) -> Act | None:
    """Charge a saved card for a plan or the stash."""
    card, plan = person.card(), person.plan() if person.chance.random() < 0.7 else None
    if card is None:
        return None
    kobo, kind = person.naira(150, 80_000), Kind.TOP_UP if plan else Kind.STASH_DEPOSIT
    reference = references.new(kind)
    return lambda: payments.charge_card(card, plan=plan, amount_kobo=kobo, reference=reference, kind=kind)


def approve_charges(person: Person) -> Act | None:
    """Approve or decline what waits on the provider's page."""
    waiting = Payment.objects.filter(
        transaction__user=person.user_id, transaction__status="pending", saved_card__isnull=False
    ).exclude(checkout_url="")
    found = list(waiting.order_by("pk").values_list("transaction__reference", flat=True))
    outcome = person.chance.choice(["success", "success", "declined", "silent"])
    return (lambda: provider.press(found[0], outcome)) if found else None


def manage_card(person: Person) -> Act | None:
    """Name a card, make it the default, or remove it."""
    card = person.card()
    if card is None:
        return None
    name = f"Card {person.chance.randrange(100)}"
    return person.chance.choice(
        [
            lambda: payments.rename_card(card, name),
            lambda: payments.make_default_card(card),
            lambda: payments.remove_card(card),
        ]
    )


def repay(person: Person) -> Act | None:
    """Have staff take what is owed after a chargeback out of the stash."""
    owed_kobo, stash_kobo = ledger.receivable_kobo(person.user), person.stash_kobo()
    reference = references.new(Kind.REPAYMENT)
    if not owed_kobo or not stash_kobo:
        return None
    people = person.world.house.staff | {"reason": "Simulated"}
    return lambda: ledger.repay_debt(person.user, reference=reference, **people)
