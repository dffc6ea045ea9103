"""Interest on money that goes back: the plans it was in lose what that money has earned, posted interest included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, cast

from django.db.models import Exists, F, OuterRef, Q, Sum
from django.utils import timezone

from savings import money
from savings.ledger.accounts import balance_kobo, house_account, stash_account
from savings.ledger.earnings import History
from savings.ledger.families import settle_part
from savings.ledger.going_back import Paid
from savings.ledger.portions import Portion, portions
from savings.ledger.posting import bring_forward
from savings.ledger.treasury import lock_treasury
from savings.models import Account, Entry, ForfeitedInterest, Plan, Transaction, User

Kind = Transaction.Kind
_PER_KOBO = money.INTEREST_DENOMINATOR


class PostedInterest(NamedTuple):
    """Interest that was posted to a plan's account, before tax, and the tax that was withheld from it. Kobo."""

    account: Account
    gross_kobo: int
    tax_kobo: int


def forfeit_interest(
    movement: Transaction, paid: Paid, *, amount_kobo: int, entry_kobo: int
) -> list[PostedInterest]:
    """Take the interest of money that goes back from the plans in which it can have been; see `portions`.

    `amount_kobo` goes back, and `entry_kobo` of it are debited to the account of the credited plan afterwards, with the
    value date of the payment. Returns the posted interest that `collect_interest` has to take back, because the
    interest that is not posted yet is not enough. Never more than an account has earned.
    """
    return [
        _forfeit(movement, portion, entry_kobo if portion.account == paid.account else 0)
        for portion in portions(paid, amount_kobo=amount_kobo, besides=movement)
    ]


def collect_interest(movement: Transaction, paid: Paid, missing: list[PostedInterest]) -> None:
    """Post the corrections that take posted interest back, as parts of the refund or chargeback.

    What the saver got after tax comes from the plan, then the stash, and the rest is owed. The tax is an expense that
    falls only while it is not remitted; after that the house bears it.
    """
    for posted in missing:
        if posted.gross_kobo:
            _collect(movement, cast("User", paid.movement.user), posted)


def is_given() -> Exists:
    """Return the condition that forfeited interest is of a correction by which staff gave interest."""
    entries = Entry.objects.filter(
        transaction=OuterRef("transaction"),
        transaction__kind=Kind.INTEREST_CORRECTION,
        debit_account__kind=Account.Kind.INTEREST_EXPENSE,
    )
    return Exists(entries)


def give_interest_back(refund: Transaction, paid: Paid, hold: Entry, *, is_in_plan: bool) -> None:
    """Give the plans the interest back that a refund took, after its money was released.

    `is_in_plan` says that the money is in the credited plan again: the value date of that entry then gives its part
    back.
    """
    accounts = Account.objects.in_bulk(refund.forfeited_interest.values_list("account", flat=True))
    rows = refund.forfeited_interest.values_list("account").annotate(sum=Sum("numerator")).order_by()
    forfeited = Counter({accounts[pk]: int(numerator) for pk, numerator in rows})
    account = paid.plan_account
    if account is not None and hold.debit_account_id == account.pk and not is_in_plan:
        held_from = timezone.localdate(hold.posted_at).toordinal()
        history = History.read(account, [paid.value_on.toordinal()], min(held_from, account.accrued_to))
        forfeited[account] += hold.amount_kobo * history.rate_days
    for one, numerator in forfeited.items():
        if numerator:
            _change_forfeited(refund, one, -numerator)
    # A plan that is closed or has ended gets it with the next monthly run; another one on its usual day.
    today = timezone.localdate()
    has_ended = Q(plan__matures_on__lte=today) & ~Q(plan__at_maturity__in=Plan.RENEWING)
    accounts_given = Account.objects.filter(pk__in=[one.pk for one in forfeited])
    over = accounts_given.filter(has_ended | Q(plan__closed_at__isnull=False))
    over.update(interest_due=today.toordinal() + 1)


