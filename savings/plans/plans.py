"""Plans: opening, renaming and closing them."""

from __future__ import annotations

import datetime
from contextlib import AbstractContextManager
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import ledger, outbox, typed_text
from savings.exceptions import SENT_OTHERWISE, BadAmount, ReferenceTaken, Refused
from savings.models import Account, Circle, Membership, Plan, Product, User, keys
from savings.plans import messages, terms
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
    interest_to: str = Plan.InterestTo.PLAN,
) -> Plan:
    """Open a plan on the product's present terms and return it. A repeat with the same reference returns that plan.

    `interest_to` is where monthly interest goes; where interest is paid at maturity, `at_maturity` says it. A circle
    passes the terms it stored instead of a product. Raises Refused, with the field, for a product that is no
    longer offered, a name already in use, a target (kobo) or a date outside the terms. Raises ReferenceTaken when the
    reference belongs to a plan with other details.
    """
    name = cleaned_name(name)
    today = timezone.localdate()
    with transaction.atomic():
        User.objects.touch(user.pk)
        earlier = Plan.objects.filter(reference=reference, user=user).first()
        if earlier is not None:
            _check_same_details(earlier, product, name=name, target_kobo=target_kobo, matures_on=matures_on)
            return earlier
        _check_name(user, name)
        opened_on = product if isinstance(product, Terms) else terms.offered_terms(product.pk)
        terms.check_opening(opened_on, target_kobo=target_kobo, matures_on=matures_on, today=today)
        with _refusing_taken_name(name):
            plan = Plan.objects.create(
                reference=reference,
                user=user,
                name=name,
                target_kobo=target_kobo,
                at_maturity=at_maturity,
                interest_to=interest_to,
                started_on=today,
                matures_on=matures_on,
                **opened_on.for_plan((matures_on - today).days if matures_on else None),
            )
        ledger.open_plan_account(plan)
    return plan


def rename(plan: Plan, name: str) -> None:
    """Rename an open plan. Raises Refused when the plan is closed or another open plan of the user has the name."""
    name = cleaned_name(name)
    with transaction.atomic():
        now = lock_plan(plan)
        if now.is_closed:
            raise Refused(messages.CLOSED, field="name")
        _check_name(plan.user, name, excluding=plan)
        with _refusing_taken_name(name):
            Plan.objects.filter(pk=plan.pk).update(name=name)
    plan.name = name


def close(plan: Plan) -> None:
    """Close a plan whose balance is zero, after its interest is posted to the stash. A repeat changes nothing.

    What is left below one kobo lapses. Raises Refused while the plan holds money, has a pending payment or belongs to a
    current membership of a circle.
    """
    with transaction.atomic():
        User.objects.touch(plan.user_id)
        if Account.objects.filter(plan=plan, balance_kobo__gt=0).exists():
            raise Refused(messages.NOT_EMPTY)
        if plan.transactions.pending().exists():
            raise Refused(messages.MONEY_ON_ITS_WAY)
        if Membership.objects.current().filter(plan=plan).exists():
            raise Refused(messages.CLOSES_WITH_CIRCLE)
        # Notices wait for money that a refund or a chargeback has taken since.
        plan.notices.end()
        if Plan.objects.filter(pk=plan.pk, closed_at=None).update(closed_at=timezone.now()):
            ledger.post_last_interest(plan, timezone.localdate())
            outbox.recheck_autosaves(plan.user_id)
    plan.refresh_from_db(fields=["closed_at"])


def copy_product_name(product: Product) -> None:
    """Copy a product's new name to its plans and circles. A name is no term, and one product has one name."""
    with transaction.atomic():
        # Every user with such a plan sees the name. The update may touch many rows, but a rename is rare.
        User.objects.touch_all(User.objects.filter(plans__product=product))
        Plan.objects.filter(product=product).update(product_name=product.name)
        Circle.objects.filter(product=product).update(product_name=product.name)


def lock_plan(plan: Plan) -> Plan:
    """Lock the owner's row and the plan's row until the caller's atomic block ends, and return the present plan.

    Rules about a plan are checked on this instance and never on one that was loaded earlier.
    """
    User.objects.touch(plan.user_id)
    return Plan.objects.select_for_update().get(pk=plan.pk)


def check_can_receive(plan: Plan, amount_kobo: int) -> None:
    """Raise Refused when a plan is closed or matured, BadAmount when an amount (kobo) would exceed its limit.

    Every way of paying into a plan calls this, by card and from the stash. Pass the plan that `lock_plan` returned.
    """
    terms.check_accepts_money(plan, timezone.localdate())
    if not has_room(plan, amount_kobo):
        raise BadAmount(messages.plan_full(settings.PLAN_MAX_KOBO))


def has_room(plan: Plan, amount_kobo: int) -> bool:
    """Return whether a plan can hold an additional amount (kobo). Its account must have been read under the lock."""
    return (plan.account.balance_kobo or 0) + amount_kobo <= settings.PLAN_MAX_KOBO


def cleaned_name(name: str) -> str:
    """Return a plan's name without outer space and invisible characters. Raises Refused when nothing is left."""
    return typed_text.name(
        name, longest=LONGEST_NAME, error=partial(Refused, field="name"), missing=messages.NAME_MISSING
    )


def _check_same_details(
    earlier: Plan,
    product: Product | Terms,
    *,
    name: str,
    target_kobo: int | None,
    matures_on: datetime.date | None,
) -> None:
    """Raise ReferenceTaken when a form was sent again with other details: the user expects another plan.

    The browser's Back button shows the sent form with the same reference.
    """
    product_id = product.product_id if isinstance(product, Terms) else product.pk
    requested = (product_id, typed_text.key(name), target_kobo, matures_on)
    if requested != (
        earlier.product_id,
        typed_text.key(earlier.name),
        earlier.target_kobo,
        earlier.matures_on,
    ):
        raise ReferenceTaken(SENT_OTHERWISE)


def _check_name(user: User, name: str, *, excluding: Plan | None = None) -> None:
    others = user.plans.open()
    if keys.is_name_taken(others.exclude(pk=excluding.pk) if excluding else others, "name", name):
        raise Refused(messages.name_taken(name), field="name")


def _refusing_taken_name(name: str) -> AbstractContextManager[None]:
    return keys.raising_if_taken("name", Refused(messages.name_taken(name), field="name"))
