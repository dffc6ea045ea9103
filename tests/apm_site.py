"""The site with a page that fails, for tests of error reports: `granian tests.apm_site:application`."""

from __future__ import annotations

from typing import NoReturn

from web.wsgi import application  # noqa: F401 - granian serves it; first, because it sets up Django

# isort: split

from django.conf import settings
from django.urls import path

from web.http import SaverRequest
from web.urls import handler400, handler500  # noqa: F401 - Django looks for them here
from web.urls import urlpatterns as site_urls


def breaks(request: SaverRequest, reference: str) -> NoReturn:
    try:
        raise ValueError(f"{request.user.name} has no such thing")
    except ValueError as error:
        raise RuntimeError(f"{request.user.email} cannot see {reference}") from error


urlpatterns = [*site_urls, path("breaks/<str:reference>/", breaks)]
settings.ROOT_URLCONF = __name__
