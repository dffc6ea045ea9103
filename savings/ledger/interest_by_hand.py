"""Corrections of interest that staff make: of interest that was posted too little or too much."""

from __future__ import annotations

from typing import Any, cast

from django.db.transaction import atomic
from django.utils import timezone

from savings import money, outbox
from savings.exceptions import SENT_OTHERWISE, BadAmount, ReferenceTaken, Refused
from savings.ledger import messages
from savings.ledger.accounts import house_account, interest_goes_to_stash, stash_account
from savings.ledger.corrections import not_remitted_kobo, posted_interest, sources_of
from savings.ledger.families import settle_part
from savings.ledger.interest import divide
from savings.ledger.people import check_people, check_reason, is_posted_by
from savings.ledger.posting import check_amount, lock_user
from savings.ledger.rates import TaxRates
from savings.ledger.transactions import open_transaction, settle
from savings.models import Account, ForfeitedInterest, ManualPosting, Plan, Transaction, User

Kind = Transaction.Kind
_PER_KOBO = money.INTEREST_DENOMINATOR


def correct_interest(
    plan: Plan,
    *,
    gross_kobo: int,
    gives: bool,
    reference: str,
    asked_by: User,
    approved_by: User,
    reason: str,
) -> Transaction:
    """Post interest of a plan that was too little, or take back what was too much, and return the first transaction.

    `gross_kobo` is before tax. It is dated today, and no rate changes. Given interest goes into the plan, or to the
    stash where the plan's interest goes there or the plan takes no more money; tax is withheld at today's rate, rounded
    down. Of interest that is taken back, the saver returns what they got after tax: from the plan, then the stash, and
    the rest is owed. Its tax falls only while it is not remitted; after that the house bears it. What is earned and not
    posted yet stays as it is.

    A repeat with the same reference returns the first transaction. Raises Refused unless two different people of the
    staff ask and approve, and when less interest of the plan is posted than is taken back; ReferenceTaken when the
    reference belongs to other details; BadAmount for an amount out of range.
    """
    details: dict[str, Any] = {"asked_by": asked_by, "approved_by": approved_by, "reason": reason.strip()}
    check_reason(reason)
    _check_gross(gross_kobo)
    with atomic():
        lock_user(plan.user_id)
        # What staff correct is in addition to what the days have earned, or less than it.
        numerator = (-gross_kobo if gives else gross_kobo) * _PER_KOBO
        earlier = Transaction.objects.filter(reference=reference).first()
        if earlier is not None:
            is_same = earlier.plan_id == plan.pk and _is_same(earlier, numerator, gives=gives)
            if not is_same or not is_posted_by(earlier, details):
                raise ReferenceTaken(SENT_OTHERWISE)
            return earlier
        check_people(asked_by, approved_by)
        account = Account.objects.select_related("plan__user").get(plan=plan)
        correct = _give if gives else _take_back
        correction = correct(account, reference, gross_kobo)
        ForfeitedInterest.objects.create(account=account, transaction=correction, numerator=numerator)
        ManualPosting.objects.create(transaction=correction, **details)
    return correction


def _check_gross(gross_kobo: int) -> None:
    try:
        check_amount(gross_kobo)
    except BadAmount as error:
        error.field = "gross_kobo"
        raise


def _is_same(earlier: Transaction, numerator: int, *, gives: bool) -> bool:
    """Return whether a transaction is a correction by staff in this direction, of this interest before tax."""
    is_given = earlier.entries.filter(debit_account__kind=Account.Kind.INTEREST_EXPENSE).exists()
    is_of_staff = earlier.kind == Kind.INTEREST_CORRECTION and earlier.part_of_id is None
    is_amount = earlier.forfeited_interest.filter(numerator=numerator).exists()
    return is_of_staff and is_given == gives and is_amount


def _give(account: Account, reference: str, gross_kobo: int) -> Transaction:
    plan = cast("Plan", account.plan)
    target = stash_account(plan.user) if _goes_to_stash(plan) else account
    correction = _settle(
        account,
        reference,
        debit=house_account(Account.Kind.INTEREST_EXPENSE),
        credit=target,
        amount_kobo=gross_kobo,
    )
    # Not by the remainder of the account, which belongs to the postings of its periods.
    rate_bps = TaxRates.read().on(timezone.localdate())
    tax_kobo = divide(gross_kobo * _PER_KOBO, tax_rate_bps=rate_bps).tax_kobo
    if tax_kobo:
        payable = house_account(Account.Kind.TAX_PAYABLE)
        settle_part(
            correction, Kind.TAX_WITHHELD, debit=target, credit=payable, amount_kobo=tax_kobo, plan=plan
        )
    return correction


def _goes_to_stash(plan: Plan) -> bool:
    """Return whether a correction goes to the stash: as the interest of the plan does, and if the plan is over."""
    is_over = plan.is_matured(timezone.localdate()) and plan.at_maturity == Plan.AtMaturity.STASH
    leaves_at_maturity = not plan.pays_monthly and plan.at_maturity != Plan.AtMaturity.COMPOUND
    return plan.is_closed or is_over or leaves_at_maturity or interest_goes_to_stash(plan)


def _take_back(account: Account, reference: str, gross_kobo: int) -> Transaction:
    plan = cast("Plan", account.plan)
    posted = posted_interest(account)
    if gross_kobo > posted.gross_kobo:
        raise Refused(messages.only_posted(max(0, posted.gross_kobo)), field="gross_kobo")
    tax_kobo = posted.tax_kobo * gross_kobo // posted.gross_kobo
    tax_back_kobo = not_remitted_kobo(tax_kobo)
    pieces = list(sources_of(account, plan.user, gross_kobo - tax_kobo))
    if tax_back_kobo:
        pieces.append((house_account(Account.Kind.TAX_PAYABLE), tax_back_kobo))
    if not pieces:
        raise Refused(messages.ALL_REMITTED, field="gross_kobo")
    expense = house_account(Account.Kind.INTEREST_EXPENSE)
    (first, first_kobo), *others = pieces
    correction = _settle(account, reference, debit=first, credit=expense, amount_kobo=first_kobo)
    for source, kobo in others:
        settle_part(
            correction, Kind.INTEREST_CORRECTION, debit=source, credit=expense, amount_kobo=kobo, plan=plan
        )
    if tax_back_kobo < tax_kobo:
        # As `corrections.collect_interest` notes the tax that the house bears.
        borne_kobo = tax_kobo - tax_back_kobo
        ForfeitedInterest.objects.create(
            account=account, transaction=correction, numerator=-borne_kobo * _PER_KOBO
        )
    if any(source.kind == Account.Kind.RECEIVABLE for source, _ in pieces):
        outbox.recheck_autosaves(plan.user_id)
    return correction


def _settle(
    account: Account, reference: str, *, debit: Account, credit: Account, amount_kobo: int
) -> Transaction:
    plan = cast("Plan", account.plan)
    correction, _ = open_transaction(
        reference=reference,
        kind=Kind.INTEREST_CORRECTION,
        user=plan.user,
        plan=plan,
        amount_kobo=amount_kobo,
    )
    settle(correction, debit=debit, credit=credit)
    return correction
