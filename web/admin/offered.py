"""Buttons on the page of one row for the actions that fit it."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from savings import backoffice
from savings.backoffice import Offer
from savings.models import User
from web.admin.base import ReadOnlyAdmin
from web.pages.backoffice_cases import Step
from web.pages.backoffice_links import link_to_action
from web.staff_site import staff


class WithActions(ReadOnlyAdmin):
    """A read-only page with links to the actions that fit its row."""

    def offers(self, row: Any, by: User) -> list[Offer]:
        """Return the actions that fit a row."""
        raise NotImplementedError

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        by = staff(request)
        row: Model | None = context.get("original")
        if row is not None and by.has_perm("savings.view_staffrequest"):
            offers = self.offers(row, by)
            # Those who may never ask for an action have no use for its name.
            context["steps"] = [
                Step(offer.label, link_to_action(offer), offer.why_not)
                for offer in offers
                if by.has_perm(backoffice.ACTIONS[offer.action].permission)
            ]
        return super().render_change_form(request, context, *args, **kwargs)
