"""Answers health checks and Prometheus before the checks that they cannot pass: host, HTTPS, session, sign-in."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import resolve, reverse

_NAMES = ("healthz", "readyz", "metrics")


class HealthMiddleware:
    """Lets a load balancer, a container engine or Prometheus ask by IP address, over plain HTTP, with any cookie.

    Comes right after the middleware that counts and logs requests, so a probe needs neither the database nor Redis.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        paths = [reverse(name, urlconf="web.urls") for name in _NAMES]
        # With and without the final slash: a probe follows no redirect.
        self.paths = {asked: path for path in paths for asked in (path, path.rstrip("/"))}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = self.paths.get(request.path_info)
        if path is None:
            return self.get_response(request)
        request.resolver_match = match = resolve(path)
        response: HttpResponseBase = match.func(request)
        return response
