"""The doctor for staff: a button that examines the installation, and what is wrong with it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from web import doctor as checks
from web.staff_site import render_page, staff_page


@staff_page("doctor/", name="doctor", permission="savings.view_installation")
@require_http_methods(["GET", "HEAD", "POST"])
def doctor(request: HttpRequest) -> HttpResponse:
    """Explain the examination, and carry it out after the button: it asks other services and takes some seconds."""
    is_examined = request.method == "POST"
    return render_page(
        request,
        "doctor.html",
        title="Doctor",
        is_examined=is_examined,
        findings=checks.examine(checks.seen(request)) if is_examined else [],
        is_development=checks.is_development(),
    )
