"""Plans: starting, renaming, extending and closing them."""

from __future__ import annotations

import datetime
from contextlib import AbstractContextManager

from django.db import transaction
from django.utils import timezone

from savings import interest, ledger, terms, typed_text, unique_names
from savings.exceptions import Refused
from savings.models import Account, Membership, Plan, Product, User

LONGEST_NAME = 60


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
        terms.check_opening(product, target_kobo=target_kobo, matures_on=matures_on, today=today)
        with _name_taken_meanwhile(name):
            plan = Plan.objects.create(
                reference=reference,
                user=user,
                product=product,
                name=name,
                target_kobo=target_kobo,
                rate_bps=interest.rate_bps(product, (matures_on - today).days if matures_on else None),
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
        with _name_taken_meanwhile(name):
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
            f"The date can move later than {terms.day(plan.matures_on)}, never earlier.", field="matures_on"
        )
    latest = plan.started_on + datetime.timedelta(days=plan.product.max_term_days or 0)
    if matures_on > latest:
        raise Refused(f"The latest day for this plan is {terms.day(latest)}.", field="matures_on")
    with transaction.atomic():
        User.objects.touch(plan.user_id)
        Plan.objects.filter(pk=plan.pk).update(matures_on=matures_on)
        plan.matures_on = matures_on
        ledger.move_maturity(plan)


def close(plan: Plan) -> None:
    """Close a plan whose balance is zero; closing it again changes nothing. Raises Refused while money is in it."""
    with transaction.atomic():
        User.objects.touch(plan.user_id)
        if Account.objects.filter(plan=plan, balance_kobo__gt=0).exists():
            raise Refused("Take the money out first: a plan can be closed only when it is empty.")
        if plan.transactions.pending().exists():
            raise Refused("A payment into this plan is still on its way. Close it once that has arrived.")
        if Membership.objects.current().filter(plan=plan).exists():
            raise Refused("This plan is your part of a circle. It closes when you leave the circle.")
        Plan.objects.filter(pk=plan.pk, closed_at=None).update(closed_at=timezone.now())
    plan.refresh_from_db(fields=["closed_at"])


def cleaned_name(name: str) -> str:
    """Return a plan's name without outer space and invisible characters. Raises Refused when nothing is left."""
    name = typed_text.line(name)
    # A name of combining marks alone has nothing to search it by, and nothing to read.
    if not typed_text.search_key(name):
        raise Refused("Give the plan a name.", field="name")
    if len(name) > LONGEST_NAME:
        raise Refused(f"Use at most {LONGEST_NAME} characters.", field="name")
    return name


def _check_name(user: User, name: str, *, but: Plan | None = None) -> None:
    others = user.plans.open()
    if unique_names.is_taken(others.exclude(pk=but.pk) if but else others, "name", name):
        raise Refused(_taken(name), field="name")


def _name_taken_meanwhile(name: str) -> AbstractContextManager[None]:
    return unique_names.refusing("name", _taken(name))


def _taken(name: str) -> str:
    return f"You already have a plan called {name}."
