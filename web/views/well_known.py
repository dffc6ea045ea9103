"""Well-known URLs: the security contact, and the page to change a password."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

# RFC 9116 asks for less than a year. The contact is read from the settings each time, so it is current.
_GOOD_FOR = datetime.timedelta(days=180)


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """The security contact (RFC 9116); 404 if the operator has set none."""
    if not settings.SECURITY_CONTACTS:
        raise Http404
    today = timezone.now().astimezone(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        *(f"Contact: {contact}" for contact in settings.SECURITY_CONTACTS),
        f"Expires: {(today + _GOOD_FOR).strftime('%Y-%m-%dT%H:%M:%SZ')}",
        f"Canonical: {settings.SITE_URL}{reverse('security_txt')}",
        "Preferred-Languages: en",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def change_password(request: HttpRequest) -> HttpResponseRedirect:
    """The URL that password managers open to change a password."""
    return HttpResponseRedirect(reverse("account_change_password"))
