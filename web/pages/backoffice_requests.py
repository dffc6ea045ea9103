"""What the queue and the page of a request show: what it posts, on which facts, and who may decide it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from savings import backoffice
from savings.backoffice import ACTIONS, AccountNames, Change, NamedLine, Preview
from savings.models import StaffRequest, User
from web import date_formats
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
class RequestShown:
    """One request with everything that decides about it."""

    request: StaffRequest
    label: str
    posting: Posting
    # What an action changes that posts nothing.
    details: list[tuple[str, str]]
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
        label=label(request.action),
        # The balances are those of now, so they say nothing about what is over.
        posting=Posting(
            names.read(request.lines), names.changes(request.lines) if request.is_waiting else []
        ),
        details=_details(request),
        # Those of a product are its present terms, which the details have.
        facts=[] if request.action == "product" else facts(request.facts),
        saver_url=link_to_saver(request.saver, by),
        transaction_url=link_to(request.transaction, by),
        may_approve=backoffice.may_approve(request, by),
        may_withdraw=request.is_waiting and request.asked_by_id == by.pk,
    )


def _details(request: StaffRequest) -> list[tuple[str, str]]:
    """Return which product changes and from when, and the terms that change, as labels and texts."""
    values, now = request.values, request.facts
    if request.action != "product":
        return []
    valid_from = date_formats.day(datetime.date.fromisoformat(values["valid_from"]))
    changes = products.changes((now["terms"], now["rates"]), (values["terms"], values["rates"]))
    return [
        (messages.PRODUCT, values["terms"]["name"]),
        (messages.VALID_FROM, valid_from),
        *((name, messages.changed(before, new)) for name, before, new in changes),
    ]


def label(action: str) -> str:
    """Return what an action is called, also one that a later release no longer has."""
    return ACTIONS[action].label if action in ACTIONS else action
