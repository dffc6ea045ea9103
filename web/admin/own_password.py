"""The page on which staff change their own password. allauth's page for everyone receives the form."""

from __future__ import annotations

from allauth.account import app_settings
from allauth.account.forms import ChangePasswordForm
from allauth.utils import get_form_class
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from web.staff_site import render_page, staff


@require_safe
def password_change(request: HttpRequest) -> HttpResponse:
    """Show the form. It is sent to the page for everyone, which sends a mail and ends the other sessions."""
    user = staff(request)
    if not user.has_usable_password():
        return HttpResponseRedirect(reverse("account_set_password"))
    form = get_form_class(app_settings.FORMS, "change_password", ChangePasswordForm)(user=user)
    return render_page(request, "own_password.html", title="Change your password", form=form)
