"""Plans: starting, renaming, extending and closing them."""

from __future__ import annotations

import datetime
from contextlib import AbstractContextManager
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import ledger, money, typed_text
from savings.exceptions import SENT_OTHERWISE, BadAmount, ReferenceTaken, Refused
from savings.models import Account, Circle, Membership, Plan, Product, User, keys
from savings.plans import terms
from savings.plans.terms import Terms

LONGEST_NAME = 60


def open_plan(
    user: User,
    product: Product | Terms,
    *,
    reference: str,
    name: str,
    target_kobo: int | None = None,
    matures_on: datetime.date | None = None,
    at_maturity: str = Plan.AtMaturity.STASH,
) -> Plan:
    """Open a plan on the product's terms of today and return it; the same reference again returns the same plan.

    A circle gives the terms that it keeps instead of a product. Raises Refused, with the field, for a product that is
    not offered any more, a name already in use, a target (kobo) or a date outside the terms; ReferenceTaken for a
    reference that another plan was started with.
    """
    name = cleaned_name(name)
    today = timezone.localdate()
    with transaction.atomic():
        User.objects.touch(user.pk)
        earlier = Plan.objects.filter(reference=reference, user=user).first()
        if earlier is not None:
            _check_same(earlier, product, name=name, target_kobo=target_kobo, matures_on=matures_on)
            return earlier
        _check_name(user, name)
        opened_on = product if isinstance(product, Terms) else terms.offered_terms(product.pk)
        terms.check_opening(opened_on, target_kobo=target_kobo, matures_on=matures_on, today=today)
        with _name_taken_meanwhile(name):
            plan = Plan.objects.create(
                reference=reference,
                user=user,
                name=name,
                target_kobo=target_kobo,
                at_maturity=at_maturity,
                started_on=today,
                matures_on=matures_on,
                **opened_on.for_plan((matures_on - today).days if matures_on else None),
            )
        ledger.open_plan_account(plan)
    return plan


def rename(plan: Plan, name: str) -> None:
    """Give an open plan another name. Raises Refused for a closed one, and when another open plan of theirs has it."""
    name = cleaned_name(name)
    with transaction.atomic():
        now = lock_plan(plan)
        if now.is_closed:
            raise Refused("This plan is closed. Its name stays as it is.", field="name")
        _check_name(plan.user, name, but=plan)
        with _name_taken_meanwhile(name):
            Plan.objects.filter(pk=plan.pk).update(name=name)
    plan.name = name


def extend(plan: Plan, matures_on: datetime.date) -> None:
    """Move a plan's maturity to a later day, on the same rate; to the day it has already, it changes nothing.

    Raises Refused for a closed or matured plan, an earlier day, and one beyond the longest term that the plan started
    on.
    """
    with transaction.atomic():
        now = lock_plan(plan)
        terms.check_extension(now, matures_on, timezone.localdate())
        now.matures_on = matures_on
        Plan.objects.filter(pk=plan.pk).update(matures_on=matures_on)
        ledger.move_maturity(now)
    plan.matures_on = matures_on


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


def carry_product_name(product: Product) -> None:
    """Show a product's new name on all that runs on it: a name is no term, and one product has one name."""
    with transaction.atomic():
        # It is on the cards of all who save in it. Rare enough for as many rows as there may be.
        User.objects.touch_all(User.objects.filter(plans__product=product))
        Plan.objects.filter(product=product).update(product_name=product.name)
        Circle.objects.filter(product=product).update(product_name=product.name)


def lock_plan(plan: Plan) -> Plan:
    """Return a plan as it is now; it stays so until the caller's transaction ends, as its owner's row does.

    Whatever a verb decides about a plan, it decides on this and not on an object that was loaded earlier.
    """
    User.objects.touch(plan.user_id)
    return Plan.objects.select_for_update().get(pk=plan.pk)


def check_takes(plan: Plan, amount_kobo: int) -> None:
    """Raise Refused when a plan, as `locked` returned it, takes no more money, and BadAmount when it has no room.

    Every way into a plan asks this, whether the money comes by card or from the stash.
    """
    terms.check_takes_money(plan, timezone.localdate())
    if not has_room(plan, amount_kobo):
        raise BadAmount(f"A plan holds at most {money.naira(settings.PLAN_MAX_KOBO)}.")


def has_room(plan: Plan, amount_kobo: int) -> bool:
    """Tell whether a plan, whose account was read under the lock, can hold that much (kobo) more."""
    return (plan.account.balance_kobo or 0) + amount_kobo <= settings.PLAN_MAX_KOBO


def cleaned_name(name: str) -> str:
    """Return a plan's name without outer space and invisible characters. Raises Refused when nothing is left."""
    return typed_text.name(
        name, longest=LONGEST_NAME, error=partial(Refused, field="name"), missing="Give the plan a name."
    )


def _check_same(
    earlier: Plan,
    product: Product | Terms,
    *,
    name: str,
    target_kobo: int | None,
    matures_on: datetime.date | None,
) -> None:
    """Raise ReferenceTaken where a form came back with other details: its sender expects another plan.

    Going back in a browser shows the form as it was sent, with the same reference.
    """
    product_id = product.product_id if isinstance(product, Terms) else product.pk
    asked = (product_id, typed_text.key(name), target_kobo, matures_on)
    if asked != (earlier.product_id, typed_text.key(earlier.name), earlier.target_kobo, earlier.matures_on):
        raise ReferenceTaken(SENT_OTHERWISE)


def _check_name(user: User, name: str, *, but: Plan | None = None) -> None:
    others = user.plans.open()
    if keys.is_name_taken(others.exclude(pk=but.pk) if but else others, "name", name):
        raise Refused(_taken(name), field="name")


def _name_taken_meanwhile(name: str) -> AbstractContextManager[None]:
    return keys.raising_if_taken("name", Refused(_taken(name), field="name"))


def _taken(name: str) -> str:
    return f"You already have a plan called {name}."
