"""The site with a page that breaks, for the tests of what is told of errors: `granian tests.apm_site:application`."""

from __future__ import annotations

from typing import NoReturn

from web.wsgi import application  # noqa: F401 - what granian serves, and first since it sets Django up

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
