"""Early exits: money leaves a plan before its maturity, always after a quote that is signed and valid for five minutes.

Interest and tax of a full exit are a family of their own beside the move and its penalty. Reversing the exit reverses
move and penalty; the interest was earned and stays.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.core import signing
from django.db.transaction import atomic
from django.utils import timezone

from savings import leaderboards, ledger, money
from savings.exceptions import NotEnoughMoney, QuoteOutdated, Refused
from savings.models import Membership, Plan, Transaction, User
from savings.models.plans import EarlyExit
from savings.plans import messages, plans, stash, terms

QUOTE_SECONDS = 300
_SALT = "savings.plans.early_exit"
_DAYS_AHEAD = (7, 30)


@dataclasses.dataclass(frozen=True)
class Quote:
    """What an early exit on a day comes to. Amounts are in kobo.

    `amount_kobo` is taken from the plan's balance. Interest and tax are what a full exit posts to the stash; on a later
    day also what is posted by month until then. `arriving_kobo` is what the stash gains in all. `state` is the state of
    the account that the figures were calculated from.
    """

    plan_id: int
    day: datetime.date
    amount_kobo: int
    is_full: bool
    # Whether a full exit closes the plan: not in a circle, and not while a payment is on its way.
    closes: bool
    gross_kobo: int
    tax_kobo: int
    penalty_kobo: int
    forfeited_numerator: int
    balance_kobo: int
    state: tuple[int, ...]
    # In the circle of the plan; None without a rank. Others may change both at any time.
    rank_before: int | None = dataclasses.field(compare=False, default=None)
    rank_after: int | None = dataclasses.field(compare=False, default=None)

    @property
    def forfeited_kobo(self) -> int:
        """The forfeited interest as it is shown, before tax, rounded down."""
        return money.interest(self.forfeited_numerator)

    @property
    def arriving_kobo(self) -> int:
        return self.amount_kobo - self.penalty_kobo + self.gross_kobo - self.tax_kobo


def quote_exit(plan: Plan, amount_kobo: int | None, *, on: datetime.date) -> Quote:
    """Return the quote for taking an amount (kobo; None for all) out of a plan on a day, if nothing else changes.

    Raises Refused when the plan is closed or locked, has matured or needs notice, BadAmount for an amount out of range,
    and NotEnoughMoney when the plan holds less.
    """
    check_can_exit(plan, timezone.localdate())
    return _quotes(plan, amount_kobo, [on])[0]


def quote_days(plan: Plan, amount_kobo: int | None) -> list[Quote]:
    """Return the quotes for today, in 7 days, in 30 days and at maturity, as `quote_exit`, from one reading."""
    today = timezone.localdate()
    check_can_exit(plan, today)
    days = [today, *(terms.days_after(today, days) for days in _DAYS_AHEAD)]
    ends = plan.matures_on or today
    return _quotes(plan, amount_kobo, [*(day for day in days if day < ends), ends])


def sign_quote(user: User, quote: Quote) -> str:
    """Return a quote as a token for this user, which `carry_out_exit` accepts for five minutes."""
    return signing.dumps([user.pk, *_values(quote), quote.rank_before, quote.rank_after], salt=_SALT)


def carry_out_exit(user: User, plan: Plan, quote_token: str, *, reference: str) -> Transaction:
    """Take money out of one of the user's plans exactly as a quote says, and return the transaction of the move.

    Interest, tax, penalty, move and closing are one commit. A repeat with the same reference returns the first
    transaction. Raises QuoteOutdated when the quote is not the user's, is older than five minutes, or is not what an
    exit comes to now; Refused when the plan allows none or the user is frozen; and ReferenceTaken when the reference
    belongs to another request. Nothing has moved then.
    """
    signed = _read(quote_token)
    with atomic():
        now = plans.lock_plan(plan)
        earlier = stash.find_earlier(user, now, reference, signed[3])
        if earlier is not None:
            return earlier
        if signed[:2] != [user.pk, plan.pk] or not _is_fresh(quote_token):
            raise QuoteOutdated(messages.QUOTE_OUTDATED)
        ledger.check_not_frozen(user.pk)
        quote = quote_exit(now, signed[3], on=timezone.localdate())
        if _values(quote) != signed[1:-2]:
            raise QuoteOutdated(messages.QUOTE_OUTDATED)
        return _carry_out(user, now, quote, reference)


def exit_without_quote(user: User, locked_plan: Plan, *, amount_kobo: int, reference: str) -> Transaction:
    """Take an amount (kobo) out of a plan that the caller has locked, as `carry_out_exit` does at this moment.

    For exits that nobody waits for, such as a notice that is due. A plan that has matured or has no maturity has no
    early exit: its money only moves.
    """
    if locked_plan.is_closed:
        raise Refused(messages.CLOSED_AND_EMPTY)
    today = timezone.localdate()
    if terms.is_early(locked_plan, today):
        (quote,) = _quotes(locked_plan, amount_kobo, [today])
        return _carry_out(user, locked_plan, quote, reference)
    movement = stash.open_exit(user, locked_plan, amount_kobo=amount_kobo, reference=reference)
    stash.settle_exit(movement)
    return movement


def check_can_exit(plan: Plan, today: datetime.date) -> None:
    """Raise Refused when a plan has no early exit by a quote: closed, locked, needs notice, or its money just moves."""
    terms.check_needs_no_notice(plan, today)
    _check_open(plan, today)


def _check_open(plan: Plan, today: datetime.date) -> None:
    if plan.is_closed:
        raise Refused(messages.CLOSED_AND_EMPTY)
    if not terms.is_early(plan, today):
        raise Refused(messages.FREE_TO_MOVE)
    # Raises for a plan that is locked.
    terms.exit_penalty_kobo(plan, 1, today)


def _carry_out(user: User, plan: Plan, quote: Quote, reference: str) -> Transaction:
    """Post interest, tax and penalty, move the money, and close the plan, in this order.

    The move is opened first: the others are parts of it, or are told from other postings by their later ids.
    """
    movement = stash.open_exit(
        user, plan, amount_kobo=quote.amount_kobo - quote.penalty_kobo, reference=reference
    )
    if plan.early_exit == EarlyExit.FORFEIT:
        ledger.forfeit_share(movement, plan, amount_kobo=quote.amount_kobo, today=quote.day)
    if quote.closes:
        ledger.post_last_interest(plan, quote.day)
    elif quote.is_full:
        ledger.post_interest(plan, until=quote.day, to_stash=True)
    if quote.penalty_kobo:
        stash.charge_penalty(movement, quote.penalty_kobo)
    stash.settle_exit(movement)
    if quote.closes:
        plans.close(plan)
    return movement


def _quotes(plan: Plan, amount_kobo: int | None, days: list[datetime.date]) -> list[Quote]:
    today = timezone.localdate()
    _check_open(plan, today)
    basis = ledger.ExitBasis.read(plan)
    held_kobo = basis.account.balance_kobo
    amount_kobo = held_kobo if amount_kobo is None else amount_kobo
    if not held_kobo:
        raise NotEnoughMoney(messages.EMPTY)
    ledger.check_amount(amount_kobo)
    if amount_kobo > held_kobo:
        raise NotEnoughMoney(messages.plan_has_less(held_kobo))
    member = Membership.objects.current().select_related("circle").filter(plan=plan).first()
    can_close = amount_kobo == held_kobo and member is None and not plan.transactions.pending().exists()
    ranks = _ranks(member, amount_kobo, today)
    return [
        _quote(
            plan,
            basis.held(day, today=today),
            day,
            amount_kobo=amount_kobo,
            basis=basis,
            can_close=can_close,
            ranks=ranks,
        )
        for day in days
    ]


def _quote(
    plan: Plan,
    held: ledger.Held,
    day: datetime.date,
    *,
    amount_kobo: int,
    basis: ledger.ExitBasis,
    can_close: bool,
    ranks: tuple[int | None, int | None],
) -> Quote:
    is_full = amount_kobo == basis.account.balance_kobo
    taken_kobo = held.balance_kobo if is_full else amount_kobo
    forfeits = plan.early_exit == EarlyExit.FORFEIT and not plan.is_matured(day)
    posts = is_full and not forfeits
    # What is left below one kobo lapses. More than that waits for its posting, and the plan stays open.
    left = 0 if forfeits else held.interest.remainder
    return Quote(
        plan_id=plan.pk,
        day=day,
        amount_kobo=amount_kobo,
        is_full=is_full,
        closes=can_close and left < money.INTEREST_DENOMINATOR,
        gross_kobo=held.interest.gross_kobo if posts else 0,
        tax_kobo=held.interest.tax_kobo if posts else 0,
        penalty_kobo=terms.exit_penalty_kobo(plan, taken_kobo, day),
        forfeited_numerator=ledger.share_of(
            held.numerator, amount_kobo=taken_kobo, balance_kobo=held.balance_kobo
        )
        if forfeits
        else 0,
        balance_kobo=basis.account.balance_kobo,
        state=basis.state,
        rank_before=ranks[0],
        rank_after=ranks[1],
    )


def _ranks(
    member: Membership | None, amount_kobo: int, today: datetime.date
) -> tuple[int | None, int | None]:
    """Return the rank in the plan's circle before and after an exit. An ended circle keeps its ranks."""
    if member is None or member.circle.ends_on <= today:
        return None, None
    return leaderboards.ranks_if_taken(member, amount_kobo)


def _values(quote: Quote) -> list[Any]:
    """Return the fields of a quote that have to be the same when it is used, as they are signed."""
    fields = [field.name for field in dataclasses.fields(Quote) if field.compare]
    named = {name: getattr(quote, name) for name in fields}
    return [*(named | {"day": quote.day.isoformat(), "state": list(quote.state)}).values()]


def _read(quote_token: str) -> list[Any]:
    """Return what `sign_quote` has signed, however old it is."""
    try:
        signed: list[Any] = signing.loads(quote_token, salt=_SALT)
    except signing.BadSignature:
        raise QuoteOutdated(messages.QUOTE_OUTDATED) from None
    return signed


def _is_fresh(quote_token: str) -> bool:
    try:
        signing.loads(quote_token, salt=_SALT, max_age=QUOTE_SECONDS)
    except signing.SignatureExpired:
        return False
    return True
