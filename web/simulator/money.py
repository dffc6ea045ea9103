"""The money that the provider has of ours: in three places, as movements that are only ever added.

`pending` is what is collected and not yet settled, less fees, refunds and lost disputes. `balance` is what transfers
are paid from. `bank` is our bank account, which receives the settlements. All amounts are in kobo.
"""

from __future__ import annotations

import dataclasses

from django.conf import settings

from web.simulator import clock, store
from web.simulator.store import Document

PENDING, BALANCE, BANK = "pending", "balance", "bank"
_FLAT, _FLAT_FROM, _MOST = 100_00, 2_500_00, 2_000_00
_LOCAL_PER_THOUSAND, _FOREIGN_PER_THOUSAND = 15, 39
_COLUMNS = "id, place, currency, amount, balance, reason, model, row, moved_at"


@dataclasses.dataclass(frozen=True)
class Movement:
    """One change of a place, and its balance afterwards. `model` and `row` name the cause."""

    id: int
    place: str
    currency: str
    amount: int
    balance: int
    reason: str
    model: str
    row: int
    moved_at: float


def fee(amount: int, *, is_foreign: bool = False) -> int:
    """Return the provider's fee: 3.9 % + NGN 100 for a foreign card, without a limit.

    For a Nigerian card 1.5 %, plus NGN 100 from NGN 2,500, at most NGN 2,000.
    """
    if is_foreign:
        return amount * _FOREIGN_PER_THOUSAND // 1000 + _FLAT
    return min(amount * _LOCAL_PER_THOUSAND // 1000 + (_FLAT if amount >= _FLAT_FROM else 0), _MOST)


def post(
    place: str,
    amount: int,
    *,
    reason: str,
    model: str,
    row: int,
    currency: str,
    settles_at: float | None = None,
) -> bool:
    """Add a movement, once per place, cause and reason. Returns whether it was added now."""
    after = balance(place, currency) + amount
    values = (place, currency, amount, after, reason, model, row, clock.now(), settles_at)
    return bool(
        store.run(
            "INSERT OR IGNORE INTO movement"
            " (place, currency, amount, balance, reason, model, row, moved_at, settles_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
    )


def balance(place: str, currency: str = "") -> int:
    """Return what is in a place: its last movement has the sum of all."""
    found = store.rows(
        "SELECT balance FROM movement WHERE place = ? AND currency = ? ORDER BY id DESC LIMIT 1",
        (place, currency or settings.CURRENCY),
    )
    return int(found[0][0]) if found else 0


def currencies() -> list[str]:
    """Return the site's currency, then the others that have come in."""
    others = {name for (name,) in store.rows("SELECT DISTINCT currency FROM movement")} - {settings.CURRENCY}
    return [settings.CURRENCY, *sorted(others)]


def movements(place: str) -> list[Movement]:
    """Return the movements of a place, newest first."""
    found = store.rows(f"SELECT {_COLUMNS} FROM movement WHERE place = ? ORDER BY id DESC", (place,))  # noqa: S608
    return [Movement(*row) for row in found]


def collect(payment: Document, fees: int) -> None:
    """Note a payment and its fee as pending until the next settlement."""
    settles_at = clock.next_settlement(clock.now())
    for reason, amount in (("Charge", payment["amount"]), ("Fee", -fees)):
        post(
            PENDING,
            amount,
            reason=reason,
            model="Transaction",
            row=payment["id"],
            currency=payment["currency"],
            settles_at=settles_at,
        )
    store.plan("settlement", str(settles_at), settles_at)


def deduct(amount: int, *, model: str, row: int, currency: str, may_owe: bool) -> bool:
    """Take money back: from the pending payout first, then from the balance.

    If both together are not enough, the rest reduces the next payouts (`may_owe`), or nothing is taken. Returns
    whether it was taken.
    """
    with store.atomic():
        pending = min(amount, max(balance(PENDING, currency), 0))
        from_balance = min(amount - pending, max(balance(BALANCE, currency), 0))
        if pending + from_balance < amount and not may_owe:
            return False
        for place, part in ((PENDING, amount - from_balance), (BALANCE, from_balance)):
            if part:
                post(place, -part, reason=model, model=model, row=row, currency=currency)
    return True


def top_up(amount: int, row: int) -> bool:
    """Move money from the bank account to the balance, once per `row`. False if the bank account has less."""
    with store.atomic():
        if store.rows("SELECT 1 FROM movement WHERE model = 'Topup' AND row = ?", (row,)):
            return True
        if amount <= 0 or balance(BANK) < amount:
            return False
        for place, change in ((BANK, -amount), (BALANCE, amount)):
            post(place, change, reason="Top-up", model="Topup", row=row, currency=settings.CURRENCY)
    return True


def add_test_money(amount: int, row: int) -> None:
    """Put kobo that come from nowhere on the balance, once per `row`. Only the simulator's page does this.

    The site's books do not know of this money, so `manage.py reconcile` reports it.
    """
    post(BALANCE, amount, reason="Test money", model="TestMoney", row=row, currency=settings.CURRENCY)