def _forfeit(movement: Transaction, portion: Portion, entry_kobo: int) -> PostedInterest:
    account = portion.account
    bring_forward(account)
    history = History.read(account, [*portion.now, *portion.before], account.accrued_to)
    posted = posted_interest(account)
    earned = min(
        history.earned(portion.now) - history.earned(portion.before),
        account.accrued_numerator + posted.gross_kobo * _PER_KOBO,
    )
    gross_kobo = max(0, -(-(earned - account.accrued_numerator) // _PER_KOBO))
    forfeited = earned - (entry_kobo * history.rate_days if entry_kobo else 0)
    _change_forfeited(movement, account, forfeited, posted_kobo=gross_kobo)
    tax_kobo = posted.tax_kobo * gross_kobo // posted.gross_kobo if gross_kobo else 0
    return PostedInterest(account, gross_kobo, tax_kobo)


def _collect(movement: Transaction, user: User, posted: PostedInterest) -> None:
    account = posted.account
    expense = house_account(Account.Kind.INTEREST_EXPENSE)
    for source, kobo in sources_of(account, user, posted.gross_kobo - posted.tax_kobo):
        _correct(movement, account, source, expense, kobo)
    if posted.tax_kobo:
        _take_tax_back(movement, account, expense, posted.tax_kobo)


def sources_of(account: Account, user: User, net_kobo: int) -> Iterator[tuple[Account, int]]:
    """Yield where interest after tax is taken back from, and the kobo of each: plan, stash, and the rest is owed."""
    for source in (account, stash_account(user), house_account(Account.Kind.RECEIVABLE)):
        part_kobo = min(net_kobo, balance_kobo(source)) if source.is_customers else net_kobo
        if part_kobo:
            yield source, part_kobo
            net_kobo -= part_kobo


def not_remitted_kobo(tax_kobo: int) -> int:
    """Return how much of some tax is not remitted yet. Remittances wait until the commit, so that it stays so."""
    lock_treasury()
    return min(tax_kobo, max(0, balance_kobo(house_account(Account.Kind.TAX_PAYABLE))))


def _change_forfeited(
    movement: Transaction, account: Account, numerator: int, *, posted_kobo: int = 0
) -> None:
    """Forfeit interest of an account; a negative numerator gives it back.

    `posted_kobo` of posted interest count as not posted again.
    """
    Account.objects.filter(pk=account.pk).update(
        accrued_numerator=F("accrued_numerator") + posted_kobo * _PER_KOBO - numerator
    )
    if numerator:
        ForfeitedInterest.objects.create(account=account, transaction=movement, numerator=numerator)


def _take_tax_back(movement: Transaction, account: Account, expense: Account, tax_kobo: int) -> None:
    back_kobo = not_remitted_kobo(tax_kobo)
    if back_kobo:
        _correct(movement, account, house_account(Account.Kind.TAX_PAYABLE), expense, back_kobo)
    if back_kobo < tax_kobo:
        parts = Transaction.objects.filter(part_of=movement, kind=Kind.INTEREST_CORRECTION)
        correction = parts.filter(plan=account.plan_id).first()
        # The numerator has its share of the posted interest back already.
        ForfeitedInterest.objects.create(
            account=account,
            transaction=correction or movement,
            numerator=-(tax_kobo - back_kobo) * _PER_KOBO,
        )


def _correct(
    movement: Transaction, account: Account, source: Account, expense: Account, amount_kobo: int
) -> None:
    kind = Kind.INTEREST_CORRECTION
    settle_part(movement, kind, debit=source, credit=expense, amount_kobo=amount_kobo, plan=account.plan)


def posted_interest(account: Account) -> PostedInterest:
    """Return the interest posted to a plan, less what was taken back, and the tax withheld from it."""
    kinds = (Kind.INTEREST, Kind.INTEREST_CORRECTION, Kind.TAX_WITHHELD)
    rows = Entry.objects.filter(
        code=Entry.Code.PRIMARY,
        transaction__plan=account.plan_id,
        transaction__kind__in=kinds,
        transaction__status=Transaction.Status.SUCCESS,
    )
    sums = (
        rows.order_by().values_list("transaction__kind", "debit_account__kind").annotate(Sum("amount_kobo"))
    )
    # Tax that the house bears is a negative row of a correction that takes back; see `_take_tax_back`.
    borne = account.forfeited_interest.filter(numerator__lt=0, transaction__kind=Kind.INTEREST_CORRECTION)
    borne = borne.filter(~is_given())
    gross_kobo = tax_kobo = int(borne.aggregate(sum=Sum("numerator", default=0))["sum"]) // _PER_KOBO
    for kind, debit_kind, kobo in sums:
        if kind == Kind.TAX_WITHHELD:
            tax_kobo += kobo
            continue
        gross_kobo += kobo if debit_kind == Account.Kind.INTEREST_EXPENSE else -kobo
        tax_kobo -= kobo if debit_kind == Account.Kind.TAX_PAYABLE else 0
    return PostedInterest(account, gross_kobo, tax_kobo)
