"""Plans: what they will earn, starting, renaming, extending and closing them, and what may go in or out."""

from __future__ import annotations

import dataclasses
import datetime
import unicodedata

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from savings import ledger, money
from savings.exceptions import Refused
from savings.models import Account, Plan, Product, ProductRate, User
from savings.models.plans import EarlyExit

REFERENCE_PREFIX = "PLN"
DAYS_PER_YEAR = 365


@dataclasses.dataclass(frozen=True)
class Preview:
    """What a plan comes to, if it is paid into as described. Sums in kobo."""

    ends_on: datetime.date
    rate_bps: int
    payments: int
    paid_in_kobo: int
    interest_kobo: int
    tax_kobo: int

    @property
    def total_kobo(self) -> int:
        return self.paid_in_kobo + self.interest_kobo - self.tax_kobo


def rate_bps(product: Product, term_days: int | None) -> int:
    """Return the yearly rate for a term in days: that of the longest step the term reaches.

    The product's `rates` are read as they are prefetched. A plan without a term takes the first step.
    """
    rates: list[ProductRate] = sorted(product.rates.all(), key=lambda rate: rate.from_days)
    reached = [rate for rate in rates if rate.from_days <= (term_days or 0)]
    return reached[-1].rate_bps if reached else 0


def preview(
    product: Product,
    *,
    matures_on: datetime.date | None,
    first_kobo: int,
    monthly_kobo: int,
    today: datetime.date,
) -> Preview:
    """Return what a plan started today earns: `first_kobo` today, then `monthly_kobo` each month before it ends.

    Simple interest, actual/365, on end-of-day balances, one rounding at the end (see `money.interest`), less
    withholding tax. A plan without a maturity is looked at for a year.
    """
    ends_on = matures_on or today + datetime.timedelta(days=DAYS_PER_YEAR)
    rate = rate_bps(product, (matures_on - today).days if matures_on else None)
    payments = [(today, first_kobo)] if first_kobo else []
    payments += [(day, monthly_kobo) for day in monthly_days(today, ends_on)] if monthly_kobo else []
    numerator = sum(amount * rate * (ends_on - day).days for day, amount in payments)
    interest = money.interest(numerator)
    return Preview(
        ends_on=ends_on,
        rate_bps=rate,
        payments=len(payments),
        paid_in_kobo=sum(amount for _, amount in payments),
        interest_kobo=interest,
        tax_kobo=money.share(interest, settings.WITHHOLDING_TAX_BPS),
    )


def monthly_days(start: datetime.date, end: datetime.date) -> list[datetime.date]:
    """Return the days one month apart after `start` and before `end`, on the last day where a month is too short."""
    days = []
    month = start.year * 12 + start.month
    while (day := _day_in_month(month, start.day)) < end:
        days.append(day)
        month += 1
    return days


