"""Prepares the page that starts a plan: what it is for, the proposed product, and the preview of the interest."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.forms import BoundField, ValidationError
from django.http import QueryDict
from django.utils import timezone

from savings import ledger, money, plans
from savings.ledger import TaxRates
from savings.models import Plan, Product, User
from savings.models.plans import InterestPaid
from web import date_formats
from web.forms.plans import StartForm
from web.messages import plan_start as start_messages
from web.messages import plans as messages
from web.pages.plan_notices import notice_sentence
from web.pages.plan_terms import exit_sentences, interest_off_for_new
from web.pages.plans import icon

EXAMPLE_KOBO = 100_000_00
# Session key: the id of a plan that was just started, and the intended first payment in kobo.
FIRST_PAYMENT = "first_payment"


class Purpose(NamedTuple):
    """What a plan may be for: the name it fills in, a goal in kobo, and the days until its date.

    `kind` is the kind of product that suits it, if it is not the usual. 0 days are no date.
    """

    name: str
    goal_kobo: int
    days: int = ledger.DAYS_PER_YEAR
    kind: str = ""

    @property
    def goal(self) -> str:
        """The goal as its field shows it."""
        return money.figures(self.goal_kobo).removesuffix(".00")

    def ends_on(self, products: Iterable[Product]) -> datetime.date | None:
        """Return the date to suggest: as near to its days as the usual product with an end allows."""
        usual = plans.suggest_product(products, has_end=True) if self.days else None
        if usual is None or usual.min_term_days is None or usual.max_term_days is None:
            return None
        days = min(max(self.days, usual.min_term_days), usual.max_term_days)
        return timezone.localdate() + datetime.timedelta(days=days)


# By the value of `?for=` in the URL of the page. The goals are round sums to begin with: everyone changes theirs.
_NAMES = start_messages.PURPOSES
PURPOSES = {
    "rent": Purpose(_NAMES["rent"], 1_200_000_00),
    "school-fees": Purpose(_NAMES["school-fees"], 600_000_00),
    "emergency": Purpose(_NAMES["emergency"], 300_000_00, days=0, kind=Product.Kind.EMERGENCY),
    "car": Purpose(_NAMES["car"], 5_000_000_00, days=2 * ledger.DAYS_PER_YEAR),
    "wedding": Purpose(_NAMES["wedding"], 3_000_000_00),
}
_SUITS = {"end": True, "open": False}


@dataclasses.dataclass(frozen=True, slots=True)
class ProductChoice:
    """A product to choose, with sentences: what an amount earns in it, what leaving it costs, and its notice.

    `grown_kobo` is that amount with what it earns after tax, and `term` how long that takes. `suits` is "end" for the
    product to propose with an end date, and "open" for the one without.
    """

    product: Product
    icon: str
    rate: str
    # Each rate and the term from which it applies; empty where the rate does not depend on the term.
    rates_by_term: str
    example: str
    grown_kobo: int
    term: str
    early_exit: str
    notice: str
    is_chosen: bool
    suits: str
    # Whether it is below "Other types", which opens on a press.
    is_folded: bool = False


def initial(query: QueryDict, products: list[Product]) -> dict[str, Any]:
    """Return what the URL asks for as the initial values of the form: a name with a goal and a date, and a product.

    Without a product, the script proposes one, and follows the date until the user chooses (static/js/start.js).
    """
    purpose = PURPOSES.get(query.get("for", ""))
    if purpose is None:
        return {"name": "", "product": query.get("product") or ""}
    suitable = next((product.pk for product in products if product.kind == purpose.kind), "")
    return {
        "name": purpose.name,
        "target": purpose.goal_kobo,
        "matures_on": purpose.ends_on(products),
        "product": query.get("product") or suitable,
    }


def start(form: StartForm, user: User) -> dict[str, Any]:
    """Return the context of the start page: the form, the purposes and products to choose from, and the preview."""
    taxes = TaxRates.read()
    choices = products_to_choose(form["product"], form.products, taxes=taxes)
    return {
        "form": form,
        "purposes": [(key, one, one.ends_on(form.products)) for key, one in PURPOSES.items()],
        "suggests": not form.is_bound and bool(form.initial.get("target")),
        "products": choices,
        # Until there is a preview: the chosen product, or else the one that the script proposes.
        "shown": next((one for one in choices if one.is_chosen or one.suits == "open"), None),
        "example_kobo": EXAMPLE_KOBO,
        "preview": _preview(form, taxes, earns_interest=user.earns_interest),
        "interest_off": interest_off_for_new(user),
        "unused_date": unused_date(_clean(form, "product"), _clean(form, "matures_on")),
    }


def unused_date(product: Product | None, ends_on: datetime.date | None) -> str:
    """Return the sentence that a plan of this product has no end, if a date was given; else empty."""
    return messages.date_not_used(product.name) if product and ends_on and not product.has_term else ""


def products_to_choose(
    field: BoundField,
    products: Iterable[Product],
    *,
    taxes: TaxRates,
    interest_to: str = Plan.InterestTo.PLAN,
) -> list[ProductChoice]:
    """Return each product with its rate, what an example earns, what leaving it costs, and whether it is selected."""
    chosen = str(field.value() or "")
    products = list(products)
    suits = {plans.suggest_product(products, has_end=has_end): suits for suits, has_end in _SUITS.items()}
    return [
        dataclasses.replace(
            choice_of(product, taxes=taxes, interest_to=interest_to),
            is_chosen=str(product.pk) == chosen,
            suits=suits.get(product, ""),
            is_folded=str(product.pk) != chosen and product not in suits,
        )
        for product in products
    ]


def choice_of(product: Product, *, taxes: TaxRates, interest_to: str = Plan.InterestTo.PLAN) -> ProductChoice:
    """Return what a saver reads about a product before choosing it."""
    example = _example(product, taxes, interest_to)
    return ProductChoice(
        product,
        icon=icon(product.kind, product.early_exit),
        rate=_rates(product),
        rates_by_term=_rates_by_term(product),
        example=_in_words(example),
        grown_kobo=EXAMPLE_KOBO + example.ahead.net_kobo,
        term=example.term,
        early_exit=" ".join(exit_sentences(product)),
        notice=notice_sentence(product),
        is_chosen=False,
        suits="",
    )


class _Example(NamedTuple):
    """What an amount earns in a product, and in which term, in words."""

    ahead: ledger.Preview
    term: str


def _example(product: Product, taxes: TaxRates, interest_to: str) -> _Example:
    """Return what an amount earns in a year, or in the term that is nearest to one."""
    days = ledger.DAYS_PER_YEAR
    if product.min_term_days is not None and product.max_term_days is not None:
        days = min(max(days, product.min_term_days), product.max_term_days)
    today = timezone.localdate()
    ahead = ledger.preview_interest(
        product,
        matures_on=today + datetime.timedelta(days=days) if product.has_term else None,
        first_kobo=EXAMPLE_KOBO,
        monthly_kobo=0,
        today=today,
        interest_to=interest_to,
        taxes=taxes,
    )
    return _Example(ahead, "a year" if days == ledger.DAYS_PER_YEAR else f"{days} days")


def _in_words(example: _Example) -> str:
    ahead, term = example
    posted = f" First paid on {date_formats.day(ahead.next_posting_on)}." if ahead.next_posting_on else ""
    return (
        f"{money.short(EXAMPLE_KOBO)} for {term}: {money.naira(ahead.gross_kobo)} interest,"
        f" less {money.naira(ahead.tax_kobo)} tax: {money.naira(ahead.net_kobo)}.{posted}"
    )


def _rates(product: Product) -> str:
    """Return a product's rate as text, or the highest if it depends on the term."""
    rates = [rate.rate_bps for rate in product.rates.all()]
    if not rates:
        return money.percent(0)
    return money.percent(rates[0]) if len(set(rates)) == 1 else f"up to {money.percent(max(rates))}"


