"""The staff and the operator of the simulated year: capital, remittances, refunds, disputes, reviews, approvals."""

from __future__ import annotations

import datetime
import random
from functools import partial
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from savings import ledger, payments, references
from savings.ledger import Purpose, remittances
from savings.models import Account, Payment, Payout, Plan, Product, TaxRate, Transaction, User
from tests.soak import provider
from web.simulator import disputes, money, store, switches
from web.simulator import payments as charges

if TYPE_CHECKING:
    from tests.soak.world import World

Kind, Status = Transaction.Kind, Transaction.Status
_REMITTANCES = {
    Purpose.TAX_REMITTANCE: Account.Kind.TAX_PAYABLE,
    Purpose.VAT_REMITTANCE: Account.Kind.VAT_PAYABLE,
    Purpose.DUTY_REMITTANCE: Account.Kind.STAMP_DUTY_PAYABLE,
}
_CAPITAL_KOBO, _LEAST_SPARE_KOBO, _FOR_WITHDRAWALS_KOBO = 50_000_000_00, 300_000_00, 1_500_000_00


def balance_kobo(kind: str, place: str = "") -> int:
    """Return the balance of an account of the house in kobo."""
    return ledger.balance_kobo(ledger.house_account(kind, place))


class House:
    """Two people of the staff, and what they do on each day."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance

    def begin(self) -> None:
        """Add the staff, the tax rate, and the owner's capital."""
        for number in (1, 2):
            User.objects.create(email=f"staff{number}@example.com", name=f"Staff {number}", is_staff=True)
        TaxRate.objects.get_or_create(from_on=datetime.date(2020, 1, 1), defaults={"rate_bps": 1000})
        self.post(Purpose.CAPITAL_IN, _CAPITAL_KOBO, bank="own")
        self.post(Purpose.SWEEP, 5_000_000_00)

    @property
    def staff(self) -> dict[str, Any]:
        first, second = User.objects.filter(is_staff=True).order_by("pk")[:2]
        return {"asked_by": first, "approved_by": second}

    def live(self, day: datetime.date, day_begins: datetime.datetime) -> None:
        """Add what the staff do on a day."""

        def at(hour: float) -> datetime.datetime:
            return day_begins + datetime.timedelta(hours=hour)

        self.world.add(at(6.6), self.fund)
        for hour, name, act in (
            (10.1, "approve", self.approve),
            (10.4, "review", self.review),
            (11.2, "refund", self.refund),
            (11.7, "dispute", self.dispute),
            (15.3, "answer dispute", self.answer_dispute),
            (16.1, "end transfers", lambda: provider.end_transfers(self.chance)),
        ):
            self.world.add(at(hour), partial(self.world.attempt, f"staff: {name}", act))
        if day.day == 5 and day > self.world.start + datetime.timedelta(days=31):
            month = (day.replace(day=1) - datetime.timedelta(days=1)).replace(day=1)
            self.world.add(
                at(9),
                lambda: self.world.attempt("staff: close", lambda: ledger.close_month(month), must=True),
            )
        if day.day == 21:
            self.world.add(at(9), self.remit)
        if day.day in {8, 22}:
            self.world.add(
                at(9.5), lambda: self.world.attempt("staff: rates", lambda: self.change_rates(day))
            )

    # Money of the house

    def post(self, purpose: str, kobo: int, *, bank: str = "customers", **details: Any) -> None:
        """Post a movement of the treasury, again until it is done."""
        reference = references.new(Kind.TREASURY)
        self.world.attempt(
            f"staff: {purpose}",
            lambda: ledger.post_treasury(
                purpose,
                amount_kobo=kobo,
                reference=reference,
                reason="Simulated",
                bank=bank,
                **self.staff,
                **details,
            ),
            must=True,
        )

    def fund(self) -> None:
        """Move what the customers' bank account lacks from the owner's, and top the provider balance up."""
        found = ledger.coverage(timezone.now())
        spare_kobo = max(_LEAST_SPARE_KOBO, found.owed_kobo // 50)
        if (missing_kobo := found.owed_kobo + spare_kobo - found.held_kobo) > 0:
            self.post(Purpose.SWEEP, missing_kobo)
        self.top_up()

    def top_up(self) -> None:
        """Move money from the customers' bank account to the provider balance, at the provider and in the books."""
        missing_kobo = _FOR_WITHDRAWALS_KOBO - money.balance(money.BALANCE)
        kobo = min(missing_kobo, money.balance(money.BANK), balance_kobo(Account.Kind.BANK, "customers"))
        if kobo <= 0:
            return
        assert money.top_up(kobo, store.next_id())
        self.post(Purpose.BALANCE_TOP_UP, kobo)

    def remit(self) -> None:
        """Remit the tax, VAT and duty of the month before."""
        month_on = (timezone.localdate().replace(day=1) - datetime.timedelta(days=1)).replace(day=1)
        for purpose, kind in _REMITTANCES.items():
            account = ledger.house_account(kind)
            # Corrections may have taken some of it back since.
            kobo = min(remittances.payable_kobo(account, month_on), ledger.balance_kobo(account))
            if kobo > 0:
                self.post(purpose, kobo, period_on=month_on)

    def change_rates(self, day: datetime.date) -> None:
        """Enter a wrong rate of tax, and of a product, and correct both before they begin or count for new plans."""
        tomorrow = day + datetime.timedelta(days=1)
        rate, _ = TaxRate.objects.get_or_create(from_on=tomorrow, defaults={"rate_bps": 9_000})
        rate.rate_bps = 1000 if day.day == 22 else 750
        rate.full_clean()
        rate.save()
        product = Product.objects.filter(kind=Product.Kind.FLEXIBLE).order_by("pk")[0]
        product.rates.filter(from_days=0).update(rate_bps=850 if day.day == 22 else 900)
        for account in Account.objects.filter(plan__product=product, plan__closed_at=None).order_by("pk")[:2]:
            plan = Plan.objects.get(account=account)
            if plan.earns_interest and plan.user.earns_interest:
                ledger.change_rate(account, plan.rate_bps + 50 if day.day == 8 else plan.rate_bps)

    # Money of savers

    def approve(self) -> None:
        """Decide about withdrawals that wait for approval."""
        for payout in Payout.objects.filter(state=Payout.State.APPROVAL).order_by("pk"):
            if self.chance.random() < 0.7:
                payments.approve_payout(payout, by=self.staff["approved_by"])
            else:
                payments.refuse_payout(payout, by=self.staff["approved_by"], reason="Simulated")

    def review(self) -> None:
        """Release money in suspense to its payer or to somebody else, in parts too, or leave it for another day."""
        for reviewed in Transaction.objects.in_review().order_by("pk"):
            left_kobo = ledger.left_in_suspense(reviewed.pk)
            luck = self.chance.random()
            if not left_kobo or luck < 0.5:
                continue
            if luck > 0.9 and Payment.objects.filter(transaction=reviewed).exists():
                self._give_back(reviewed, left_kobo, source="suspense")
                continue
            saver = User.objects.filter(is_staff=False).order_by("pk")[0]
            payments.release_from_suspense(
                reviewed,
                reference=references.new(Kind.STASH_DEPOSIT),
                reason="Simulated",
                to=None if reviewed.user_id else saver,
                amount_kobo=left_kobo if luck < 0.75 else max(1, left_kobo // 2),
                **self.staff,
            )

    def refund(self) -> None:
        """Give a payment back, whole or in part."""
        switches.turn("refunds_fail", on=self.chance.random() < 0.1)
        payment = self._a_payment(0.35)
        if payment is not None:
            kobo = payment.transaction.amount_kobo
            part = self.chance.choice([kobo, max(1, kobo // 2), max(1, kobo // 3)])
            self._give_back(payment.transaction, part)

    def _give_back(self, movement: Transaction, kobo: int, source: str = "") -> None:
        payments.request_refund(
            movement,
            amount_kobo=kobo,
            reason="Simulated",
            reference=references.new(Kind.REFUND),
            source=source,
            **self.staff,
        )

    def dispute(self) -> None:
        """Let a payer dispute a payment at their bank."""
        payment = self._a_payment(0.12)
        if payment is not None:
            disputes.open_for(charges.known(payment.transaction.reference))

    def answer_dispute(self) -> None:
        """Answer open disputes at the provider, or let the provider decide."""
        for dispute in reversed(disputes.newest_first()):
            luck = self.chance.random()
            if dispute["status"] == disputes.WAITING and luck < 0.7:
                resolution = disputes.DECLINED if luck < 0.4 else disputes.ACCEPTED
                disputes.resolve(dispute, resolution, dispute["amount"])

    def pay_somebody_else(self) -> None:
        """Let somebody pay another shop on the same account at the provider."""
        payment = charges.announce(
            reference=f"shop-{self.chance.randrange(10**9)}",
            amount=self.chance.randrange(1_000_00, 9_000_00),
            currency="NGN",
            email="shop@example.com",
            metadata={},
            callback="",
        )
        assert payment is not None
        charges.succeed_silently(payment)
        charges.save(payment)

    def _a_payment(self, likelihood: float) -> Payment | None:
        """Return a paid card payment of the last weeks, at times."""
        since = timezone.now() - datetime.timedelta(days=25)
        paid = Payment.objects.filter(
            transaction__status=Status.SUCCESS, transaction__created_on__gte=since, paid_kobo__gt=0
        )
        found = list(paid.order_by("pk").values_list("pk", flat=True))
        if not found or self.chance.random() > likelihood:
            return None
        return Payment.objects.select_related("transaction").get(pk=self.chance.choice(found))
