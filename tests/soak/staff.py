"""What the staff of the simulated year do by hand: goodwill, reversals, interest, debts, refunds and disputes."""

from __future__ import annotations

import contextlib
import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from savings import ledger, payments, references
from savings.exceptions import Refused
from savings.models import Account, Dispute, Payment, Plan, Refund, Transaction, User, WebhookEvent
from savings.payments.disputes import AWAITING_ANSWER
from web.simulator import disputes as claims
from web.simulator import payments as charges
from web.simulator import refunds
from web.simulator.request_bodies import Declined

if TYPE_CHECKING:
    from tests.soak.people import Act
    from tests.soak.world import World

Kind, Status = Transaction.Kind, Transaction.Status
_REVERSIBLE = (Kind.PLAN_TO_STASH, Kind.STASH_TO_PLAN, Kind.ADJUSTMENT)
# What staff do on a day, how likely it is, and the hour.
_HABITS = (
    ("adjust", 0.5, 10.2),
    ("correct_interest", 0.5, 10.7),
    ("reverse", 0.25, 11.4),
    ("write_off", 0.25, 12.1),
    ("refund_outside", 0.15, 12.4),
    ("answer_dispute", 0.8, 13.2),
    ("book_outside_refunds", 0.8, 16.6),
)


class Staff:
    """The verbs of the back office. Each choice is made before its act, which may be repeated after a kill."""

    def __init__(self, world: World) -> None:
        self.world, self.chance = world, world.chance("staff")

    def live(self, day_begins: datetime.datetime) -> None:
        """Add what the staff do on a day."""
        for name, likelihood, hour in _HABITS:
            if self.chance.random() < likelihood:
                at = day_begins + datetime.timedelta(hours=hour)
                self.world.add(at, partial(self._do, name))

    def _do(self, name: str) -> None:
        act: Act | None = getattr(self, name)()
        if act is not None:
            self.world.attempt(f"staff: {name}", act)

    @property
    def _people(self) -> dict[str, Any]:
        return self.world.house.staff | {"reason": "Simulated"}

    def adjust(self) -> Act | None:
        """Give goodwill to a stash or a plan, or take it back."""
        saver = self._saver()
        if saver is None:
            return None
        plans = list(Plan.objects.open().filter(user=saver).order_by("pk"))
        plan = self.chance.choice(plans) if plans and self.chance.random() < 0.4 else None
        given_kobo = ledger.goodwill_kobo(saver)
        gives = given_kobo <= 0 or self.chance.random() < 0.6
        kobo = self.chance.randrange(1, 900_00) if gives else self.chance.randint(1, given_kobo + 5)
        reference = references.new(Kind.ADJUSTMENT)
        return lambda: ledger.adjust(
            saver, plan=plan, amount_kobo=kobo, gives=gives, reference=reference, **self._people
        )

    def correct_interest(self) -> Act | None:
        """Give interest that was too little, or take back what was too much, also of a closed plan."""
        accounts = Account.objects.filter(interest_postings__gross_kobo__gt=0).distinct().order_by("pk")
        ids = list(accounts.values_list("plan", flat=True))
        if not ids:
            return None
        plan = Plan.objects.get(pk=self.chance.choice(ids))
        gives, kobo = self.chance.random() < 0.5, self.chance.randrange(1, 300_00)
        reference = references.new(Kind.INTEREST_CORRECTION)
        return lambda: ledger.correct_interest(
            plan, gross_kobo=kobo, gives=gives, reference=reference, **self._people
        )

    def reverse(self) -> Act | None:
        """Reverse a move or goodwill of the last days, at times a second time."""
        found = Transaction.objects.filter(kind__in=_REVERSIBLE, status__in=[Status.SUCCESS, Status.REVERSED])
        ids = list(found.order_by("-pk").values_list("pk", flat=True)[:60])
        if not ids:
            return None
        movement, reference = (
            Transaction.objects.get(pk=self.chance.choice(ids)),
            references.new(Kind.REVERSAL),
        )
        return lambda: ledger.reverse_by_hand(movement, reference=reference, **self._people)

    def write_off(self) -> Act | None:
        """Give up a part of what somebody owes."""
        owing = [user for user in self._savers() if ledger.receivable_kobo(user) > 0]
        if not owing:
            return None
        saver = self.chance.choice(owing)
        kobo = self.chance.randint(1, ledger.receivable_kobo(saver))
        reference = references.new(Kind.WRITE_OFF)
        return lambda: ledger.write_off(saver, amount_kobo=kobo, reference=reference, **self._people)

    def answer_dispute(self) -> Act | None:
        """Accept or contest an open dispute. Others are answered in the provider's dashboard, or by nobody."""
        waiting = Dispute.objects.filter(resolved_at=None, status=AWAITING_ANSWER, answer="").order_by("pk")
        dispute = waiting.first()
        if dispute is None:
            return None
        by = self.world.house.staff["asked_by"]
        if self.chance.random() < 0.5:
            return lambda: payments.accept_dispute(dispute, by=by)
        said = {"phone": "08012345678", "service_details": "A savings plan", "message": "It was the payer."}
        return lambda: payments.contest_dispute(dispute, by=by, **said)

    def refund_outside(self) -> Act | None:
        """Refund a payment in the provider's dashboard, of which the books know nothing yet.

        An older one than those that `House` refunds or lets dispute, since the provider gives no money back twice.
        """
        before = timezone.now() - datetime.timedelta(days=26)
        paid = Payment.objects.filter(
            transaction__status=Status.SUCCESS, transaction__created_on__lt=before, paid_kobo__gt=0
        )
        ids = list(paid.order_by("-pk").values_list("pk", flat=True)[:40])
        if not ids or not self.world.is_far_from_check:
            return None
        payment = Payment.objects.select_related("transaction").get(pk=self.chance.choice(ids))
        part = self.chance.choice([1, 2, 3])

        def act() -> None:
            known = charges.find(payment.provider_reference)
            if known is None or claims.open_one(known) is not None:
                return
            try:
                refunds.create(known, charges.left(known) // part, customer_note="", merchant_note="By hand")
            except Declined:
                return

        return act

    def book_outside_refunds(self) -> Act | None:
        """Book the refunds that somebody made in the dashboard."""
        events = WebhookEvent.objects.filter(needs_staff=True, event__startswith="refund.").order_by("pk")
        chosen = [(event, references.new(Kind.REFUND)) for event in events]
        if not chosen:
            return None

        def act() -> None:
            for event, reference in chosen:
                # Another event may have been about the same refund.
                with contextlib.suppress(Refused):
                    payments.book_outside_refund(event, reference=reference, **self._people)

        return act

    def finish(self) -> None:
        """Let what staff have begun come to its end, without the waits after a failure. Call it while nothing fails."""
        # The provider is asked before anything is sent again, and it answers now.
        Dispute.objects.filter(answer_due_at__isnull=False).update(
            answer_due_at=timezone.now(), answer_sent_at=None, evidence_sent_at=None
        )
        for refund in refunds.newest_first():
            if (
                refund["status"] == "processed"
                and not Refund.objects.filter(provider_id=refund["id"]).exists()
            ):
                # Its events may have got lost.
                refunds._tell(refund)
        self.world.provider.deliver()
        act = self.book_outside_refunds()
        if act is not None:
            act()

    def _savers(self) -> list[User]:
        return list(User.objects.filter(is_staff=False, is_active=True).order_by("pk"))

    def _saver(self) -> User | None:
        savers = self._savers()
        return self.chance.choice(savers) if savers else None