def _rates_by_term(product: Product) -> str:
    """Return each rate of a product with its shortest term; empty if the rate does not depend on the term."""
    # In ascending `from_days`: of the rates up to the shortest term, the last applies.
    rates = {max(rate.from_days, product.min_term_days or 0): rate.rate_bps for rate in product.rates.all()}
    if len(set(rates.values())) < 2:
        return ""
    return ", ".join(messages.rate_from(rate_bps, days) for days, rate_bps in rates.items())


def _preview(form: StartForm, taxes: TaxRates, *, earns_interest: bool) -> dict[str, Any] | None:
    """Return the preview from the valid fields of the form; None if too few are valid.

    A page that suggests a date shows that of the product which the script will propose for it.
    """
    values = {name: _clean(form, name) for name in ("product", "target", "matures_on", "first", "monthly")}
    product: Product | None = values["product"]
    if product is None and not form.is_bound and values["matures_on"]:
        product = plans.suggest_product(form.products, has_end=True)
    today = timezone.localdate()
    if product is None or (product.has_term and not _may_end_on(values["matures_on"], product, today)):
        return None
    ends_on = values["matures_on"] if product.has_term else None
    first_kobo, monthly_kobo = values["first"] or 0, values["monthly"]
    interest_to = _clean(form, "interest_to") or Plan.InterestTo.PLAN
    suggested_kobo = _suggested_kobo(values["target"], ends_on, first_kobo=first_kobo, today=today)
    # Without a sum per month, the preview assumes the one that reaches the goal, and says so.
    assumed_kobo = suggested_kobo if monthly_kobo is None else None
    monthly_kobo = monthly_kobo or assumed_kobo or 0
    ahead = ledger.preview_interest(
        product,
        matures_on=ends_on,
        first_kobo=first_kobo,
        monthly_kobo=monthly_kobo,
        today=today,
        interest_to=interest_to,
        taxes=taxes,
    )
    if not ahead.paid_in_kobo:
        return None
    if not earns_interest:
        ahead = dataclasses.replace(ahead, rate_bps=0, gross_kobo=0, tax_kobo=0, next_posting_on=None)
    is_monthly = product.interest_paid == InterestPaid.MONTHLY
    return {
        "ahead": ahead,
        "is_monthly": is_monthly,
        "goes_to_stash": interest_to == Plan.InterestTo.STASH,
        "suggested_kobo": suggested_kobo,
        "assumed_kobo": assumed_kobo,
        "term": messages.days((ends_on - today).days) if ends_on and _rates_by_term(product) else "",
    }


def _suggested_kobo(
    target_kobo: int | None, ends_on: datetime.date | None, *, first_kobo: int, today: datetime.date
) -> int | None:
    """Return the monthly sum (kobo) that reaches the goal, rounded as on the plan's page; None without goal and end."""
    if not target_kobo or ends_on is None:
        return None
    exact_kobo = ledger.suggested_monthly_kobo(
        target_kobo=target_kobo, first_kobo=first_kobo, ends_on=ends_on, today=today
    )
    return money.round_up(exact_kobo, plans.STEP_KOBO)


def _may_end_on(day: datetime.date | None, product: Product, today: datetime.date) -> bool:
    """Return whether a plan may end on this day, for the preview.

    The preview calculates each month until then, and dates have an upper limit, so the day must be within the longest
    term.
    """
    return day is not None and 0 < (day - today).days <= (product.max_term_days or 0)


def _clean(form: StartForm, name: str) -> Any:
    """Return one field's value, or None if it is missing or invalid."""
    field = form.fields[name]
    try:
        return field.clean(form[name].value())
    except ValidationError:
        return None
