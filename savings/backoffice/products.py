"""New terms of products: asked for by one person, approved by another, and valid from a day on."""

from __future__ import annotations

import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.transaction import atomic
from django.utils import timezone

from savings import outbox, plans
from savings.backoffice import audit, messages
from savings.exceptions import Refused
from savings.models import Plan, Product, ProductChange, ProductRate, User

# The columns that a change sets. The kind of a product that exists stays.
TERMS = (
    "kind",
    "name",
    "description",
    "min_term_days",
    "max_term_days",
    "min_target_kobo",
    "early_exit",
    "penalty_bps",
    "notice_hours",
    "interest_paid",
    "is_offered",
    "position",
)
_FURTHEST = datetime.timedelta(days=366)
Rates = list[list[int]]
# What each constraint of a product demands, and the field that it is about.
_CONSTRAINTS = {
    "product_term_in_order": (messages.TERM_ORDER, "max_term_days"),
    "product_penalty_below_all": (messages.PENALTY_TOO_HIGH, "penalty_bps"),
    "product_forfeits_at_maturity": (messages.FORFEIT_AT_MATURITY, "interest_paid"),
}


def terms_of(product: Product) -> tuple[dict[str, Any], Rates]:
    """Return the present terms of a product, and its rates as pairs of days and basis points."""
    rates = [[rate.from_days, rate.rate_bps] for rate in product.rates.order_by("from_days")]
    return {name: getattr(product, name) for name in TERMS}, rates


def with_terms(product: Product | None, terms: dict[str, Any], rates: Rates) -> Product:
    """Return an unsaved product with these terms, for a preview; `rates` are as if they were stored."""
    # Related rows need a number, and no product has this one.
    shown = Product(pk=product.pk if product else 0, **terms)
    shown._prefetched_objects_cache = {  # type: ignore[attr-defined]
        "rates": [ProductRate(from_days=from_days, rate_bps=rate_bps) for from_days, rate_bps in rates]
    }
    return shown


def check_terms(product: Product | None, terms: dict[str, Any], rates: Rates) -> None:
    """Raise Refused, with the field, for terms that contradict each other or that no plan could start from."""
    if product is not None and terms["kind"] != product.kind:
        raise Refused(messages.KIND_STAYS, field="kind")
    candidate = Product(pk=product.pk if product else None, **terms)
    candidate._state.adding = product is None
    try:
        candidate.full_clean(validate_constraints=False)
    except ValidationError as error:
        name, found = next(iter(error.error_dict.items()))
        raise Refused(" ".join(found[0].messages), field=name) from None
    for constraint in Product._meta.constraints:
        try:
            constraint.validate(Product, candidate)
        except ValidationError:
            text, field = _CONSTRAINTS[constraint.name]
            raise Refused(text, field=field) from None
    if (terms["min_term_days"] is None) != (terms["max_term_days"] is None):
        raise Refused(messages.BOTH_TERMS, field="max_term_days")
    _check_rates(terms, rates)


def _check_rates(terms: dict[str, Any], rates: Rates) -> None:
    if len({from_days for from_days, _ in rates}) != len(rates):
        raise Refused(messages.RATE_TWICE, field="rates")
    if any(not 0 <= rate_bps <= 10_000 or from_days < 0 for from_days, rate_bps in rates):
        raise Refused(messages.RATE_OUT_OF_RANGE, field="rates")
    shortest_days = terms["min_term_days"] or 0
    if terms["is_offered"] and not any(from_days <= shortest_days for from_days, _ in rates):
        raise Refused(messages.no_rate(shortest_days), field="rates")


def check_valid_from(valid_from: datetime.date) -> None:
    """Raise Refused, on the field `valid_from`, for a day that is over or more than a year away."""
    today = timezone.localdate()
    if not today <= valid_from <= today + _FURTHEST:
        raise Refused(messages.VALID_FROM_RANGE, field="valid_from")


def may_change_alone() -> bool:
    """Return whether one person may change products: no plan was opened from one yet."""
    return not Plan.objects.exists()


def change_alone(
    product: Product | None, terms: dict[str, Any], rates: Rates, *, by: User, reason: str
) -> Product:
    """Change a product at once, while setting up an installation without plans. Raises Refused once there is one."""
    with atomic():
        if not may_change_alone():
            raise Refused(messages.NEEDS_SECOND_PERSON)
        check_terms(product, terms, rates)
        changed = _store(product, terms, rates)
        audit.record(audit.Verb.CHANGED, by=by, subject=f"product:{changed.pk}", text=reason)
    return changed


def schedule_terms(
    product: Product | None,
    terms: dict[str, Any],
    rates: Rates,
    *,
    valid_from: datetime.date,
    asked_by: User,
    approved_by: User,
    reason: str,
) -> ProductChange:
    """Store new terms that two people agreed on; apply them if their day has come. Raises as `check_terms`."""
    check_terms(product, terms, rates)
    today = timezone.localdate()
    change = ProductChange.objects.create(
        product=product,
        terms=terms,
        rates=rates,
        # Approved later than it was to begin.
        valid_from=max(valid_from, today),
        asked_by=asked_by,
        approved_by=approved_by,
        reason=reason,
    )
    if change.valid_from <= today:
        _apply(change.pk)
    return change


def apply_product_changes(today: datetime.date) -> int:
    """Apply the terms whose day has come, in the order of their days; return how many. Safe to run twice at once."""
    due = ProductChange.objects.filter(applied_at=None, valid_from__lte=today).order_by("valid_from", "pk")
    return outbox.for_each_row("apply_product_change", due, _apply, most=100)


def change_facts(product_id: int | None) -> dict[str, Any]:
    """Return the present terms of a product and the changes that wait: a request is void once they differ."""
    product = Product.objects.filter(pk=product_id or 0).first()
    terms, rates = terms_of(product) if product else ({}, [])
    waiting = ProductChange.objects.filter(Q(product=product), applied_at=None).order_by("pk")
    return {"terms": terms, "rates": rates, "waiting": list(waiting.values_list("pk", flat=True))}


def _apply(change_id: int) -> int:
    with atomic():
        change = (
            ProductChange.objects.select_for_update(of=("self",)).select_related("product").get(pk=change_id)
        )
        if change.applied_at is not None:
            return 0
        change.product = _store(change.product, change.terms, change.rates)
        change.applied_at = timezone.now()
        change.save(update_fields=["product", "applied_at"])
        text = f"change {change.pk}"
        audit.record(
            audit.Verb.CHANGED, by=change.approved_by, subject=f"product:{change.product.pk}", text=text
        )
    return 1


def _store(product: Product | None, terms: dict[str, Any], rates: Rates) -> Product:
    old_name = product.name if product else None
    stored = product or Product()
    for name in TERMS:
        setattr(stored, name, terms[name])
    stored.save()
    stored.rates.exclude(from_days__in=[from_days for from_days, _ in rates]).delete()
    for from_days, rate_bps in rates:
        ProductRate.objects.update_or_create(
            product=stored, from_days=from_days, defaults={"rate_bps": rate_bps}
        )
    if old_name is not None and old_name != stored.name:
        plans.copy_product_name(stored)
    return stored
