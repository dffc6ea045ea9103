"""What the queue and the page of a request show: what it posts, on which facts, and who may decide it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from django.urls import reverse

from savings import backoffice
from savings.backoffice import ACTIONS, AccountNames, Change, NamedLine, Preview
from savings.models import StaffRequest, User
from web.messages import backoffice_cases as messages
from web.pages import products
from web.pages.backoffice_links import link_to, link_to_saver

State = StaffRequest.State


@dataclasses.dataclass(frozen=True)
class Posting:
    """What an action posts: its entries, and the savers' balances before and after."""

    lines: list[NamedLine]
    changes: list[Change]


@dataclasses.dataclass(frozen=True)
class ProductChanges:
    """What a request would change of a product, and from when."""

    name: str
    # Empty for a new product, and where the reader may not see products.
    url: str
    valid_from: datetime.date
    terms: list[products.Term]


@dataclasses.dataclass(frozen=True)
class RequestShown:
    """One request with everything that decides about it."""

    request: StaffRequest
    title: str
    posting: Posting
    product: ProductChanges | None
    facts: list[tuple[str, str]]
    saver_url: str
    transaction_url: str
    may_approve: bool
    may_withdraw: bool


def posting(preview: Preview) -> Posting:
    """Return what a preview posts, with the accounts as people call them."""
    names = AccountNames(preview.lines)
    return Posting(names.read(preview.lines), names.changes(preview.lines))


def facts(found: dict[str, object]) -> list[tuple[str, str]]:
    """Return the facts of a request or preview as labels and texts."""
    return [messages.fact(name, value) for name, value in found.items()]


def requests_shown(requests: Sequence[StaffRequest], by: User) -> list[RequestShown]:
    """Return requests as pages show them, in a constant number of queries."""
    names = AccountNames([line for request in requests for line in request.lines])
    return [_shown(request, by, names) for request in requests]


def _shown(request: StaffRequest, by: User, names: AccountNames) -> RequestShown:
    return RequestShown(
        request=request,
        title=title(request),
        # The balances are those of now, so they say nothing about what is over.
        posting=Posting(
            names.read(request.lines), names.changes(request.lines) if request.is_waiting else []
        ),
        product=_product_changes(request, by) if request.action == "product" else None,
        # Those of a product are its present terms, which stand beside the new ones.
        facts=[] if request.action == "product" else facts(request.facts),
        saver_url=link_to_saver(request.saver, by),
        transaction_url=link_to(request.transaction, by),
        may_approve=backoffice.may_approve(request, by),
        may_withdraw=request.is_waiting and request.asked_by_id == by.pk,
    )


def _product_changes(request: StaffRequest, by: User) -> ProductChanges:
    values, (now, new) = request.values, _terms(request)
    may_see = values.get("product") and by.has_perm("savings.view_product")
    return ProductChanges(
        name=now[0].get("name") or values["terms"]["name"],
        url=reverse("admin:savings_product_change", args=[values["product"]]) if may_see else "",
        valid_from=datetime.date.fromisoformat(values["valid_from"]),
        terms=products.changes(now, new),
    )


def _terms(request: StaffRequest) -> tuple[products.Terms, products.Terms]:
    """Return the terms of a product when its change was asked for, and those that were asked for."""
    now, new = request.facts, request.values
    return (now["terms"], now["rates"]), (new["terms"], new["rates"])


def title(request: StaffRequest) -> str:
    """Return what a request is for: its action, or a product and what of it changes."""
    if request.action != "product":
        return label(request.action)
    now, new = _terms(request)
    if not now[0]:
        return messages.new_product(new[0]["name"])
    return messages.product_change(now[0]["name"], only_rates=products.only_rates_change(now, new))


def label(action: str) -> str:
    """Return what an action is called, also one that a later release no longer has."""
    return ACTIONS[action].label if action in ACTIONS else action
