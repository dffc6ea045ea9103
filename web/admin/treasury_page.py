"""The treasury for staff: what the house holds and owes, what is left to remit, and the movements to ask for."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from web.pages import backoffice_treasury as pages
from web.staff_site import render_page, staff_page


@staff_page("treasury/", name="treasury", permission="savings.view_manualposting")
@require_safe
def treasury(request: HttpRequest) -> HttpResponse:
    """Show the house's money by the books, the months to remit, and what can be asked for."""
    return render_page(request, "treasury.html", title="Treasury", **pages.treasury())
