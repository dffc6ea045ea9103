"""Rows that a list or a page names: people by name with a link, plans, accounts, and references."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.db.models import BooleanField, Field, ForeignKey, Model, OneToOneField
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings.models import (
    Account,
    AutosaveRule,
    Case,
    Circle,
    Membership,
    Payment,
    Payout,
    Plan,
    Product,
    Refund,
    Transaction,
    User,
)
from web import date_formats
from web.admin.shown import NONE
from web.messages import lists
from web.pages.backoffice_links import link_to, link_to_saver
from web.pages.row_titles import title_of


def person(user: User, by: User | None) -> SafeString:
    """Return a person by name, with a link that `by` may follow.

    The email address stands below; that of staff is a tooltip.
    """
    name = user.name or user.email
    if user.is_staff:
        return format_html(
            '<span class="named" title="{}">{}</span>', user.email, _link(name, _url(user, by))
        )
    below = user.email if user.name else ""
    return two_lines(_link(name, _url_of_saver(user, by)), below)


def two_lines(first: str, second: str) -> SafeString:
    """Return a value with a quiet line below it, if there is one."""
    if not second:
        return format_html('<span class="named">{}</span>', first)
    return format_html('<span class="named">{} <small>{}</small></span>', first, second)


def account_name(account: Account) -> str:
    """Return what an account holds: a plan by its name, or the kind of account, and where the house's money is.

    An account of the house has the name that requests and reports give it, such as “Clearing (paystack)”.
    """
    if account.plan is not None:
        return account.plan.name
    kind = str(account.get_kind_display())
    return f"{kind} ({account.provider})" if account.provider else kind


def in_words(value: object, by: User | None) -> object:
    """Return how a page names a row that it refers to, with a link that `by` may follow; other values stay."""
    if value is None:
        return NONE
    if write := _WRITERS.get(type(value)):
        return write(value, by)
    if isinstance(value, datetime.date):
        # Django would write a calculated one as a program does.
        return date_formats.in_full(value)
    if not isinstance(value, Model):
        return value
    return format_html("{}", _link(str(value), _url(value, by)))


def column(name: Any, its: admin.ModelAdmin, by: User, *, links: bool = True, in_list: bool = False) -> Any:
    """Return the column of a list, or the field of a page, with the rows that it refers to in words.

    A list shows of a yes or no, and of tries, only the exception.
    """
    if not isinstance(name, str) or name.startswith("__"):
        return name
    reader = by if links else None
    field = _field(its.model, name)
    if in_list and isinstance(field, BooleanField) and name in lists.EXCEPTIONS:
        return _exception(name, str(label_for_field(name, its.model, its)))
    if in_list and field is not None and name in lists.USUAL_AT_MOST:
        return _unusual(name, str(label_for_field(name, its.model, its)))
    method = getattr(its, name, None) if field is None or hasattr(type(its), name) else None
    if callable(method) and name != "action_checkbox":

        @wraps(method)
        def calculated(row: Model) -> object:
            return in_words(method(row), reader)

        return calculated
    if not isinstance(field, ForeignKey | OneToOneField):
        return name

    @admin.display(description=str(label_for_field(name, its.model, its)))
    def related(row: Model) -> object:
        return in_words(getattr(row, name), reader)

    # Django derives a CSS class from it.
    related.__name__ = name
    return related


def _exception(name: str, label: str) -> Any:
    @admin.display(description=label)
    def shown(row: Model) -> str:
        return lists.EXCEPTIONS[name].get(getattr(row, name), "")

    shown.__name__ = name
    return shown


def _unusual(name: str, label: str) -> Any:
    @admin.display(description=label)
    def shown(row: Model) -> str:
        number = getattr(row, name)
        return f"{number:,}" if number > lists.USUAL_AT_MOST[name] else ""

    shown.__name__ = name
    return shown


def _field(model: type[Model], name: str) -> Field[Any, Any] | None:
    return next((field for field in model._meta.fields if field.name == name), None)


def _url(row: Model, by: User | None) -> str:
    return "" if by is None else link_to(row, by)


def _url_of_saver(user: User, by: User | None) -> str:
    return "" if by is None else link_to_saver(user, by) or link_to(user, by)


def _link(text: str, url: str) -> str:
    return format_html('<a href="{}">{}</a>', url, text) if url else text


def _account(account: Account, by: User | None) -> SafeString:
    owner = (account.user.name or account.user.email) if account.user else ""
    return two_lines(_link(account_name(account), _url(account, by)), owner)


def _case(case: Case, by: User | None) -> SafeString:
    may_see = by is not None and by.has_perm("savings.view_case")
    return format_html(
        "{}", _link(f"Case {case.pk}", reverse("admin:case", args=[case.pk]) if may_see else "")
    )


def _reference(row: Transaction | Payment | Payout | Refund, by: User | None) -> SafeString:
    movement = row if isinstance(row, Transaction) else row.transaction
    return format_html('<span class="reference">{}</span>', _link(movement.reference, _url(row, by)))


def _rule(rule: AutosaveRule, by: User | None) -> SafeString:
    return format_html("{}", _link(title_of(rule), _url(rule, by)))


def _member(row: Membership, by: User | None) -> SafeString:
    return format_html("{}", _link(row.nickname, _url(row, by)))


def _by_name(row: Plan | Circle | Product, by: User | None) -> SafeString:
    return format_html("{}", _link(row.name, _url(row, by)))


_WRITERS: dict[type, Callable[[Any, User | None], SafeString]] = {
    User: person,
    Account: _account,
    Case: _case,
    Membership: _member,
    Payment: _reference,
    Payout: _reference,
    Refund: _reference,
    Circle: _by_name,
    Plan: _by_name,
    Product: _by_name,
    AutosaveRule: _rule,
    Transaction: _reference,
}
