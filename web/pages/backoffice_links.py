"""Links of the admin to rows that the reader may see; what they may not see has no link."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse

from savings.backoffice import Offer
from savings.models import Case, User


def link_to(row: Model | None, by: User) -> str:
    """Return the URL of a row's page in the admin, empty if there is none or `by` may not see it."""
    if row is None:
        return ""
    name = row._meta.model_name
    return (
        reverse(f"admin:savings_{name}_change", args=[row.pk]) if by.has_perm(f"savings.view_{name}") else ""
    )


def link_to_saver(saver: User | None, by: User) -> str:
    """Return the URL of a saver's page, empty if there is no saver or `by` may not see it."""
    if saver is None or not by.has_perm("savings.see_saver"):
        return ""
    return reverse("admin:saver", args=[saver.pk])


def link_to_action(offer: Offer, case: Case | None = None) -> str:
    """Return the URL of the page of an action, for the rows that it is about."""
    ids: dict[str, Any] = {"case": case.pk} if case else {}
    return f"{reverse('admin:ask', args=[offer.action])}?{urlencode(ids | offer.ids)}"
