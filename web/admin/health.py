"""The ledger's health for staff: the last result of each check, what is stuck, and a button that proves the books."""

from __future__ import annotations

from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from savings import backoffice
from web.messages import backoffice_front as messages
from web.pages.front_page import stuck_lines
from web.staff_site import render_page, staff, staff_page


@staff_page("health/", name="health", permission="savings.view_coverageday")
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """The last result of each check of the ledger, coverage, drift, late jobs and what is stuck."""
    found = backoffice.health(timezone.now())
    response = render_page(
        request,
        "health.html",
        title="Ledger health",
        health=found,
        checked=messages.checks(found.tally),
        right=[check for check in found.checks if check.is_right],
        wrong=[check for check in found.checks if check.at and not check.is_right],
        never=[check for check in found.checks if not check.at],
        trouble=messages.trouble(found),
        stuck=stuck_lines(found.stuck, staff(request).has_perm),
        done=len(found.running.results) if found.running else 0,
        total=len(backoffice.check_names()),
    )
    if found.running:
        # The progress of the proof, also without JavaScript.
        response["Refresh"] = "3"
    return response


@staff_page("health/prove/", name="prove", permission="savings.add_ledgerproof")
@require_POST
def prove(request: HttpRequest) -> HttpResponse:
    """Have the worker prove the books. While a proof runs, a second one is not begun."""
    backoffice.ask_for_proof(staff(request))
    notices.success(request, messages.PROOF_RUNS)
    return HttpResponseRedirect(reverse("admin:health"))
