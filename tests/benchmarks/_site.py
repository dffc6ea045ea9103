"""The production site, called without a network, so that only the work of a request is measured."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from savings.models import User
from web.urls import handler400, handler500  # noqa: F401 - Django looks for them here
from web.urls import urlpatterns as site_urls
from web.views.lab.whole_pages import naive_transactions

HOST = "savings.example.com"


def empty(request: HttpRequest) -> HttpResponse:
    """The reference for all figures: the same middleware and sign-in with an empty view."""
    return HttpResponse("")


class Answer:
    """A response: the status, the headers by lower-case name, and the body."""

    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = int(status.split(maxsplit=1)[0])
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body


class Browser:
    """A signed-in user with a session and a CSRF cookie who calls the WSGI application directly."""

    token = "t" * 32

    def __init__(self, user: User, application: WSGIHandler) -> None:
        self.application = application
        self.cookies = {
            settings.SESSION_COOKIE_NAME: _session(user).session_key or "",
            settings.CSRF_COOKIE_NAME: self.token,
        }

    def get(self, address: str, **headers: str) -> Answer:
        return self._ask("GET", address, b"", headers)

    def post(self, address: str, fields: dict[str, str], **headers: str) -> Answer:
        body = urlencode(fields | {"csrfmiddlewaretoken": self.token}).encode()
        headers |= {"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body))}
        return self._ask("POST", address, body, headers | {"HTTP_ORIGIN": f"https://{HOST}"})

    def getting(self, address: str, status: int = 200, **headers: str) -> Callable[[], Answer]:
        """Return a function that requests a page; any other status is an error."""

        def page() -> Answer:
            answer = self.get(address, **headers)
            assert answer.status == status, f"{address} answered {answer.status}"
            return answer

        return page

    def _ask(self, method: str, address: str, body: bytes, headers: dict[str, str]) -> Answer:
        place, _, query = address.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": place,
            "QUERY_STRING": query,
            "SERVER_NAME": HOST,
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": HOST,
            "HTTP_X_FORWARDED_PROTO": "https",
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "HTTP_ACCEPT": "text/html",
            "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "wsgi.url_scheme": "https",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": None,
        } | headers
        begun: list[Any] = []
        start: Any = lambda *words: begun.extend(words)  # noqa: E731
        response = self.application(environ, start)
        content = b"".join(response)
        response.close()
        return Answer(begun[0], begun[1], content)


def application() -> WSGIHandler:
    """Return the application with the empty view and the lab's naive page in its site map."""
    settings.ROOT_URLCONF = __name__
    return WSGIHandler()


def _session(user: User) -> SessionBase:
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session


# Next to the dashboard, because resolving a URL takes longer the further down it is in the list.
_place = [str(pattern) for pattern in site_urls].index(
    "<URLResolver <URLPattern list> (dashboard:dashboard) 'dashboard/'>"
)
# The lab exists in development only, and production is measured.
_lab = [path("", empty, name="home"), path("naive/", naive_transactions, name="naive_transactions")]
urlpatterns = [
    *site_urls[:_place],
    path("bench/empty/", empty),
    path("bench/lab/", include((_lab, "lab"))),
    *site_urls[_place:],
]