def suggested_monthly_kobo(
    *, target_kobo: int, first_kobo: int, ends_on: datetime.date, today: datetime.date
) -> int:
    """Return what to pay in each month to reach a target by that day, rounded up to whole naira; interest is extra."""
    left = max(0, target_kobo - first_kobo)
    times = max(1, len(monthly_days(today, ends_on)))
    return -(-left // (times * money.KOBO_PER_NAIRA)) * money.KOBO_PER_NAIRA


def start(
    user: User,
    product: Product,
    *,
    reference: str,
    name: str,
    target_kobo: int | None = None,
    matures_on: datetime.date | None = None,
    at_maturity: str = Plan.AtMaturity.STASH,
) -> Plan:
    """Open a plan on the product's terms of today and return it; the same reference again returns the same plan.

    Raises Refused, with the field, for a name already in use, a target (kobo) or a date outside the product's terms.
    """
    name = cleaned_name(name)
    today = timezone.localdate()
    with transaction.atomic():
        User.objects.touch(user.pk)
        earlier = Plan.objects.filter(reference=reference, user=user).first()
        if earlier is not None:
            return earlier
        _check_name(user, name)
        _check_terms(product, target_kobo=target_kobo, matures_on=matures_on, today=today)
        plan = Plan.objects.create(
            reference=reference,
            user=user,
            product=product,
            name=name,
            target_kobo=target_kobo,
            rate_bps=rate_bps(product, (matures_on - today).days if matures_on else None),
            early_exit=product.early_exit,
            penalty_bps=product.penalty_bps,
            notice_hours=product.notice_hours,
            interest_paid=product.interest_paid,
            at_maturity=at_maturity,
            started_on=today,
            matures_on=matures_on,
        )
        ledger.open_plan_account(plan)
    return plan


def rename(plan: Plan, name: str) -> None:
    """Give a plan another name. Raises Refused when another open plan of the same person has it."""
    name = cleaned_name(name)
    with transaction.atomic():
        User.objects.touch(plan.user_id)
        _check_name(plan.user, name, but=plan)
        Plan.objects.filter(pk=plan.pk).update(name=name)
    plan.name = name


def extend(plan: Plan, matures_on: datetime.date) -> None:
    """Move a plan's maturity to a later day, on the same rate. Raises Refused for an earlier one or too late a one."""
    if plan.is_closed:
        raise Refused("This plan is closed.")
    if plan.matures_on is None:
        raise Refused("This plan has no end to move.", field="matures_on")
    if plan.is_matured(timezone.localdate()):
        raise Refused("This plan has matured. Start another one to save on.", field="matures_on")
    if matures_on < plan.matures_on:
        raise Refused(
            f"The date can move later than {_day(plan.matures_on)}, never earlier.", field="matures_on"
        )
    latest = plan.started_on + datetime.timedelta(days=plan.product.max_term_days or 0)
    if matures_on > latest:
        raise Refused(f"The latest day for this plan is {_day(latest)}.", field="matures_on")
    with transaction.atomic():
        User.objects.touch(plan.user_id)
        Plan.objects.filter(pk=plan.pk).update(matures_on=matures_on)
        Account.objects.filter(plan=plan).update(accrues_until=matures_on.toordinal())
    plan.matures_on = matures_on


def close(plan: Plan) -> None:
    """Close a plan whose balance is zero; closing it again changes nothing. Raises Refused while money is in it."""
    with transaction.atomic():
        User.objects.touch(plan.user_id)
        if Account.objects.filter(plan=plan, balance_kobo__gt=0).exists():
            raise Refused("Take the money out first: a plan can be closed only when it is empty.")
        if plan.transactions.pending().exists():
            raise Refused("A payment into this plan is still on its way. Close it once that has arrived.")
        Plan.objects.filter(pk=plan.pk, closed_at=None).update(closed_at=timezone.now())
    plan.refresh_from_db(fields=["closed_at"])


def check_takes_money(plan: Plan, today: datetime.date) -> None:
    """Raise Refused when nothing more can be paid into a plan: it is closed or has matured."""
    if plan.is_closed:
        raise Refused("This plan is closed. Your money can go to your stash or another plan.")
    if plan.is_matured(today):
        raise Refused("This plan has matured and takes no more money. Start another one to save on.")


def exit_penalty_kobo(plan: Plan, amount_kobo: int, today: datetime.date) -> int:
    """Return what taking that sum out today costs, in kobo, out of the sum itself.

    Raises Refused when the plan is locked until its maturity.
    """
    if plan.matures_on is None or plan.is_matured(today) or plan.early_exit == EarlyExit.FREE:
        return 0
    if plan.early_exit == EarlyExit.BLOCKED:
        raise Refused(
            f"This plan is locked until {_day(plan.matures_on)}. Until then nothing can be taken out."
        )
    return money.share(amount_kobo, plan.penalty_bps)


def cleaned_name(name: str) -> str:
    """Return a plan's name without outer space and invisible characters. Raises Refused when nothing is left."""
    visible = "".join(
        char for char in name if unicodedata.category(char) not in {"Cc", "Cf", "Co", "Cn", "Cs"}
    )
    name = " ".join(visible.split())
    longest = 60
    if not name:
        raise Refused("Give the plan a name.", field="name")
    if len(name) > longest:
        raise Refused(f"Use at most {longest} characters.", field="name")
    return name


def _check_name(user: User, name: str, *, but: Plan | None = None) -> None:
    same = user.plans.open().filter(name__iexact=name)
    if (same.exclude(pk=but.pk) if but else same).exists():
        raise Refused(f"You already have a plan called {name}.", field="name")


def _check_terms(
    product: Product, *, target_kobo: int | None, matures_on: datetime.date | None, today: datetime.date
) -> None:
    if not product.is_offered:
        raise Refused("This kind of plan is not offered any more.", field="product")
    _check_target(product, target_kobo)
    if product.min_term_days is None or product.max_term_days is None:
        if matures_on is not None:
            raise Refused(
                f"{product.name} has no end date: the money is yours at any time.", field="matures_on"
            )
        return
    if matures_on is None:
        raise Refused("Choose the day it ends.", field="matures_on")
    earliest = today + datetime.timedelta(days=product.min_term_days)
    latest = today + datetime.timedelta(days=product.max_term_days)
    if not earliest <= matures_on <= latest:
        raise Refused(f"Choose a day from {_day(earliest)} to {_day(latest)}.", field="matures_on")


def _check_target(product: Product, target_kobo: int | None) -> None:
    if target_kobo is None:
        if product.needs_target:
            raise Refused("Say how much you want to save.", field="target")
        return
    if target_kobo < product.min_target_kobo:
        raise Refused(f"A goal starts at {money.naira(product.min_target_kobo)}.", field="target")
    if target_kobo > settings.PLAN_MAX_KOBO:
        raise Refused(f"A plan holds at most {money.naira(settings.PLAN_MAX_KOBO)}.", field="target")


def _day(day: datetime.date) -> str:
    return date_format(day, "j F Y")


def _day_in_month(month: int, day: int) -> datetime.date:
    """Return that day of the month counted from year 0 (12 x year + month), or the month's last where it is shorter.

    `month` 0-based within the count: 12 x 2026 + 11 is December 2026, the month after a start in November.
    """
    first = datetime.date(month // 12, month % 12 + 1, 1)
    following = datetime.date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    return first + datetime.timedelta(days=min(day, (following - first).days) - 1)
