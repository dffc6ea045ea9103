"""The site with a page that shows what the proxy sent: `granian tests.deploy.site:application`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from web.wsgi import application as site


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer `/seen/` with the headers of the request as JSON, and everything else like the site."""
    if environ["PATH_INFO"] != "/seen/":
        return site(environ, start_response)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({name: value for name, value in environ.items() if name.startswith("HTTP_")}).encode()]
